/** What goes wrong in silence with the tools of `xstate/graph`, one test each: here it works, or it is said. */
import { describe, expect, it } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { expectFullCoverage } from '../../../src/testing/model/expect.js';
import type { Model } from '../../../src/testing/model/model.js';
import type { Run } from '../../../src/testing/model/run.js';
import { testPaths } from '../../../src/testing/model/search.js';

const loader = setup({
  types: { context: {} as { items: number; tries: number }, events: {} as { type: 'load' } | { type: 'log.line'; text: string } },
  actors: { ld: fromPromise<{ items: number }>(() => Promise.reject(new Error('not provided'))) },
  actions: { count: assign({ tries: ({ context }) => context.tries + 1 }) },
}).createMachine({
  id: 'loader',
  context: { items: 0, tries: 0 },
  initial: 'idle',
  on: { 'log.*': {} },
  states: {
    idle: { on: { load: { target: 'busy', actions: 'count' } } },
    busy: {
      invoke: { id: 'ld', src: 'ld', onDone: { target: 'idle', actions: assign({ items: ({ event }) => event.output.items }) }, onError: 'idle' },
      after: { 1_000: 'idle' },
    },
  },
});

const loaderModel = {
  machine: loader,
  events: { load: true, 'log.line': [{ text: 'x' }] },
  outcomes: { ld: { done: [{ items: 3 }], error: [new Error('no net')] } },
  key: ({ snapshot }) => snapshot.context.items,
  invariants: {},
} satisfies Model<typeof loader>;

describe('what xstate/graph refuses or explores amiss', { timeout: 60_000 }, () => {
  it('invocations and delays are executed, not refused', () => {
    const { coverage } = expectFullCoverage(loaderModel);
    expect(coverage.hits('delay loader.busy after(1000) fired')).toBeGreaterThan(0);
    expect(coverage.pathTo('invoke loader.busy ld stopped')).toEqual(['start', 'load', 'the next timer fires']);
  });

  it('the end of an actor carries its output: the machine can read it', () => {
    const { coverage } = testPaths({
      ...loaderModel,
      invariants: { 'it counts items': ({ snapshot }) => (snapshot.context.items % 3 === 0 ? undefined : 'no') },
    });
    expect(coverage.pathTo('transition loader.busy --done(ld)#0--> loader.idle')).toEqual(['start', 'load', 'ld is done']);
  });

  it('only the payloads that are given are sent', () => {
    const heard = new Set<unknown>();
    const observe = ({ actor, notes }: Run<typeof loader>): void => {
      if (notes['listens'] === true) return;
      notes['listens'] = true;
      actor.system.inspect((event) => event.type === '@xstate.event' && event.event.type === 'log.line' && heard.add(JSON.stringify(event.event)));
    };
    testPaths({ ...loaderModel, observe });
    expect([...heard]).toEqual(['{"type":"log.line","text":"x"}']);
  });

  it('a wildcard is never sent as such: it needs an event that it matches', () => {
    const { 'log.line': _, ...rest } = loaderModel.events;
    expect(() => testPaths({ ...loaderModel, events: rest })).toThrow("event 'log.*' of the machine is never sent");
    expect(() => testPaths({ ...loaderModel, events: { ...rest, 'log.*': true } as never })).toThrow("'log.*' is a wildcard: give the types");
  });

  it('an unbounded context ends at a limit, which is named', () => {
    const { key: _, ...unbounded } = loaderModel;
    expect(testPaths(unbounded, { minStates: 50 })).toMatchObject({ exhausted: false, stoppedBy: 'minStates' });
    const never = { never: { when: () => false, run: () => undefined } };
    expect(() => expectFullCoverage({ ...unbounded, cases: never }, { maxStates: 60, minStates: 1 })).toThrow(
      'the search stopped at maxStates = 60 states',
    );
  });

  it('a Map or a Set in the context is refused', () => {
    for (const [kind, value] of [
      ['Map', new Map()],
      ['Set', new Set()],
    ] as const) {
      const machine = setup({ types: { context: {} as { seen: unknown }, events: {} as { type: 'go' } } }).createMachine({
        id: 'keeper',
        context: { seen: value },
        on: { go: { actions: () => undefined } },
      });
      expect(() => testPaths({ machine, events: { go: true }, invariants: {} })).toThrow(`the context is data: context.seen is a ${kind}`);
    }
  });

  it('shortest paths cover transitions, not only states', () => {
    const machine = setup({ types: { events: {} as { type: 'a' } | { type: 'b' } } }).createMachine({
      id: 'edges',
      initial: 'one',
      states: { one: { on: { a: 'two', b: 'two' } }, two: { on: { a: 'one' } } },
    });
    expect(expectFullCoverage({ machine, events: { a: true, b: true }, invariants: {} })).toMatchObject({ states: 2, steps: 4, exhausted: true });
  });

  it('the number of paths grows with the states, not with their combinations', () => {
    const states = { one: { on: { next: 'two' } }, two: { on: { next: 'three' } }, three: { on: { next: 'one' } } } as const;
    const region = { initial: 'one', states } as const;
    const machine = setup({ types: { events: {} as { type: 'next' } } }).createMachine({
      id: 'regions',
      type: 'parallel',
      states: { a: region, b: region, c: region },
    });
    const model: Model<typeof machine> = { machine, events: { next: true }, invariants: {} };
    expect(testPaths(model, { minStates: 10_000, maxStates: 10_000 })).toMatchObject({ exhausted: true, states: 3, steps: 3 });
  });

  it('typing errors in events and states do not pass', () => {
    expect(() => testPaths({ ...loaderModel, events: { ...loaderModel.events, laod: true } as never })).toThrow("the machine has no event 'laod'");
    expect(() => testPaths({ ...loaderModel, states: { idel: () => undefined } } as never)).toThrow("the model has no 'states'");
  });

  it('a case that is never possible, or does nothing wherever it is, does not pass', () => {
    const never = { never: { when: () => false, run: () => undefined } };
    const inert = { 'nothing at all': { run: () => undefined } };
    expect(testPaths({ ...loaderModel, cases: { ...never, ...inert } }, { maxStates: 40 }).idleCases).toEqual(['never', 'nothing at all']);
    expect(() => expectFullCoverage({ ...loaderModel, cases: never }, { maxStates: 40 })).toThrow(
      "never happened, or never did anything: case 'never'",
    );
  });

  it('custom actions run, as they do for users', () => {
    const heard: string[] = [];
    const machine = setup({ types: { events: {} as { type: 'go' } } }).createMachine({
      id: 'heard',
      on: { go: { actions: () => heard.push('go') } },
    });
    testPaths({ machine, events: { go: true }, invariants: {} });
    expect(heard).not.toEqual([]);
  });
});
