/** What health refuses: typed, before anything starts. */
import { createActor } from 'xstate';
import { describe, expect, it } from 'vitest';
import { orderOf } from '../../machines/health/order.js';
import { healthEndpoint } from '../../src/health/endpoint.js';
import { healthHandle } from '../../src/health/health-handle.js';
import { healthMonitor } from '../../src/health/health-monitor.js';
import { servicesHandle } from '../../src/health/service-handle.js';
import { serviceMonitor } from '../../src/health/service-monitor.js';
import { idle } from './health-world.js';

const misuse = expect.objectContaining({ code: 'health/invalid-options' });

function thrownBy(act: () => unknown): unknown {
  try {
    act();
    return 'nothing';
  } catch (error) {
    return error;
  }
}

const refuses = (act: () => unknown, words: RegExp): void => {
  const error = thrownBy(act);
  expect(error).toEqual(misuse);
  expect((error as Error).message).toMatch(words);
};

const check = (): void => {};

describe('a health monitor', () => {
  it.each([
    [null, /an object/],
    [{ probe: [] }, /"probe"/],
    [{ probes: {} }, /probes: a list/],
    [{ everyMs: 0 }, /everyMs/],
    [{ everyMs: 2 ** 31 - 1 }, /everyMs × silentAfter/],
    [{ silentAfter: 0 }, /silentAfter/],
    [{ unhealthyAfter: 1.5 }, /unhealthyAfter/],
    [{ flapping: 3 }, /flapping/],
    [{ flapping: { starts: 2, ends: 2 } }, /ends < starts < of/],
    [{ flapping: { of: 6 } }, /ends < starts < of/],
    [
      {
        maxProbes: 1,
        probes: [
          { id: 'a', check },
          { id: 'b', check },
        ],
      },
      /at most 1/,
    ],
    [{ probes: [{ id: '' }] }, /id/],
    [{ probes: [{ id: 'a' }, { id: 'a' }] }, /an id of its own.*"a"/],
    [{ probes: [{ id: 'a', check: 1 }] }, /probe 'a': check/],
    [{ probes: [{ id: 'a', check, ask: check }] }, /no `ask` beside it/],
    [{ probes: [{ id: 'a', deadlineMs: -1 }] }, /probe 'a': deadlineMs/],
    [{ probes: [{ id: 'a', isCritical: 1 }] }, /isCritical/],
    [{ probes: [{ id: 'a', interval: 1 }] }, /"interval"/],
  ])('refuses %j, by name', (options, words) => refuses(() => healthMonitor(options as never), words));
});

describe('a service monitor', () => {
  it.each([
    [undefined, /an object/],
    [{}, /services: a list/],
    [{ services: [{ id: 'a', dependsOn: ['b'] }] }, /service 'a': dependsOn: services of this monitor, got: "b"/],
    [
      {
        services: [
          { id: 'a', dependsOn: ['c'] },
          { id: 'b', dependsOn: ['a'] },
          { id: 'c', dependsOn: ['b'] },
        ],
      },
      /no circle, got: "a → c → b → a"/,
    ],
    [{ services: [{ id: 'a', dependsOn: ['a'] }] }, /"a → a"/],
    [{ services: [{ id: 'a' }, { id: 'a' }] }, /an id of its own/],
    [{ services: [{ id: 'a', probes: ['p'] }] }, /the health monitor with the probes of 'a'/],
    [{ services: [{ id: 'a', intensity: -1 }] }, /intensity/],
    [{ services: [], where: {} }, /find and heed/],
    [{ services: [{ id: 'a', dependsOn: 'b' }] }, /dependsOn: a list/],
    [{ services: [], settleMs: Infinity }, /settleMs/],
  ])('refuses %j, by name', (options, words) => refuses(() => serviceMonitor(options as never), words));

  it('orders chains of any length, each after all that it needs', () => {
    const nodes = Array.from({ length: 20_000 }, (_, index) => ({ id: `${index}`, dependsOn: index === 19_999 ? [] : [`${index + 1}`] }));
    const ordered = orderOf(nodes);
    expect(ordered.ok && [ordered.order.length, ordered.order[0], ordered.order.at(-1)]).toEqual([20_000, '19999', '0']);
    const diamond = orderOf([
      { id: 'a', dependsOn: ['b', 'c'] },
      { id: 'b', dependsOn: ['d'] },
      { id: 'c', dependsOn: ['d'] },
      { id: 'd', dependsOn: [] },
    ]);
    expect(diamond).toEqual({ ok: true, order: ['d', 'b', 'c', 'a'] });
  });
});

describe('a handle', () => {
  it('is refused to an actor that runs another monitor, or none', () => {
    const other = createActor(idle).start();
    const probes = createActor(healthMonitor()).start();
    refuses(() => healthHandle(other), /healthMonitor/);
    refuses(() => healthHandle(null as never), /healthMonitor/);
    refuses(() => servicesHandle(probes), /serviceMonitor/);
    refuses(() => healthHandle(() => other).overall(), /healthMonitor/);
    other.stop();
    probes.stop();
  });

  it('refuses what else it is given, and shows nothing of it', async () => {
    const secret = 'AIza-SECRET' as never;
    const health = healthHandle(() => undefined);
    const services = servicesHandle(() => undefined);
    for (const act of [
      ...[() => health.watch(secret), () => health.status(1 as never), () => health.report('a', secret), () => health.on(secret, check)],
      ...[() => health.on('health.failed', secret), () => services.on('service.lost', secret), () => health.watch({ id: 'a', check: secret })],
      ...[() => healthMonitor(secret), () => serviceMonitor(secret), () => healthEndpoint(secret), () => healthEndpoint({ port: secret })],
    ]) {
      const error = thrownBy(act);
      expect(error).toEqual(misuse);
      expect((error as Error).message).not.toContain('SECRET');
    }
    await expect(services.waitUntilAvailable('a', { deadlineMs: -1 })).rejects.toEqual(misuse);
    await expect(services.waitUntilAvailable('a', { signal: secret })).rejects.toEqual(misuse);
  });

  it('answers for a monitor that does not run', async () => {
    const health = healthHandle(() => undefined);
    expect([health.overall(), health.all(), health.status('a'), health.watch({ id: 'a' }), health.unwatch('a'), health.report('a', 'ok')]).toEqual([
      ...['unknown', [], null, { ok: false, reason: 'closed' }, false, false],
    ]);
    expect([await health.close(), health.ref, servicesHandle(() => undefined).overall()]).toEqual(['noproc', undefined, 'unknown']);
    health.on('health.failed', check).unsubscribe();
  });
});

describe('an endpoint', () => {
  it.each([
    [{ port: 65_536 }, /port/],
    [{ port: '80' }, /port.*a string/],
    [{ host: '' }, /host/],
    [{ health: {} }, /health: a handle/],
    [{ routes: { metrics: () => ({}) } }, /begin with/],
    [{ isReady: true }, /isReady/],
    [{ slowMs: 0 }, /slowMs/],
    [{ path: '/' }, /"path"/],
  ])('refuses %j, by name', (options, words) => refuses(() => healthEndpoint(options as never), words));
});
