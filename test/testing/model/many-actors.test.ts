import { describe, expect, it } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { interleavings } from '../../../src/testing/model/interleavings.js';
import type { Model } from '../../../src/testing/model/model.js';
import { propertyTest } from '../../../src/testing/model/property.js';
import { replayPath } from '../../../src/testing/model/replay-path.js';
import { testPaths } from '../../../src/testing/model/search.js';
import { failureOf } from '../examples/failure-of.js';

/** Asks mirrors at once, all of one `src`, and keeps the order in which they answer. */
const asking = (mirrors: string) =>
  setup({
    types: { context: {} as { heard: string } },
    actors: { mirror: fromPromise(async () => 1) },
    actions: { keep: assign({ heard: ({ context }, { from }: { from: string }) => context.heard + from }) },
  }).createMachine({
    id: 'mirrors',
    context: { heard: '' },
    invoke: mirrors.split('').map((id) => ({
      id,
      src: 'mirror',
      onDone: { actions: { type: 'keep', params: { from: id } } },
      onError: { actions: { type: 'keep', params: { from: id.toUpperCase() } } },
    })),
  });
const heard = new Set<string>();
const modelOf = (mirrors: string): Model<ReturnType<typeof asking>> => ({
  machine: asking(mirrors),
  outcomes: { mirror: { done: [1] } },
  invariants: {},
  observe: ({ snapshot }) => void heard.add(snapshot.context.heard),
});
const orders = (length: number): readonly string[] => {
  const all = [...heard].filter((order) => order.length === length).sort();
  heard.clear();
  return all;
};

describe('of three actors of one src', { timeout: 60_000 }, () => {
  const all = ['abc', 'acb', 'bac', 'bca', 'cab', 'cba'];

  it('any may be the first: interleavings try all six orders', () => {
    expect(interleavings(modelOf('abc'), { depth: 3 })).toEqual({ orders: 3 + 6 + 6, exhaustive: true, sampled: 0 });
    expect(orders(3)).toEqual(all);
  });

  it('the search and random walks come to all six too', async () => {
    testPaths(modelOf('abc'));
    expect(orders(3)).toEqual(all);
    await propertyTest(modelOf('abc'), { runs: 100 });
    expect(orders(3)).toEqual(all);
  });

  it('five make a hundred and twenty orders', () => {
    expect(interleavings(modelOf('abcde'), { depth: 5 })).toMatchObject({ exhaustive: true });
    expect(orders(5)).toHaveLength(120);
  });

  it('one in the middle is called by its place, in paths, corners and fixtures', async () => {
    const model: Model<ReturnType<typeof asking>> = {
      ...modelOf('abcd'),
      outcomes: { mirror: { done: [1, 2], error: { 'a mirror is down': { error: 'down' } } } },
      invariants: { 'c has not failed': ({ snapshot }) => (snapshot.context.heard.includes('C') ? 'it has' : undefined) },
    };
    const failure = await failureOf(() => interleavings(model, { depth: 1 }));
    expect(failure.path).toEqual(['a mirror is down (the 3rd)']);
    expect(() => replayPath(model, failure.fixture)).toThrow('c has not failed');
    expect(() => testPaths({ ...model, corners: { c: ['start', 'a mirror is down (the 3rd)'] } })).toThrow('c has not failed');
    expect(() => testPaths({ ...model, corners: { c: ['start', 'mirror is done (the 3rd) #2'] }, invariants: {} })).not.toThrow();
    expect(() => testPaths({ ...model, corners: { c: ['start', 'a cat is done (the 3rd)'] } })).toThrow("names the case 'a cat is done (the 3rd)'");
  });
});
