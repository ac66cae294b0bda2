/** One seed, one trace, to the byte: on random trees, under random faults, in random order. */
import fc from 'fast-check';
import { fromCallback, fromPromise, setup, type AnyActorRef, type EventObject } from 'xstate';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { dynamicSupervisor, supervisor, type ChildSpec, type Strategy } from '../../../src/index.js';
import { Chance } from '../../../src/testing/world/chance.js';
import { createWorld } from '../../../src/testing/world/create-world.js';
import type { Fault } from '../../../src/testing/world/fault-plan.js';
import type { World } from '../../../src/testing/world/world.js';

/** XState warns, in its development build, of every event to an actor that has ended. */
beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

type Message = EventObject & { readonly n?: number; readonly to?: AnyActorRef };

/** A worker with a timer, a promise, a child without an id of its own, and a way to pass messages on. */
const busy = setup({
  types: { context: {} as { n: number; log: readonly string[] }, events: {} as Message },
  actors: {
    answer: fromPromise<number>(() => Promise.resolve(7)),
    echo: fromCallback<Message>(({ receive, sendBack }) => receive((event) => sendBack({ ...event, type: 'echoed' }))),
  },
  actions: {
    pass: ({ event, self }) => event.to?.send({ type: 'hello', n: event.n, to: self }),
    fail: () => {
      throw new Error('boom');
    },
  },
}).createMachine({
  id: 'busy',
  context: { n: 0, log: [] },
  initial: 'asking',
  entry: ({ self }) => void self.sessionId,
  states: {
    asking: {
      invoke: { src: 'answer', onDone: 'working' },
      after: { 40: 'working' },
    },
    working: { invoke: { id: 'echo', src: 'echo' }, after: { 30: 'asking' }, on: { pass: { actions: 'pass' }, fail: { actions: 'fail' } } },
  },
  on: { 'supervisor.shutdown': '.asking' },
});

const strategies: readonly Strategy[] = ['oneForOne', 'oneForAll', 'restForOne'];

/** A random tree of at most three levels, its plan of faults, and what is done to it; all of it drawn from the shape's seed. */
async function play(shape: number, seed: number): Promise<string> {
  const draw = new Chance(shape, 'shape');
  const upTo = (most: number): number => Math.floor(draw.next() * (most + 1));
  const world = createWorld({ seed, name: 'random' });
  const job = world.controlled('job', { outcomes: [{ done: 1 }, { error: new Error('no') }], trapExit: draw.next() < 0.3 });
  const shutdownMs = [0, 20, 'brutalKill'] as const;

  const grow = (depth: number): ReturnType<typeof supervisor> => {
    const actors = { busy, job, pool: undefined, inner: depth > 0 ? grow(depth - 1) : busy, dynamic: dynamicSupervisor({ actors: { busy } }) };
    const { pool: _, ...logics } = actors;
    const children: ChildSpec<keyof typeof logics>[] = Array.from({ length: 1 + upTo(3) }, (_, index) => ({
      id: `c${index}`,
      src: draw.pick(['busy', 'busy', 'job', 'inner', 'dynamic'] as const),
      restart: draw.pick(['permanent', 'transient', 'temporary'] as const),
      shutdownMs: draw.pick(shutdownMs),
      ...(draw.next() < 0.3 ? { backoff: { minMs: 5, maxMs: 50, factor: 2, jitter: 0.5, resetAfterMs: 100 } } : {}),
    }));
    return supervisor({ strategy: draw.pick(strategies), intensity: upTo(6), periodMs: 200, actors: logics, children });
  };
  const faults = Array.from({ length: upTo(5) }, (): Fault => {
    const actor = draw.pick(['app/*', 'app/tree/*', '**/c1', '**/c0', 'app/tree']);
    const when = draw.pick(['anytime', { atMs: upTo(80) }, { nth: 1 + upTo(3) }, { chance: 0.2 }] as const);
    const message = { to: actor, when: when === 'anytime' ? { chance: 0.5 } : when, mayMiss: true };
    return draw.pick<Fault>([
      { fault: 'crash', actor, when, mayMiss: true },
      { fault: 'kill', actor, when, mayMiss: true },
      { fault: 'hang', actor, forMs: 30, when, mayMiss: true },
      { fault: 'slow', actor, byMs: 12, forMs: 60, when, mayMiss: true },
      { fault: 'drop', ...message },
      { fault: 'duplicate', ...message },
      { fault: 'reorder', ...message },
      { fault: 'partition', between: [actor, 'outside'], forMs: 25, when: { atMs: upTo(50) }, mayMiss: true },
      { fault: 'clockJump', byMs: 15, when: 'anytime', mayMiss: true },
    ]);
  });

  const app = await world.startSupervised({ actors: { tree: grow(2) }, children: [{ id: 'tree', src: 'tree', restart: 'temporary' }] });
  world.faults.plan(faults);
  const places = ['app/tree/c0', 'app/tree/c1', 'app/tree/c2', 'app/tree/c0/c0'];
  for (let round = 0; round < 4; round++) {
    for (let count = upTo(3); count > 0; count--) {
      const target = world.find(draw.pick(places));
      const to = world.find(draw.pick(places));
      const type = draw.pick(['pass', 'pass', 'fail', 'hello']);
      if (target !== undefined) world.post(target, { type, n: world.random(), to, space: world.namespace });
    }
    void app.whichChildren();
    await world.runFor(20, { maxSteps: 2_000 });
  }
  await world.end();
  return world.trace.text();
}

describe('a trace', () => {
  it('of one seed is the same in every run, to the byte', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 0, max: 1e6 }), async (shape, seed) => {
        expect(await play(shape, seed)).toBe(await play(shape, seed));
      }),
      { numRuns: Number(process.env['WORLD_RUNS'] ?? 30), seed: Number(process.env['WORLD_SEED'] ?? 7) },
    );
  });

  it('of another seed is another', async () => {
    const traces = new Set<string>();
    for (let seed = 0; seed < 25; seed++) {
      await using world = createWorld({ seed });
      const refs = ['a', 'b', 'c', 'd'].map((id) => world.start(busy, { id }) as AnyActorRef);
      for (const ref of refs) for (const n of [1, 2]) world.post(ref, { type: 'hello', n });
      await world.runFor(100);
      traces.add(world.trace.text());
    }
    expect(traces.size).toBe(25);
  });

  it('tells every start, event, transition, state, timer, settlement, fault, loss and message in flight', async () => {
    await using world = createWorld({ seed: 2, name: 'lines' });
    const job = world.controlled<{ city: string }>('job');
    const app = await world.startSupervised({
      actors: { job, busy },
      children: [
        { id: 'job', src: 'job', restart: 'temporary', input: { city: 'Bern' } },
        { id: 'busy', src: 'busy' },
      ],
    });
    job.calls[0]?.resolve('sun');
    world.faults.plan([{ fault: 'drop', to: 'app/busy', event: 'hello', when: { nth: 1 } }]);
    world.post(app.child('busy') as AnyActorRef, { type: 'hello', n: 1 });
    await world.runFor(30);
    const lines = world.trace.lines.filter((line) => !line.includes('pool'));
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^0 start app /u),
        '0 start app/job {"city":"Bern"}',
        '0 settle job-1 done',
        expect.stringMatching(/^0 state app\/job done "sun" #[0-9a-f]+$/u),
        '0 start app/busy undefined',
        expect.stringMatching(/^0 transition app\/busy busy\.asking --xstate\.done\.actor\.0\.busy\.asking--> busy\.working$/u),
        expect.stringMatching(/^0 state app\/busy "working" #[0-9a-f]+$/u),
        '0 post outside → app/busy hello {"n":1}',
        '0 fault drop outside → app/busy hello {"n":1}',
        '0 lost outside → app/busy hello {"n":1}',
        expect.stringMatching(/^30 timer \d+ due at 30$/u),
        expect.stringMatching(/^30 event app\/busy → app\/busy xstate\.after\.30\.busy\.working$/u),
      ]),
    );
    await world.end();
    expect(world.trace.lines).toContain('30 end lines');
  });

  it('keeps as many lines as it may, and counts the others', async () => {
    await using world = createWorld({ maxTraceLines: 3 });
    await world.startSupervised({ actors: { busy }, children: [{ id: 'a', src: 'busy' }] });
    expect(world.trace.lines).toHaveLength(3);
    expect(world.trace.text()).toMatch(/^… and \d+ lines more\n$/mu);
  });

  it('shows any payload on one line, whatever it is, and pays for none', async () => {
    const shown = async (value: unknown): Promise<string> => {
      await using world: World = createWorld();
      const ref = world.start(
        fromCallback(() => {}),
        { id: 'a' },
      );
      ref.send({ type: 'x', value } as never);
      return world.trace.lines.find((line) => line.includes('→ a x'))?.replace('0 event outside → a x ', '') ?? '';
    };
    const circle: { self?: object } = {};
    circle.self = circle;
    const broken = {
      get bad(): never {
        throw new Error('mine');
      },
    };
    expect(await shown(new Map([['a', new Set([1])]]))).toBe('{"value":Map{"a":Set{1}}}');
    expect(await shown(new Error('boom'))).toBe('{"value":[Error: boom]}');
    expect(await shown([() => {}, 5n, Symbol('s'), null, Number.NaN])).toBe('{"value":[[function anonymous],5n,Symbol(s),null,NaN]}');
    expect(await shown(circle)).toBe('{"value":{"self":[circle]}}');
    expect(await shown(new Uint8Array(3))).toBe('{"value":[Uint8Array of 3 bytes]}');
    expect(await shown(new AbortController())).toBe('{"value":[AbortController]}');
    expect(await shown(new Date(0))).toBe('{"value":"1970-01-01T00:00:00.000Z"}');
    expect(await shown('two\nlines')).toBe(String.raw`{"value":"two\nlines"}`);
    expect(await shown(broken)).toBe('[unreadable]');
    expect((await shown('x'.repeat(10_000))).length).toBe(401);
  });
});
