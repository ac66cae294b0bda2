import { setup, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { dynamicSupervisor, exit, exitReason, isSupervisor, supervisor, supervisorHandle, type App, type ChildSpec } from '../../src/index.js';
import { boom, factsOf, stage, told, trapper, worker, type Stage } from './stage.js';

const slow = setup({ types: { events: {} as { type: 'up' } } }).createMachine({
  initial: 'starting', states: { starting: { tags: 'starting', on: { up: 'up' } }, up: {} },
});

/** Traps exits, and never ends by itself. */
const stubborn = (log: string[] = []) => trapper(log);

function threeOf(here: Stage, log: string[], specs: Partial<ChildSpec>[] = [{}, {}, {}], options: object = {}): App {
  const actors = { worker: worker(log), trapper: trapper(log, 50), stubborn: stubborn(log), slow };
  return here.app({ actors, ...options, children: specs.map((spec, index) => ({ id: 'abc'[index] as string, src: 'worker', input: { name: 'abc'[index] }, ...spec })) as never });
}

describe('stopping', () => {
  it('asks in reverse order, one after the other, and reports who ended how in that order', async () => {
    const here = stage();
    const log: string[] = [];
    const app = threeOf(here, log, [{ src: 'trapper' }, {}, { src: 'trapper' }]);
    const report = await here.settle(app.stop());
    expect(log).toEqual(['+a', '+b', '+c', '?c', '-c', '-b', '?a', '-a']);
    expect(report).toEqual({
      id: 'app', reason: 'normal', tookMs: 100, killed: [], orphans: [],
      children: [
        { id: 'c', reason: 'shutdown', tookMs: 50, killed: false },
        { id: 'b', reason: 'shutdown', tookMs: 0, killed: false },
        { id: 'a', reason: 'shutdown', tookMs: 50, killed: false },
      ],
    });
  });

  it.each([
    ['at its deadline', 70, { reason: 'killed', killed: true, tookMs: 70 }, ['?c', '-c']],
    ['at once, with 0', 0, { reason: 'killed', killed: true, tookMs: 0 }, ['?c', '-c']],
    ['without being asked, with brutalKill', 'brutalKill', { reason: 'killed', killed: true, tookMs: 0 }, ['-c']],
  ] as const)('kills one that traps exits and does not end %s', async (_when, shutdownMs, line, traces) => {
    const here = stage();
    const log: string[] = [];
    const app = threeOf(here, log, [{}, {}, { src: 'stubborn', shutdownMs }]);
    const report = await here.settle(app.stop());
    expect(report.children[0]).toEqual({ id: 'c', ...line });
    expect(report.killed).toEqual(['c']);
    expect(log.slice(3)).toEqual([...traces, '-b', '-a']);
  });

  it('with infinity waits for ever, and no timer is set', async () => {
    const here = stage();
    const log: string[] = [];
    const app = threeOf(here, log, [{ src: 'stubborn', shutdownMs: 'infinity' }]);
    const stopped = app.stop();
    expect(here.clock.pending()).toBe(0);
    here.clock.advanceBy(10_000_000);
    expect(await here.peek(stopped)).toBe('pending');
    app.child('a')?.send({ type: 'finish' });
    expect(await here.peek(stopped)).toMatchObject({ tookMs: 10_000_000, killed: [] });
  });

  it('a child that does not trap ends shutdown at once, even with 0; a wildcard does not trap', async () => {
    const here = stage();
    const wild = setup({}).createMachine({ on: { '*': { actions: () => {} } } });
    const partly = setup({}).createMachine({ initial: 'a', states: { a: {}, b: { on: { 'supervisor.shutdown': {} } } } });
    const forbidden = setup({}).createMachine({ on: { 'supervisor.shutdown': {} } });
    const app = here.app({ actors: { wild, partly, forbidden }, children: [{ id: 'w', src: 'wild', shutdownMs: 0 }, { id: 'p', src: 'partly' }, { id: 'f', src: 'forbidden' }] });
    const report = await here.settle(app.stop());
    expect(report).toMatchObject({ tookMs: 0, killed: [], children: [{ reason: 'shutdown' }, { reason: 'shutdown' }, { reason: 'shutdown' }] });
  });

  it('`supervisor.*` does trap', async () => {
    const here = stage();
    const heard: string[] = [];
    const all = setup({ actions: { hear: ({ event }) => { heard.push(event.type); } } }).createMachine({
      initial: 'a', states: { a: { on: { 'supervisor.*': { target: 'b', actions: 'hear' } } }, b: { type: 'final' } },
    });
    const app = here.app({ actors: { all }, children: [{ id: 'x', src: 'all' }] });
    expect(await here.settle(app.stop())).toMatchObject({ children: [{ id: 'x', reason: 'normal' }] });
    expect(heard).toEqual(['supervisor.shutdown']);
  });

  it('reports what nested supervisors\' children did, and the way to who was killed', async () => {
    const here = stage();
    const log: string[] = [];
    const inner = supervisor({
      actors: { worker: worker(log), stubborn: stubborn(log) },
      children: [{ id: 'deep', src: 'stubborn', input: { name: 'deep' }, shutdownMs: 40 }, { id: 'easy', src: 'worker', input: { name: 'easy' } }],
    });
    const app = here.app({ actors: { inner, worker: worker(log) }, children: [{ id: 'in', src: 'inner', type: 'supervisor' }, { id: 'w', src: 'worker' }] });
    const report = await here.settle(app.stop({ reason: ['shutdown', 'deploy'] }));
    expect(report).toEqual({
      id: 'app', reason: ['shutdown', 'deploy'], tookMs: 40, killed: ['in/deep'], orphans: [],
      children: [
        { id: 'w', reason: 'shutdown', tookMs: 0, killed: false },
        { id: 'in', reason: 'shutdown', tookMs: 40, killed: false, children: [
          { id: 'easy', reason: 'shutdown', tookMs: 0, killed: false },
          { id: 'deep', reason: 'killed', tookMs: 40, killed: true },
        ] },
      ],
    });
  });

  /** Traps exits for ever, however often it is asked. */
  const deaf = setup({}).createMachine({ on: { 'supervisor.shutdown': { actions: () => {} } } });
  const holding = (options: Partial<ChildSpec> = {}) => supervisor({
    actors: { deaf, worker: worker() }, children: [{ id: 'deep', src: 'deaf', ...options }, { id: 'plain', src: 'worker' }],
  });

  it('a supervisor that is killed leaves its trapping children as orphans; the report names them, and they end within their time', async () => {
    const here = stage();
    const app = here.app({ actors: { inner: holding({ shutdownMs: 7_000 }) }, children: [{ id: 'in', src: 'inner', type: 'supervisor', shutdownMs: 60 }] });
    expect(await here.settle(app.stop())).toMatchObject({ tookMs: 60, killed: expect.arrayContaining(['in']) as string[], orphans: ['deep'] });
    expect(here.living()).toEqual(['deep']);
    here.clock.advanceBy(6_999);
    expect(here.living()).toEqual(['deep']);
    here.clock.advanceBy(1);
    expect(here.living()).toEqual([]);
  });

  it('names who held up a supervisor that had to be killed', async () => {
    const here = stage();
    const app = here.app({ actors: { inner: holding({ shutdownMs: 7_000 }) }, children: [{ id: 'in', src: 'inner', type: 'supervisor', shutdownMs: 60 }] });
    const report = await here.settle(app.stop());
    expect([...report.killed, ...report.orphans.map((id) => `in/${id}`)]).toEqual(['in', 'in/deep']);
    expect(report.children[0]?.children).toMatchObject([{ id: 'plain', reason: 'shutdown' }]);
    here.clock.advanceBy(7_000);
  });

  it('names only the orphans of the supervisor that is reported', async () => {
    const here = stage();
    const easy = supervisor({ actors: { worker: worker() }, children: [{ id: 'w', src: 'worker' }] });
    const app = here.app({ actors: { easy, inner: holding() }, children: [{ id: 'easy', src: 'easy', restart: 'temporary' }, { id: 'in', src: 'inner', restart: 'temporary' }] });
    exit(app.child('in') as AnyActorRef, 'kill');
    const report = await here.settle(supervisorHandle(app.child('easy') as AnyActorRef).stop());
    expect(here.living()).toContain('deep');
    expect(report.orphans).toEqual([]);
    here.clock.advanceBy(10_000);
  });

  it('twice is once: both get the same report', async () => {
    const here = stage();
    const log: string[] = [];
    const app = threeOf(here, log, [{ src: 'trapper' }, {}]);
    const [first, second] = await here.settle(Promise.all([app.stop(), app.stop({ reason: 'shutdown' })]));
    expect(second).toEqual(first);
    expect(await app.stop()).toEqual({ ...first, tookMs: 0 });
    expect(log.filter((entry) => entry.startsWith('?'))).toEqual(['?a']);
  });

  it('during the start completes that start first, then stops what there is', async () => {
    const here = stage();
    const log: string[] = [];
    const app = threeOf(here, log, [{}, { src: 'slow' }, {}]);
    const stopped = app.stop();
    expect(await here.peek(stopped)).toBe('pending');
    expect(log).toEqual(['+a']);
    app.child('b')?.send({ type: 'up' });
    expect(await here.peek(stopped)).toMatchObject({ reason: 'normal' });
    expect(log).toEqual(['+a', '+c', '-c', '-a']);
  });

  it('during a restart completes the restart of the group first', async () => {
    const here = stage();
    const log: string[] = [];
    const app = threeOf(here, log, [{}, { src: 'trapper' }], { strategy: 'oneForAll' });
    app.child('a')?.send({ type: 'crash' });
    const stopped = app.stop();
    const report = await here.settle(stopped);
    expect(report).toMatchObject({ reason: 'normal', children: [{ id: 'b' }, { id: 'a' }] });
    expect(log).toEqual(['+a', '+b', '-a', '?b', '-b', '+a', '+b', '?b', '-b', '-a']);
  });

  it('a child that dies by itself while it waits for its turn is reported as it died', async () => {
    const here = stage();
    const app = threeOf(here, [], [{}, { src: 'trapper' }]);
    const stopped = app.stop();
    app.child('a')?.send({ type: 'crash' });
    const report = await here.settle(stopped);
    expect(report.children).toMatchObject([{ id: 'b', reason: 'shutdown' }, { id: 'a', reason: { crash: boom }, killed: false, tookMs: 0 }]);
  });

  it('with `await using` comes at the end of the block', async () => {
    const here = stage();
    const log: string[] = [];
    {
      await using app = threeOf(here, log);
      expect(app.child('a')).toBeDefined();
    }
    expect(log).toEqual(['+a', '+b', '+c', '-c', '-b', '-a']);
  });

  it('tells `ended` to whoever waits, whoever ended it, also when asked too late', async () => {
    const here = stage();
    const app = threeOf(here, []);
    const ended = app.ended();
    app.shutdown(['shutdown', 'parent']);
    expect(await here.peek(ended)).toMatchObject({ reason: ['shutdown', 'parent'] });
    expect(await app.ended()).toMatchObject({ reason: ['shutdown', 'parent'], tookMs: 0 });
  });

  it('by giving up is reported too, with the children that were left', async () => {
    const here = stage();
    const app = threeOf(here, [], [{}, {}], { intensity: 0 });
    const ended = app.ended();
    app.child('a')?.send({ type: 'crash' });
    expect(await here.peek(ended)).toMatchObject({ reason: 'shutdown', children: [{ id: 'b', reason: 'shutdown' }] });
  });
});

describe('calls', () => {
  it('to a dead supervisor answer noproc, none throws', async () => {
    const here = stage();
    const app = threeOf(here, []);
    await app.stop();
    const gone = { ok: false, reason: 'noproc', exit: true };
    expect(await Promise.all([app.startChild({ id: 'x', src: 'worker' }), app.terminateChild('a'), app.restartChild('a'), app.deleteChild('a'), app.childSpec('a')]))
      .toEqual([gone, gone, gone, gone, gone]);
    expect(await app.whichChildren()).toEqual([]);
    expect(await app.countChildren()).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 });
    expect(app.child('a')).toBeUndefined();
  });

  it('that wait when the supervisor ends answer with its reason', async () => {
    const here = stage();
    const app = threeOf(here, [], [{ src: 'trapper' }]);
    const stopped = app.stop({ reason: ['shutdown', 'x'] });
    const waiting = [app.startChild({ id: 'x', src: 'worker' }), app.terminateChild('a'), app.countChildren()] as const;
    await here.settle(stopped);
    const gone = { ok: false, reason: ['shutdown', 'x'], exit: true };
    expect(await Promise.all(waiting)).toEqual([gone, gone, { specs: 0, active: 0, supervisors: 0, workers: 0 }]);
  });

  it('that wait when the supervisor is killed answer killed', async () => {
    const here = stage();
    const app = threeOf(here, [], [{ src: 'slow' }]);
    const waiting = app.terminateChild('a');
    exit(app.ref, 'kill');
    expect(await waiting).toEqual({ ok: false, reason: 'killed', exit: true });
    expect(await app.started()).toMatchObject({ ok: false });
  });

  it('wait in order, at most maxPending of them; further ones are answered overloaded, orders are not', async () => {
    const here = stage();
    const app = threeOf(here, [], [{ src: 'slow' }], { maxPending: 2 });
    const answers = [app.terminateChild('x'), app.startChild({ id: 'y', src: 'worker' }), app.startChild({ id: 'z', src: 'worker' }), app.restartChild('a')];
    const stopped = app.stop();
    expect(await here.peek(answers[2] as Promise<unknown>)).toEqual({ ok: false, reason: 'overloaded' });
    expect(await here.peek(answers[3] as Promise<unknown>)).toEqual({ ok: false, reason: 'overloaded' });
    expect(await here.peek(answers[0] as Promise<unknown>)).toBe('pending');
    app.child('a')?.send({ type: 'up' });
    expect(await answers[0]).toEqual({ ok: false, reason: 'notFound' });
    expect(await answers[1]).toMatchObject({ ok: true });
    expect(await here.settle(stopped)).toMatchObject({ children: [{ id: 'y' }, { id: 'a' }] });
  });

  it('with maxPending 0 are refused while it is busy, and served while it is not', async () => {
    const here = stage();
    const app = threeOf(here, [], [{}], { maxPending: 0 });
    expect(await app.countChildren()).toMatchObject({ active: 1 });
    const busy = app.startChild({ id: 's', src: 'slow' });
    expect(await app.terminateChild('a')).toEqual({ ok: false, reason: 'overloaded' });
    app.child('s')?.send({ type: 'up' });
    expect(await busy).toMatchObject({ ok: true });
  });

  it('from two handles on one supervisor each get their own answers', async () => {
    const here = stage();
    const app = threeOf(here, []);
    const other = supervisorHandle(app.ref);
    expect(await Promise.all([app.terminateChild('a'), other.terminateChild('nobody'), app.terminateChild('nobody'), other.terminateChild('b')]))
      .toEqual([{ ok: true }, { ok: false, reason: 'notFound' }, { ok: false, reason: 'notFound' }, { ok: true }]);
  });

  it('from within a listener of its own facts are served', async () => {
    const here = stage();
    const app = threeOf(here, [], [{}, {}]);
    let answer: Promise<unknown> | undefined;
    app.on('child.exited', ({ id }) => { if (id === 'a') answer ??= app.terminateChild('b'); });
    app.child('a')?.send({ type: 'crash' });
    expect(await answer).toEqual({ ok: true });
    expect(app.child('b')).toBeUndefined();
    expect(app.child('a')).toBeDefined();
  });

  it('the whole life of a spec: start, terminate, restart, delete', async () => {
    const here = stage();
    const app = here.app({ actors: { worker: worker() } });
    const started = await app.startChild({ id: 'x', src: 'worker', restart: 'transient', shutdownMs: 7 });
    expect(started).toMatchObject({ ok: true });
    expect(await app.childSpec('x')).toEqual({ ok: true, spec: { id: 'x', src: 'worker', restart: 'transient', shutdownMs: 7, type: 'worker', significant: false } });
    expect(await app.startChild({ id: 'x', src: 'worker' })).toEqual({ ok: false, reason: ['alreadyStarted', app.child('x')] });
    expect(await app.deleteChild('x')).toEqual({ ok: false, reason: 'running' });
    expect(await app.terminateChild(app.child('x') as AnyActorRef)).toEqual({ ok: true });
    expect(await app.startChild({ id: 'x', src: 'worker' })).toEqual({ ok: false, reason: 'alreadyPresent' });
    expect(await app.restartChild('x')).toMatchObject({ ok: true });
    expect(await app.terminateChild('x')).toEqual({ ok: true });
    expect(await app.deleteChild('x')).toEqual({ ok: true });
    expect(await app.childSpec('x')).toEqual({ ok: false, reason: 'notFound' });
  });

  it('isSupervisor knows the three machines, and nothing else', () => {
    const here = stage();
    expect(isSupervisor(here.root(supervisor(), { id: 's' }))).toBe(true);
    expect(isSupervisor(here.root(dynamicSupervisor(), { id: 'd' }))).toBe(true);
    expect(isSupervisor(here.root(worker(), { id: 'w' }))).toBe(false);
    expect(isSupervisor(here.root(setup({ actors: { pool: worker() } }).createMachine({}), { id: 'p' }))).toBe(false);
  });
});

describe('drain', () => {
  const drainable = (log: string[]) => setup({ actions: { note: () => { log.push('draining'); } } }).createMachine({
    initial: 'working', states: { working: { on: { 'supervisor.drain': 'finishing' } }, finishing: { entry: 'note', on: { finish: 'over' } }, over: { type: 'final' } },
  });

  it('refuses new children, lets those that can finish do so, then stops the rest in order', async () => {
    const here = stage();
    const log: string[] = [];
    const app = here.app({ actors: { drainable: drainable(log), worker: worker(log) }, children: [{ id: 'd', src: 'drainable' }, { id: 'w', src: 'worker', input: { name: 'w' } }] });
    const drained = app.drain();
    expect(log).toEqual(['+w', 'draining']);
    expect(await app.startChild({ id: 'x', src: 'worker' })).toEqual({ ok: false, reason: 'draining' });
    expect(await app.restartChild('w')).toEqual({ ok: false, reason: 'draining' });
    expect(await app.countChildren()).toMatchObject({ active: 2 });
    expect(await here.peek(drained)).toBe('pending');
    app.child('d')?.send({ type: 'finish' });
    expect(await here.peek(drained)).toMatchObject({ reason: 'shutdown', children: [{ id: 'w', reason: 'shutdown' }] });
  });

  it('with a deadline stops who has not finished', async () => {
    const here = stage();
    const app = here.app({ actors: { drainable: drainable([]) }, children: [{ id: 'd', src: 'drainable' }] });
    expect(await here.settle(app.drain({ deadlineMs: 90 }))).toMatchObject({ reason: 'shutdown', tookMs: 90, children: [{ id: 'd', reason: 'shutdown' }] });
  });

  it('restarts nobody, and does not wait for one between two attempts', async () => {
    const here = stage();
    const app = here.app({ actors: { worker: worker() }, children: [{ id: 'w', src: 'worker', backoff: { minMs: 500, maxMs: 500, factor: 1, jitter: 0, resetAfterMs: 0 } }] });
    app.child('w')?.send({ type: 'crash' });
    expect(await here.settle(app.drain())).toMatchObject({ reason: 'shutdown', tookMs: 0 });
  });

  it('goes down the tree: a supervisor below drains its own, a dynamic one and tasks too', async () => {
    const here = stage();
    const log: string[] = [];
    const dyn = dynamicSupervisor({ actors: { drainable: drainable(log) } });
    const app = here.app({ actors: { dyn }, children: [{ id: 'dyn', src: 'dyn', type: 'supervisor' }] });
    const handle = supervisorHandle(app.child('dyn') as AnyActorRef);
    await handle.startChild({ id: 'd', src: 'drainable' });
    let finish: () => void = () => {};
    const task = app.tasks.async(() => new Promise<void>((resolve) => { finish = resolve; }));
    const drained = app.drain();
    expect(log).toEqual(['draining']);
    expect(app.tasks.start(() => 1)).toEqual({ ok: false, reason: 'draining' });
    handle.child('d')?.send({ type: 'finish' });
    expect(await here.peek(drained)).toBe('pending');
    finish();
    expect(await here.settle(drained)).toMatchObject({ reason: 'shutdown' });
    expect(task.ok && (await task.task.outcome)).toMatchObject({ ok: true });
  });

  it('asked twice ends once; a second, shorter deadline holds', async () => {
    const here = stage();
    const app = here.app({ actors: { drainable: drainable([]) }, children: [{ id: 'd', src: 'drainable' }] });
    const first = app.drain();
    const second = app.drain({ deadlineMs: 80 });
    const calls = app.countChildren();
    expect(await here.peek(calls)).toMatchObject({ active: 1 });
    expect(await here.settle(Promise.all([first, second]))).toMatchObject([{ tookMs: 80 }, { tookMs: 80 }]);
  });

  it('asked twice while it is busy leaves no call unanswered', async () => {
    const here = stage();
    const app = here.app({ actors: { drainable: drainable([]), slow }, children: [{ id: 'd', src: 'drainable' }, { id: 's', src: 'slow' }] });
    void app.drain();
    void app.drain();
    const refused = app.startChild({ id: 'x', src: 'slow' });
    app.child('s')?.send({ type: 'up' });
    expect(await here.peek(refused)).toEqual({ ok: false, reason: 'draining' });
    app.child('d')?.send({ type: 'finish' });
  });

  it('a child that crashes while it drains is not restarted, and not waited for', async () => {
    const here = stage();
    const crashing = setup({ actions: { fail: () => { throw boom; } } }).createMachine({ initial: 'a', states: { a: { on: { 'supervisor.drain': 'b' } }, b: { on: { crash: { actions: 'fail' } } } } });
    const app = here.app({ actors: { crashing }, children: [{ id: 'c', src: 'crashing' }] });
    const facts = factsOf(app);
    const drained = app.drain();
    app.child('c')?.send({ type: 'crash' });
    expect(await here.peek(drained)).toMatchObject({ reason: 'shutdown' });
    expect(told(facts, 'child.restarted')).toEqual([]);
  });

  it('stopped meanwhile stops at once', async () => {
    const here = stage();
    const app = here.app({ actors: { drainable: drainable([]) }, children: [{ id: 'd', src: 'drainable' }] });
    const drained = app.drain({ deadlineMs: 1_000 });
    expect(await here.settle(app.stop())).toMatchObject({ reason: 'normal', tookMs: 0 });
    expect(await drained).toMatchObject({ reason: 'normal' });
    expect(exitReason(app.ref)).toBe('normal');
  });
});
