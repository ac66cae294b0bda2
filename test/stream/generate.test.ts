/** streamGenerateContent and generateContent over made-up answers, whole and cut: the same events each time, and failures as what they are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generateContent, streamGenerateContent, type GenerateOutcome } from '../../src/stream/generate.js';
import type { GenerateEvent } from '../../src/stream/generate-body.js';

const fixture = (name: string): Buffer => readFileSync(join(import.meta.dirname, '../fixtures/generate-content', name));
const request = { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] };

/** Where to cut a body: every so many bytes; between each CR and its LF; inside each character of several bytes. */
const cuts: Readonly<Record<string, (bytes: Uint8Array) => readonly number[]>> = {
  whole: () => [],
  'every byte': (bytes) => [...bytes.keys()],
  'every 7 bytes': (bytes) => [...bytes.keys()].filter((at) => at % 7 === 0),
  'every 97 bytes': (bytes) => [...bytes.keys()].filter((at) => at % 97 === 0),
  'between CR and LF': (bytes) => [...bytes.keys()].filter((at) => bytes[at - 1] === 13 && bytes[at] === 10),
  'inside characters': (bytes) => [...bytes.keys()].filter((at) => ((bytes[at] ?? 0) & 0xc0) === 0x80),
};

function bodyOf(bytes: Uint8Array, at: readonly number[]): ReadableStream<Uint8Array> {
  const edges = [0, ...at.filter((edge) => edge > 0), bytes.length];
  let index = 0;
  return new ReadableStream({
    pull: (controller) => {
      const [from = 0, to] = [edges[index], edges[++index]];
      if (to === undefined) controller.close();
      else if (to > from) controller.enqueue(bytes.slice(from, to));
    },
  });
}

interface Played {
  readonly events: readonly GenerateEvent[];
  readonly outcome: GenerateOutcome;
}

async function play(bytes: Uint8Array, cut = 'whole', { status = 200, type = 'text/event-stream' } = {}): Promise<Played> {
  const body = bodyOf(bytes, cuts[cut]?.(bytes) ?? []);
  const fetch = (() => Promise.resolve(new Response(body, { status, headers: { 'content-type': type } }))) as typeof globalThis.fetch;
  const stream = streamGenerateContent({ apiKey: 'a-key', model: 'gemini-x', request, fetch, retry: { attempts: 1 } });
  const events: GenerateEvent[] = [];
  try {
    for await (const event of stream) events.push(event);
  } catch {
    // The outcome says it.
  }
  return { events, outcome: await stream.ended() };
}

const good = ['story.crlf.txt', 'story.lf.txt', 'thoughts-and-call.txt', 'partial-calls.txt', 'no-last-line.txt', 'list.json'];
const bad: readonly (readonly [name: string, failure: object, texts: string])[] = [
  ['error-bare.txt', { kind: 'serverError', code: 499, status: 'CANCELLED', message: 'The operation was cancelled.' }, 'One two'],
  ['error-bare-minified.txt', { kind: 'serverError', code: 499, status: 'CANCELLED' }, 'One '],
  ['error-framed.txt', { kind: 'serverError', code: 499, status: 'CANCELLED', details: [{ detail: 'cut' }] }, 'One '],
  ['error-only.txt', { kind: 'serverError', code: 400, status: 'INVALID_ARGUMENT' }, ''],
  ['blocked.txt', { kind: 'blocked', code: 'NEVER_HEARD_OF', message: 'no' }, ''],
  ['safety.txt', { kind: 'finish', code: 'SAFETY', message: 'not this' }, 'Well, '],
  ['unheard-of-finish.txt', { kind: 'finish', code: 'NEVER_HEARD_OF' }, 'Well'],
  ['no-finish.txt', { kind: 'truncated', code: 'noFinishReason' }, 'Well, and'],
  ['cut-inside.txt', { kind: 'truncated', code: 'truncated' }, 'Well, '],
];

const textsOf = ({ events }: Played): string => events.map((event) => (event.type === 'text' && !event.thought ? event.text : '')).join('');

describe('an answer', () => {
  it.each(good.flatMap((name) => Object.keys(cuts).map((cut) => [name, cut])))('%s is the same, cut: %s', async (name, cut) => {
    const whole = await play(fixture(name));
    expect(whole.outcome.ok).toBe(true);
    expect(await play(fixture(name), cut)).toEqual(whole);
  });

  it('has its text and all that came with it', async () => {
    for (const name of ['story.crlf.txt', 'story.lf.txt']) {
      const played = await play(fixture(name));
      expect(textsOf(played)).toBe('Grüße, Oslo 🌧️!');
      expect(played.events.filter(({ type }) => type === 'chunk')).toHaveLength(3);
      expect(played.outcome).toMatchObject({
        ok: true,
        answer: {
          content: { role: 'model', parts: [{ text: 'Grüße, Oslo 🌧️!' }] },
          text: 'Grüße, Oslo 🌧️!',
          finishReason: 'STOP',
          next: 'nothing',
          usageMetadata: { totalTokenCount: 13 },
          modelVersion: 'gemini-x',
          responseId: 'r1',
          metadata: { citationMetadata: { citations: [{ uri: 'https://example.test/a' }] } },
        },
      });
    }
  });

  it('keeps thoughts, calls and signatures on the parts that they came with', async () => {
    const { events, outcome } = await play(fixture('thoughts-and-call.txt'));
    expect(outcome).toMatchObject({
      ok: true,
      answer: {
        text: 'Let me look. ',
        next: 'calls',
        calls: [
          { id: 'c1', name: 'weather', args: { city: 'Oslo' } },
          { id: 'c2', name: 'time', args: {} },
        ],
      },
    });
    expect(outcome.ok && outcome.answer.content.parts).toEqual([
      { text: 'The user wants the weather.', thought: true },
      { text: 'Let me look. ' },
      { functionCall: { id: 'c1', name: 'weather', args: { city: 'Oslo' } }, thoughtSignature: 'c2lnLTE=' },
      { functionCall: { id: 'c2', name: 'time', args: {} } },
      { text: '', thoughtSignature: 'c2lnLWxhdGU=' },
    ]);
    expect(events.filter(({ type }) => type === 'call')).toHaveLength(2);
  });

  it('puts calls together whose arguments come in parts, also without their last piece', async () => {
    const { events, outcome } = await play(fixture('partial-calls.txt'));
    const first = { items: [{ name: 'apple', count: 2 }], 'a.b': false, note: null };
    const second = { items: [{ name: 'pear' }] };
    expect(outcome.ok && outcome.answer.content.parts).toEqual([
      { functionCall: { name: 'order', args: first }, thoughtSignature: 'c2lnLTI=' },
      { functionCall: { name: 'order', args: second } },
    ]);
    expect(events.flatMap((event) => (event.type === 'call' ? [event.call] : []))).toEqual([
      { name: 'order', args: first },
      { name: 'order', args: second },
    ]);
    expect(events.flatMap((event) => (event.type === 'callPart' ? [event.key] : []))).toEqual([0, 0, 0, 0, 0, 1, 1]);
  });

  it('takes an argument called `__proto__` for an argument, also of a call that comes in parts', async () => {
    const call = (functionCall: string, more = ''): string =>
      `data: {"candidates":[{"content":{"parts":[{"functionCall":${functionCall}}]}${more}}]}\n\n`;
    const body = call('{"name":"f","args":{"__proto__":{"admin":true}},"willContinue":true}') + call('{}', ',"finishReason":"STOP"');
    const { outcome } = await play(Buffer.from(body));
    const [made] = outcome.ok ? outcome.answer.calls : [];
    expect([JSON.stringify(made?.args), made?.args['admin']]).toEqual(['{"__proto__":{"admin":true}}', undefined]);
  });

  it('is one where the server writes a list of JSON', async () => {
    const played = await play(fixture('list.json'), 'every 7 bytes', { type: 'application/json; charset=UTF-8' });
    expect(textsOf(played)).toBe('Grüße, Oslo');
    expect(played.outcome.ok).toBe(true);
  });

  it('that is to be continued says so; one that is cut short by its limit is an end', async () => {
    const ended = (finishReason: string): Uint8Array =>
      new TextEncoder().encode(`data: {"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"${finishReason}"}]}\n\n`);
    expect((await play(ended('CONTINUATION'))).outcome).toMatchObject({ ok: true, answer: { next: 'continue' } });
    expect((await play(ended('MAX_TOKENS'))).outcome).toMatchObject({ ok: true, answer: { next: 'nothing', finishReason: 'MAX_TOKENS' } });
  });
});

describe('a failure', () => {
  it.each(bad.flatMap(([name, failure, texts]) => Object.keys(cuts).map((cut) => [name, cut, failure, texts] as const)))(
    '%s is the same, cut: %s',
    async (name, cut, failure, texts) => {
      const played = await play(fixture(name), cut);
      expect(played.outcome).toMatchObject({ ok: false, failure });
      expect(textsOf(played)).toBe(texts);
    },
  );

  it('as the body of an HTTP answer has its code, whatever the type of the body', async () => {
    for (const type of ['application/json', 'text/event-stream', 'text/html']) {
      const played = await play(fixture('error-only.txt'), 'every 7 bytes', { status: 400, type });
      expect(played.outcome).toMatchObject({ ok: false, failure: { kind: 'refused', code: 400, status: 'INVALID_ARGUMENT' } });
    }
  });

  it('is what is no JSON, and what is no response', async () => {
    const framed = (data: string): Uint8Array => new TextEncoder().encode(`data: ${data}\n\n`);
    expect((await play(framed('oops'))).outcome).toMatchObject({ ok: false, failure: { kind: 'malformed', code: 'notJson' } });
    expect((await play(framed('{"candidates":[{"content":{"parts":"x"}}]}'))).outcome).toMatchObject({
      failure: { kind: 'malformed', code: 'shape' },
    });
    const open =
      '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$.a","stringValue":"x","willContinue":true}],"willContinue":true}}]},"finishReason":"STOP"}]}';
    expect((await play(framed(open))).outcome).toMatchObject({ ok: false, failure: { kind: 'malformed', code: 'partialArgs' } });
    for (const jsonPath of ['$', 'a', '$.a[9]', '$.__proto__[0]', '$.a..b']) {
      const piece = open.replace('"$.a"', JSON.stringify(jsonPath)).replace(',"willContinue":true}]', '}]');
      const { outcome } = await play(framed(piece));
      if (jsonPath === '$.__proto__[0]') expect(outcome).toMatchObject({ ok: true });
      else expect(outcome).toMatchObject({ ok: false, failure: { code: 'partialArgs' } });
      expect(({} as Record<string, unknown>)['0']).toBeUndefined();
    }
  });

  it('passes over lines that are no fields, as the protocol has it', async () => {
    const text = 'hello there\n{not json\ndata: {"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}\n\ndata: [DONE]\n\n';
    expect((await play(new TextEncoder().encode(text), 'every 7 bytes')).outcome).toMatchObject({ ok: true });
  });
});

describe('generateContent', () => {
  const whole = (text: string, status = 200, retry = { attempts: 1 }): Promise<GenerateOutcome> => {
    const fetch = (() => Promise.resolve(new Response(text, { status, headers: { 'content-type': 'application/json' } }))) as typeof globalThis.fetch;
    return generateContent({ apiKey: 'a-key', model: 'gemini-x', request, fetch, retry });
  };

  it('has the same outcome by one answer', async () => {
    const answer = '{"candidates":[{"content":{"role":"model","parts":[{"text":"Hi"}]},"finishReason":"STOP"}]}';
    expect(await whole(answer)).toMatchObject({ ok: true, answer: { text: 'Hi' } });
    expect(await whole('{"error":{"code":404,"message":"no such model","status":"NOT_FOUND"}}', 404)).toMatchObject({
      ok: false,
      failure: { kind: 'refused', code: 404, status: 'NOT_FOUND', message: 'no such model' },
    });
  });

  it('takes content without a finishReason for an answer, since nothing can be missing; and no content for none', async () => {
    expect(await whole('{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}')).toMatchObject({ ok: true, answer: { finishReason: null } });
    expect(await whole('{"candidates":[{"content":{"odd":true}}]}')).toMatchObject({ ok: false, failure: { kind: 'malformed', code: 'noContent' } });
    expect(await whole('{"this":[{"is":"none"}]}')).toMatchObject({ ok: false, failure: { kind: 'malformed', code: 'noCandidate' } });
    expect(await whole('')).toMatchObject({ ok: false, failure: { kind: 'truncated' } });
    expect(await whole('{"candidates":[')).toMatchObject({ ok: false, failure: { kind: 'truncated' } });
  });
});
