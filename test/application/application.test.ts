import { afterEach, describe, expect, it } from 'vitest';
import { type AnyActorRef, fromCallback } from 'xstate';
import { application } from '../../src/application/application.js';
import { exit } from '../../src/supervision/watch.js';
import { counter, leaveNothing, settle, slow, world } from './application-world.js';

afterEach(leaveNothing);

const chain = [{ id: 'web', dependsOn: ['api'] }, { id: 'api', dependsOn: ['db'] }, { id: 'db' }];

describe('an application', () => {
  it('starts its services behind what they depend on, and stops them before it', async () => {
    const { app, log, states } = world(chain);
    expect(await app.whenReady()).toEqual({ ok: true });
    expect(states()).toEqual({ db: 'running', api: 'running', web: 'running' });
    const report = await app.stop();
    expect(log.filter((word) => /^[+-]/u.test(word))).toEqual(['+db', '+api', '+web', '-web', '-api', '-db']);
    expect(report.killed).toEqual([]);
    expect(app.status()).toMatchObject({ state: 'stopped', failure: null });
  });

  it('waits for a service that is not ready, and says so', async () => {
    const { app, states } = world([
      { id: 'db', src: slow },
      { id: 'api', dependsOn: ['db'] },
    ]);
    const ready = app.whenReady();
    await settle();
    expect(app.status().state).toBe('starting');
    expect(states()).toEqual({ db: 'starting', api: 'waiting' });
    (app.service('db') as AnyActorRef).send({ type: 'ready' });
    expect(await ready).toEqual({ ok: true });
    expect(states()).toEqual({ db: 'running', api: 'running' });
  });

  it('tries a start that fails as often as it may, then fails, and stops in reverse what it had started', async () => {
    const { app, log, pass } = world(
      [{ id: 'db' }, { id: 'cache', dependsOn: ['db'] }, { id: 'api', src: slow, startMs: 50, dependsOn: ['cache'] }],
      {
        startAttempts: 2,
        retryMs: 10,
      },
    );
    const ready = app.whenReady();
    await pass(50);
    expect(log).toEqual(['+db', '+cache', 'startFailed api']);
    await pass(10);
    await pass(50);
    expect(await ready).toEqual({ ok: false, reason: 'failed', failure: { id: 'api', why: 'timeout' } });
    await app.ended();
    expect(log).toEqual(['+db', '+cache', 'startFailed api', 'startFailed api', 'stopping', '-cache', '-db', 'failed api']);
    expect(app.status()).toMatchObject({
      state: 'failed',
      services: [{ state: 'stopped' }, { state: 'stopped' }, { id: 'api', state: 'failed', why: 'timeout' }],
    });
  });

  it('restarts those who cannot do without a service that crashed, in order, and leaves the others alone', async () => {
    const { app, log, kill, states } = world([...chain, { id: 'log' }]);
    await app.whenReady();
    const before = app.service('log');
    log.length = 0;
    await kill('db');
    expect(log.filter((word) => word.endsWith('db'))).toEqual(['-db', 'serviceLost db', '+db', 'serviceRestarted db']);
    expect(log.filter((word) => /^[+-](?:api|web)$/u.test(word))).toEqual(['-web', '-api', '+api', '+web']);
    expect(app.service('log')).toBe(before);
    expect(states()).toEqual({ db: 'running', api: 'running', web: 'running', log: 'running' });
  });

  it('keeps running, degraded, who is to go on without, and says when it has recovered', async () => {
    const backoff = { minMs: 100, maxMs: 100, factor: 1, jitter: 0, resetAfterMs: 1_000 };
    const { app, log, kill, pass, states } = world([
      { id: 'cache', backoff },
      { id: 'api', dependsOn: ['cache'], onDependencyLoss: 'degrade' },
    ]);
    await app.whenReady();
    const api = app.service('api');
    await kill('cache');
    expect(states()).toEqual({ cache: 'restarting', api: 'degraded' });
    expect(app.status()).toMatchObject({ state: 'degraded', services: [{ why: 'killed' }, { missing: ['cache'] }] });
    await pass(100);
    expect(states()).toEqual({ cache: 'running', api: 'running' });
    expect(app.service('api')).toBe(api);
    expect(log.filter((word) => word.includes('api'))).toEqual(['+api', 'degraded api', 'recovered api']);
  });

  it('brings back a service that is gone for good, and those who waited for it, when it is told to', async () => {
    const { app, states, kill } = world([
      { id: 'db', restart: 'temporary' },
      { id: 'api', dependsOn: ['db'] },
    ]);
    await app.whenReady();
    await kill('db');
    expect(app.status()).toMatchObject({
      state: 'degraded',
      services: [
        { state: 'failed', why: 'killed' },
        { state: 'waiting', why: 'db went' },
      ],
    });
    expect(await app.restartService('db')).toEqual({ ok: true });
    await settle();
    expect(states()).toEqual({ db: 'running', api: 'running' });
  });

  it('flushes before it stops, each in its turn, and waits for none beyond its deadline', async () => {
    const { app, log, pass } = world((notes) => [
      { id: 'db', flush: () => notes.push('flush db') },
      {
        id: 'api',
        dependsOn: ['db'],
        flushMs: 30,
        flush: ({ signal }) => new Promise(() => signal.addEventListener('abort', () => notes.push('aborted'))),
      },
      {
        id: 'web',
        dependsOn: ['api'],
        flush: () => {
          throw new Error('full');
        },
      },
    ]);
    await app.whenReady();
    log.length = 0;
    const ended = app.stop();
    await settle();
    expect(log).toEqual(['stopping', 'flushed web', '-web']);
    await pass(30);
    await ended;
    expect(log).toEqual(['stopping', 'flushed web', '-web', 'aborted', 'flushed api', '-api', 'flush db', 'flushed db', '-db']);
  });

  it('restarts a service with its dependents in order, flushed, and leaves what it depends on', async () => {
    const { app, log } = world((notes) => [
      { id: 'db' },
      { id: 'api', dependsOn: ['db'], flush: () => notes.push('flush api') },
      { id: 'web', dependsOn: ['api'] },
    ]);
    await app.whenReady();
    log.length = 0;
    expect(await app.restartService('api')).toEqual({ ok: true });
    await settle();
    expect(log).toEqual(['-web', 'flush api', 'flushed api', '-api', '+api', '+web']);
    expect(await app.restartService('nobody')).toEqual({ ok: false, reason: 'unknown' });
  });

  it('kills what has not ended in time, and says whom', async () => {
    const { app, log, pass } = world([{ id: 'db', flushMs: 1_000, flush: () => new Promise(() => undefined) }]);
    await app.whenReady();
    const ended = app.stop({ graceMs: 100 });
    await pass(100);
    await ended;
    expect(log).toEqual(['+db', 'stopping', 'killed', '-db']);
  });

  it('names among the killed who was still being started', async () => {
    const { app, pass } = world([{ id: 'db', src: slow }]);
    const told: unknown[] = [];
    app.on('application.killed', (fact) => told.push(fact));
    const ended = app.stop({ graceMs: 100 });
    await pass(100);
    await ended;
    expect(told).toEqual([{ type: 'application.killed', running: ['db'] }]);
  });

  it('fails when a service crashes too often, and says which', async () => {
    const { app, kill } = world([{ id: 'db' }, { id: 'api', dependsOn: ['db'], onDependencyLoss: 'degrade' }], { intensity: 1, periodMs: 1_000 });
    await app.whenReady();
    await kill('db');
    await kill('db');
    await app.ended();
    expect(app.status()).toMatchObject({ state: 'failed', failure: { id: 'db', why: 'killed' } });
    expect(await app.whenReady()).toMatchObject({ ok: false, reason: 'failed' });
    expect(await app.restartService('db')).toMatchObject({ ok: false, reason: 'failed' });
  });

  it('tells how it stands in what nobody can change', async () => {
    const { app } = world(chain);
    await app.whenReady();
    const status = app.status();
    expect([status, status.services, status.services[0], status.services[0]?.missing, status.flags].every(Object.isFrozen)).toBe(true);
  });

  it('waits no longer than it is told to', async () => {
    const { app, pass } = world([{ id: 'db', src: slow }]);
    const waits = app.whenReady({ deadlineMs: 20 });
    await pass(20);
    expect(await waits).toEqual({ ok: false, reason: 'timeout' });
    const controller = new AbortController();
    const cancelled = app.whenReady({ signal: controller.signal });
    controller.abort();
    expect(await cancelled).toEqual({ ok: false, reason: 'cancelled' });
    const stopped = app.whenReady();
    void app.stop({ graceMs: 5 });
    await pass(5);
    expect(await stopped).toEqual({ ok: false, reason: 'stopping' });
  });
});

describe('what an application says of its end', () => {
  const broken = fromCallback(() => {
    throw new Error('no http://db/?token=t-5678');
  });

  it('tells every fact of its start to whom its options name, though it fails before the start returns', () => {
    const facts: string[] = [];
    const onFact = (fact: { readonly type: string; readonly id?: string | null }) => facts.push(`${fact.type.slice(12)} ${fact.id ?? ''}`.trimEnd());
    const services = [
      { id: 'db', src: counter },
      { id: 'api', src: broken, dependsOn: ['db'] },
    ];
    const app = application({ services, startAttempts: 1, onFact }).start();
    expect(facts).toEqual(['serviceStarted db', 'startFailed api', 'stopping', 'serviceStopped db', 'failed api']);
    expect(app.status()).toMatchObject({ state: 'failed', failure: { id: 'api', why: 'EXIT: Error: no http://db/?token=[hidden]' } });
  });

  it.each(['keeper', 'tree'])('fails, says so, and ends all when its %s is killed', async (id) => {
    const { app, log } = world(chain);
    await app.whenReady();
    const self = app.app.child('application') as AnyActorRef;
    const part = (self.getSnapshot() as { children: Record<string, AnyActorRef> }).children[id] as AnyActorRef;
    exit(part, 'kill');
    await app.ended();
    expect(log.filter((word) => /^-|failed/u.test(word)).sort()).toEqual(['-api', '-db', '-web', 'failed']);
    expect(app.status()).toMatchObject({ state: 'failed', failure: { id: null, why: 'its tree was lost' } });
    expect(app.status().services.map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped']);
  });

  it('is told to have failed, killed, when it is killed itself', async () => {
    const { app } = world(chain);
    await app.whenReady();
    exit(app.app.child('application') as AnyActorRef, 'kill');
    await app.ended();
    expect(app.status()).toMatchObject({ state: 'failed', failure: { id: null, why: 'killed' } });
    expect(await app.whenReady()).toMatchObject({ ok: false, reason: 'failed' });
  });
});

describe('an application that is started from a snapshot', () => {
  it('goes on where the one before it was', async () => {
    const plan = application({
      services: [
        { id: 'count', src: counter },
        { id: 'web', src: slow, dependsOn: ['count'] },
      ],
    });
    const first = plan.start();
    (first.service('count') as AnyActorRef).send({ type: 'up' });
    // Saved in the midst of a start.
    const snapshot: unknown = JSON.parse(JSON.stringify(first.getPersistedSnapshot()));
    await first.stop({ graceMs: 1 });
    const again = plan.start({ snapshot });
    expect(again.service('count')?.getSnapshot()).toMatchObject({ context: { n: 1 } });
    (again.service('web') as AnyActorRef).send({ type: 'ready' });
    expect(await again.whenReady()).toEqual({ ok: true });
    expect(again.status()).toMatchObject({
      state: 'running',
      services: [
        { id: 'count', state: 'running' },
        { id: 'web', state: 'running' },
      ],
    });
    await again.stop();
  });
});
