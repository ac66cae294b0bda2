import { describe, expect, test } from 'vitest';
import { right, type Verdict, wrong } from '../../bench/compare/case.js';
import type { Observation } from '../../bench/compare/facts.js';
import { type Cell, renderCase, renderScore, renderSummary } from '../../bench/compare/report.js';
import { coloured, plain } from '../../bench/table.js';
import { observed } from './observations.js';

const which = { id: 'A', title: 'A call', rule: 'it is answered' };
const cell = (subject: string, verdict: Verdict, seen: Observation = observed()): Cell => ({ subject, version: '1.0.0', verdict, seen });
const look = { paint: plain, width: Number.POSITIVE_INFINITY };

describe('the report of a case', () => {
  test('says what reached the wire, what the app saw, and after how many ms', () => {
    const good = observed({
      app: [
        ['opened', -40],
        ['toolRuns', 1.4, 'call-1'],
      ],
      wire: [
        ['setup', -50],
        ['audio', -9],
        ['audio', 2],
        ['answer call-1 {"weather":"sun"}', 12.3],
      ],
    });
    expect(renderCase(which, [cell('espalier', right('answered', 12.3), good), cell('x', wrong('the tool never ran'))], look)).toBe(
      [
        'A  A call',
        'right when it is answered',
        '',
        '  espalier  right       12 ms  answered',
        '            wire  setup · audio × 2 · answer call-1 {"weather":"sun"} +12',
        '            app   connected · tool runs call-1 +1',
        '  x         WRONG  > 4 000 ms  the tool never ran',
        '            wire  nobody connected',
        '            app   nothing',
      ].join('\n'),
    );
  });

  test('counts what is told again and again', () => {
    const seen = observed({
      app: [
        ['dropped', 4, '1'],
        ['dropped', 5, '1'],
        ['dropped', 6, '2'],
      ],
    });
    expect(renderCase(which, [cell('x', right('fine', 1), seen)], look)).toContain('app   told: dropped 1 × 2 +4 · told: dropped 2 +6');
  });

  test('keeps sockets apart', () => {
    const seen = observed({
      wire: [
        ['setup', -50],
        ['setup resuming h', 300, 2],
        ['answer call-1', 900, 2],
      ],
    });
    expect(renderCase(which, [cell('x', right('answered', 900), seen)], look)).toContain(
      'wire  socket 1: setup · socket 2: setup resuming h +300 · answer call-1 +900',
    );
  });

  test('says how a process ended', () => {
    const seen = observed({ app: [['opened', -40]], exit: 'SyntaxError: bad' });
    expect(renderCase(which, [cell('x', wrong('died', 30), seen)], look)).toContain('app   connected · its process ends: SyntaxError: bad +30');
  });

  test('breaks lines at the width of the terminal, between facts', () => {
    const seen = observed({
      app: [
        ['opened', -40],
        ['text', 1, 'one'],
        ['text', 2, 'two'],
      ],
    });
    const text = renderCase(which, [cell('x', right('fine', 1), seen)], { paint: plain, width: 40 });
    expect(text).toContain('app   connected · hears one +1 ·\n           hears two +2');
  });
});

describe('the summary', () => {
  const rows = [
    { id: 'A', cells: [cell('espalier', right('answered', 12)), cell('@google/adk', wrong('the tool never ran'))] },
    { id: 'silent-setup', cells: [cell('espalier', right('refused', 1_002)), cell('@google/adk', wrong('too late', 3_000))] },
  ];

  test('has a line for each case and a column for each subject', () => {
    expect(renderSummary(rows, look)).toBe(
      [
        '               espalier 1.0.0      @google/adk 1.0.0',
        'A              right       12 ms   WRONG  > 4 000 ms',
        'silent-setup   right    1 002 ms   WRONG    3 000 ms',
      ].join('\n'),
    );
  });

  test('stands in the same columns with colours', () => {
    // oxlint-disable-next-line no-control-regex -- the escapes are what is looked for
    expect(renderSummary(rows, { ...look, paint: coloured }).replaceAll(/\u001b\[\d+m/g, '')).toBe(renderSummary(rows, look));
  });

  test('counts who was right how often', () => {
    expect(renderScore(rows)).toBe('right: espalier 2 of 2, @google/adk 0 of 2');
  });
});
