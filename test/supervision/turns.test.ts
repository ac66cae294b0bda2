/** Who is asked at one time ends at one time. */
import { describe, expect, it } from 'vitest';
import { inTurn, queueTurn, takeTurns, takeWaiting } from '../../src/supervision/turns.js';

describe('turns', () => {
  it('outside of any are taken at once', () => {
    const told: string[] = [];
    inTurn(() => told.push('now'));
    expect(told).toEqual(['now']);
  });

  it('come one after the other, what they set off behind those that wait', () => {
    const told: string[] = [];
    takeTurns(() => {
      for (const name of ['a', 'b']) {
        inTurn(() => {
          told.push(name);
          inTurn(() => told.push(`${name}'s child`));
        });
      }
      told.push('asked');
    });
    expect(told).toEqual(['asked', 'a', 'b', "a's child", "b's child"]);
  });

  it('that throw keep nobody else from theirs, and leave nothing behind', () => {
    const told: string[] = [];
    const throwing = () =>
      takeTurns(() => {
        inTurn(() => {
          throw new Error('first');
        });
        inTurn(() => told.push('second'));
      });
    expect(throwing).toThrow('first');
    expect(told).toEqual(['second']);
    takeTurns(() => told.push('third'));
    expect(told).toEqual(['second', 'third']);
  });

  it('within turns are one row', () => {
    const told: string[] = [];
    takeTurns(() => {
      inTurn(() => told.push('first'));
      takeTurns(() => {
        inTurn(() => told.push('second'));
        told.push('begun');
      });
      inTurn(() => told.push('third'));
    });
    expect(told).toEqual(['begun', 'first', 'second', 'third']);
  });

  it('that are queued wait for those before them, and are taken by whoever takes turns first', () => {
    const told: string[] = [];
    const queue = (name: string, then?: () => void) =>
      queueTurn({
        take: () => {
          told.push(name);
          then?.();
        },
      });
    queue('a', () => {
      queue('c');
      takeWaiting();
      told.push("a's end");
    });
    queue('b');
    expect(told).toEqual([]);
    takeWaiting();
    expect(told).toEqual(['a', "a's end", 'b', 'c']);
  });

  it('set off each by the one before are as many as you like', () => {
    let taken = 0;
    const next = (): void => {
      taken++;
      if (taken < 200_000) inTurn(next);
    };
    takeTurns(next);
    expect(taken).toBe(200_000);
  });
});
