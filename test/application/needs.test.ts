/** Who lacks what: jobs that have served, needs that come and go during a start, and needs that wait for what is lost. */
import { afterEach, describe, expect, it } from 'vitest';
import { type AnyActorRef, fromCallback, setup } from 'xstate';
import { application } from '../../src/application/application.js';
import type { ApplicationService } from '../../src/application/options.js';
import { leaveNothing, settle, slow, world } from './application-world.js';

afterEach(leaveNothing);

const job = setup({ types: { events: {} as { type: 'done' } } }).createMachine({
  ...{ id: 'job', initial: 'busy' },
  states: { busy: { on: { done: 'over' } }, over: { type: 'final' } },
});
const ready = (ref: AnyActorRef | undefined): void => ref?.send({ type: 'ready' });

describe('a job that has ended in order', () => {
  const needs: readonly (Omit<ApplicationService, 'src'> & Partial<Pick<ApplicationService, 'src'>>)[] = [
    { id: 'migrate', src: job, restart: 'transient' },
    { id: 'api', dependsOn: ['migrate'] },
    { id: 'web', dependsOn: ['api'] },
    { id: 'page', dependsOn: ['web'], onDependencyLoss: 'degrade' },
  ];
  const well = { migrate: 'stopped', api: 'running', web: 'running', page: 'running' };

  it('leaves nobody degraded, however far above, and says of each that it has recovered', async () => {
    const { app, log, states } = world(needs);
    await app.whenReady();
    log.length = 0;
    app.service('migrate')?.send({ type: 'done' });
    await settle();
    expect(states()).toEqual(well);
    expect(app.status().state).toBe('running');
    const told = (type: string) => log.filter((word) => word.startsWith(type));
    expect(told('recovered')).toEqual(told('degraded').map((word) => word.replace('degraded', 'recovered')));
    expect(told('degraded')).toContain('degraded api');
  });

  it('is lacked by nobody where the application goes on from a snapshot', async () => {
    const plan = application({ services: needs.map((service) => ({ src: fromCallback(() => {}), ...service })) });
    const old = plan.start();
    await old.whenReady();
    old.service('migrate')?.send({ type: 'done' });
    await settle();
    const snapshot: unknown = JSON.parse(JSON.stringify(old.getPersistedSnapshot()));
    await old.stop();
    await using now = plan.start({ snapshot });
    expect(await now.whenReady()).toEqual({ ok: true });
    await settle();
    expect(Object.fromEntries(now.status().services.map(({ id, state }) => [id, state]))).toEqual(well);
  });

  it('is lacked again where it is started anew, and crashes', async () => {
    const backoff = { minMs: 100, maxMs: 100, factor: 1, jitter: 0, resetAfterMs: 1_000 };
    const { app, states, kill, pass } = world([
      { id: 'migrate', src: job, restart: 'transient', backoff },
      { id: 'page', dependsOn: ['migrate'], onDependencyLoss: 'degrade' },
    ]);
    await app.whenReady();
    app.service('migrate')?.send({ type: 'done' });
    await settle();
    expect(await app.restartService('migrate')).toEqual({ ok: true });
    await kill('migrate');
    expect(states()).toEqual({ migrate: 'restarting', page: 'degraded' });
    await pass(100);
    expect(states()).toEqual({ migrate: 'running', page: 'running' });
  });

  it('is lacked where it is restarted whatever its end, until it is back', async () => {
    const backoff = { minMs: 100, maxMs: 100, factor: 1, jitter: 0, resetAfterMs: 1_000 };
    const { app, states, pass } = world([
      { id: 'loop', src: job, restart: 'permanent', backoff },
      { id: 'page', dependsOn: ['loop'], onDependencyLoss: 'degrade' },
    ]);
    await app.whenReady();
    app.service('loop')?.send({ type: 'done' });
    await settle();
    expect(states()).toEqual({ loop: 'restarting', page: 'degraded' });
    await pass(100);
    expect(states()).toEqual({ loop: 'running', page: 'running' });
  });
});

describe('a service that lacked something as it was started', () => {
  it('is degraded no longer than it lacks it', async () => {
    const backoff = { minMs: 100, maxMs: 100, factor: 1, jitter: 0, resetAfterMs: 1_000 };
    const { app, states, kill, pass, log } = world([
      { id: 'cache', backoff },
      { id: 'web', src: slow, dependsOn: [{ id: 'cache', optional: true }] },
    ]);
    await settle();
    expect(states()).toEqual({ cache: 'running', web: 'starting' });
    await kill('cache');
    ready(app.service('web'));
    await settle();
    expect(states()).toEqual({ cache: 'restarting', web: 'degraded' });
    await pass(100);
    expect(states()).toEqual({ cache: 'running', web: 'running' });
    expect(log).toContain('recovered web');
  });
});

describe('a service that lacks several', () => {
  const backoff = { minMs: 100, maxMs: 100, factor: 1, jitter: 0, resetAfterMs: 1_000 };

  it('is said to lack what it lacks now', async () => {
    const facts: unknown[] = [];
    const { app, kill, pass } = world(
      [
        { id: 'a', backoff },
        { id: 'b', restart: 'temporary' },
        { id: 'page', dependsOn: ['a', 'b'], onDependencyLoss: 'degrade' },
      ],
      { onFact: (fact) => facts.push(fact) },
    );
    await app.whenReady();
    facts.length = 0;
    await kill('a');
    await kill('b');
    await pass(100);
    expect(facts.filter((fact) => (fact as { type: string }).type === 'application.degraded')).toEqual([
      { type: 'application.degraded', id: 'page', missing: ['a'] },
      { type: 'application.degraded', id: 'page', missing: ['a', 'b'] },
      { type: 'application.degraded', id: 'page', missing: ['b'] },
    ]);
    expect(app.status().services).toMatchObject([{ state: 'running' }, { state: 'failed' }, { state: 'degraded', missing: ['b'] }]);
  });

  it('has not recovered where one of them was a job, and has served', async () => {
    const { app, log, kill, pass, states } = world([
      { id: 'cache', backoff },
      { id: 'migrate', src: job, restart: 'transient', backoff: { ...backoff, minMs: 20, maxMs: 20 } },
      { id: 'page', dependsOn: ['cache', 'migrate'], onDependencyLoss: 'degrade' },
    ]);
    await app.whenReady();
    await kill('migrate');
    await kill('cache');
    await pass(20);
    app.service('migrate')?.send({ type: 'done' });
    await settle();
    expect(app.status().services).toMatchObject([{ state: 'restarting' }, { state: 'stopped' }, { state: 'degraded', missing: ['cache'] }]);
    expect(log).not.toContain('recovered page');
    await pass(80);
    expect(states()).toEqual({ cache: 'running', migrate: 'stopped', page: 'running' });
  });
});

describe('a service whose need waits for one that is gone for good', () => {
  const needs = [
    { id: 'base', restart: 'temporary' },
    { id: 'slow', src: slow },
    { id: 'mid', dependsOn: ['base', 'slow'] },
    { id: 'soft', dependsOn: ['mid'], onDependencyLoss: 'degrade' },
    { id: 'maybe', dependsOn: [{ id: 'mid', optional: true }] },
  ] as const;
  const without = { base: 'failed', slow: 'running', mid: 'waiting', soft: 'degraded', maybe: 'degraded' };

  it('is started without, where it can do without, and has recovered when all are back', async () => {
    const { app, states, kill } = world(needs);
    await settle();
    await kill('base');
    ready(app.service('slow'));
    await settle();
    expect(states()).toEqual(without);
    expect(await app.restartService('base')).toEqual({ ok: true });
    await settle();
    expect(states()).toEqual({ base: 'running', slow: 'running', mid: 'running', soft: 'running', maybe: 'running' });
  });

  it('can be restarted without', async () => {
    const { app, states, kill } = world(needs);
    ready(app.service('slow'));
    await settle();
    ready(app.service('slow'));
    await app.whenReady();
    await kill('base');
    expect(await app.restartService('soft')).toEqual({ ok: true });
    await settle();
    expect(states()).toEqual(without);
  });
});
