import { describe, expect, it } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { interleavings } from '../../../src/testing/model/interleavings.js';
import type { Model } from '../../../src/testing/model/model.js';
import { propertyTest } from '../../../src/testing/model/property.js';
import { replayPath } from '../../../src/testing/model/replay-path.js';
import { testPaths } from '../../../src/testing/model/search.js';

/** Knocks at a door that hears only when it is open, which it never is. */
const deafMachine = setup({ types: { events: {} as { type: 'knock' } } }).createMachine({
  id: 'deaf',
  initial: 'shut',
  states: { shut: {}, open: { on: { knock: 'shut' } } },
});
const deaf: Model<typeof deafMachine> = { machine: deafMachine, events: { knock: true }, invariants: {} };
const never: Model<typeof deafMachine> = { ...deaf, events: { knock: { knocks: { when: () => false } } } };

const doorMachine = setup({ types: { events: {} as { type: 'open' | 'shut' } } }).createMachine({
  id: 'door',
  initial: 'shut',
  states: { shut: { on: { open: 'open' } }, open: { on: { shut: 'shut' } } },
});
const door: Model<typeof doorMachine> = { machine: doorMachine, events: { open: true, shut: true }, invariants: {} };

describe('a test in which nothing happens is refused', () => {
  const none = 'in which nothing happens prove nothing';

  it.each([
    ['where no case is offered', never, 'none of them offered at any start'],
    ['where the machine does nothing about any', deaf, 'that made the machine do anything'],
    ['where only time passes', { ...deaf, delays: { 'a second': 1_000 } }, 'that made the machine do anything'],
    ['where only the model notes something', { ...deaf, observe: ({ notes }) => void (notes['seen'] = true) }, 'that made the machine do anything'],
  ] satisfies [string, Model<typeof deafMachine>, string][])('%s', async (_, model, got) => {
    for (const act of [() => testPaths(model), () => interleavings(model, { depth: 3 })]) {
      expect(act).toThrow(none);
      expect(act).toThrow(got);
    }
    await expect(propertyTest(model)).rejects.toThrow(none);
    await expect(propertyTest(model)).rejects.toThrow(got);
  });

  it('as a path of no steps, and as one whose steps do nothing', () => {
    const fixture = { model: 'deaf', start: 'start' };
    expect(() => replayPath(deaf, { ...fixture, path: [] })).toThrow('a `path` of at least one case: one that takes no step proves nothing, got: []');
    expect(() => replayPath(deaf, { ...fixture, path: ['knock', 'knock'] })).toThrow(
      'a path that makes the machine do something, got: "start → knock → knock, which does nothing"',
    );
    expect(() => replayPath(door, { ...fixture, model: 'door', path: ['open', 'open'] })).not.toThrow();
  });

  it('and is not what a failure at the start says to run again', () => {
    const act = (): unknown =>
      testPaths({ ...door, invariants: { 'it is open': ({ snapshot }) => (snapshot.matches('open') ? undefined : 'shut') } });
    expect(act).toThrow(/^it is open: shut\n {2}after: start\n\nsequenceDiagram/u);
  });

  it('as a corner without steps, or with a step that does nothing', () => {
    const corner = (...path: [string, ...string[]]) => testPaths({ ...door, corners: { far: path } });
    expect(() => corner('start')).toThrow('corner \'far\' is ["start"], not a list of a start and then cases');
    expect(() => corner('start', 'open', 'open')).toThrow("'open' to do anything where corner 'far' of the model of 'door' takes it");
    expect(() => corner('start', 'shut')).toThrow("'shut' to do anything");
    expect(() => corner('start', 'open', 'shut')).not.toThrow();
    expect(() => testPaths({ ...door, corners: { far: 'start' } as never })).toThrow("corner 'far' is start, not a list");
  });
});

describe('a step that only the model notes', () => {
  /** A server of the model: first it hears of us, and then it may open the door. */
  const served: Model<typeof doorMachine> = {
    ...door,
    events: { open: { 'the server opens': { when: ({ notes }) => notes['heard'] === true } }, shut: true },
    cases: { 'the server hears': { when: ({ notes }) => notes['heard'] !== true, run: ({ notes }) => void (notes['heard'] = true) } },
    invariants: { 'it stays shut': ({ snapshot }) => (snapshot.matches('open') ? 'it is open' : undefined) },
  };
  const path = /after: start → the server hears → the server opens\n/u;

  it('does not end an order, nor the search', () => {
    expect(() => interleavings(served, { depth: 2 })).toThrow(path);
    expect(() => testPaths(served)).toThrow(path);
  });

  it('makes no state of actors that are gone', () => {
    const machine = setup({ actors: { job: fromPromise(async () => 1) } }).createMachine({
      id: 'endless',
      invoke: { id: 'job', src: 'job', onDone: { target: '#endless', reenter: true }, onError: { target: '#endless', reenter: true } },
    });
    const model = { machine, outcomes: { job: { done: [1], error: ['down'] } }, invariants: {} };
    expect(testPaths(model)).toMatchObject({ states: 1, exhausted: true });
  });

  it('is no idle case', () => {
    expect(testPaths({ ...served, invariants: {} })).toMatchObject({ exhausted: true, idleCases: [] });
  });

  it('is told by a list, a map, and an instance of which nobody knows what it holds', () => {
    class Tally {
      #count = 0;
      add(): void {
        this.#count++;
      }
      get isFull(): boolean {
        return this.#count > 1;
      }
    }
    const notings: [(notes: Record<string, unknown>) => unknown, (notes: Record<string, unknown>) => boolean][] = [
      [(notes) => (notes['list'] = [...((notes['list'] as number[] | undefined) ?? []), 1]), ({ list }) => (list as number[])?.length > 1],
      [(notes) => ((notes['map'] ??= new Map()) as Map<unknown, unknown>).set({}, 1), ({ map }) => (map as Map<unknown, unknown>)?.size > 1],
      [(notes) => ((notes['tally'] ??= new Tally()) as Tally).add(), ({ tally }) => (tally as Tally | undefined)?.isFull === true],
    ];
    for (const [note, isFull] of notings) {
      const model = {
        ...served,
        events: { open: { 'the server opens': { when: ({ notes }) => isFull(notes) } }, shut: true },
        cases: { hears: { run: ({ notes }) => void note(notes) } },
      } satisfies Model<typeof doorMachine>;
      expect(() => interleavings(model, { depth: 4 })).toThrow('it stays shut');
    }
  });
});

describe('what says too little is refused', () => {
  it('a fixture with a key that nobody knows', () => {
    const fixture = { model: 'door', start: 'start', path: ['open'] };
    expect(() => replayPath(door, { ...fixture, pth: 1 } as never)).toThrow('replayPath: a fixture with the keys model, start, path, got: "pth"');
    expect(() => replayPath(door, undefined as never)).toThrow('a fixture { model, start, path }');
  });

  it('a wildcard as the type of an event, wherever it is sent', () => {
    const machine = setup({}).createMachine({ id: 'wild', on: { '*': {}, 'k.*': {} } });
    const events = { '*': true, 'k.*': [{}] } as never;
    expect(() => testPaths({ machine, events, invariants: {} })).toThrow(
      /- '\*' is a wildcard: give the types of events that it takes, as they are sent\n {2}- 'k\.\*' is a wildcard[^\n]*\n /u,
    );
    expect(() => testPaths({ machine, events: { k: true, 'k.a.b': true, other: true } as never, invariants: {} })).not.toThrow();
  });

  it('a `key` that JSON does not keep', () => {
    for (const [key, got] of [
      [() => new Set([1]), 'a Set'],
      [() => ({ seen: new Map() }), 'a Map'],
      [() => [1n], 'a bigint'],
    ] as const) {
      expect(() => testPaths({ ...door, key })).toThrow(`a \`key\` of the model of 'door' that gives data, as JSON keeps it, got: "${got}"`);
    }
    expect(() => testPaths({ ...door, key: () => undefined })).not.toThrow();
  });

  it('but not a context of sets, where that is excused: each is a state of its own', () => {
    const machine = setup({ types: { context: {} as { seen: ReadonlySet<number> }, events: {} as { type: 'see' } } }).createMachine({
      id: 'eye',
      context: { seen: new Set() },
      on: {
        see: {
          guard: ({ context }) => context.seen.size < 4,
          actions: assign({ seen: ({ context }) => new Set([...context.seen, context.seen.size]) }),
        },
      },
    });
    const excused = { 'the context is data': 'a set is quick' };
    expect(testPaths({ machine, events: { see: true }, invariants: {}, excused })).toMatchObject({ states: 5, exhausted: true });
  });
});
