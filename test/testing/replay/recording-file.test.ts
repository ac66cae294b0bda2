/** A file that is no recording, or not a whole one, is refused with the line at which it stops being one. */
import { createActor } from 'xstate';
import { describe, expect, it } from 'vitest';
import { EspalierError } from '../../../src/errors.js';
import { parseRecording, type ParseOptions } from '../../../src/wire/recording/parse.js';
import { record } from '../../../src/testing/replay/recorder.js';
import { till } from './till.js';

const text = day();
const rows = text.trimEnd().split('\n');

function day(): string {
  const recorder = record();
  const actor = createActor(till(), { id: 'till', inspect: recorder.inspect, input: {} }).start();
  for (const price of [1, 2, 3]) actor.send({ type: 'scan', price });
  actor.stop();
  return recorder.recording();
}

/** What is said of a text. */
function refusal(wrong: string, options?: ParseOptions): string {
  try {
    parseRecording(wrong, options);
  } catch (error) {
    expect(error).toBeInstanceOf(EspalierError);
    expect((error as EspalierError).code).toBe('recording/invalid-file');
    return (error as EspalierError).message;
  }
  return 'none';
}

/** The text with one row (counted from 1, as in messages) replaced. */
function withRow(number: number, change: (row: string) => string): string {
  return rows.map((row, index) => (index === number - 1 ? change(row) : row)).join('\n');
}

describe('a recording that is read', () => {
  it('is what was written', () => {
    const { head, lines, cut } = parseRecording(text);
    expect(head).toMatchObject({ type: 'recording', v: 2 });
    expect(cut).toBeNull();
    expect(lines.map((line) => JSON.stringify(line))).toEqual(rows.slice(1, -1));
  });

  it('may have been through an editor of Windows', () => {
    expect(parseRecording(text.replaceAll('\n', '\r\n'))).toEqual(parseRecording(text));
  });
});

describe('a recording that was cut off', () => {
  it('is refused wherever the cut is, with the line of the cut', () => {
    for (let length = 0; length < text.length - 1; length++) {
      const cut = text.slice(0, length);
      const line = Math.max(1, cut.split('\n').length);
      expect(refusal(cut), `after ${length} characters`).toMatch(new RegExp(`^recording/invalid-file: expected line (${line}|${line + 1}): `));
    }
    expect(refusal(text.slice(0, -1))).toBe('none');
  });

  it('can be read all the same, as far as it is whole', () => {
    const killed = rows.slice(0, 6).join('\n') + rows[6]?.slice(0, 20);
    const half = `${rows.slice(0, 6).join('\n')}\n${rows[6]?.slice(0, 20)}`;
    expect(parseRecording(half, { allowUnfinished: true })).toMatchObject({ lines: { length: 5 }, cut: { why: 'the file was not ended' } });
    expect(refusal(half)).toContain('line 7: one JSON object');
    expect(refusal(`${killed}\n${rows[7]}`, { allowUnfinished: true })).toContain('line 6: one JSON object');
  });
});

describe('a recording that is not one', () => {
  it.each<[string, string, string]>([
    ['nothing', '', 'line 1: a recording: {"type":"recording","v":2,…}, got: ""'],
    ['another file', 'hello\nworld\n', 'line 1: a recording: {"type":"recording","v":2,…}, got: "hello"'],
    [
      'another version',
      withRow(1, (row) => row.replace('"v":2', '"v":1')),
      'line 1: version 2 of the format, the one that this release reads: record it again, got: 1',
    ],
    ['a head with more', withRow(1, (row) => row.replace('{', '{"more":1,')), 'line 1: what a recording holds (the line: Unrecognized key: "more")'],
    [
      'a head with half an expression',
      withRow(1, () => '{"type":"recording","v":2,"secret":"(","contexts":"whole"}'),
      'line 1: `secret` to be a regular expression',
    ],
    ['a line of another kind', withRow(4, () => '{"type":"xyz"}'), 'line 4: what a recording holds (type:'],
    ['no JSON', withRow(4, (row) => row.slice(1)), 'line 4: one JSON object'],
    ['an empty line', withRow(4, (row) => `\n${row}`), 'line 4: one JSON object'],
    ['a line less', rows.toSpliced(3, 1).join('\n'), 'line 4: seq 3: a line is missing or was moved, got: 4'],
    ['a line twice', rows.toSpliced(3, 0, rows[3] ?? '').join('\n'), 'line 5: seq 4: a line is missing or was moved, got: 3'],
    ['a status that nobody has', withRow(3, (row) => row.replace('"active"', '"asleep"')), 'line 3: what a recording holds (state.status:'],
    ['an actor twice', withRow(4, () => (rows[2] ?? '').replace('"seq":2', '"seq":3')), "line 4: one start of 'till'"],
    ['a machine twice', withRow(3, () => (rows[1] ?? '').replace('"seq":1', '"seq":2')), "line 3: one line of the machine 'till'"],
    [
      'a machine that nobody told',
      withRow(3, (row) => row.replace('"machine":"till"', '"machine":"tell"')),
      'line 3: a machine that a line before has told',
    ],
    ['an end of a stranger', withRow(rows.length - 1, (row) => row.replace('"till"', '"stranger"')), `line ${rows.length - 1}: the end of an actor`],
    [
      'a patch where contexts are whole',
      withRow(5, (row) => row.replace('"state":{', '"state":{"patch":[],')),
      'line 5: `patch` in place of `context`',
    ],
    ['a machine without a state', withRow(3, (row) => row.replace(/"state":\{.*\}/, '"systemId":"x"}')), 'line 3: `state` for a machine'],
    [
      'a transition of a stranger',
      withRow(5, (row) => row.replace('"till"', '"stranger"')),
      'line 5: a transition of a machine that a line before has started',
    ],
    [
      'an event that was never sent',
      withRow(7, (row) => row.replace('"event":5', '"event":4')),
      "line 7: `event` to be the seq of a line before, an event to 'till'",
    ],
    [
      'a wrong count',
      withRow(rows.length, (row) => row.replace(/"lines":\d+/, '"lines":3')),
      `line ${rows.length}: 3 lines between the first and the last`,
    ],
    ['more after the end', `${text}${rows[1]}`, `line ${rows.length + 1}: nothing after the line of type "end"`],
    ...[
      '{"$bigint":"abc"}',
      '{"$map":5}',
      '{"$map":[[1]]}',
      '{"$date":"when?"}',
      '{"$new":1}',
      '{"$actor":"a","more":1}',
      '{"a":1,"$actor":"b"}',
      '{"$error":{}}',
      '{"$set":[{"$number":"5"}]}',
      '{"$object":5}',
    ].map((value): [string, string, string] => [
      `a value that no recorder writes: ${value}`,
      withRow(6, (row) => row.replace('"price":1', `"price":${value}`)),
      'line 6: what a recording holds (event: no value that a recorder writes)',
    ]),
    [
      'values without a bottom',
      withRow(6, (row) => row.replace('"price":1', `"price":${'['.repeat(5_000)}${']'.repeat(5_000)}`)),
      'line 6: values at most 256 deep',
    ],
  ])('%s', (_, wrong, says) => {
    expect(refusal(wrong)).toContain(`expected ${says}`);
  });

  it('a file that is too big, at the line where it becomes so', () => {
    const maxBytes = Buffer.byteLength(text.split('\n').slice(0, 7).join('\n')) - 1;
    expect(refusal(text, { maxBytes })).toMatch(new RegExp(`line 7: at most ${maxBytes} bytes up to here \\(\`maxBytes\`\\), got: \\d{4}`));
    // What a recorder writes by default, 256 MiB, is read by default.
    expect(refusal('x'.repeat(65 * 1024 * 1024))).toContain('line 1: a recording');
  });

  it('what is no text', () => {
    expect(refusal(5 as never)).toContain('line 1: the text of a recording, got: "number"');
    expect(() => parseRecording(text, { maxByte: 1 } as never)).toThrow(/recording\/invalid-options: .*got: "maxByte"/);
  });
});
