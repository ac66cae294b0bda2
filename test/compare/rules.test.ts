/** The rules of the comparison: what each case calls right, and what wrong. */
import { describe, expect, test } from 'vitest';
import { cases } from '../../bench/compare/cases/all.js';
import { verdictOf } from '../../bench/compare/case.js';
import type { Observation } from '../../bench/compare/facts.js';
import { readScript } from '../../src/testing/gemini-server/steps.js';
import { observed } from './observations.js';

function verdict(id: string, seen: Observation) {
  const which = cases.find((one) => one.id === id);
  if (which === undefined) throw new Error(`expected a case, got: ${id}`);
  return verdictOf(which, seen);
}

const mebibyte = 1_048_576;
const flooded = (heldBytes: number, toldCount: number): Observation => ({
  ...observed(),
  facts: [{ kind: 'flooded', detail: '', atMs: 900, figures: { heldBytes, toldCount } }],
});

describe('a case', () => {
  test.each(cases.map((one) => [one.id, one] as const))('%s has a script that the server plays, with one zero', (_, { script }) => {
    expect(script.filter((step) => step === 'zero')).toHaveLength(1);
    expect(() => readScript(script.filter((step) => step !== 'zero'))).not.toThrow();
  });

  test.each(cases.map(({ id }) => id))('%s calls nobody right of whom nothing was seen, or whose process died', (id) => {
    expect(verdict(id, observed())).toMatchObject({ right: false, afterMs: null });
    expect(verdict(id, observed({ exit: 'TypeError: x is not a function' }))).toEqual({
      right: false,
      why: 'its process died: TypeError: x is not a function',
      afterMs: 30,
    });
  });

  test('is named by an id of its own', () => {
    expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
  });
});

describe('what is right', () => {
  test.each<[string, Observation, number]>([
    ['A', observed({ wire: [['answer call-1', 12]] }), 12],
    [
      'B',
      observed({
        app: [
          ['toolRuns', -300],
          ['interrupted', 5],
        ],
      }),
      5,
    ],
    [
      'B',
      observed({
        app: [
          ['toolRuns', -300],
          ['interrupted', 5],
          ['toolEnds', 1_700],
        ],
      }),
      5,
    ],
    [
      'C',
      observed({
        wire: [
          ['setup resuming handle-1', 300, 2],
          ['answer call-1', 2_005, 2],
        ],
      }),
      2_005,
    ],
    ['D', observed({ wire: [['setup resuming handle-1', 250, 2]] }), 250],
    ['D', observed({ app: [['failed', 4, '1011 Internal error']] }), 4],
    ['silent-setup', observed({ app: [['refused', 1_002, 'timeout no setupComplete']] }), 1_002],
    [
      'send-after-close',
      observed({
        app: [
          ['sent', 3, 'text: rejected closed'],
          ['sent', 3, 'audio: threw closed'],
        ],
      }),
      3,
    ],
    [
      'malformed-frame',
      observed({
        app: [
          ['malformed', 3, 'no JSON'],
          ['text', 4, 'still here'],
        ],
      }),
      3,
    ],
    ['throwing-callback', observed({ app: [['toolThrows', 2]], wire: [['answer call-1', 7]] }), 7],
    [
      'throwing-callback',
      observed({
        app: [
          ['toolThrows', 2],
          ['abandoned', 8, 'call-1 it threw'],
        ],
      }),
      8,
    ],
    [
      'cancelled-tool',
      observed({
        app: [
          ['toolRuns', -300],
          ['toolAborted', 2],
        ],
      }),
      2,
    ],
    ['stalled-peer', flooded(10 * mebibyte, 54), 900],
  ])('%s: %j', (id, seen, afterMs) => {
    expect(verdict(id, seen)).toMatchObject({ right: true, afterMs });
  });
});

describe('what is wrong', () => {
  test.each<[string, string, Observation, number | null]>([
    [
      'A',
      'the tool ran, and was not answered',
      observed({
        app: [
          ['toolRuns', 1],
          ['toolEnds', 2],
        ],
      }),
      null,
    ],
    ['A', 'the tool never ran', observed(), null],
    [
      'B',
      'the cancelled call is answered',
      observed({
        app: [
          ['toolRuns', -300],
          ['interrupted', 5],
        ],
        wire: [['answer call-1', 1_700]],
      }),
      1_700,
    ],
    [
      'B',
      '`interrupted` came when the tool had ended',
      observed({
        app: [
          ['toolRuns', -300],
          ['toolEnds', 1_700],
          ['interrupted', 1_701],
        ],
      }),
      1_701,
    ],
    ['B', 'the tool never ran', observed({ app: [['interrupted', 5]] }), null],
    ['B', '`interrupted` never came', observed({ app: [['toolRuns', -300]] }), null],
    ['C', 'not resumed, the answer is lost', observed({ wire: [['setup', -20, 1]] }), null],
    [
      'C',
      'resumed, and never answered',
      observed({
        wire: [
          ['setup', -20, 1],
          ['setup resuming handle-1', 2_010, 2],
        ],
      }),
      null,
    ],
    ['C', 'not resumed, the answer is lost', observed({ wire: [['answer call-1', 1_200, 1]] }), null],
    ['D', 'told of a normal end', observed({ app: [['ended', 5]] }), 5],
    [
      'D',
      'told of a normal end',
      observed({
        app: [
          ['failed', 4, '1011'],
          ['ended', 5],
        ],
      }),
      5,
    ],
    ['D', 'told of nothing', observed({ app: [['failed', 4, 'socket hang up']] }), null],
    ['silent-setup', 'rejected, too late', observed({ app: [['refused', 3_000, 'timeout']] }), 3_000],
    ['silent-setup', 'told of a normal end', observed({ app: [['ended', 1_000]] }), null],
    ['silent-setup', 'still pending', observed(), null],
    [
      'send-after-close',
      'taken, and lost without a word',
      observed({
        app: [
          ['sent', 3, 'text: sent'],
          ['sent', 3, 'audio: rejected closed'],
        ],
      }),
      3,
    ],
    ['send-after-close', 'never sent', observed(), null],
    ['malformed-frame', 'nobody is told of it', observed({ app: [['text', 4, 'still here']] }), null],
    ['malformed-frame', 'what follows is lost', observed({ app: [['malformed', 3, 'no JSON']] }), 3],
    ['throwing-callback', 'the tool never ran', observed({ wire: [['answer call-1', 3]] }), null],
    ['throwing-callback', 'not answered, and nobody was told', observed({ app: [['toolThrows', 3, 'call-1']] }), null],
    [
      'cancelled-tool',
      'the tool ran on',
      observed({
        app: [
          ['toolRuns', -300],
          ['toolEnds', 1_700],
        ],
      }),
      null,
    ],
    ['cancelled-tool', 'the tool never ran', observed({ app: [['toolAborted', 2]] }), null],
    [
      'cancelled-tool',
      'the cancelled call is answered',
      observed({
        app: [
          ['toolRuns', -300],
          ['toolAborted', 2],
        ],
        wire: [['answer call-1', 3]],
      }),
      3,
    ],
    ['stalled-peer', '62.0 MiB held, 0 of 64 refused or let go', flooded(62 * mebibyte, 0), 900],
    ['stalled-peer', '10.0 MiB held, and nobody is told what became of the rest', flooded(10 * mebibyte, 0), 900],
  ])('%s: %s', (id, why, seen, afterMs) => {
    expect(verdict(id, seen)).toEqual({ right: false, why, afterMs });
  });
});
