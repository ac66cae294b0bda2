import { setup, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import {
  dynamicSupervisor,
  dynamicSupervisorMachine,
  exit,
  supervisorHandle,
  type DynamicSupervisorOptions,
  type SupervisorHandle,
} from '../../src/index.js';
import { factsOf, stage, told, trapper, worker, type Stage } from './stage.js';

function dynamic(here: Stage, log: string[] = [], options: DynamicSupervisorOptions = {}): SupervisorHandle & { facts: ReturnType<typeof factsOf> } {
  const actors = { worker: worker(log), slow: trapper(log, 50), stubborn: trapper(log), lazy } as never;
  const root = here.root(dynamicSupervisor({ intensity: 10, actors, ...options } as never), { id: 'dyn' });
  return Object.assign(supervisorHandle(root), { facts: factsOf(root as never) });
}

const lazy = setup({ types: { events: {} as { type: 'up' } } }).createMachine({
  initial: 'starting',
  states: { starting: { tags: 'starting', on: { up: 'up' } }, up: {} },
});

const refOf = async (handle: SupervisorHandle, spec: object): Promise<AnyActorRef> => {
  const started = await handle.startChild(spec);
  if (!started.ok || started.ref === null) throw new Error('not started');
  return started.ref;
};

describe('a dynamic supervisor', () => {
  it('starts any number under one id, each with a key of its own, and restarts each on its own', async () => {
    const here = stage();
    const handle = dynamic(here);
    const refs = [
      await refOf(handle, { id: 'w', src: 'worker' }),
      await refOf(handle, { id: 'w', src: 'worker' }),
      await refOf(handle, { id: 'w', src: 'worker' }),
    ];
    expect(new Set(refs.map(({ id }) => id)).size).toBe(3);
    refs[1]?.send({ type: 'crash' });
    expect(told(handle.facts, 'child.restarted')).toEqual([`child.restarted ${refs[1]?.id}`]);
    expect(handle.child(refs[1]?.id ?? '')).not.toBe(refs[1]);
    expect(handle.child(refs[0]?.id ?? '')).toBe(refs[0]);
  });

  it('gives a key again once its child is gone, and news of the old one touch nobody', async () => {
    const here = stage();
    const handle = dynamic(here);
    const first = await refOf(handle, { id: 'w', src: 'worker', restart: 'temporary' });
    await handle.terminateChild(first);
    const second = await refOf(handle, { id: 'w', src: 'worker', restart: 'temporary' });
    expect(second.id).toBe('w');
    exit(first, 'kill');
    expect(await handle.terminateChild(first)).toMatchObject({ ok: false, reason: 'notFound' });
    expect(handle.child('w')).toBe(second);
  });

  it('stops all at once: it takes as long as the slowest, and each is killed at its own deadline', async () => {
    const here = stage();
    const log: string[] = [];
    const handle = dynamic(here, log);
    for (const spec of [
      { src: 'slow' },
      { src: 'slow' },
      { src: 'worker' },
      { src: 'stubborn', shutdownMs: 80 },
      { src: 'stubborn', shutdownMs: 120 },
      { src: 'stubborn', shutdownMs: 'brutalKill' },
    ])
      await handle.startChild({ id: 'c', ...spec } as never);
    const report = await here.settle(handle.stop());
    expect(report.tookMs).toBe(120);
    expect(report.children.map(({ reason, tookMs, killed }) => [reason, tookMs, killed])).toEqual(
      expect.arrayContaining([
        ['shutdown', 0, false],
        ['shutdown', 50, false],
        ['shutdown', 50, false],
        ['killed', 80, true],
        ['killed', 120, true],
        ['killed', 0, true],
      ]),
    );
    expect(report.children).toHaveLength(6);
    expect(report.killed).toHaveLength(3);
    expect(handle.facts.filter(({ type }) => type === 'children.stopped')).toHaveLength(1);
  });

  it('refuses beyond maxChildren, counts those that start, and takes again afterwards', async () => {
    const here = stage();
    const handle = dynamic(here, [], { maxChildren: 2 });
    const ref = await refOf(handle, { id: 'a', src: 'worker' });
    const starting = handle.startChild({ id: 'b', src: 'lazy' });
    const third = handle.startChild({ id: 'c', src: 'worker' });
    expect(await here.peek(third)).toBe('pending');
    handle.child('b')?.send({ type: 'up' });
    expect(await starting).toMatchObject({ ok: true });
    expect(await third).toEqual({ ok: false, reason: 'maxChildren' });
    await handle.terminateChild(ref);
    expect(await handle.startChild({ id: 'c', src: 'worker' })).toMatchObject({ ok: true });
  });

  it('forgets a child whose start failed, and one that declined', async () => {
    const here = stage();
    const handle = dynamic(here);
    const starting = handle.startChild({ id: 'l', src: 'lazy', startMs: 30 });
    expect(await here.settle(starting)).toEqual({ ok: false, reason: 'timeout' });
    expect(await handle.countChildren()).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 });
  });

  it('of a template starts instances of it, with what the call adds', async () => {
    const here = stage();
    const log: string[] = [];
    const handle = dynamic(here, log, { template: { id: 'jobs', src: 'worker', restart: 'transient', input: { name: 'default' } } } as never);
    await handle.startChild();
    await handle.startChild({ input: { name: 'other' } });
    expect(log).toEqual(['+default', '+other']);
    expect(await handle.countChildren()).toEqual({ specs: 1, active: 2, supervisors: 0, workers: 2 });
    expect(await handle.childSpec('jobs')).toMatchObject({ ok: true, spec: { restart: 'transient' } });
    expect(await handle.terminateChild('jobs')).toEqual({ ok: false, reason: 'simpleOneForOne' });
    expect(await handle.restartChild('jobs')).toEqual({ ok: false, reason: 'simpleOneForOne' });
    expect(await handle.deleteChild('jobs')).toEqual({ ok: false, reason: 'simpleOneForOne' });
  });

  it('counts restarts of all its children together, and gives up', async () => {
    const here = stage();
    const handle = dynamic(here, [], { intensity: 2, periodMs: 1_000 });
    const refs = [
      await refOf(handle, { id: 'a', src: 'worker' }),
      await refOf(handle, { id: 'b', src: 'worker' }),
      await refOf(handle, { id: 'c', src: 'worker' }),
    ];
    const ended = handle.ended();
    for (const ref of refs) ref.send({ type: 'crash' });
    expect(await here.peek(ended)).toMatchObject({ reason: 'shutdown' });
    expect(told(handle.facts, 'supervisor.gaveUp')).toEqual(['supervisor.gaveUp c']);
  });

  it('told to stop a child that died a moment before, while it was busy, answers and forgets it', async () => {
    const here = stage();
    const handle = dynamic(here);
    const ref = await refOf(handle, { id: 'w', src: 'worker' });
    const starting = handle.startChild({ id: 'l', src: 'lazy' });
    ref.send({ type: 'crash' });
    const ended = handle.terminateChild(ref);
    handle.child('l')?.send({ type: 'up' });
    await starting;
    expect(await here.peek(ended)).toMatchObject({ ok: expect.any(Boolean) as boolean });
    expect(await handle.countChildren()).toMatchObject({ specs: expect.any(Number) as number });
  });

  it('keeps nothing of children that have gone, whatever their ids', async () => {
    const here = stage();
    const handle = dynamic(here);
    for (let index = 0; index < 200; index++) {
      const ref = await refOf(handle, { id: `w${index}`, src: 'worker', restart: 'temporary' });
      if (index % 2 === 0) ref.send({ type: 'crash' });
      else await handle.terminateChild(ref);
    }
    expect(await handle.whichChildren()).toEqual([]);
    expect(JSON.stringify(handle.ref.getPersistedSnapshot())).not.toContain('w198');
    expect(JSON.stringify(handle.ref.getPersistedSnapshot()).length).toBeLessThan(1_500);
  });

  it('takes the ids of Object.prototype for ids', async () => {
    const here = stage();
    const handle = dynamic(here);
    const backoff = { minMs: 10, maxMs: 10, factor: 1, jitter: 0, resetAfterMs: 0 };
    for (const id of ['constructor', '__proto__', 'toString']) {
      const ref = await refOf(handle, { id, src: 'worker', backoff });
      ref.send({ type: 'crash' });
      here.clock.advanceBy(10);
      expect(handle.child(id)).toBeDefined();
    }
    expect(handle.ref.getSnapshot().status).toBe('active');
  });

  it('takes its options as input of the bare machine too', async () => {
    const here = stage();
    const bare = dynamicSupervisorMachine.provide({ actors: { worker: worker() } } as never);
    const handle = supervisorHandle(here.root(bare, { input: { maxChildren: 1 } }));
    await handle.startChild({ id: 'a', src: 'worker' });
    expect(await handle.startChild({ id: 'b', src: 'worker' })).toEqual({ ok: false, reason: 'maxChildren' });
  });
});
