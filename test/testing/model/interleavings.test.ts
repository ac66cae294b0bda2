import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { ModelTestFailure } from '../../../src/testing/model/failure.js';
import { interleavings } from '../../../src/testing/model/interleavings.js';
import type { Model } from '../../../src/testing/model/model.js';
import type { Run } from '../../../src/testing/model/run.js';

/** Keeps the order in which it hears of things. */
const listener = setup({ types: { context: {} as { heard: string }, events: {} as { type: 'a' | 'b' | 'c' } } }).createMachine({
  id: 'listener',
  context: { heard: '' },
  initial: 'open',
  states: {
    open: {
      on: { '*': { actions: assign({ heard: ({ context, event }) => context.heard + event.type }) } },
    },
  },
});

const heard: string[] = [];
const model: Model<typeof listener> = {
  machine: listener,
  events: { a: true, b: true, c: true },
  delays: {},
  invariants: {},
  observe: ({ snapshot }) => void heard.push(snapshot.context.heard),
};
const orders = (): readonly string[] => [...new Set(heard.splice(0))].filter((order) => order !== '');

describe('interleavings', { timeout: 60_000 }, () => {
  it('take the steps that can happen in every order, shortest first', () => {
    expect(interleavings(model, { depth: 3 })).toEqual({ orders: 3 + 9 + 27, exhaustive: true, sampled: 0 });
    const tried = orders();
    expect(tried).toHaveLength(39);
    expect(tried.slice(0, 12)).toEqual(['a', 'b', 'c', 'aa', 'ab', 'ac', 'ba', 'bb', 'bc', 'ca', 'cb', 'cc']);
  });

  it('begin where they are told to', () => {
    expect(interleavings(model, { depth: 1, start: 'start', after: ['c', 'b'] })).toMatchObject({ orders: 3 });
    expect(orders()).toEqual(['c', 'cb', 'cba', 'cbb', 'cbc']);
  });

  it('do not go on from a step that did nothing: the order is another one with that step left out', () => {
    const idle = { ...model, cases: { nothing: { run: () => undefined } } };
    expect(interleavings(idle, { depth: 2 })).toEqual({ orders: 4 + 3 * 4, exhaustive: true, sampled: 0 });
  });

  it('are taken at random beyond what is affordable, by a seed', () => {
    orders();
    const sample = (seed: number): readonly string[] => {
      expect(interleavings(model, { depth: 6, maxOrders: 12, runs: 30, seed })).toEqual({ orders: 12, exhaustive: false, sampled: 30 });
      return orders().filter((order) => order.length === 6);
    };
    const first = sample(1);
    expect(first.length).toBeGreaterThan(20);
    expect(sample(1)).toEqual(first);
    expect(sample(2)).not.toEqual(first);
  });

  it('fail by the shortest order that breaks a claim', () => {
    const broken = ({ snapshot }: Run<typeof listener>): string | undefined =>
      /b.*a/u.test(snapshot.context.heard) ? snapshot.context.heard : undefined;
    try {
      interleavings({ ...model, invariants: { 'no a after a b': broken } }, { depth: 4 });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ModelTestFailure);
      expect(error).toMatchObject({ claim: 'no a after a b', path: ['b', 'a'] });
    }
  });

  it('crash, settle and time out in every order', async () => {
    const { kilnModel } = await import('./kiln.js');
    expect(interleavings(kilnModel, { depth: 3, after: ['fire'] })).toMatchObject({ exhaustive: true });
  });
});
