import { describe, expect, it, vi } from 'vitest';
import { sendTo, setup } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { leftovers, notData } from './invariants.js';
import { kilnMachine, type KilnModel, kilnModel, waivers } from './kiln.js';
import { TransitionCoverage, expectEveryTransition, transitionsOf } from './transition-coverage.js';
import { explore, type Model, walkAtRandom } from './walk.js';
import { World, fakeLogic } from './world.js';

const without = (...names: string[]): KilnModel => ({ ...kilnModel, cases: kilnModel.cases.filter(({ name }) => !names.includes(name)) });

/** The kiln with one thing changed in a copy of its definition; implementations are shared. */
function mutant(change: (definition: never) => void): typeof kilnMachine {
  const definition = structuredCloneKeepingFunctions(kilnMachine.config);
  change(definition as never);
  const made = new (kilnMachine.constructor as new (config: unknown, implementations: unknown) => AnyStateMachine)(
    definition,
    kilnMachine.implementations,
  );
  return made as typeof kilnMachine;
}

function structuredCloneKeepingFunctions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(structuredCloneKeepingFunctions);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, structuredCloneKeepingFunctions(item)]));
}

describe('the transitions of a machine', () => {
  it('are listed once each, with ids that say source, event, guard, index and target', () => {
    const ids = transitionsOf(kilnMachine).map(({ id }) => id);
    expect(ids).toEqual([
      'kiln --kiln.ask#0--> (stays)',
      'kiln --kiln.*#0--> (stays)',
      'kiln.working --sensor.read#0--> (stays)',
      'kiln.working --done#0--> kiln.spent',
      'kiln.working --error(sensor)#0--> kiln.broken',
      'kiln.working --after(5000)[tooHot]#0--> kiln.broken',
      'kiln.working --after(5000)#1--> (stays)',
      'kiln.working.door.closed --door.opened#0--> kiln.working.door.open',
      'kiln.working.door.open --door.closed#0--> kiln.working.door.closed',
      'kiln.working.door.open --kiln.fire#0--> (stays)',
      'kiln.working.fire.cold --kiln.fire[and(sane,firingsLeft)]#0--> kiln.working.fire.burning',
      'kiln.working.fire.cold --always[not(firingsLeft)]#0--> kiln.working.fire.ash',
      'kiln.working.fire.burning --kiln.stop#0--> kiln.working.fire.cooling',
      'kiln.working.fire.burning --done(firing)#0--> kiln.working.fire.cooling',
      'kiln.working.fire.burning --error(firing)#0--> kiln.broken',
      'kiln.working.fire.burning --always[tooHot]#0--> kiln.broken',
      'kiln.working.fire.cooling --after(60000)#0--> kiln.broken',
      'kiln.working.fire.cooling --after(cooling)#0--> kiln.working.fire.cold',
    ]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('count when taken, and not when a conflicting region preempts them', () => {
    const machine = setup({}).createMachine({
      id: 'rivals',
      type: 'parallel',
      states: {
        left: { initial: 'a', states: { a: { on: { go: '#rivals.right.two' } } } },
        right: { initial: 'one', states: { one: { on: { go: 'three' } }, two: {}, three: {} } },
      },
    });
    const coverage = new TransitionCoverage(machine);
    const world = new World(machine, undefined, 'here', coverage.observe);
    world.actor.send({ type: 'go' });
    expect(world.snapshot.value).toEqual({ left: 'a', right: 'two' });
    expect(coverage.missing().map(({ id }) => id)).toEqual(['rivals.right.one --go#0--> rivals.right.three']);
    world.actor.stop();
  });
});

describe('a search over a model', () => {
  it('executes every transition, and ends where all that can be reached was visited', () => {
    const { machine, coverage, idleCases, exhausted } = explore(kilnModel, { waivers, minStates: 10_000 });
    expectEveryTransition(machine, coverage, { waivers });
    expect(idleCases).toEqual([]);
    expect(exhausted).toBe(true);
  });

  it('lists what is missing, with the way to its source, when an event case is withheld', () => {
    const { machine, coverage } = explore(without('close the door', 'stop'), { waivers });
    expect(() => expectEveryTransition(machine, coverage, { waivers })).toThrow(
      [
        "machine 'kiln': 14 of 18 transitions taken",
        '  - never taken: kiln.working.door.open --door.closed#0--> kiln.working.door.closed',
        '      kiln.working.door.open is reached by: a kiln of two firings → open the door',
        '  - never taken: kiln.working.fire.burning --kiln.stop#0--> kiln.working.fire.cooling',
        '      kiln.working.fire.burning is reached by: a kiln of two firings → fire',
      ].join('\n'),
    );
  });

  it('says so when no executed path reaches the source of a missing transition', () => {
    const { machine, coverage } = explore(without('fire'), { waivers: {} });
    expect(() => expectEveryTransition(machine, coverage)).toThrow(
      /never taken: kiln\.working\.fire\.cooling .*\n +no executed path reaches kiln\.working\.fire\.cooling/,
    );
  });

  it('walks the corners given by hand first, and refuses one that cannot happen', () => {
    const corner = (...cases: string[]): KilnModel => ({ ...kilnModel, corners: { deep: ['a kiln of two firings', ...cases] } });
    const { coverage } = explore(corner('fire', 'stop', 'a second passes', 'fire', 'the firing fails'), { waivers, maxStates: 1, minStates: 1 });
    expect(coverage.count('kiln.working.fire.burning --error(firing)#0--> kiln.broken')).toBe(1);
    expect(() => explore(corner('fire', 'stop', 'the firing fails'))).toThrow(
      "corner 'deep' of the model of 'kiln': 'the firing fails' cannot happen after a kiln of two firings → fire → stop",
    );
    expect(() => explore(corner('fly'))).toThrow("corner 'deep' names a start or a case that is not there");
  });

  it('names cases that were never offered', () => {
    const idle = { name: 'never', when: () => false, run: () => undefined };
    expect(explore({ ...kilnModel, cases: [...kilnModel.cases, idle] }, { waivers }).idleCases).toEqual(['never']);
  });
});

describe('a waiver', () => {
  const { machine, coverage } = explore(kilnModel, { waivers });
  const fault = (extra: Record<string, string>) => () => expectEveryTransition(machine, coverage, { waivers: { ...waivers, ...extra } });

  it('must name a transition of the machine', () => {
    expect(fault({ 'kiln --typo#0--> x': 'because' })).toThrow('the machine has no such transition: kiln --typo#0--> x');
  });

  it('must give a reason', () => {
    expect(fault({ 'kiln.working --done#0--> kiln.spent': ' ' })).toThrow('waived without a reason: kiln.working --done');
  });

  it('is refused for a transition that was taken', () => {
    expect(fault({ 'kiln --kiln.ask#0--> (stays)': 'cannot be' })).toThrow(/waived, but taken \d+ times: kiln --kiln\.ask/);
  });
});

describe('an invariant', () => {
  const wrongTarget = mutant((definition: { states: { working: { states: { fire: { states: { cooling: { after: { cooling: string } } } } } } } }) => {
    definition.states.working.states.fire.states.cooling.after.cooling = 'burning';
  });

  it('catches a planted wrong transition in a search, by a shortest path', () => {
    expect(() => explore({ ...kilnModel, machine: wrongTarget })).toThrow(
      'the sensor is told of each firing: told 1 of 2\n  after: a kiln of two firings → fire → stop → a second passes',
    );
  });

  it('catches it on random walks too, shrunk, with the seed to repeat it', () => {
    const report = (): string => {
      try {
        walkAtRandom({ ...kilnModel, machine: wrongTarget }, { seed: 7 });
      } catch (error) {
        return String(error);
      }
      return 'nothing found';
    };
    expect(report()).toContain('seed: 7');
    expect(report()).toMatch(/after: a kiln of two firings → fire → (stop|the firing is done) → (a second passes|five seconds pass)\n/);
    expect(report()).toBe(report());
  });

  it('holds on random walks of the machine as it is', () => {
    walkAtRandom(kilnModel, { seed: 7, runs: 50 });
  });

  it('is broken by a machine that dies of its actor', () => {
    const deaf = mutant((definition: { states: { working: { invoke: { onError?: string } } } }) => {
      delete definition.states.working.invoke.onError;
    });
    expect(() => explore({ ...kilnModel, machine: deaf })).toThrow(
      /the machine does not crash: Error: (no sensor|switched off)\n {2}after: a kiln of two firings → /,
    );
  });

  it('may be owed for one case alone', () => {
    const owes = ({ emittedNow }: World<typeof kilnMachine>): string | undefined =>
      emittedNow.length === 2 ? undefined : `${emittedNow.length} answers`;
    const cases = kilnModel.cases.map((one) => (one.name === 'ask' ? { ...one, owes } : one));
    expect(() => explore({ ...kilnModel, cases })).toThrow("what is owed for 'ask': 1 answers\n  after: a kiln of two firings → ask");
  });

  it('is broken by a machine that never comes to rest', () => {
    const restless = mutant((definition: { states: { working: { states: { door: { states: { open: { always?: object } } } } } } }) => {
      definition.states.working.states.door.states.open.always = { actions: 'spend' };
    });
    expect(() => explore({ ...kilnModel, machine: restless })).toThrow(
      /the machine does not crash: Error: Infinite loop detected[^]*after: .* → open the door/,
    );
  });

  it('is broken by timers that set each other for ever', () => {
    const ticking = mutant((definition: { states: { working: { states: { door: { states: { open: { after?: object } } } } } } }) => {
      definition.states.working.states.door.states.open.after = { 0: { target: 'open', reenter: true } };
    });
    expect(() => explore({ ...kilnModel, machine: ticking })).toThrow(/case '.*' throws: Error: more than 1000 timers fired in one step/);
  });

  it('is broken by an event for the dead', () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined); // XState's development build says so too
    const late = setup({ actors: { job: fakeLogic('job') } }).createMachine({
      id: 'late',
      invoke: { id: 'job', src: 'job' },
      on: { more: { actions: sendTo('job', { type: 'thanks' }) } },
    });
    const cases = [
      { name: 'it is done', run: (world: World<typeof late>) => world.resolve('job') },
      { name: 'more', run: (world: World<typeof late>) => world.send({ type: 'more' }) },
    ].map((one) => ({ ...one, when: (world: World<typeof late>) => one.name === 'more' || world.find('job') !== undefined }));
    const model: Model<typeof late> = { machine: late, fakes: { job: {} }, starts: { here: undefined }, cases, key: () => null, invariants: {} };
    expect(() => explore(model)).toThrow("nothing is sent to the dead: 'thanks' was sent to 'job'\n  after: here → it is done → more");
  });

  it('is broken when the end cannot be reached', () => {
    expect(() => explore({ ...kilnModel, finish: () => undefined })).toThrow(
      'it can always be led to its end: still active, in {"working":{"door":"closed","fire":"cold"}}\n  after: a kiln of two firings → (finish)',
    );
  });
});

describe('a model', () => {
  it('is refused when it does not fit its machine', () => {
    const twice = kilnModel.cases[0] as KilnModel['cases'][number];
    const model = { ...kilnModel, fakes: { sensor: {}, typo: {} }, cases: [...kilnModel.cases, twice], excused: { nothing: 'x' } };
    expect(() => explore(model)).toThrow(
      [
        "the model of 'kiln' does not fit:",
        "  - actor 'firing' of the machine has no fake",
        "  - fake 'typo' is no actor of the machine",
        "  - case 'fire' is there twice",
        "  - 'nothing' cannot be excused so",
      ].join('\n'),
    );
  });
});

describe('a world', () => {
  it('goes on with an actor restored from its snapshot, and with fakes of its own', () => {
    const world = new World(kilnMachine.provide({ actors: { sensor: fakeLogic('sensor'), firing: fakeLogic('firing') } }), { firings: 2 }, 'here');
    world.send({ type: 'kiln.fire', degrees: 1_000 });
    world.restore();
    expect(world.fakes.map(({ src, status }) => `${src} ${status}`)).toEqual([
      'sensor stopped',
      'firing stopped',
      'sensor running',
      'firing running',
    ]);
    world.resolve('firing', 1);
    expect(world.snapshot.value).toEqual({ working: { door: 'closed', fire: 'cooling' } });
    world.actor.stop();
    expect(leftovers(world)).toBeUndefined();
  });

  it('refuses to speak for an actor that does not run', () => {
    const world = new World(kilnMachine.provide({ actors: { sensor: fakeLogic('sensor'), firing: fakeLogic('firing') } }), { firings: 2 }, 'here');
    expect(() => world.resolve('firing')).toThrow("the model speaks for actor 'firing', which does not run; running: sensor");
    world.actor.stop();
  });
});

describe('the house rules', () => {
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
    const world = new World(machine, undefined, 'here');
    expect(leftovers(world)).toBe('actors still run: sensor');
    world.resolve('sensor');
    expect(leftovers(world)).toBe('1 timers are still set');
    world.actor.stop();
    expect(leftovers(world)).toBeUndefined();
  });
});
