import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Row } from '../../bench/rounds.js';
import { coloured, figure, paintFor, plain, renderRows, renderVerdicts } from '../../bench/table.js';

const row = (subject: string, metric: string, unit: string, middle: number, live?: number): Row => ({
  bench: 'supervision',
  subject,
  metric,
  unit,
  median: middle,
  p25: middle / 2,
  p75: middle * 2,
  ...(live === undefined ? {} : { live }),
});

describe('figures', () => {
  test.each([
    [0, '0'],
    [0.0001, '0'],
    [0.4321, '0.432'],
    [1.234, '1.23'],
    [12.34, '12.3'],
    [99.97, '100'],
    [1234.5, '1 235'],
    [1_234_567, '1 234 567'],
    [-2.5, '-2.50'],
    [Number.NaN, '–'],
  ])('%d reads %s', (value, text) => {
    expect(figure(value)).toBe(text);
  });
});

describe('the table', () => {
  test('has a block per metric, a line per subject and a column per number of live children', () => {
    const rows = [
      row('promise', 'task', 'µs', 0.4, 1),
      row('espalier', 'task', 'µs', 24, 1),
      row('espalier', 'task', 'µs', 32, 100_000),
      row('espalier', 'kept', 'bytes', 0),
    ];
    expect(renderRows(rows, plain).split('\n')).toEqual([
      'task, µs',
      '                           1 live          100 000 live',
      'promise    0.400 [0.200 to 0.800]                     –',
      'espalier      24.0 [12.0 to 48.0]   32.0 [16.0 to 64.0]',
      '',
      'kept, bytes',
      'espalier   0 [0 to 0]',
    ]);
  });

  test('says of each limit whether it was met, with its figure', () => {
    const limit = { what: 'stop of all', unit: 'ms', atMost: 1_000, figure: () => undefined };
    const verdicts = [
      { limit, figure: 400, holds: true },
      { limit: { ...limit, what: 'kept', unit: 'bytes', atLeast: -8, atMost: 8 }, figure: 9, holds: false },
      { limit, figure: undefined, holds: false },
    ];
    expect(renderVerdicts(verdicts, plain).split('\n')).toEqual([
      'met     stop of all: 400 ms (at most 1 000 ms)',
      'MISSED  kept: 9.00 bytes (-8.00 to 8.00 bytes)',
      'MISSED  stop of all: not measured (at most 1 000 ms)',
    ]);
  });

  test('is coloured on a terminal only, and never with NO_COLOR', () => {
    expect(paintFor({ isTTY: true }, {})).toBe(coloured);
    expect(paintFor({ isTTY: true }, { NO_COLOR: '1' })).toBe(plain);
    expect(paintFor({}, {})).toBe(plain);
    expect(paintFor({ isTTY: true }, { NO_COLOR: '' })).toBe(coloured);
  });

  test('takes the same room with colour and without', () => {
    const rows = [row('espalier', 'task', 'µs', 24, 1)];
    const painted = renderRows(rows, coloured);
    expect(painted).toContain('\u001b[');
    expect(stripVTControlCharacters(painted)).toBe(renderRows(rows, plain));
  });
});
