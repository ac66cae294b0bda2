import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { expectFullCoverage } from '../../../src/testing/model/expect.js';
import type { Model } from '../../../src/testing/model/model.js';
import { testPaths } from '../../../src/testing/model/search.js';
import { failureOf } from '../examples/failure-of.js';

/** Two ways to `found`: through six states by `next`, or in `a` by `up`, `up` and `jump`. */
const chain = Object.fromEntries([1, 2, 3, 4, 5, 6].map((step) => [`c${step}`, { on: { next: step === 6 ? 'found' : `c${step + 1}` } }]));
const machine = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'up' | 'jump' | 'next' | 'go' | 'last' } },
  guards: { isLow: ({ context }) => context.n < 2, isHigh: ({ context }) => context.n === 2, never: () => false },
  actions: { count: assign({ n: ({ context }) => context.n + 1 }), forget: assign({ n: 0 }) },
}).createMachine({
  id: 'detour',
  context: { n: 0 },
  initial: 'a',
  states: {
    a: {
      on: {
        up: { guard: 'isLow', actions: 'count' },
        jump: { guard: 'isHigh', target: 'found', actions: 'forget' },
        next: { target: 'c1', actions: 'forget' },
      },
    },
    ...chain,
    found: { on: { go: 'end' } },
    end: { on: { last: { guard: 'never', target: 'a' } } },
  },
});
const model: Model<typeof machine> = { machine, events: { up: true, jump: true, next: true, go: true, last: true }, invariants: {} };
const shortest = ['start', 'up', 'up', 'jump', 'go'];

describe('the path to what was reached', () => {
  it('is a shortest one, also where the search came by another first', () => {
    const { coverage, exhausted } = testPaths(model);
    expect(exhausted).toBe(true);
    expect(coverage.pathTo('state detour.end')).toEqual(shortest);
    expect(coverage.toJSON().items.find(({ id }) => id === 'transition detour.found --go#0--> detour.end')?.path).toEqual(shortest);
  });

  it('is printed for what is missing behind it', () => {
    expect(() => expectFullCoverage(model)).toThrow(`detour.end is reached by: ${shortest.join(' → ')}`);
  });

  it('is one that was executed: a way that is none, for states that `key` takes for one, is left alone', () => {
    const { coverage } = testPaths({ ...model, key: ({ snapshot }) => snapshot.value });
    expect(coverage.pathTo('state detour.end')).toEqual(['start', ...Array<string>(7).fill('next'), 'go']);
  });
});

describe('the path to a broken claim', () => {
  it('is a shortest one, also where leaving out steps does not lead there', async () => {
    const failure = await failureOf(() =>
      testPaths({ ...model, invariants: { 'it never ends': ({ snapshot }) => (snapshot.matches('end') ? 'it ends' : undefined) } }),
    );
    expect(failure.path).toEqual(shortest.slice(1));
    expect(failure.sequence).toContain('jump');
  });
});
