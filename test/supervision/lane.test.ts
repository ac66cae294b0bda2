/** The actor of a task in the fast lane: an actor of XState in every respect, whose parts are made when they are touched. */
import { Actor, createActor, setup, type AnyActorRef, type InspectionEvent } from 'xstate';
import { describe, expect, it, vi } from 'vitest';
import {
  exit,
  exitReason,
  link,
  monitor,
  onExit,
  taskSupervisor,
  taskSupervisorHandle,
  type MonitorDown,
  type TaskOutcome,
} from '../../src/index.js';
import { isInFull } from '../../src/supervision/lean-task.js';
import { finalSnapshot, taskLeaf } from '../../src/supervision/task-leaf.js';
import { reasonOf } from '../../src/supervision/task-ends.js';
import { taskMachine, type TaskEvent } from '../../machines/supervision/task.js';
import { onStart } from '../../src/supervision/start-watch.js';
import { actorFields, strangeActor } from '../../src/supervision/xstate-internals.js';
import { inEachLane, tasksIn } from './lanes.js';
import { boom, stage } from './stage.js';

const never = () => new Promise<never>(() => {});

/** A started task's actor. */
function refOf(started: { readonly ok: boolean; readonly task?: { readonly ref: AnyActorRef } }): AnyActorRef {
  if (started.task === undefined) throw new Error('refused');
  return started.task.ref;
}

/** All that an actor tells of itself, without its names. */
const told = (ref: AnyActorRef) => ({
  isActor: ref instanceof Actor,
  id: ref.id,
  src: ref.src,
  snapshot: JSON.parse(JSON.stringify(ref.getSnapshot())) as unknown,
  can: (ref.getSnapshot() as { can(event: object): boolean }).can({ type: 'task.succeeded' }),
  persisted: ref.getPersistedSnapshot(),
  json: JSON.parse(JSON.stringify(ref)) as unknown,
  reason: exitReason(ref),
  parent: ref._parent?.id,
  isItself: (ref as unknown as { ref: AnyActorRef }).ref === ref,
  systemId: (ref as unknown as { systemId: unknown }).systemId,
});

const ends: readonly (readonly [string, (tasks: ReturnType<typeof taskSupervisorHandle>) => Promise<AnyActorRef>])[] = [
  ['one that runs', async (tasks) => refOf(tasks.async(never))],
  ['one that succeeded at once', async (tasks) => refOf(tasks.async(() => 1))],
  ['one that failed', async (tasks) => refOf(tasks.async(() => Promise.reject(boom)))],
  [
    'one that was cancelled',
    async (tasks) => {
      const started = tasks.async(never);
      if (started.ok) started.task.cancel();
      return refOf(started);
    },
  ],
  [
    'one that was killed',
    async (tasks) => {
      const started = tasks.async(never);
      if (started.ok) await started.task.shutdown('brutalKill');
      return refOf(started);
    },
  ],
];

describe('the actor of a task in the fast lane', () => {
  it.each(ends)('tells what one in the full lane tells: %s', async (_, end) => {
    const here = stage();
    const [fast, full, inspected] = [tasksIn('fast')(here), tasksIn('full')(here), tasksIn('full, seen')(here)];
    const [lean, whole, bySight] = [await end(fast), await end(full), await end(inspected)];
    await here.flush();
    expect([lean, whole, bySight].map(isInFull)).toEqual([false, true, true]);
    expect(told(whole)).toEqual(told(bySight));
    const { persisted: _persisted, ...before } = { ...told(whole) };
    const seen = told(lean);
    const { persisted: __, ...shown } = seen;
    expect(shown).toEqual(before);
    expect(seen.persisted).toEqual(whole.getPersistedSnapshot());
    await Promise.all([fast.stop(), full.stop(), inspected.stop()]);
    expect(told(lean)).toEqual(told(whole));
    expect(told(whole)).toEqual(told(bySight));
  });

  it.each(ends)('shows the same snapshot however often it is read, also after it is made in full: %s', async (_, end) => {
    const ref = await end(tasksIn('fast')(stage()));
    const first = ref.getSnapshot() as object;
    expect(ref.getSnapshot()).toBe(first);
    ref.subscribe(() => {});
    expect(isInFull(ref)).toBe(true);
    expect(ref.getSnapshot()).toBe(first);
  });

  it('has a name of its own in its system, and the same one after it is made in full', () => {
    const here = stage();
    const tasks = tasksIn('fast')(here);
    const [one, other] = [refOf(tasks.async(never)), refOf(tasks.async(never))];
    const names = [one.sessionId, other.sessionId];
    expect(new Set([...names, tasks.ref.sessionId]).size).toBe(3);
    one.subscribe(() => {});
    expect([isInFull(one), isInFull(other)]).toEqual([true, false]);
    expect([one.sessionId, other.sessionId]).toEqual(names);
    expect(Object.keys(one).sort()).toEqual([...actorFields].sort());
  });

  it.each<[string, (ref: AnyActorRef, hear: (word: unknown) => void) => void]>([
    ['subscribes', (ref, hear) => ref.subscribe({ next: (now: { value: unknown }) => hear(now.value), complete: () => hear('complete') })],
    ['listens to its end', (ref, hear) => onExit(ref, hear)],
    ['selects', (ref, hear) => (ref as unknown as Actor<typeof taskMachine>).select(({ value }) => value).subscribe(hear)],
  ])('is made in full for who %s, and tells him its end', async (_, watch) => {
    const heard: unknown[][] = [[], []];
    const here = stage();
    const settle: ((value: number) => void)[] = [];
    for (const [index, lane] of (['fast', 'full'] as const).entries()) {
      const ref = refOf(tasksIn(lane)(here).async(() => new Promise<number>((resolve) => settle.push(resolve))));
      watch(ref, (word) => heard[index]?.push(word));
    }
    for (const resolve of settle) resolve(1);
    await here.flush();
    expect(heard[0]).toEqual(heard[1]);
    expect(heard[0]?.length).toBeGreaterThan(0);
  });

  it('may be told its end by a stranger', async () => {
    const here = stage();
    const tasks = tasksIn('fast')(here);
    const started = tasks.async(never);
    refOf(started).send({ type: 'task.cancelled', reason: 'shutdown' });
    expect(started.ok && (await started.task.outcome)).toEqual({ ok: false, reason: 'shutdown' });
    expect(tasks.count()).toBe(0);
  });

  it('keeps the reason for which it was killed before anybody asked for it', async () => {
    const here = stage();
    const tasks = tasksIn('fast')(here);
    const started = tasks.async(never);
    if (!started.ok) throw new Error('refused');
    await started.task.shutdown('brutalKill');
    expect(exitReason(started.task.ref)).toBe('killed');
    expect(tasks.terminate(started.task)).toEqual({ ok: false, reason: 'notFound' });
  });

  it('cannot be stopped by who is not its owner', () => {
    const ref = refOf(tasksIn('fast')(stage()).async(never)) as AnyActorRef & { stop(): void };
    expect(() => ref.stop()).toThrow('A non-root actor cannot be stopped directly.');
  });

  it('ends by an exit signal as any other', async () => {
    const here = stage();
    const tasks = tasksIn('fast')(here);
    const started = tasks.async(never);
    const ref = refOf(started);
    exit(ref, 'kill');
    expect(exitReason(ref)).toBe('killed');
    expect(started.ok && (await started.task.outcome)).toEqual({ ok: false, reason: 'killed' });
    expect(tasks.count()).toBe(0);
  });
});

describe('the chart of a task in the fast lane', () => {
  const events: readonly TaskEvent[] = [
    { type: 'task.succeeded' },
    { type: 'task.failed', reason: { crash: 'one' } },
    { type: 'task.failed', reason: { crash: 'another' } },
    { type: 'task.cancelled', reason: 'shutdown' },
    { type: 'task.timedOut' },
  ];

  it.each(events)('ends as the task machine says: %j', (event) => {
    const actor = createActor(taskMachine).start();
    actor.send(event);
    expect(JSON.stringify(finalSnapshot(event))).toBe(JSON.stringify(actor.getSnapshot()));
    expect(Object.keys(finalSnapshot(event))).toEqual(Object.keys(actor.getSnapshot()));
    expect(reasonOf(event)).toEqual(exitReason(actor));
  });

  it('knows every end of the machine', () => {
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(taskMachine.events));
    expect(taskLeaf.events).toEqual(taskMachine.events);
  });
});

describe('who inspects a system', () => {
  /** What he is told of tasks, without their names. */
  const noted = (events: string[]) => (event: InspectionEvent) => {
    const { id } = event.actorRef as AnyActorRef;
    if (id.startsWith('task#')) events.push(`${event.type} ${id} ${(event as { event?: { type: string } }).event?.type ?? ''}`);
  };

  it.each(['fast', 'full'] as const)('sees each task as it is, in the %s lane, when he comes before it', async (lane) => {
    const events: string[] = [];
    const root = createActor(taskSupervisor({ lane })).start();
    const tasks = taskSupervisorHandle(root);
    const watch = root.system.inspect(noted(events));
    await tasks.run(() => 1);
    await tasks.run(() => Promise.reject(boom));
    watch.unsubscribe();
    await tasks.run(() => 3);
    await tasks.stop();
    expect(events).toEqual([
      ...['@xstate.actor task#0 ', '@xstate.event task#0 xstate.init', '@xstate.snapshot task#0 xstate.init'],
      ...['@xstate.event task#0 task.succeeded', '@xstate.microstep task#0 task.succeeded', '@xstate.snapshot task#0 task.succeeded'],
      ...['@xstate.actor task#0 ', '@xstate.event task#0 xstate.init', '@xstate.snapshot task#0 xstate.init'],
      ...['@xstate.event task#0 task.failed', '@xstate.microstep task#0 task.failed', '@xstate.snapshot task#0 task.failed'],
    ]);
  });

  it.each(['fast', 'full'] as const)('sees the rest of a task in the %s lane when he comes after its start', async (lane) => {
    const events: string[] = [];
    const root = createActor(taskSupervisor({ lane })).start();
    const tasks = taskSupervisorHandle(root);
    const started = tasks.async(never);
    const ref = refOf(started);
    root.system.inspect(noted(events));
    expect(isInFull(ref)).toBe(true);
    if (started.ok) started.task.cancel();
    await tasks.stop();
    expect(events).toEqual([
      '@xstate.event task#0 task.cancelled',
      '@xstate.microstep task#0 task.cancelled',
      '@xstate.snapshot task#0 task.cancelled',
    ]);
  });

  it('sees nothing made in full by him who only waits for an actor to start', () => {
    const root = createActor(taskSupervisor()).start();
    const tasks = taskSupervisorHandle(root);
    const ref = refOf(tasks.async(never));
    const watch = onStart(createActor(setup({}).createMachine({}), { parent: root }), () => {});
    expect([isInFull(ref), isInFull(refOf(tasks.async(never)))]).toEqual([false, false]);
    watch.unsubscribe();
    void tasks.stop();
  });

  it('is known when he was given to createActor', () => {
    const tasks = taskSupervisorHandle(createActor(taskSupervisor(), { inspect: () => {} }).start());
    expect(isInFull(refOf(tasks.async(never)))).toBe(true);
    void tasks.stop();
  });

  it('has tasks made in part again when he has left', () => {
    const root = createActor(taskSupervisor()).start();
    const tasks = taskSupervisorHandle(root);
    const watch = root.system.inspect(() => {});
    expect(isInFull(refOf(tasks.async(never)))).toBe(true);
    watch.unsubscribe();
    watch.unsubscribe();
    expect(isInFull(refOf(tasks.async(never)))).toBe(false);
    void tasks.stop();
  });
});

inEachLane((tasksOn) => {
  it('is told of a monitored task’s end once, and its links hold', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const downs: MonitorDown[] = [];
    const owner = here.root(
      setup({ types: { events: {} as MonitorDown }, actions: { note: ({ event }) => downs.push(event) } }).createMachine({
        on: { 'monitor.down': { actions: 'note' } },
      }),
    );
    const mate = here.root(setup({}).createMachine({}), { id: 'mate' });
    const started = tasks.async(never);
    const ref = refOf(started);
    monitor(owner, ref, 'm');
    link(mate, ref);
    if (started.ok) void started.task.shutdown('brutalKill');
    expect(downs).toEqual([{ type: 'monitor.down', ref: 'm', actor: ref, reason: 'killed' }]);
    expect(exitReason(mate)).toBe('killed');
  });

  it('tells `onEnd` once, when a task has ended for good', async () => {
    const here = stage();
    const tasks = tasksOn(here, { intensity: 3 });
    const told: TaskOutcome<unknown>[] = [];
    let runs = 0;
    const onEnd = (outcome: TaskOutcome<unknown>): void => void told.push(outcome);
    tasks.start(() => 1, { onEnd });
    tasks.start(
      () => {
        if (++runs < 3) throw boom;
        return runs;
      },
      { restart: 'transient', onEnd },
    );
    tasks.start(never, { onEnd });
    await tasks.stop();
    expect(told).toEqual([
      { ok: true, value: 1 },
      { ok: true, value: 3 },
      { ok: false, reason: 'shutdown' },
    ]);
  });

  it('prints what `onEnd` throws, and goes on', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {});
    tasks.start(() => 1, {
      onEnd: () => {
        throw boom;
      },
    });
    expect(printed.mock.calls).toEqual([['espalier: `onEnd` of a task threw', boom]]);
    printed.mockRestore();
    expect(await tasks.run(() => 2)).toEqual({ ok: true, value: 2 });
  });
});

describe('what the lanes need of XState', () => {
  it('is there in the version that is installed', () => {
    expect(strangeActor()).toBeNull();
  });
});
