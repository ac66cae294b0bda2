/** What an application is restored with, and how it ends: what once went wrong. */
import { afterEach, describe, expect, it } from 'vitest';
import { type AnyActorRef, fromCallback, fromPromise, setup } from 'xstate';
import { application } from '../../src/application/application.js';
import type { ApplicationService } from '../../src/application/options.js';
import { exit } from '../../src/supervision/watch.js';
import { counter, leaveNothing, settle, slow, world } from './application-world.js';

afterEach(leaveNothing);

const up = (ref: AnyActorRef | undefined): void => ref?.send({ type: 'up' });
const idle = fromCallback(() => {});
const passed = (snapshot: unknown): unknown => JSON.parse(JSON.stringify(snapshot));

describe('a saved application', () => {
  it('goes on under the flags of the code that runs now', async () => {
    const services: readonly ApplicationService[] = [
      { id: 'count', src: counter, flag: 'count', otherwise: () => {} },
      { id: 'web', src: counter, flag: 'web' },
      { id: 'base', src: counter },
    ];
    const old = application({ services, flags: { count: false } }).start();
    await old.whenReady();
    up(old.service('base'));
    const snapshot = passed(old.getPersistedSnapshot());
    await old.stop();
    const now = application({ services, flags: { web: false } }).start({ snapshot });
    expect(now.restored).toEqual({ resumed: ['base'], anew: ['count'], ended: [], gone: ['web'] });
    await now.whenReady();
    expect(now.service('base')?.getSnapshot()).toMatchObject({ context: { n: 1 } });
    expect(now.service('count')?.getSnapshot()).toMatchObject({ context: { n: 0 } });
    expect(now.status().services).toMatchObject([
      { id: 'count', isReplaced: false },
      { id: 'base', state: 'running' },
      { id: 'web', state: 'off' },
    ]);
    await now.stop();
  });

  it('goes on by the needs and the flushes of the code that runs now', async () => {
    const log: string[] = [];
    const plan = (isNew: boolean) =>
      application({
        services: [
          { id: 'a', src: counter, dependsOn: isNew ? ['b'] : [], ...(isNew ? { flush: () => log.push('a writes') } : {}) },
          { id: 'b', src: counter, dependsOn: isNew ? [] : ['a'] },
        ],
      });
    const old = plan(false).start();
    await old.whenReady();
    const snapshot = passed(old.getPersistedSnapshot());
    await old.stop();
    const now = plan(true).start({ snapshot });
    await now.whenReady();
    now.on('application.serviceStopped', ({ id }) => log.push(`-${id}`));
    await now.stop();
    expect(log).toEqual(['a writes', '-a', '-b']);
  });

  it('that had failed begins from what its services were', async () => {
    const hang = setup({}).createMachine({ id: 'hang', initial: 's', states: { s: { tags: 'starting' } } });
    const services = (src: ApplicationService['src']): readonly ApplicationService[] => [
      { id: 'a', src: counter, flush: () => new Promise(() => {}), flushMs: 50 },
      { id: 'b', src, startMs: 20, dependsOn: ['a'] },
    ];
    const old = application({ startAttempts: 1, services: services(hang) }).start();
    up(old.service('a'));
    expect(await old.whenReady()).toMatchObject({ ok: false, reason: 'failed' });
    const snapshot = passed(old.getPersistedSnapshot());
    await old.ended();
    const now = application({ startAttempts: 1, services: services(idle) }).start({ snapshot });
    expect(await now.whenReady()).toEqual({ ok: true });
    expect(now.service('a')?.getSnapshot()).toMatchObject({ context: { n: 1 } });
    await now.stop();
  });

  it('does not do again what was done', async () => {
    let runs = 0;
    const job = fromPromise(async () => void runs++);
    const plan = application({
      services: [
        { id: 'job', src: job, restart: 'transient' },
        { id: 'web', src: counter, dependsOn: ['job'] },
      ],
    });
    const old = plan.start();
    expect(await old.whenReady()).toEqual({ ok: true });
    await settle();
    const snapshot = passed(old.getPersistedSnapshot());
    await old.stop();
    const now = plan.start({ snapshot });
    expect(await now.whenReady()).toEqual({ ok: true });
    expect(now.restored).toMatchObject({ resumed: ['web'], ended: ['job'] });
    expect(runs).toBe(1);
    await now.stop();
  });

  it('is refused where it is none', () => {
    const plan = application({ services: [{ id: 'a', src: idle }] });
    expect(() => plan.start({ snapshot: { status: 'active' } })).toThrow(expect.objectContaining({ code: 'supervision/invalid-snapshot' }));
  });

  it.each([[null], [7], [{ id: 'a' }], [{ id: 'a', stage: 'stopped', why: 7 }]])('is refused where it knows no service by %j', async (known) => {
    const plan = application({ services: [{ id: 'a', src: idle }] });
    const old = plan.start();
    await old.whenReady();
    const snapshot = passed(old.getPersistedSnapshot()) as {
      children: { pool: { snapshot: { children: [{ snapshot: { context: { services: unknown } } }] } } };
    };
    await old.stop();
    snapshot.children.pool.snapshot.children[0].snapshot.context.services = [known];
    expect(() => plan.start({ snapshot })).toThrow(expect.objectContaining({ code: 'supervision/invalid-snapshot' }));
  });
});

describe('an end', () => {
  it('that is asked for twice has the time of the first', async () => {
    const { app, log, pass } = world([{ id: 'a', flush: () => new Promise(() => {}), flushMs: 60_000 }], { graceMs: 6_000 });
    await app.whenReady();
    void app.stop({ graceMs: 500 });
    await pass(10);
    const ended = app.stop();
    await pass(490);
    await ended;
    expect(log).toContain('killed');
    expect(app.status().services).toMatchObject([{ state: 'stopped' }]);
  });

  it('while a service starts for the last time is no failure', async () => {
    const { app, pass } = world([{ id: 'a' }, { id: 'b', src: slow, startMs: 50, dependsOn: ['a'] }], { startAttempts: 1 });
    await settle();
    const ended = app.stop();
    await pass(50);
    expect((await ended).reason).toBe('shutdown');
    expect(app.status()).toMatchObject({ state: 'stopped', failure: null, services: [{ state: 'stopped' }, { state: 'stopped', why: 'timeout' }] });
  });

  it('waits for the end of what runs in place of a service, and tells what that throws', async () => {
    const log: string[] = [];
    const end = async (): Promise<void> => {
      await settle();
      log.push('old ends');
      throw new Error('closed already');
    };
    const { app } = world(
      [
        { id: 'db', flush: () => log.push('db writes') },
        { id: 'old', src: idle, flag: 'old', dependsOn: ['db'], otherwise: () => end },
      ],
      { flags: { old: false } },
    );
    app.on('application.serviceStopped', ({ id, why }) => log.push(`${id}: ${why}`));
    await app.whenReady();
    await app.stop();
    expect(log).toEqual(['old ends', 'old: crash: Error: closed already', 'db writes', 'db: the end']);
  });

  it.each([
    [new Error('disk full'), 'Error: disk full'],
    [new TypeError('no http://db/?token=t-5678'), 'TypeError: no http://db/?token=[hidden]'],
    ['no http://db/?token=t-5678', 'no http://db/?token=[hidden]'],
    [undefined, 'undefined'],
  ] as const)('says why a flush failed, without secrets: %s', async (fault: unknown, why) => {
    const { app } = world([
      {
        id: 'a',
        flush: () => {
          throw fault;
        },
      },
    ]);
    await app.whenReady();
    const said: unknown[] = [];
    app.on('application.flushed', (fact) => said.push(fact));
    await app.stop();
    expect(said).toEqual([{ type: 'application.flushed', id: 'a', ok: false, why }]);
  });

  it('flushes what a service has from before, though it is still being started', async () => {
    const log: string[] = [];
    const opening = setup({ types: { events: {} as { type: 'ready' } | { type: 'open' }, tags: {} as 'starting' } }).createMachine({
      ...{ id: 'opening', initial: 'open' },
      states: { open: { on: { open: 'opening' } }, opening: { tags: 'starting', on: { ready: 'open' } } },
    });
    const plan = application({ services: [{ id: 'a', src: opening, flush: () => log.push('a writes') }] });
    const old = plan.start();
    await old.whenReady();
    old.service('a')?.send({ type: 'open' });
    const snapshot = passed(old.getPersistedSnapshot());
    await old.stop();
    log.length = 0;
    const now = plan.start({ snapshot });
    expect(now.restored).toMatchObject({ resumed: ['a'] });
    expect(now.status().services).toMatchObject([{ state: 'starting' }]);
    const ended = now.stop();
    now.service('a')?.send({ type: 'ready' });
    await ended;
    expect(log).toEqual(['a writes']);
  });
});

describe('a restart of a service', () => {
  const job = setup({ types: { events: {} as { type: 'done' } } }).createMachine({
    ...{ id: 'job', initial: 'busy' },
    states: { busy: { on: { done: 'over' } }, over: { type: 'final' } },
  });

  it.each([
    ['is lost again', (ref: AnyActorRef) => exit(ref, 'kill'), { ok: false, reason: 'missing', missing: ['a'] }, 'degraded'],
    ['has done what it is for', (ref: AnyActorRef) => ref.send({ type: 'done' }), { ok: true }, 'running'],
  ] as const)('is over when that %s before those who need it are back', async (_what, end, outcome, state) => {
    const options = { retryMs: 10 };
    const services = [
      { id: 'a', src: job, restart: 'transient', budget: { intensity: 0, periodMs: 1_000 } },
      { id: 'web', src: slow, startMs: 50, dependsOn: ['a'] },
    ] as const;
    const { app, pass } = world(services, options);
    const ready = (): void => (app.service('web') as AnyActorRef).send({ type: 'ready' });
    ready();
    await app.whenReady();
    const restarted = app.restartService('a');
    await pass(50);
    end(app.service('a') as AnyActorRef);
    await settle();
    expect(app.status().services).toMatchObject([{ state: outcome.ok ? 'stopped' : 'failed' }, { state: 'waiting', why: 'timeout' }]);
    await pass(10);
    if (outcome.ok) ready();
    expect(await restarted).toEqual(outcome);
    await settle();
    expect(app.status().state).toBe(state);
  });
});

describe('a service that is needed, and is gone for good before all are up,', () => {
  it('is said to be missing, and whoever waits is told', async () => {
    const { app, kill, log } = world([
      { id: 'a', restart: 'temporary' },
      { id: 'slow', src: slow },
      { id: 'web', dependsOn: ['slow', 'a'] },
    ]);
    const ready = app.whenReady();
    await kill('a');
    (app.service('slow') as AnyActorRef).send({ type: 'ready' });
    await settle();
    expect(await ready).toEqual({ ok: false, reason: 'missing', missing: ['a'] });
    expect(log).toContain('degraded web');
    expect(app.status()).toMatchObject({ state: 'degraded' });
    expect(await app.restartService('web')).toEqual({ ok: false, reason: 'missing', missing: ['a'] });
    expect(await app.restartService('a')).toEqual({ ok: true });
    expect(app.status().state).toBe('running');
  });
});
