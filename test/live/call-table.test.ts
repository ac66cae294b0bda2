/** What a session remembers of its calls, and for how long. */
import { afterEach, describe, expect, it } from 'vitest';
import {
  allRows,
  type CallTable,
  confirmResent,
  coverCalls,
  enterCalls,
  forgetAnswers,
  keptCharacters,
  keptRows,
  moveCalls,
  noCalls,
  rowByKey,
  rowOf,
  sizeOf,
  takeBackAnswers,
} from '../../machines/live/calls.js';
import { leaveNothing, sessionWorld as world } from './session-world.js';

afterEach(leaveNothing);

describe('the table of calls', () => {
  const answered = (table: CallTable, from: number, to: number): CallTable => {
    let next = table;
    for (let n = from; n < to; n++) {
      next = enterCalls(next, { toolCall: { functionCalls: [{ id: `c${n}`, name: 'tool', args: {} }] } }, []).table;
      next = moveCalls(next, ({ id }) => id === `c${n}`, { status: 'answered', answer: { n } }).table;
    }
    return next;
  };
  const open = enterCalls(noCalls, { toolCall: { functionCalls: [{ id: 'open', name: 'tool', args: {} }] } }, []).table;
  const shape = (table: CallTable) => {
    const rows = allRows(table);
    return [rows.length, rows[0]?.id, rows[1]?.id, rows.at(-1)?.id, table.forgottenCount];
  };

  it('remembers every open call, and a bounded number that have ended', () => {
    const table = coverCalls(answered(open, 0, 100));
    expect(shape(answered(table, 100, keptRows + 50))).toEqual([keptRows + 1, 'open', 'c50', `c${keptRows + 49}`, 0]);
  });

  it('finds, and changes, also what ended long ago', () => {
    const table = answered(open, 0, 500);
    expect(table.older?.length).toBeGreaterThan(1);
    const again = { toolCall: { functionCalls: [{ id: 'c3', name: 'tool', args: {} }] } };
    const { table: repeated, repeated: rows } = enterCalls(table, again, []);
    const key = rows[0]?.key ?? 0;
    expect([rowOf(repeated, 'c3')?.resending, rowByKey(repeated, key)?.id, confirmResent(repeated, key)?.openCount]).toEqual([true, 'c3', 1]);
    const { taken, table: without } = takeBackAnswers(repeated, ['c3']);
    expect([taken.map(({ id }) => id), rowOf(without, 'c3')?.answer]).toEqual([['c3'], null]);
    // Taken back, it is called again: only the new one is left.
    const { table: renewed, fresh } = enterCalls(without, again, []);
    expect([fresh.length, rowOf(renewed, 'c3')?.status, rowByKey(renewed, key)]).toEqual([1, 'pending', undefined]);
    expect(allRows(renewed).map(({ key: number }) => number)).toEqual(
      allRows(renewed)
        .map(({ key: number }) => number)
        .toSorted((a, b) => a - b),
    );
  });

  it('forgets last, and counts, what a resumed conversation would lack', () => {
    const table = answered(coverCalls(answered(open, 0, 100)), 100, keptRows + 103);
    expect(shape(table)).toEqual([keptRows + 1, 'open', 'c103', `c${keptRows + 102}`, 3]);
    expect([coverCalls(table).forgottenCount, forgetAnswers(table).forgottenCount]).toEqual([0, 0]);
  });

  it('remembers answers up to a number of characters: of the oldest first, and of the latest always', () => {
    const big = (n: number, part: number): Parameters<typeof moveCalls>[2] => ({ status: 'answered', answer: { n }, size: keptCharacters / part });
    const grown = (table: CallTable, n: number, part: number): CallTable => {
      const next = enterCalls(table, { toolCall: { functionCalls: [{ id: `b${n}`, name: 'tool', args: {} }] } }, []).table;
      return moveCalls(next, ({ id }) => id === `b${n}`, big(n, part)).table;
    };
    const ids = (table: CallTable) => allRows(table).map(({ id }) => id);
    // The arguments, `{}`, are two characters each.
    const two = coverCalls(grown(grown(answered(noCalls, 0, 1), 1, 2 + 1e-6), 2, 2 + 1e-6));
    expect(ids(two), 'exactly as much').toEqual(['c0', 'b1', 'b2']);
    const three = grown(two, 3, 4);
    expect([ids(three), three.forgottenCount]).toEqual([['b2', 'b3'], 0]);
    const larger = grown(three, 4, 0.5);
    expect([ids(larger), larger.forgottenCount], 'b3 was owed').toEqual([['b4'], 1]);
    const args = enterCalls(
      three,
      { toolCall: { functionCalls: [{ id: 'args', name: 'tool', args: { q: 'x'.repeat(keptCharacters) } }] } },
      [],
    ).table;
    expect(ids(moveCalls(args, ({ id }) => id === 'args', { status: 'cancelled' }).table), 'so do arguments').toEqual(['b3']);
  });

  it('knows how long an answer is, with its parts', () => {
    expect([sizeOf({ a: 'é' }, null), sizeOf({}, [{ inlineData: { data: 'AAAA' } }])]).toEqual([9, 2 + 32]);
    const w = world({ ready: true });
    w.call('a');
    w.settle('a', { output: 1 });
    expect(w.session.getSnapshot().context.calls.rows[0]).toMatchObject({ status: 'answered', size: 12 });
  });

  it('takes a call that it has forgotten for a new one', () => {
    const again = { toolCall: { functionCalls: [{ id: 'c0', name: 'tool', args: {} }] } };
    expect(enterCalls(answered(noCalls, 0, keptRows), again, []).repeated).toHaveLength(1);
    expect(enterCalls(answered(noCalls, 0, keptRows + 1), again, []).fresh).toHaveLength(1);
  });
});
