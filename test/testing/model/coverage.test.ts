import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { Coverage } from '../../../src/testing/model/coverage.js';
import { CoverageFailure, expectFullCoverage } from '../../../src/testing/model/expect.js';
import { fakeLogic } from '../../../src/testing/model/fake.js';
import { testPaths } from '../../../src/testing/model/search.js';
import { Run } from '../../../src/testing/model/run.js';
import { kilnMachine, type KilnModel, kilnModel, waivers } from './kiln.js';

/** A search that ends when all is covered. */
const few = { minStates: 1 };

describe('the items of a machine', { timeout: 60_000 }, () => {
  const coverage = new Coverage(kilnMachine, { endings: { sensor: { done: false, error: true }, firing: { done: true, error: true } } });
  const ids = (kind: string): readonly string[] => coverage.items.filter((item) => item.kind === kind).map(({ id }) => id);

  it('are its states, once each', () => {
    expect(ids('state')).toEqual(
      [
        ...['kiln', 'kiln.working', 'kiln.working.door', 'kiln.working.door.closed', 'kiln.working.door.open', 'kiln.working.fire'],
        ...['kiln.working.fire.cold', 'kiln.working.fire.burning', 'kiln.working.fire.cooling', 'kiln.working.fire.ash'],
        ...['kiln.spent', 'kiln.broken'],
      ].map((id) => `state ${id}`),
    );
  });

  it('are its transitions, with ids that say source, event, guard, index and target', () => {
    expect(ids('transition')).toEqual([
      'transition kiln --kiln.ask#0--> (stays)',
      'transition kiln --kiln.*#0--> (stays)',
      'transition kiln.working --sensor.read#0--> (stays)',
      'transition kiln.working --done#0--> kiln.spent',
      'transition kiln.working --error(sensor)#0--> kiln.broken',
      'transition kiln.working --after(5000)[tooHot]#0--> kiln.broken',
      'transition kiln.working --after(5000)#1--> (stays)',
      'transition kiln.working.door.closed --door.opened#0--> kiln.working.door.open',
      'transition kiln.working.door.open --door.closed#0--> kiln.working.door.closed',
      'transition kiln.working.door.open --kiln.fire#0--> (stays)',
      'transition kiln.working.fire.cold --kiln.fire[and(sane,firingsLeft)]#0--> kiln.working.fire.burning',
      'transition kiln.working.fire.cold --always[not(firingsLeft)]#0--> kiln.working.fire.ash',
      'transition kiln.working.fire.burning --kiln.stop#0--> kiln.working.fire.cooling',
      'transition kiln.working.fire.burning --done(firing)#0--> kiln.working.fire.cooling',
      'transition kiln.working.fire.burning --error(firing)#0--> kiln.broken',
      'transition kiln.working.fire.burning --always[tooHot]#0--> kiln.broken',
      'transition kiln.working.fire.cooling --after(60000)#0--> kiln.broken',
      'transition kiln.working.fire.cooling --after(cooling)#0--> kiln.working.fire.cold',
    ]);
  });

  it('are both outcomes of each guard', () => {
    expect(ids('guard')).toEqual([
      'guard kiln.working --after(5000)[tooHot]#0--> kiln.broken true',
      'guard kiln.working --after(5000)[tooHot]#0--> kiln.broken false',
      'guard kiln.working.fire.cold --kiln.fire[and(sane,firingsLeft)]#0--> kiln.working.fire.burning true',
      'guard kiln.working.fire.cold --kiln.fire[and(sane,firingsLeft)]#0--> kiln.working.fire.burning false',
      'guard kiln.working.fire.cold --always[not(firingsLeft)]#0--> kiln.working.fire.ash true',
      'guard kiln.working.fire.cold --always[not(firingsLeft)]#0--> kiln.working.fire.ash false',
      'guard kiln.working.fire.burning --always[tooHot]#0--> kiln.broken true',
      'guard kiln.working.fire.burning --always[tooHot]#0--> kiln.broken false',
    ]);
  });

  it('are the ends of its actors: those that the model knows, and being stopped where their state can be left', () => {
    expect(ids('invoke')).toEqual([
      ...['error', 'stopped'].map((way) => `invoke kiln.working sensor ${way}`),
      ...['done', 'error', 'stopped'].map((way) => `invoke kiln.working.fire.burning firing ${way}`),
    ]);
  });

  it('are its delays, fired and, where their state can be left before, cancelled', () => {
    expect(ids('delay')).toEqual([
      ...['fired', 'cancelled'].map((way) => `delay kiln.working after(5000) ${way}`),
      ...['fired', 'cancelled'].map((way) => `delay kiln.working.fire.cooling after(60000) ${way}`),
      ...['fired', 'cancelled'].map((way) => `delay kiln.working.fire.cooling after(cooling) ${way}`),
    ]);
  });

  it('ask of an actor of the root to be stopped only where the machine can end, and of a lone delay never to be cancelled', () => {
    const endless = setup({ actors: { job: fakeLogic('job') } }).createMachine({
      id: 'endless',
      invoke: { id: 'job', src: 'job' },
      initial: 'a',
      states: { a: { after: { 5: 'b' } }, b: {} },
    });
    const items = new Coverage(endless).items.map(({ id }) => id);
    expect(items.filter((id) => id.startsWith('invoke') || id.startsWith('delay'))).toEqual(['delay endless.a after(5) fired']);
  });

  it('have ids of their own', () => {
    expect(new Set(coverage.items.map(({ id }) => id)).size).toBe(coverage.items.length);
  });
});

describe('a coverage', { timeout: 60_000 }, () => {
  it('counts a transition when it is taken, not when a conflicting region preempts it', () => {
    const machine = setup({}).createMachine({
      id: 'rivals',
      type: 'parallel',
      states: {
        left: { initial: 'a', states: { a: { on: { go: '#rivals.right.two' } } } },
        right: { initial: 'one', states: { one: { on: { go: 'three' } }, two: {}, three: {} } },
      },
    });
    const coverage = new Coverage(machine);
    coverage.paused = false;
    const run = new Run(machine, undefined, 'here', coverage.probe());
    run.send({ type: 'go' });
    expect(run.snapshot.value).toEqual({ left: 'a', right: 'two' });
    expect(coverage.missing(['transition']).map(({ id }) => id)).toEqual(['transition rivals.right.one --go#0--> rivals.right.three']);
    run.end();
  });

  it('counts no guard that a claim asks for, nor one of a prefix that is only repeated', () => {
    const asking = {
      ...kilnModel.invariants,
      'it can be asked': (kiln: Run<typeof kilnMachine>) => (kiln.snapshot.can({ type: 'kiln.fire', degrees: 1 }), undefined),
    };
    const { coverage: plain } = testPaths(kilnModel, few);
    const { coverage: asked } = testPaths({ ...kilnModel, invariants: asking }, few);
    expect(asked.toJSON()).toEqual(plain.toJSON());
  });

  it('does not take a restart of the process for a stop by the machine, nor for a cancelled delay', () => {
    const { finish: _, ...endless } = kilnModel;
    const restarts = { 'the process starts again': { when: ({ notes }: Run<typeof kilnMachine>) => notes['restarted'] !== true, run: restart } };
    const ignored = Object.fromEntries(['kiln.fire', 'kiln.stop', 'kiln.*', 'sensor.read'].map((type) => [type, 'not here']));
    const events = { 'kiln.ask': true, 'door.opened': true, 'door.closed': true } as const;
    // Timers are not restored: what is left later had nothing on the clock.
    const fails = { error: 'x', when: ({ notes }: Run<typeof kilnMachine>) => notes['restarted'] === true };
    const outcomes = { sensor: { error: { 'the sensor fails': fails } }, firing: { done: [1] } };
    const key = (kiln: Run<typeof kilnMachine>): unknown => [kilnModel.key(kiln), kiln.notes['restarted']];
    const quiet = { ...endless, key, events, ignored, outcomes, cases: restarts, waivers: {} };
    const { coverage } = testPaths(quiet, { maxStates: 30, minStates: 30 });
    expect(coverage.hits('invoke kiln.working sensor error')).toBeGreaterThan(0);
    expect(coverage.hits('invoke kiln.working sensor stopped')).toBe(0);
    expect(coverage.hits('delay kiln.working after(5000) cancelled')).toBe(0);
  });

  it('counts a delay as cancelled when it was left before its time, not when it had none to wait for', () => {
    const machine = setup({
      types: { context: {} as { ms: number | null }, events: {} as { type: 'on' }, input: {} as { ms: number | null } },
      delays: { patience: ({ context }) => context.ms ?? Infinity },
    }).createMachine({
      id: 'waiter',
      context: ({ input }) => input,
      initial: 'waits',
      states: { waits: { on: { on: 'left' }, after: { patience: 'left' } }, left: {} },
    });
    const cancelled = (ms: number | null): number =>
      testPaths({ machine, inputs: { here: { ms } }, events: { on: true }, invariants: {} }).coverage.hits(
        'delay waiter.waits after(patience) cancelled',
      );
    expect([cancelled(5), cancelled(null)]).toEqual([1, 0]);
  });

  it('is data: sorted, with counts, a shortest path and waivers; the same for the same machine', () => {
    const json = (): unknown => JSON.parse(JSON.stringify(testPaths(kilnModel, few).coverage));
    const first = json() as { machine: string; items: { id: string; hits: number; path?: string[]; waived?: string }[] };
    expect(json()).toEqual(first);
    expect(first.machine).toBe('kiln');
    expect(first.items.map(({ id }) => id)).toEqual(first.items.map(({ id }) => id).sort((left, right) => (left < right ? -1 : 1)));
    const item = (id: string): object | undefined => first.items.find((one) => one.id === id);
    expect(item('state kiln.working.fire.burning')).toMatchObject({ kind: 'state', path: ['a kiln of two firings', 'fire'] });
    expect(item('state kiln.spent')).toEqual({ id: 'state kiln.spent', kind: 'state', hits: 0, waived: 'the door has no final state' });
    expect(item('invoke kiln.working.fire.burning firing stopped')).toMatchObject({ path: ['a kiln of two firings', 'fire', 'stop'] });
    expect(item('delay kiln.working.fire.cooling after(cooling) cancelled')).toMatchObject({
      path: ['a kiln of two firings', 'fire', 'stop', 'the sensor fails'],
    });
  });
});

describe('the gate', { timeout: 60_000 }, () => {
  const without = (...types: string[]): KilnModel => ({
    ...kilnModel,
    events: Object.fromEntries(Object.entries(kilnModel.events).filter(([type]) => !types.includes(type))),
    ignored: Object.fromEntries(types.map((type) => [type, 'withheld'])),
  });
  const failure = (model: KilnModel, options = {}): CoverageFailure => {
    try {
      expectFullCoverage(model, options);
    } catch (error) {
      if (error instanceof CoverageFailure) return error;
      throw error;
    }
    throw new Error('nothing was missing');
  };

  it('lets a model pass that reaches everything', () => {
    expect(expectFullCoverage(kilnModel, { minStates: 10_000 })).toMatchObject({ exhausted: true, stoppedBy: 'exhausted', idleCases: [] });
  });

  it('lists what is missing of each kind, with a shortest executed path to the state that it belongs to', () => {
    const { message, missing } = failure(without('kiln.stop', 'door.closed'), few);
    expect(missing.map(({ id }) => id)).toEqual([
      'transition kiln.working.door.open --door.closed#0--> kiln.working.door.closed',
      'transition kiln.working.fire.burning --kiln.stop#0--> kiln.working.fire.cooling',
    ]);
    expect(message).toContain("machine 'kiln': 11 of 12 states entered, 14 of 18 transitions taken, 8 of 8 guard outcomes");
    expect(message).toContain(
      [
        '  - never: transition kiln.working.fire.burning --kiln.stop#0--> kiln.working.fire.cooling',
        '      kiln.working.fire.burning is reached by: a kiln of two firings → fire',
      ].join('\n'),
    );
  });

  it('misses the outcome of a guard, of an actor and of a delay', () => {
    const never = { when: () => false };
    const missing = (change: Partial<KilnModel>, options = {}): readonly string[] =>
      failure({ ...kilnModel, ...change }, { ...few, ...options }).missing.map(({ id }) => id);
    expect(missing({ events: { ...kilnModel.events, 'kiln.fire': [{ degrees: 1_200 }] } })).toEqual([
      'guard kiln.working.fire.cold --kiln.fire[and(sane,firingsLeft)]#0--> kiln.working.fire.burning false',
    ]);
    const firing = { ...kilnModel.outcomes.firing, error: { 'the firing fails': { error: 'x', ...never } } };
    expect(missing({ outcomes: { ...kilnModel.outcomes, firing } }, { maxStates: 60 })).toContain('invoke kiln.working.fire.burning firing error');
    expect(missing({ delays: { 'an instant passes': 1 } }, { maxStates: 60 })).toContain('delay kiln.working after(5000) fired');
  });

  it('says so when no executed path reaches the state of a missing item, and names idle cases', () => {
    const { message } = failure(without('kiln.fire'), few);
    expect(message).toMatch(/never: transition kiln\.working\.fire\.cooling .*\n +no executed path reaches kiln\.working\.fire\.cooling/u);
    expect(message).toContain("never happened, or never did anything: case 'the firing is done'");
  });

  it('says when the search was stopped by a limit', () => {
    expect(failure(kilnModel, { maxStates: 3, minStates: 1 }).message).toContain('the search stopped at maxStates = 3 states');
  });

  it.each([
    ['names no item of the machine', { 'kiln --typo#0--> x': 'because' }, 'waived, but the machine has no such item: kiln --typo#0--> x'],
    ['gives no reason', { 'state kiln.spent': ' ' }, 'waived without a reason: state kiln.spent'],
    [
      'was reached after all',
      { 'state kiln.broken': 'cannot be' },
      /waived, but reached \d+ times: state kiln\.broken\n +by: a kiln of two firings → the sensor fails/u,
    ],
  ])('refuses a waiver that %s', (_, extra, words) => {
    expect(() => expectFullCoverage(kilnModel, { ...few, waivers: { ...waivers, ...extra } })).toThrow(words);
  });
});

function restart(run: Run<typeof kilnMachine>): void {
  run.notes['restarted'] = true;
  run.restore();
}
