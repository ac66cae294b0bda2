import { describe, expect, it } from 'vitest';
import { fromPromise, setup } from 'xstate';
import { EspalierError } from '../../../src/errors.js';
import { expectFullCoverage } from '../../../src/testing/model/expect.js';
import { interleavings } from '../../../src/testing/model/interleavings.js';
import { testPaths } from '../../../src/testing/model/search.js';
import { failureOf } from '../examples/failure-of.js';

const load = fromPromise(async () => 1);
const ids = (items: readonly { readonly id: string }[], kind: string): readonly string[] =>
  items.map(({ id }) => id).filter((id) => id.startsWith(kind));

describe('the items of two invocations of one src in one state', () => {
  const machine = setup({ actors: { load } }).createMachine({
    id: 'twin',
    initial: 'a',
    states: {
      a: {
        invoke: [
          { id: 'left', src: 'load', onDone: 'b', onError: 'b' },
          { id: 'right', src: 'load', onError: 'b' },
          { src: 'load', onError: 'b' },
          { id: 'load', src: 'load', onError: 'b' },
        ],
      },
      b: {},
    },
  });
  const model = { machine, outcomes: { load: { done: [1], error: ['down'] } }, invariants: {} };

  it('carry the id of each, or its index where it has none', () => {
    const { coverage } = testPaths(model);
    expect(ids(coverage.items, 'invoke')).toEqual(
      ['left(load)', 'right(load)', 'load#2', 'load'].flatMap((name) => ['done', 'error', 'stopped'].map((way) => `invoke twin.a ${name} ${way}`)),
    );
    expect(coverage.missing(['invoke'])).toEqual([]);
    expect(coverage.pathTo('invoke twin.a right(load) done')).toEqual(['start', 'load is done (the 2nd)']);
  });

  it('are told apart by waivers', () => {
    const some = { ...model, outcomes: { load: { done: [1] } } };
    const waivers = { 'invoke twin.a left(load) error': 'it is local', 'invoke twin.a left(load) done': 'no' };
    expect(() => expectFullCoverage(some, { waivers })).toThrow(/waived, but reached \d+ times: invoke twin\.a left\(load\) done/u);
    expect(() => expectFullCoverage(some, { waivers })).toThrow('never: invoke twin.a right(load) error');
  });

  it('are refused where both have the same', () => {
    const twins = setup({ actors: { load } }).createMachine({
      id: 'same',
      invoke: [
        { id: 'x', src: 'load' },
        { id: 'x', src: 'load' },
      ],
    });
    expect(() => testPaths({ ...model, machine: twins as never })).toThrow(
      "two things of the machine are called 'invoke same x(load) done': give the invocations of a state ids of their own",
    );
  });
});

describe('an event of the machine that is called like one of XState', () => {
  it('has an id of its own', () => {
    const machine = setup({ types: { events: {} as { type: 'done' | 'always' | 'after(5)' } } }).createMachine({
      id: 'alike',
      initial: 'a',
      states: {
        a: { initial: 'x', states: { x: { on: { always: 'y' } }, y: { type: 'final' } }, onDone: 'b', on: { done: 'b' } },
        b: { after: { 5: 'a' }, on: { 'after(5)': 'a' } },
      },
    });
    const { coverage } = expectFullCoverage({ machine, events: { done: true, always: true, 'after(5)': true }, invariants: {} });
    expect(ids(coverage.items, 'transition')).toEqual([
      "transition alike.a --'done'#0--> alike.b",
      'transition alike.a --done#0--> alike.b',
      "transition alike.a.x --'always'#0--> alike.a.y",
      "transition alike.b --'after(5)'#0--> alike.a",
      'transition alike.b --after(5)#0--> alike.a',
    ]);
  });
});

describe('an actor that can be done', () => {
  const machine = setup({ actors: { load } }).createMachine({
    id: 'hopeful',
    initial: 'a',
    states: { a: { invoke: { id: 'job', src: 'load', onDone: 'b' } }, b: {} },
  });
  const outcomes = { load: { done: [1] } };

  it('can fail, also where the machine does not say what then: the model says so, or why not', async () => {
    expect(() => expectFullCoverage({ machine, outcomes, invariants: {} })).toThrow('never: invoke hopeful.a job(load) error');
    const failing = { machine, outcomes: { load: { done: [1], error: ['down'] } }, invariants: {} };
    expect((await failureOf(() => expectFullCoverage(failing))).claim).toBe('the machine does not crash');
    expectFullCoverage({ machine, outcomes, invariants: {} }, { waivers: { 'invoke hopeful.a job(load) error': 'it is in memory' } });
  });
});

describe('what is missing', () => {
  const machine = setup({ types: { events: {} as { type: 'go' | 'far' } }, guards: { never: () => false } }).createMachine({
    id: 'm',
    initial: 'a',
    states: {
      a: { on: { go: 'b' } },
      b: { on: { far: { guard: 'never', target: '#m.c.deep.one' } } },
      c: { initial: 'd', states: { d: {}, deep: { initial: 'one', states: { one: { on: { go: 'two' } }, two: { on: { go: '#m.lost' } } } } } },
      lost: {},
      island: {},
    },
  });
  const message = (): string => {
    try {
      expectFullCoverage({ machine, events: { go: true, far: true }, invariants: {} });
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };

  it('in a state that was never reached is printed with the way to the nearest one that was', () => {
    const text = message();
    expect(text).toContain('never: state m.lost\n      no executed path reaches m.lost; nearest before it, m.b is reached by: start → go');
    expect(text).toContain('never: state m.c\n      no executed path reaches m.c; nearest before it, m.b is reached by: start → go');
    expect(text).toContain('never: state m.island\n      no executed path reaches m.island');
  });
});

describe('what a test prints of itself', () => {
  const machine = setup({ types: { events: {} as { type: 'go' } } }).createMachine({
    id: 'm',
    initial: 'a',
    states: { a: { on: { go: 'b' } }, b: {} },
  });
  const broken = { machine, events: { go: true }, invariants: { 'never b': ({ snapshot }: never) => String(snapshot) } } as never;

  it('has a seed only where something was left to chance', async () => {
    expect((await failureOf(() => interleavings(broken, { depth: 2, seed: 5 }))).seed).toBeUndefined();
  });

  it('gives an inline actor one fault, not two', () => {
    const inline = setup({}).createMachine({
      id: 'inl',
      initial: 'a',
      states: { a: { invoke: { src: load, onDone: 'b' } as never }, b: {} },
    });
    let refusal: unknown;
    try {
      testPaths({ machine: inline, invariants: {} });
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(EspalierError);
    expect((refusal as EspalierError).message).toMatch(/name it in setup\(\{ actors \}\)[^\n]*\n , got: "1 fault"$/u);
  });

  it('is what differs of a set, a map, an error, a number without end', async () => {
    const ending = (output: unknown) =>
      setup({ types: { events: {} as { type: 'go' } } }).createMachine({
        id: 'o',
        initial: 'a',
        states: { a: { on: { go: 'b' } }, b: { type: 'final' } },
        output: () => output,
      });
    for (const [one, other] of [
      [new Set([1]), new Set([2])],
      [new Map([['a', 1]]), new Map([['a', 2]])],
      [new Error('one'), new Error('other')],
      [Infinity, null],
    ]) {
      const model = { machine: ending(one), events: { go: true }, invariants: {} } as const;
      const failure = await failureOf(() => testPaths(model, { machine: ending(other), against: true }));
      expect(failure.problem).toMatch(/^output is .*, not /u);
      expect(() => testPaths(model, { machine: ending(structuredClone(one)), against: true })).not.toThrow();
    }
  });
});
