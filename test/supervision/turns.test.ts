/** Who is asked at one time ends at one time. */
import { describe, expect, it } from 'vitest';
import { createActor, createMachine } from 'xstate';
import { inTurn, takeTurns } from '../../src/supervision/turns.js';

const actor = () => createActor(createMachine({}));

describe('turns', () => {
  it('outside of any are taken at once', () => {
    const told: string[] = [];
    inTurn(actor(), () => told.push('now'));
    expect(told).toEqual(['now']);
  });

  it('come one after the other, what they set off behind those that wait', () => {
    const one = actor();
    const told: string[] = [];
    takeTurns(one, () => {
      for (const name of ['a', 'b']) {
        inTurn(one, () => {
          told.push(name);
          inTurn(one, () => told.push(`${name}'s child`));
        });
      }
      told.push('asked');
    });
    expect(told).toEqual(['asked', 'a', 'b', "a's child", "b's child"]);
  });

  it('that throw keep nobody else from theirs, and leave nothing behind', () => {
    const one = actor();
    const told: string[] = [];
    const throwing = () =>
      takeTurns(one, () => {
        inTurn(one, () => {
          throw new Error('first');
        });
        inTurn(one, () => told.push('second'));
      });
    expect(throwing).toThrow('first');
    expect(told).toEqual(['second']);
    takeTurns(one, () => told.push('third'));
    expect(told).toEqual(['second', 'third']);
  });
});
