import { describe, expect, it, vi } from 'vitest';
import { fromCallback, sendTo, setup, spawnChild } from 'xstate';
import { leftovers, notData } from '../../../src/testing/model/claims.js';
import { fakeLogic } from '../../../src/testing/model/fake.js';
import type { Model } from '../../../src/testing/model/model.js';
import { Run } from '../../../src/testing/model/run.js';
import { testPaths } from '../../../src/testing/model/search.js';
import { kilnMachine, type KilnModel, kilnModel, mutant } from './kiln.js';

const few = { minStates: 40, maxStates: 40 };

describe('a claim', { timeout: 60_000 }, () => {
  const wrongTarget = mutant((definition: { states: { working: { states: { fire: { states: { cooling: { after: { cooling: string } } } } } } } }) => {
    definition.states.working.states.fire.states.cooling.after.cooling = 'burning';
  });

  it('catches a planted wrong transition in a search, by a shortest path', () => {
    expect(() => testPaths(kilnModel, { machine: wrongTarget })).toThrow(
      'the sensor is told of each firing: told 1 of 2\n  after: a kiln of two firings → fire → stop → a second passes',
    );
  });

  it('is broken by a machine that dies of its actor', () => {
    const deaf = mutant((definition: { states: { working: { invoke: { onError?: string } } } }) => {
      delete definition.states.working.invoke.onError;
    });
    expect(() => testPaths(kilnModel, { machine: deaf })).toThrow(
      /the machine does not crash: Error: (no sensor|switched off)\n {2}after: a kiln of two firings(\n| → )/u,
    );
  });

  it('may be owed for one case alone', () => {
    const owes = ({ emittedNow }: Run<typeof kilnMachine>): string | undefined =>
      emittedNow.length === 2 ? undefined : `${emittedNow.length} answers`;
    const events = { ...kilnModel.events, 'kiln.ask': { ask: { owes } } };
    expect(() => testPaths({ ...kilnModel, events })).toThrow("what is owed for 'ask': 1 answers\n  after: a kiln of two firings → ask");
  });

  it('is broken by a machine that never comes to rest', () => {
    const restless = mutant((definition: { states: { working: { states: { door: { states: { open: { always?: object } } } } } } }) => {
      definition.states.working.states.door.states.open.always = { actions: 'spend' };
    });
    expect(() => testPaths(kilnModel, { machine: restless })).toThrow(
      /the machine does not crash: Error: Infinite loop detected[^]*after: a kiln of two firings → open the door\n/u,
    );
  });

  it('is broken by timers that set each other for ever', () => {
    const ticking = mutant((definition: { states: { working: { states: { door: { states: { open: { after?: object } } } } } } }) => {
      definition.states.working.states.door.states.open.after = { 0: { target: 'open', reenter: true } };
    });
    expect(() => testPaths(kilnModel, { machine: ticking })).toThrow(/case '.*' throws: Error: more than 1000 timers fired in one step/u);
  });

  it('is broken by an event for the dead', () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined); // XState's development build says so too
    const late = setup({ actors: { job: fakeLogic('job') } }).createMachine({
      id: 'late',
      invoke: { id: 'job', src: 'job' },
      on: { more: { actions: sendTo('job', { type: 'thanks' }) } },
    });
    const model: Model<typeof late> = { machine: late, events: { more: true }, outcomes: { job: { done: { 'it is done': {} } } }, invariants: {} };
    expect(() => testPaths(model)).toThrow("nothing is sent to the dead: 'thanks' was sent to 'job'\n  after: start → it is done → more");
  });

  it('is broken when the end cannot be reached', () => {
    expect(() => testPaths({ ...kilnModel, finish: () => undefined })).toThrow(
      'it can always be led to its end: still active, in {"working":{"door":"closed","fire":"cold"}}\n  after: a kiln of two firings → (finish)',
    );
  });

  it('that throws is broken, and says so', () => {
    const invariants = {
      'it can be read': () => {
        throw new Error('oops');
      },
    };
    expect(() => testPaths({ ...kilnModel, invariants })).toThrow(
      'it can be read: the check itself throws: Error: oops\n  after: a kiln of two firings',
    );
  });

  it('of the kit can be excused, with a reason', () => {
    const machine = setup({ types: { events: {} as { type: 'go' } } }).createMachine({
      id: 'keeper',
      context: { seen: new Map<string, number>() },
      on: { go: { actions: () => undefined } },
    });
    const model: Model<typeof machine> = { machine, events: { go: true }, invariants: {}, key: () => null };
    expect(() => testPaths(model)).toThrow('the context is data: context.seen is a Map\n  after: start');
    expect(testPaths({ ...model, excused: { 'the context is data': 'the map is never filled' } })).toMatchObject({ exhausted: true });
  });

  it('of the kit is broken by an actor that the model has no hand in', () => {
    const machine = setup({ types: { events: {} as { type: 'go' } } }).createMachine({
      id: 'spawner',
      on: { go: { actions: spawnChild(fromCallback(() => undefined) as never, { id: 'wild' } as never) } },
    });
    expect(() => testPaths({ machine, events: { go: true }, invariants: {} })).toThrow(
      "every actor is in the hand of the model: 'wild' runs by itself: name its logic in setup({ actors }), and give it outcomes\n  after: start → go",
    );
  });
});

describe('the claims of the kit', { timeout: 60_000 }, () => {
  it('know data from what JSON would change', () => {
    expect(notData({ a: [1, null, { b: 'x', c: undefined }] }, 'context')).toBeUndefined();
    expect(notData({ a: [new Map()] }, 'context')).toBe('context.a[0] is a Map');
    expect(notData({ a: { b: () => 1 } }, 'context')).toBe('context.a.b is a function');
    expect(notData({ a: Number.NaN }, 'context')).toBe('context.a is NaN');
    const circle: { self?: unknown } = {};
    circle.self = circle;
    expect(notData(circle, 'context')).toBe('context.self is a circle');
  });

  it('find an actor or a timer that is left', () => {
    const machine = setup({ actors: { sensor: fakeLogic('sensor') } }).createMachine({
      id: 'left',
      invoke: { id: 'sensor', src: 'sensor' },
      after: { 5: {} },
    });
    const run = new Run(machine, undefined, 'here');
    expect(leftovers(run)).toBe('actors still run: sensor');
    run.resolve('sensor');
    expect(leftovers(run)).toBe('1 timer is still set');
    run.end();
    expect(leftovers(run)).toBeUndefined();
  });
});

describe('a run', { timeout: 60_000 }, () => {
  const kiln = (): Run<typeof kilnMachine> =>
    new Run(kilnMachine.provide({ actors: { sensor: fakeLogic('sensor'), firing: fakeLogic('firing') } }), { firings: 2 }, 'here');

  it('goes on with an actor restored from its snapshot, and with fakes of its own', () => {
    const run = kiln();
    run.send({ type: 'kiln.fire', degrees: 1_000 });
    run.restore();
    expect(run.fakes.map(({ src, status }) => `${src} ${status}`)).toEqual(['sensor stopped', 'firing stopped', 'sensor running', 'firing running']);
    run.resolve('firing', 1);
    expect(run.snapshot.value).toEqual({ working: { door: 'closed', fire: 'cooling' } });
    run.end();
    expect(leftovers(run)).toBeUndefined();
  });

  it('refuses to speak for an actor that does not run', () => {
    const run = kiln();
    expect(() => run.resolve('firing')).toThrow("the model speaks for actor 'firing', which does not run; running: sensor");
    run.end();
  });

  it('counts the invocations of a restored actor as before', () => {
    const model: KilnModel = {
      ...kilnModel,
      cases: {
        'the process starts again': {
          when: ({ notes }) => notes['restored'] !== true,
          run: (run) => ((run.notes['restored'] = true), run.restore()),
        },
      },
      invariants: {},
      corners: { 'a firing restored': ['a kiln of two firings', 'fire', 'the process starts again', 'the firing is done'] },
    };
    const { coverage } = testPaths({ ...model, events: { 'kiln.fire': { fire: { payload: { degrees: 1_200 } } } }, ignored: notSent }, few);
    expect(coverage.pathTo('invoke kiln.working.fire.burning firing done')).toHaveLength(3);
    expect(coverage.hits('invoke kiln.working.fire.burning firing done')).toBeGreaterThan(1);
  });
});

const notSent = Object.fromEntries(['kiln.stop', 'kiln.ask', 'kiln.*', 'door.opened', 'door.closed'].map((type) => [type, 'not here']));
