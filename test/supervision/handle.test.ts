import { setup, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { dynamicSupervisor, exit, isSupervisor, supervisor, supervisorHandle, type App, type ChildSpec } from '../../src/index.js';
import { stage, trapper, worker, type Stage } from './stage.js';

const slow = setup({ types: { events: {} as { type: 'up' } } }).createMachine({
  initial: 'starting',
  states: { starting: { tags: 'starting', on: { up: 'up' } }, up: {} },
});

/** Traps exits, and never ends by itself. */
const stubborn = (log: string[] = []) => trapper(log);

function threeOf(here: Stage, log: string[], specs: Partial<ChildSpec>[] = [{}, {}, {}], options: object = {}): App {
  const actors = { worker: worker(log), trapper: trapper(log, 50), stubborn: stubborn(log), slow };
  return here.app({
    actors,
    ...options,
    children: specs.map((spec, index) => ({ id: 'abc'[index] as string, src: 'worker', input: { name: 'abc'[index] }, ...spec })) as never,
  });
}

describe('calls', () => {
  it('to a dead supervisor answer noproc, none throws', async () => {
    const here = stage();
    const app = threeOf(here, []);
    await app.stop();
    const gone = { ok: false, reason: 'noproc', exit: true };
    expect(
      await Promise.all([
        app.startChild({ id: 'x', src: 'worker' }),
        app.terminateChild('a'),
        app.restartChild('a'),
        app.deleteChild('a'),
        app.childSpec('a'),
      ]),
    ).toEqual([gone, gone, gone, gone, gone]);
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
    const answers = [
      app.terminateChild('x'),
      app.startChild({ id: 'y', src: 'worker' }),
      app.startChild({ id: 'z', src: 'worker' }),
      app.restartChild('a'),
    ];
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
    expect(
      await Promise.all([app.terminateChild('a'), other.terminateChild('nobody'), app.terminateChild('nobody'), other.terminateChild('b')]),
    ).toEqual([{ ok: true }, { ok: false, reason: 'notFound' }, { ok: false, reason: 'notFound' }, { ok: true }]);
  });

  it('from within a listener of its own facts are served', async () => {
    const here = stage();
    const app = threeOf(here, [], [{}, {}]);
    let answer: Promise<unknown> | undefined;
    app.on('child.exited', ({ id }) => {
      if (id === 'a') answer ??= app.terminateChild('b');
    });
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
    expect(await app.childSpec('x')).toEqual({
      ok: true,
      spec: { id: 'x', src: 'worker', restart: 'transient', shutdownMs: 7, type: 'worker', significant: false },
    });
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
