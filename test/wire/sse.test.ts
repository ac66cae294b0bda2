/** Our SSE layer beside its parser, the oracle: the same events, whatever the bytes and their cuts. And what is ours alone: bounds, ends, stray lines. */
import { createParser } from 'eventsource-parser';
import { assert, array, constantFrom, integer, oneof, property, string, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultSseLimits, isWholeJson, type SseEnd, type SseFault, type SseLimits, sseDecoder } from '../../src/wire/sse.js';

interface Heard {
  readonly events: { event?: string | undefined; id?: string | undefined; data: string }[];
  readonly strays: string[];
  readonly retries: number[];
  readonly fault: SseFault | null;
  readonly end: SseEnd | null;
}

/** Reads bytes, cut where `sizes` says, again and again. */
function read(bytes: Uint8Array, sizes: readonly number[] = [Number.MAX_SAFE_INTEGER], limits: SseLimits = defaultSseLimits): Heard {
  const heard = { events: [] as Heard['events'], strays: [] as string[], retries: [] as number[] };
  const decoder = sseDecoder(
    { event: (event) => heard.events.push(event), stray: (line) => heard.strays.push(line), retry: (ms) => heard.retries.push(ms) },
    limits,
  );
  let fault: SseFault | null = null;
  for (let at = 0, turn = 0; at < bytes.length && fault === null; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    fault = decoder.feed(bytes.subarray(at, at + size));
    at += size;
  }
  return { ...heard, fault, end: fault === null ? decoder.end() : null };
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const dataOf = ({ events }: Heard): string[] => events.map(({ data }) => data);

/** What the parser makes of all of it at once; a last CR is an end of a line, as the specification has it. */
function oracle(bytes: Uint8Array): Pick<Heard, 'events' | 'retries'> {
  const events: Heard['events'] = [];
  const retries: number[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event), onRetry: (ms) => retries.push(ms) });
  const text = new TextDecoder().decode(bytes);
  parser.feed('');
  parser.feed(text);
  if (text.endsWith('\r')) parser.feed('\n');
  return { events, retries };
}

/** Bytes that look like events, and bytes that do not. */
const wireText = array(
  constantFrom(
    'data',
    'data: ',
    'event: ',
    'id: ',
    'retry: 10',
    ': note',
    'x',
    'é',
    '😀',
    '{"a":1}',
    ' ',
    ':',
    '\n',
    '\r',
    '\r\n',
    '\n\n',
    '\r\n\r\n',
    '\0',
    '﻿',
  ),
  { maxLength: 40 },
).map((pieces) => bytesOf(pieces.join('')));
const wireBytes = oneof(wireText, uint8Array({ maxLength: 60 }), string({ maxLength: 40 }).map(bytesOf));
const cuts = array(integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 });

describe('server-sent events, beside their parser', () => {
  it('are the same, whatever the bytes, and wherever they are cut', () => {
    assert(
      property(wireBytes, cuts, (bytes, sizes) => {
        const { events, retries } = read(bytes, sizes);
        expect({ events, retries }).toEqual(oracle(bytes));
      }),
      { numRuns: 3_000, seed: 5 },
    );
  });

  it('are the same with limits that nothing exceeds', () => {
    assert(
      property(wireBytes, cuts, (bytes, sizes) => {
        const limits = { maxLineLength: 200, maxEventLength: 200 };
        expect(read(bytes, sizes, limits)).toEqual(read(bytes, [Number.MAX_SAFE_INTEGER], limits));
      }),
      { numRuns: 1_000, seed: 6 },
    );
  });

  it('and what exceeds a limit is the same wherever it is cut, with the same events before it', () => {
    assert(
      property(wireBytes, cuts, integer({ min: 1, max: 12 }), integer({ min: 1, max: 12 }), (bytes, sizes, maxLineLength, maxEventLength) => {
        const limits = { maxLineLength, maxEventLength };
        const verdict = ({ end, events, fault }: Heard): unknown => ({ events, fault: fault ?? end?.fault, unfinished: end?.unfinished ?? null });
        expect(verdict(read(bytes, sizes, limits))).toEqual(verdict(read(bytes, [Number.MAX_SAFE_INTEGER], limits)));
      }),
      { numRuns: 3_000, seed: 7 },
    );
  });
});

describe('an event', () => {
  it.each([
    ['LF', 'data: a\n\ndata: b\n\n'],
    ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n'],
    ['CR', 'data: a\r\rdata: b\r\r'],
    ['each of them', 'data: a\n\r\ndata: b\r\n\r'],
  ])('ends with a blank line, by %s', (_, text) => {
    for (const size of [1, 2, 3, 7, 97]) expect(dataOf(read(bytesOf(text), [size]))).toEqual(['a', 'b']);
  });

  it('has its name, its id, and all its lines of data', () => {
    const { events } = read(bytesOf(': a comment\nevent: step\nid: 7\ndata: one\ndata:two\ndata\n\n'));
    expect(events).toEqual([{ event: 'step', id: '7', data: 'one\ntwo\n' }]);
  });

  it('is whole when a character is cut, and when a byte order mark stands before it', () => {
    const bytes = bytesOf('﻿data: 😀é\n\n');
    for (const size of [1, 2, 3]) expect(dataOf(read(bytes, [size]))).toEqual(['😀é']);
  });

  it('tells of the time to wait before the next connection', () => {
    expect(read(bytesOf('retry: 250\n\nretry: soon\n\n')).retries).toEqual([250]);
  });
});

describe('bytes that end', () => {
  it.each([
    ['after its line', 'data: a\n\ndata: half\n'],
    ['inside its line', 'data: a\n\ndata: half'],
    ['after one CR', 'data: a\r\rdata: half\r'],
  ])('within an event leave it unfinished: %s', (_, text) => {
    for (const size of [1, 97]) {
      const heard = read(bytesOf(text), [size]);
      expect(dataOf(heard)).toEqual(['a']);
      expect(heard.end).toMatchObject({ fault: null, unfinished: { data: 'half' } });
    }
  });

  it('after an event leave nothing', () => {
    for (const text of ['data: a\n\n', 'data: a\n\n: comment', 'data: a\r\r', ''])
      expect(read(bytesOf(text)).end).toEqual({ fault: null, unfinished: null });
  });

  it('inside a character leave what can be shown of it', () => {
    const bytes = bytesOf('data: é').subarray(0, 7);
    expect(read(bytes).end?.unfinished?.data).toBe('�');
  });
});

describe('a limit', () => {
  const limits: SseLimits = { maxLineLength: 20, maxEventLength: 10 };

  it('of a line is told as soon as it is exceeded, and keeps no more', () => {
    const decoder = sseDecoder({ event: () => undefined }, limits);
    const chunk = bytesOf('x'.repeat(10));
    expect(decoder.feed(chunk)).toBeNull();
    expect(decoder.feed(chunk)).toBeNull();
    expect(decoder.feed(chunk)).toEqual({ code: 'lineTooLong', limit: 20 });
    expect(decoder.feed(chunk)).toEqual({ code: 'lineTooLong', limit: 20 });
    expect(decoder.end()).toEqual({ fault: { code: 'lineTooLong', limit: 20 }, unfinished: null });
  });

  it('of an event counts all its lines', () => {
    const text = 'data: 12345\ndata: 6789\n\ndata: 12345\ndata: 67890\n\ndata: late\n\n';
    for (const size of [1, 7, 97]) {
      const heard = read(bytesOf(text), [size], limits);
      expect(dataOf(heard)).toEqual(['12345\n6789']);
      expect(heard.fault ?? heard.end?.fault).toEqual({ code: 'eventTooLong', limit: 10 });
    }
  });

  it('of a line and one of an event are told in order of the bytes', () => {
    const text = `data: a\n\ndata: ${'b'.repeat(30)}\n\n`;
    for (const size of [1, 7, 97]) {
      const heard = read(bytesOf(text), [size], limits);
      expect(dataOf(heard)).toEqual(['a']);
      expect(heard.fault).toEqual({ code: 'lineTooLong', limit: 20 });
    }
  });
});

describe('a line that is no field', () => {
  it('is handed over, and disturbs no event', () => {
    const heard = read(bytesOf('data: a\n\n{\n  "error": 1\n}\ndata: b\n\n'), [1]);
    expect(heard.strays).toEqual(['{', '  "error": 1', '}']);
    expect(dataOf(heard)).toEqual(['a', 'b']);
  });

  it('is handed over without the end of its line, too', () => {
    expect(read(bytesOf('{"error":{}}')).strays).toEqual(['{"error":{}}']);
  });
});

describe('JSON', () => {
  it('is whole as an object or a list; a number or a word may have been cut', () => {
    for (const text of ['{}', ' [1]', '{"a":"b"}']) expect(isWholeJson(text)).toBe(true);
    for (const text of ['', '12', '"a"', 'true', '{"a":', '[1', '{}}']) expect(isWholeJson(text)).toBe(false);
  });
});
