/**
 * Anything, in any order, on a whole tree: whatever is done to it, nobody is orphaned, nobody runs twice, every call is answered, and after the end
 * nothing is left. A failing run prints its steps and its seed.
 */
import fc from 'fast-check';
import { fromCallback, setup, type AnyActorRef } from 'xstate';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  dynamicSupervisor,
  exit,
  link,
  orchestrator,
  supervisor,
  supervisorHandle,
  taskSupervisor,
  type App,
  type SupervisorHandle,
} from '../../src/index.js';
import { pendingEvents } from '../../src/supervision/scheduler.js';
import { childrenOf, hasStopped } from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const boom = new Error('boom');

/** Who lives: one entry for every resource that is held. */
class Held {
  readonly alive = new Map<number, string>();
  #next = 0;
  readonly logic = fromCallback<{ type: string }, string>(({ input }) => {
    const key = this.#next++;
    this.alive.set(key, input);
    return () => {
      if (!this.alive.delete(key)) throw new Error(`${input} was cleaned up twice`);
    };
  });
}

/** A worker that may start slowly, fail its start, crash, linger, drain, and end. */
function logicOf(held: Held, mood: { failing: boolean; slow: boolean }) {
  return setup({
    types: { input: undefined as unknown as string },
    actors: { held: held.logic },
    guards: { failing: () => mood.failing, quick: () => !mood.slow },
    actions: {
      crash: () => {
        throw boom;
      },
      endItself: ({ self }) => {
        exit(self as never, 'kill');
      },
    },
  }).createMachine({
    initial: 'starting',
    on: { suicide: { actions: 'endItself' } },
    states: {
      starting: {
        tags: 'starting',
        always: [
          { guard: 'failing', target: 'bad' },
          { guard: 'quick', target: 'up' },
        ],
        on: { up: 'up' },
      },
      up: {
        invoke: { src: 'held', input: 'worker' },
        on: { crash: { actions: 'crash' }, finish: 'over', 'supervisor.shutdown': 'lingering', 'supervisor.drain': 'lingering' },
      },
      lingering: { invoke: { src: 'held', input: 'lingering' }, after: { 30: 'over' }, on: { crash: { actions: 'crash' } } },
      over: { type: 'final' },
      bad: { type: 'final', tags: 'starting' },
    },
  });
}

const backoff = { minMs: 10, maxMs: 80, factor: 2, jitter: 0.3, resetAfterMs: 200, seed: 3 };

function treeOf(held: Held, mood: { failing: boolean; slow: boolean }, strategy: 'oneForOne' | 'oneForAll' | 'restForOne') {
  const worker = logicOf(held, mood);
  const spec = { src: 'worker' as const, startMs: 50, shutdownMs: 40 };
  const inner = supervisor({
    strategy: 'oneForAll',
    intensity: 4,
    actors: { worker },
    children: [
      { id: 'x', ...spec },
      { id: 'y', ...spec, backoff },
    ],
  });
  const dyn = dynamicSupervisor({ intensity: 5, maxChildren: 4, actors: { worker } });
  return orchestrator({
    strategy,
    intensity: 8,
    periodMs: 300,
    actors: { worker, inner, dyn, jobs: taskSupervisor({ maxChildren: 5 }) },
    children: [
      { id: 'a', ...spec },
      { id: 'b', ...spec, restart: 'transient', backoff },
      { id: 'c', ...spec, budget: { intensity: 2, periodMs: 200 } },
      { id: 'inner', src: 'inner', shutdownMs: 60 },
      { id: 'dyn', src: 'dyn' },
      { id: 'tasks', src: 'jobs' },
    ],
  });
}

const at = fc.constantFrom('a', 'b', 'c', 'e', 'inner', 'dyn', 'tasks', 'inner/x', 'inner/y', 'dyn/d', 'dyn/d.2');
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('crash', 'finish', 'kill', 'up', 'suicide'), at }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('terminate', 'restart', 'delete', 'start', 'startDynamic', 'which'), at }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.constantFrom(1, 10, 40, 300) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('failing', 'slow', 'well') }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('task', 'taskThatFails', 'taskForever'), at }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('link'), at, to: at }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('save', 'drain', 'stop') }) },
  ),
  { minLength: 5, maxLength: 40 },
);
type Step = { readonly do: string; readonly at?: string; readonly to?: string; readonly ms?: number };

function find(app: App, path: string): AnyActorRef | undefined {
  const [first = '', second] = path.split('/');
  const ref = app.child(first);
  if (second === undefined || ref === undefined || hasStopped(ref)) return second === undefined ? ref : undefined;
  return supervisorHandle(ref).child(second);
}

function ownerOf(app: App, path: string): SupervisorHandle | undefined {
  const [first = '', second] = path.split('/');
  if (second === undefined) return app;
  const ref = app.child(first);
  return ref === undefined ? undefined : supervisorHandle(ref);
}

interface Chart {
  readonly value: unknown;
  readonly status: string;
  readonly context: {
    readonly children?: readonly { readonly spec: { readonly id: string }; readonly status: string }[];
    readonly size?: number;
    readonly retrying?: Record<string, unknown>;
    readonly mailbox?: readonly { readonly type: string; readonly id?: string }[];
  };
}

/** What a supervisor believes of its children is so, and whoever is to be tried again has something that will try; all the way down. */
function checkBeliefs(ref: AnyActorRef): void {
  const { value, status, context } = ref.getSnapshot() as Chart;
  const idle = typeof value === 'object' && value !== null && 'running' in value;
  const pool = childrenOf(ref).find(({ id }) => id === 'pool');
  if (status !== 'active' || pool === undefined) return;
  const { get } = (pool.getSnapshot() as { pool: { get(id: string): { ref: AnyActorRef; phase?: string } | undefined } }).pool;
  const child = (id: string) => get.call((pool.getSnapshot() as { pool: never }).pool, id);
  const due = (id: string) =>
    pendingEvents(ref).some((timer) => timer.id === `retry.${id}`) || context.mailbox?.some((mail) => mail.type === 'child.retry' && mail.id === id);
  for (const { spec, status: believed } of context.children ?? []) {
    const { ref: real } = child(spec.id) ?? {};
    if (!idle) continue;
    if (believed === 'running') expect(real !== undefined && !hasStopped(real), `${spec.id} is believed to run`).toBe(true);
    else expect(real === undefined, `${spec.id} is believed to be ${believed}`).toBe(true);
    if (believed === 'restarting') expect(due(spec.id), `${spec.id} waits for a retry that never comes`).toBe(true);
    if (real !== undefined) checkBeliefs(real);
  }
  if (idle && context.retrying !== undefined) {
    const entries = (pool.getPersistedSnapshot() as unknown as { entries: readonly { key: string; child: unknown }[] }).entries;
    expect(context.size, 'the size of a dynamic supervisor').toBe(entries.length);
    for (const { key, child: saved } of entries) {
      const real = child(key)?.ref;
      if (saved === null) expect(due(key), `${key} waits for a retry that never comes`).toBe(true);
      else expect(real !== undefined && !hasStopped(real), `${key} is believed to run`).toBe(true);
    }
  }
}

async function play(list: readonly Step[], strategy: 'oneForOne' | 'oneForAll' | 'restForOne'): Promise<void> {
  const held = new Held();
  const mood = { failing: false, slow: false };
  let clock = new VirtualClock();
  const described = treeOf(held, mood, strategy);
  let app = described.start({ clock });
  const answers: { readonly what: string; readonly of: App; readonly promise: Promise<unknown> }[] = [];
  const note = (what: string, promise: Promise<unknown> | undefined): void => {
    if (promise !== undefined) answers.push({ what, of: app, promise });
  };
  for (const step of list) {
    const path = step.at ?? '';
    const id = path.split('/').at(-1) ?? '';
    const ref = find(app, path);
    const plain = ref !== undefined && !['inner', 'dyn', 'tasks'].includes(path);
    if (step.do === 'wait') await clock.advanceByAsync(step.ms ?? 0);
    else if (step.do === 'kill' && ref !== undefined) exit(ref, 'kill');
    else if (['crash', 'finish', 'up', 'suicide'].includes(step.do)) {
      if (plain && !hasStopped(ref)) ref.send({ type: step.do });
    } else if (step.do === 'terminate') note('terminate', ownerOf(app, path)?.terminateChild(id));
    else if (step.do === 'restart') note('restart', ownerOf(app, path)?.restartChild(id));
    else if (step.do === 'delete') note('delete', ownerOf(app, path)?.deleteChild(id));
    else if (step.do === 'which') note('which', ownerOf(app, path)?.whichChildren());
    else if (step.do === 'start') note('start', app.startChild({ id: 'e', src: 'worker', restart: 'temporary', startMs: 50, shutdownMs: 40 }));
    else if (step.do === 'startDynamic')
      note('startDynamic', ownerOf(app, 'dyn/d')?.startChild({ id: 'd', src: 'worker', startMs: 50, shutdownMs: 40, backoff }));
    else if (step.do === 'failing' || step.do === 'slow') mood[step.do] = true;
    else if (step.do === 'well') Object.assign(mood, { failing: false, slow: false });
    else if (step.do === 'task')
      note(
        'task',
        app.tasks.run(() => Promise.resolve(1), { deadlineMs: 100 }),
      );
    else if (step.do === 'taskThatFails') app.tasks.start(() => Promise.reject(boom), { restart: 'transient' });
    else if (step.do === 'taskForever') app.tasks.start(() => new Promise(() => {}), { trapExit: true, shutdownMs: 20 });
    else if (step.do === 'link') {
      const to = find(app, step.to ?? '');
      if (ref !== undefined && to !== undefined) link(ref, to);
    } else if (step.do === 'drain') note('drain', app.drain({ deadlineMs: 100 }));
    else if (step.do === 'stop') note('stop', app.stop());
    else if (step.do === 'save' && app.ref.getSnapshot().status === 'active') {
      const snapshot = JSON.parse(JSON.stringify(app.getPersistedSnapshot())) as unknown;
      app.ref.stop();
      await clock.advanceByAsync(20_000);
      expect([...held.alive.values()], 'after the plug was pulled').toEqual([]);
      expect(clock.pending(), 'timers after the plug was pulled').toBe(0);
      clock = new VirtualClock();
      clock.advanceTo(7);
      app = described.start({ clock, snapshot });
    }
    await clock.flush();
    checkBeliefs(app.ref);
    expect([...held.alive.values()].length, 'no more resources than workers that could hold them').toBeLessThanOrEqual(14);
  }
  Object.assign(mood, { failing: false, slow: false });
  if (app.ref.getSnapshot().status === 'active') {
    await clock.advanceByAsync(2_000);
    checkBeliefs(app.ref);
  }
  note('the last stop', app.stop());
  for (let round = 0; round < 40; round++) await clock.advanceByAsync(500);
  const open = Symbol('open');
  for (const { what, promise } of answers) expect(await Promise.race([promise, Promise.resolve(open)]), `${what} was never answered`).not.toBe(open);
  expect(app.ref.getSnapshot().status).toBe('done');
  expect([...held.alive.values()], 'resources that are still held').toEqual([]);
  expect(clock.pending(), 'timers that still wait').toBe(0);
}

/** XState warns, in its development build, of every event to an actor that has ended: an orphan's end is one. */
beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

describe.each(['oneForOne', 'oneForAll', 'restForOne'] as const)('a whole tree under %s', (strategy) => {
  it('survives anything, answers everybody, and leaves nothing', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(steps, (list) => play(list, strategy)),
      { numRuns: Number(process.env.CHAOS_RUNS ?? 60), seed: Number(process.env.CHAOS_SEED ?? 4) },
    );
  });
});
