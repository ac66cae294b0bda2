/** The service monitor: death drives status; dependents are degraded, and recover in order; too many deaths are quarantine; waits that nobody polls for. */
import { afterEach, describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import type { Said } from '../../src/health/answer.js';
import { servicesHandle } from '../../src/health/service-handle.js';
import { serviceMonitor } from '../../src/health/service-monitor.js';
import type { AvailableOutcome } from '../../src/health/waiters.js';
import { exit } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { healthWorld, idle, leaveNothing, settle } from './health-world.js';

afterEach(leaveNothing);

const chain = {
  services: [
    { id: 'web', dependsOn: ['api'], name: 'w' },
    { id: 'api', dependsOn: ['store'], name: 'a' },
    { id: 'store', name: 's' },
    { id: 'mail', name: 'm' },
  ],
};
const children = { w: idle, a: idle, s: idle, m: idle };

describe('a service monitor', () => {
  it('knows its services in the order of their needs, whatever the order of their start', async () => {
    const { facts, services } = await healthWorld({ services: chain, children });
    expect(facts.filter((fact) => fact.startsWith('service'))).toEqual([
      'service.started store',
      'service.started api',
      'service.started web',
      'service.started mail',
    ]);
    expect([services.overall(), services.all().map(({ id }) => id)]).toEqual(['healthy', ['store', 'api', 'web', 'mail']]);
  });

  it('is told of a death at once, with no time passing: dependents are degraded, others are not, and all recover in order', async () => {
    const { facts, services, app, clock } = await healthWorld({ services: chain, children });
    facts.length = 0;
    await app.terminateChild('s');
    expect(clock.now()).toBe(0);
    expect(facts).toEqual(['service.lost store', 'service.degraded api', 'service.degraded web', 'health.changed services unhealthy']);
    expect(services.all()).toMatchObject([
      { state: 'stopped', ref: null },
      { state: 'degraded', missing: ['store'] },
      { state: 'degraded', missing: ['api'] },
      { state: 'available' },
    ]);
    facts.length = 0;
    await app.restartChild('s');
    expect(facts).toEqual([
      'service.returned store',
      'service.recovered store',
      'service.recovered api',
      'service.recovered web',
      'health.changed services healthy',
    ]);
  });

  it('is told again what is missing where that changes, and lacks nobody who has done what he was for', async () => {
    let served = false;
    const told: unknown[] = [];
    const heard = new Set<(name: string) => void>();
    const parts = new Map<string, AnyActorRef>(['a', 'b', 'c'].map((id) => [id, createActor(idle).start()]));
    const where = {
      find: (name: string) => parts.get(name),
      heed: (came: (name: string) => void) => {
        heard.add(came);
        return () => heard.delete(came);
      },
      hasServed: (name: string) => served && name === 'b',
    };
    const { services } = await healthWorld({ services: { where, services: [{ id: 'a' }, { id: 'b' }, { id: 'c', dependsOn: ['a', 'b'] }] } });
    for (const type of ['service.degraded', 'service.recovered'] as const) services.on(type, (fact) => told.push(fact));
    for (const id of ['b', 'a']) exit(parts.get(id) as AnyActorRef, 'shutdown');
    served = true;
    for (const hear of heard) hear('b');
    expect(services.status('b')).toMatchObject({ state: 'stopped', deaths: 0 });
    parts.set('a', createActor(idle).start());
    for (const hear of heard) hear('a');
    expect(told).toMatchObject([
      { type: 'service.degraded', id: 'c', missing: ['b'] },
      { type: 'service.degraded', id: 'c', missing: ['a', 'b'] },
      { type: 'service.degraded', id: 'c', missing: ['a'] },
      { type: 'service.recovered', id: 'a' },
      { type: 'service.recovered', id: 'c' },
    ]);
    expect(services.overall()).toBe('healthy');
    exit(parts.get('c') as AnyActorRef, 'kill');
    exit(parts.get('a') as AnyActorRef, 'kill');
  });

  it('takes a service for recovered once it has lived for the time to settle', async () => {
    const { facts, services, kill, pass } = await healthWorld({ services: { ...chain, settleMs: 100 }, children });
    facts.length = 0;
    await kill('s');
    expect(services.status('store')).toMatchObject({ state: 'recovering', deaths: 1 });
    await pass(99);
    await kill('s');
    await pass(99);
    expect([services.status('store')?.state, services.status('web')?.state]).toEqual(['recovering', 'degraded']);
    await pass(1);
    expect(facts.filter((fact) => fact.startsWith('service'))).toEqual([
      ...['service.lost store', 'service.degraded api', 'service.degraded web', 'service.returned store', 'service.lost store'],
      ...['service.returned store', 'service.recovered store', 'service.recovered api', 'service.recovered web'],
    ]);
  });

  it('quarantines what dies too often, until it has lived long enough', async () => {
    const { facts, services, kill, pass } = await healthWorld({
      services: { ...chain, intensity: 2, periodMs: 1_000, quarantineMs: 500, settleMs: 10 },
      children,
    });
    facts.length = 0;
    for (let time = 0; time < 3; time++) await kill('m');
    expect(facts.filter((fact) => fact.startsWith('service')).slice(-2)).toEqual(['service.lost mail', 'service.quarantined mail']);
    await pass(499);
    await kill('m');
    await pass(499);
    expect([services.status('mail')?.state, services.overall()]).toEqual(['quarantined', 'unhealthy']);
    await pass(1);
    expect([services.status('mail')?.state, services.overall(), facts.filter((fact) => fact.startsWith('service')).slice(-2)]).toEqual([
      'recovering',
      'degraded',
      ['service.quarantined mail', 'service.returned mail'],
    ]);
    await pass(10);
    expect([services.status('mail')?.state, services.overall()]).toEqual(['available', 'healthy']);
  });

  it('counts no end that was in order as a death', async () => {
    const { services, app } = await healthWorld({ services: { ...chain, intensity: 0 }, children });
    for (let time = 0; time < 3; time++) {
      await app.terminateChild('m');
      await app.restartChild('m');
    }
    expect(services.status('mail')?.deaths).toBe(0);
  });

  it('degrades a service whose probe is not well, and follows the health monitor over its restart', async () => {
    let says: Said = true;
    const probes = [{ id: 'ping', check: () => says, everyMs: 100, firstMs: 100 }];
    const services = { health: 'health', services: [{ id: 'store', name: 's', probes: ['ping'] }] };
    const world = await healthWorld({ health: { probes, healthyAfter: 1 }, services, children });
    await world.pass(100);
    says = false;
    await world.pass(100);
    expect(world.services.status('store')).toMatchObject({ state: 'degraded', missing: ['ping'] });
    await world.kill('health');
    says = true;
    await world.pass(100);
    expect(world.services.status('store')).toMatchObject({ state: 'available', missing: [] });
    expect(world.facts.filter((fact) => fact.startsWith('service.'))).toEqual([
      'service.started store',
      'service.degraded store',
      'service.recovered store',
    ]);
  });

  it('takes the silence of a health monitor that is away for no good news, and follows the next', async () => {
    const probes = [{ id: 'ping', check: () => false, everyMs: 100, firstMs: 100 }];
    const backoff = { minMs: 500, maxMs: 500, factor: 1, jitter: 0, resetAfterMs: 60_000 };
    const services = {
      health: 'health',
      services: [
        { id: 'store', name: 's', probes: ['ping'] },
        { id: 'mail', name: 'm' },
      ],
    };
    const world = await healthWorld({ health: { probes }, services, children, backoff });
    await world.pass(100);
    expect(world.services.status('store')).toMatchObject({ state: 'degraded', missing: ['ping'] });
    world.facts.length = 0;
    await world.kill('health');
    await world.kill('m');
    expect([world.app.child('health'), world.services.status('store')?.missing, world.services.overall()]).toEqual([undefined, ['ping'], 'degraded']);
    await world.pass(100, 7);
    expect(world.app.child('health')).toBeDefined();
    expect(world.facts.filter((fact) => fact.endsWith('store'))).toEqual([]);
    expect(world.services.status('store')).toMatchObject({ state: 'degraded', missing: ['ping'] });
  });

  it('names a probe, or a health monitor, that is nobody’s among what is missing, until it comes', async () => {
    const options = { health: 'health', services: [{ id: 'store', name: 's', probes: ['typo'] }] };
    const { services, health, kill } = await healthWorld({ services: options, children });
    expect(services.status('store')).toMatchObject({ state: 'degraded', missing: ['typo'] });
    health.watch({ id: 'typo' });
    expect(services.status('store')).toMatchObject({ state: 'available', missing: [] });
    await kill('health');
    expect(services.status('store')).toMatchObject({ state: 'available', missing: [] });
    health.unwatch('typo');
    expect(services.status('store')).toMatchObject({ state: 'degraded', missing: ['typo'] });
    const nobody = await healthWorld({ services: { ...options, health: 'nobody' }, children });
    expect(nobody.services.status('store')).toMatchObject({ state: 'degraded', missing: ['nobody'] });
    const other = await healthWorld({ services: { ...options, health: 'm' }, children });
    expect(other.services.status('store')).toMatchObject({ state: 'degraded', missing: ['m'] });
  });

  it('counts the deaths that happened while it was away, as far as they can be known', async () => {
    const backoff = { minMs: 100, maxMs: 100, factor: 1, jitter: 0, resetAfterMs: 60_000 };
    const world = await healthWorld({ services: { ...chain, intensity: 5 }, children, backoff });
    world.facts.length = 0;
    exit(world.part('services'), 'kill');
    for (let time = 0; time < 4; time++) await world.kill('s');
    await world.app.terminateChild('m');
    await world.app.restartChild('m');
    expect(world.services.ref).toBe(undefined);
    await world.pass(100);
    expect(world.services.all().map(({ id, state, deaths }) => [id, state, deaths])).toEqual([
      ['store', 'available', 4],
      ['api', 'available', 0],
      ['web', 'available', 0],
      ['mail', 'available', 0],
    ]);
    const told = world.facts.filter((fact) => fact.startsWith('service.'));
    expect([told.filter((fact) => fact === 'service.lost store').length, told.filter((fact) => /api|web/.test(fact))]).toEqual([
      4,
      ['service.degraded api', 'service.degraded web', 'service.recovered api', 'service.recovered web'],
    ]);
    exit(world.part('services'), 'kill');
    for (let time = 0; time < 9; time++) await world.kill('s');
    await world.pass(100);
    expect(world.services.status('store')).toMatchObject({ state: 'quarantined', deaths: 6 });
  });

  it('counts what ended in order against nobody but those who need it', async () => {
    const { services, app, facts } = await healthWorld({ services: chain, children });
    facts.length = 0;
    await app.terminateChild('m');
    expect([services.status('mail'), services.overall(), facts]).toMatchObject([{ state: 'stopped', deaths: 0 }, 'healthy', ['service.lost mail']]);
    await app.terminateChild('s');
    expect([services.status('store')?.state, services.overall()]).toEqual(['stopped', 'unhealthy']);
    await app.terminateChild('a');
    await app.terminateChild('w');
    expect([services.all().map(({ state }) => state), services.overall()]).toEqual([['stopped', 'stopped', 'stopped', 'stopped'], 'healthy']);
    await app.restartChild('s');
    expect([services.status('store')?.state, services.overall()]).toEqual(['available', 'healthy']);
  });

  it('is not known as a whole while one of its services was never seen, whatever else is degraded', async () => {
    const options = {
      services: [
        { id: 'db', name: 'nowhere' },
        { id: 'api', name: 'a', dependsOn: ['db'] },
      ],
    };
    const { services } = await healthWorld({ services: options, children });
    expect([services.all().map(({ state }) => state), services.overall()]).toEqual([['absent', 'degraded'], 'unknown']);
  });

  it('finds services wherever their names are kept', async () => {
    const clock = new VirtualClock();
    const names = new Map<string, AnyActorRef>();
    let tell: (name: string) => void = () => {};
    const where = { find: (name: string) => names.get(name), heed: (came: (name: string) => void) => ((tell = came), () => (tell = () => {})) };
    const monitor = createActor(serviceMonitor({ where, services: [{ id: 'db' }] }), { clock }).start();
    const handle = servicesHandle(monitor);
    const first = createActor(idle).start();
    const second = createActor(idle).start();
    expect(handle.status('db')?.state).toBe('absent');
    names.set('db', first);
    tell('db');
    expect(handle.status('db')).toMatchObject({ state: 'available', ref: first });
    names.set('db', second);
    tell('db');
    first.stop();
    expect(handle.status('db')).toMatchObject({ ref: second, deaths: 1 });
    second.stop();
    expect(handle.status('db')).toMatchObject({ state: 'stopped', ref: null });
    expect(await handle.close()).toBe('normal');
  });
});

describe('a wait for a service', () => {
  const watch = (wait: Promise<AvailableOutcome>) => {
    const seen: { outcome?: AvailableOutcome } = {};
    void wait.then((outcome) => (seen.outcome = outcome));
    return seen;
  };

  it('ends within the call that made it available, with its actor; nobody polls', async () => {
    const { services, app, clock, pass } = await healthWorld({ services: { ...chain, settleMs: 50 }, children });
    expect(await services.waitUntilAvailable('web')).toEqual({ ok: true, ref: app.child('w') });
    await app.terminateChild('s');
    const wait = watch(services.waitUntilAvailable('web', { deadlineMs: 1_000 }));
    expect(clock.pending()).toBe(1);
    await app.restartChild('s');
    await pass(49);
    expect(wait.outcome).toBe(undefined);
    await pass(1);
    expect(wait.outcome).toEqual({ ok: true, ref: app.child('w') });
  });

  it('ends at its deadline, by its signal, with the monitor, and at once where nobody knows the service or too many wait', async () => {
    const { services, app, pass, kill } = await healthWorld({ services: { ...chain, maxWaiting: 2 }, children });
    await app.terminateChild('s');
    const controller = new AbortController();
    const late = watch(services.waitUntilAvailable('store', { deadlineMs: 100 }));
    const cancelled = watch(services.waitUntilAvailable('store', { signal: controller.signal }));
    expect(await services.waitUntilAvailable('store')).toEqual({ ok: false, reason: 'full' });
    expect(await services.waitUntilAvailable('none')).toEqual({ ok: false, reason: 'unknown' });
    expect(await services.waitUntilAvailable('store', { signal: AbortSignal.abort() })).toEqual({ ok: false, reason: 'cancelled' });
    controller.abort();
    await pass(100);
    expect([late.outcome, cancelled.outcome]).toEqual([
      { ok: false, reason: 'timeout' },
      { ok: false, reason: 'cancelled' },
    ]);
    const closed = watch(services.waitUntilAvailable('store'));
    await kill('services');
    expect(closed.outcome).toEqual({ ok: false, reason: 'closed' });
    await services.close();
    await settle();
    expect(await servicesHandle(() => undefined).waitUntilAvailable('store')).toEqual({ ok: false, reason: 'closed' });
  });
});
