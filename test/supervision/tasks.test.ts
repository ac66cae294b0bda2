import { createActor, setup, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { exitReason, exitWith, taskSupervisor, taskSupervisorHandle, type LinkExit, type TaskSupervisor, type TaskSupervisorInput } from '../../src/index.js';
import { boom, stage, type Stage } from './stage.js';

function tasksOn(here: Stage, options: TaskSupervisorInput = {}): TaskSupervisor {
  return taskSupervisorHandle(here.root(taskSupervisor(options), { id: 'tasks' }));
}

/** A promise in the hands of the test. */
function deferred<Value = unknown>() {
  let resolve!: (value: Value) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

const never = () => new Promise<never>(() => {});

/** An owner of tasks that dies with what it is linked to, and can be told to finish. */
const mortal = setup({ types: { events: {} as { type: 'finish' } | { type: 'crash' } }, actions: { crash: () => { throw boom; } } }).createMachine({
  id: 'mortal', initial: 'alive', states: { alive: { on: { finish: 'over', crash: { actions: 'crash' } } }, over: { type: 'final' } },
});

/** An owner that traps exits, and keeps what it is told. */
function trapping(heard: LinkExit[]) {
  return setup({ types: { events: {} as LinkExit }, actions: { hear: ({ event }) => { heard.push(event); } } }).createMachine({
    id: 'trapping', on: { 'link.exit': { actions: 'hear' } },
  });
}

function ownerOf(here: Stage, logic: Parameters<Stage['root']>[0], id: string): AnyActorRef {
  const owner = here.root(logic, { id });
  owner.subscribe({ error: () => {} });
  return owner;
}

describe('a task with an awaited result', () => {
  it('settles with what its function returns, at once or later', async () => {
    const tasks = tasksOn(stage());
    const later = deferred<string>();
    const first = tasks.async(() => 1);
    const second = tasks.async(() => later.promise);
    expect(tasks.count()).toBe(1);
    later.resolve('two');
    expect(first.ok && (await first.task.outcome)).toEqual({ ok: true, value: 1 });
    expect(second.ok && (await second.task.outcome)).toEqual({ ok: true, value: 'two' });
    expect(tasks.count()).toBe(0);
  });

  it.each([
    ['throws in its call', () => { throw boom; }],
    ['rejects', () => Promise.reject(boom)],
    ['returns a thenable that rejects', () => ({ then: (_yes: unknown, no: (error: unknown) => void) => { no(boom); } }) as unknown as PromiseLike<never>],
  ])('settles with the crash when its function %s', async (_how, fn) => {
    const tasks = tasksOn(stage());
    expect(await tasks.run(fn)).toEqual({ ok: false, reason: { crash: boom } });
    expect(tasks.count()).toBe(0);
  });

  it('takes any thenable for a promise', async () => {
    const tasks = tasksOn(stage());
    const thenable = { then: (yes: (value: string) => void) => { yes('thenable'); } } as unknown as PromiseLike<string>;
    expect(await tasks.run(() => thenable)).toEqual({ ok: true, value: 'thenable' });
  });

  it('settles with a crash when reading `then` of what it returned throws', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const trap = { get then(): never { throw boom; } };
    expect(await tasks.run(() => trap as unknown)).toEqual({ ok: false, reason: { crash: boom } });
    expect(tasks.count()).toBe(0);
  });

  it('settles with a crash when the thenable that it returned throws in `then`', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const trap = { then: () => { throw boom; } } as unknown as PromiseLike<never>;
    expect(await tasks.run(() => trap)).toEqual({ ok: false, reason: { crash: boom } });
    expect(tasks.count()).toBe(0);
  });

  it('takes only the first word of a thenable that speaks twice', async () => {
    const tasks = tasksOn(stage());
    const twice = { then: (yes: (value: number) => void, no: (error: unknown) => void) => { yes(1); no(boom); yes(2); } } as unknown as PromiseLike<number>;
    expect(await tasks.run(() => twice)).toEqual({ ok: true, value: 1 });
    expect(tasks.count()).toBe(0);
  });

  it('is awaited for a time, and goes on when that is over', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const work = deferred<string>();
    const started = tasks.async(() => work.promise);
    if (!started.ok) throw new Error('refused');
    expect(await here.settle(started.task.await(50))).toEqual({ ok: false, reason: 'timeout' });
    expect(await here.settle(started.task.yield(50))).toBeNull();
    expect(here.clock.now()).toBe(100);
    expect(tasks.count()).toBe(1);
    work.resolve('late');
    expect(await started.task.await()).toEqual({ ok: true, value: 'late' });
    expect(await started.task.yield(10)).toEqual({ ok: true, value: 'late' });
  });

  it('is shut down: null when it ended because of that, its outcome when it had ended before', async () => {
    const tasks = tasksOn(stage());
    const running = tasks.async(never);
    const done = tasks.async(() => 'done');
    const brutal = tasks.async(never);
    expect(running.ok && (await running.task.shutdown())).toBeNull();
    expect(done.ok && (await done.task.shutdown())).toEqual({ ok: true, value: 'done' });
    expect(brutal.ok && (await brutal.task.shutdown('brutalKill'))).toBeNull();
  });

  it('that traps exits has until the end of its shutdown time to settle, and is killed then', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const good = tasks.async(({ signal }) => new Promise((resolve) => { signal.addEventListener('abort', () => { resolve('tidied'); }); }), { trapExit: true });
    const bad = tasks.async(never, { trapExit: true });
    if (!good.ok || !bad.ok) throw new Error('refused');
    expect(await good.task.shutdown()).toEqual({ ok: true, value: 'tidied' });
    expect(await here.settle(bad.task.shutdown(70))).toEqual({ ok: false, reason: 'killed' });
    expect(here.clock.now()).toBe(70);
  });

  it('is killed at the first deadline, however often it is told to end', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const started = tasks.async(never, { trapExit: true, shutdownMs: 100 });
    if (!started.ok) throw new Error('refused');
    tasks.terminate(started.task);
    here.clock.advanceBy(90);
    tasks.terminate(started.task);
    here.clock.advanceBy(20);
    expect(await here.peek(started.task.outcome)).toEqual({ ok: false, reason: 'killed' });
  });

  it('is cancelled at once, and twice is once', async () => {
    const tasks = tasksOn(stage());
    const started = tasks.async(never);
    if (!started.ok) throw new Error('refused');
    started.task.cancel();
    started.task.cancel();
    expect(await started.task.outcome).toEqual({ ok: false, reason: 'cancelled' });
  });

  it('times out at its deadline, with its signal aborted', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    let signal: AbortSignal | undefined;
    const outcome = tasks.run((scope) => { ({ signal } = scope); return never(); }, { deadlineMs: 30 });
    expect(await here.settle(outcome)).toEqual({ ok: false, reason: 'timedOut' });
    expect(here.clock.now()).toBe(30);
    expect(signal?.reason).toMatchObject({ name: 'TimeoutError' });
  });

  it('without end is allowed a deadline without end', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const started = tasks.async(never, { deadlineMs: Infinity });
    expect(here.clock.pending()).toBe(0);
    if (started.ok) started.task.cancel();
  });
});

describe('the signal of a task', () => {
  it('is never aborted by success', async () => {
    const tasks = tasksOn(stage());
    let signal: AbortSignal | undefined;
    await tasks.run((scope) => { ({ signal } = scope); return 1; });
    await tasks.run(() => 2);
    expect(signal?.aborted).toBe(false);
  });

  it('is the same however often it is read', async () => {
    const tasks = tasksOn(stage());
    const seen: AbortSignal[] = [];
    await tasks.run((scope) => { seen.push(scope.signal, scope.signal); });
    expect(seen[0]).toBe(seen[1]);
  });

  it('read too late is aborted, and says nothing to the next task in the same slot', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    let kept: { readonly signal: AbortSignal } | undefined;
    const first = tasks.async((scope) => { kept = scope; return never(); });
    if (first.ok) first.task.cancel();
    const second = tasks.async(never);
    expect(kept?.signal.aborted).toBe(true);
    expect(second.ok && first.ok && second.task.id === first.task.id).toBe(true);
    if (second.ok) second.task.cancel();
  });

  it('of the app cancels the task; when it has aborted before, the function does not even begin', async () => {
    const tasks = tasksOn(stage());
    const app = new AbortController();
    let began = 0;
    const running = tasks.async(() => { began++; return never(); }, { signal: app.signal });
    app.abort();
    const late = tasks.async(() => { began++; return never(); }, { signal: app.signal });
    expect(running.ok && (await running.task.outcome)).toEqual({ ok: false, reason: 'cancelled' });
    expect(late.ok && (await late.task.outcome)).toEqual({ ok: false, reason: 'cancelled' });
    expect(began).toBe(1);
    expect(tasks.count()).toBe(0);
    expect(await tasks.run(() => 'next')).toEqual({ ok: true, value: 'next' });
    expect(await tasks.run(() => 'and the next')).toEqual({ ok: true, value: 'and the next' });
  });

  it('of the app is let go when the task has ended', async () => {
    const tasks = tasksOn(stage());
    const app = new AbortController();
    let listeners = 0;
    const { signal } = app;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = ((...args: Parameters<typeof add>) => { listeners++; add(...args); }) as typeof signal.addEventListener;
    signal.removeEventListener = ((...args: Parameters<typeof remove>) => { listeners--; remove(...args); }) as typeof signal.removeEventListener;
    await tasks.run(() => 1, { signal });
    await tasks.run(() => Promise.resolve(2), { signal });
    expect(listeners).toBe(0);
  });

  it('may cancel its own task and start another from its listener: the other one lives', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    let other: ReturnType<typeof tasks.async> | undefined;
    const started: ReturnType<typeof tasks.async> = tasks.async(({ signal }) => {
      signal.addEventListener('abort', () => {
        if (started.ok) started.task.cancel();
        other = tasks.async(never);
      });
      return never();
    });
    if (!started.ok) throw new Error('refused');
    void started.task.shutdown();
    if (other?.ok !== true) throw new Error('refused');
    expect(await here.peek(other.task.outcome)).toBe('pending');
    other.task.cancel();
  });
});

describe('a late result', () => {
  it('touches neither its own outcome nor the next task in the slot', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const slow = deferred<string>();
    const first = tasks.async(() => slow.promise);
    if (!first.ok) throw new Error('refused');
    first.task.cancel();
    const second = tasks.async(never);
    if (!second.ok) throw new Error('refused');
    expect(second.task.id).toBe(first.task.id);
    slow.resolve('too late');
    await here.flush();
    expect(await first.task.outcome).toEqual({ ok: false, reason: 'cancelled' });
    expect(await here.peek(second.task.outcome)).toBe('pending');
    second.task.cancel();
  });

  it('that rejects is no unhandled rejection', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const slow = deferred();
    const first = tasks.async(() => slow.promise);
    if (first.ok) first.task.cancel();
    slow.reject(boom);
    await here.flush();
    expect(tasks.count()).toBe(0);
  });

  it('of a handle whose task is over cannot end the task that has its slot now', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const first = tasks.async(() => 1);
    const second = tasks.async(never);
    if (!first.ok || !second.ok) throw new Error('refused');
    expect(second.task.id).toBe(first.task.id);
    first.task.cancel();
    await first.task.shutdown('brutalKill');
    expect(tasks.terminate(first.task)).toEqual({ ok: false, reason: 'notFound' });
    expect(await here.peek(second.task.outcome)).toBe('pending');
    second.task.cancel();
  });
});

describe('the owner of a task', () => {
  it('outlives a linked task that succeeds at once', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const owner = ownerOf(here, mortal, 'owner');
    const started = tasks.async(() => 1, { owner });
    expect(started.ok && (await started.task.outcome)).toEqual({ ok: true, value: 1 });
    expect(exitReason(owner)).toBeNull();
  });

  it('outlives a linked task that succeeds later', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const owner = ownerOf(here, mortal, 'owner');
    const started = tasks.async(() => Promise.resolve(1), { owner });
    expect(started.ok && (await started.task.outcome)).toEqual({ ok: true, value: 1 });
    expect(exitReason(owner)).toBeNull();
  });

  it('dies of the crash of a linked task, at once or later', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const first = ownerOf(here, mortal, 'first');
    const second = ownerOf(here, mortal, 'second');
    tasks.async(() => { throw boom; }, { owner: first });
    tasks.async(() => Promise.reject(boom), { owner: second });
    await here.flush();
    expect(exitReason(first)).toEqual({ crash: boom });
    expect(exitReason(second)).toEqual({ crash: boom });
  });

  it('that traps exits is told instead', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const heard: LinkExit[] = [];
    const owner = ownerOf(here, trapping(heard), 'owner');
    const started = tasks.async(() => Promise.reject(boom), { owner });
    await here.flush();
    expect(heard).toMatchObject([{ type: 'link.exit', reason: { crash: boom } }]);
    expect(started.ok && heard[0]?.from === started.task.ref).toBe(true);
  });

  it('outlives a task that is not linked', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const owner = ownerOf(here, mortal, 'owner');
    const started = tasks.async(() => Promise.reject(boom), { owner, link: false });
    expect(started.ok && (await started.task.outcome)).toEqual({ ok: false, reason: { crash: boom } });
    expect(exitReason(owner)).toBeNull();
  });

  it('outlives a linked task that it cancels or shuts down', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const owner = ownerOf(here, mortal, 'owner');
    const [one, two] = [tasks.async(never, { owner }), tasks.async(never, { owner })];
    if (one.ok) one.task.cancel();
    if (two.ok) await two.task.shutdown('brutalKill');
    expect(exitReason(owner)).toBeNull();
  });

  it('that crashes takes its linked task with it, and the signal of the task says so', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const owner = ownerOf(here, mortal, 'owner');
    let signal: AbortSignal | undefined;
    const started = tasks.async((scope) => { ({ signal } = scope); return never(); }, { owner });
    owner.send({ type: 'crash' });
    expect(started.ok && (await started.task.outcome)).toEqual({ ok: false, reason: { crash: boom } });
    expect(signal?.aborted).toBe(true);
  });

  it('that finishes in good order leaves its linked task running, as a normal exit signal ends nobody', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const owner = ownerOf(here, mortal, 'owner');
    const started = tasks.async(never, { owner });
    owner.send({ type: 'finish' });
    await here.flush();
    expect(tasks.count()).toBe(1);
    if (started.ok) started.task.cancel();
  });

  it('that is dead already gets no running task', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const owner = createActor(mortal, { clock: here.clock }).start();
    owner.stop();
    const started = tasks.async(never, { owner });
    await here.flush();
    expect(tasks.count()).toBe(0);
    expect(started.ok && (await started.task.outcome)).toMatchObject({ ok: false });
  });

  it('keeps no link to a task that has ended', async () => {
    const here = stage();
    const tasks = tasksOn(here);
    const owner = here.root(mortal, { id: 'owner' });
    const observers = () => (owner as unknown as { observers: Set<unknown> }).observers.size;
    for (let round = 0; round < 3; round++) {
      const started = tasks.async(() => Promise.resolve(round), { owner });
      if (started.ok) await started.task.outcome;
      tasks.async(() => round, { owner });
    }
    expect(observers()).toBe(0);
  });
});

describe('exitWith in a task supervisor', () => {
  it('is unknown to functions: what they return is their value', async () => {
    const tasks = tasksOn(stage());
    expect(await tasks.run(() => exitWith('shutdown'))).toEqual({ ok: true, value: exitWith('shutdown') });
  });
});
