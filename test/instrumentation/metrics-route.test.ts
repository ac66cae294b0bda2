/** Metrics over HTTP, with those of prom-client beside them. */
import { Counter as PromCounter, Registry } from 'prom-client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import { healthEndpoint } from '../../src/health/endpoint.js';
import { metricsRoute, type MetricsRouteOptions } from '../../src/instrumentation/metrics-route.js';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const open: AnyActorRef[] = [];
beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => undefined));
afterEach(() => {
  for (const ref of open.splice(0)) ref.stop();
});

async function scrape(metrics: Metrics, options: MetricsRouteOptions = {}): Promise<Response> {
  const ref = createActor(healthEndpoint({ routes: { '/metrics': metricsRoute(metrics, options) } }));
  open.push(ref);
  const opened = new Promise<number>((resolve) => ref.on('endpoint.opened', ({ port }) => resolve(port)));
  ref.start();
  return fetch(`http://127.0.0.1:${await opened}/metrics`, { headers: { connection: 'close' } });
}

const make = () => {
  const metrics = createMetrics();
  metrics.counter('shop.sold', { about: 'fruit sold' }).add(3);
  return metrics;
};

it('are told in the text of Prometheus', async () => {
  const response = await scrape(make());
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  expect(await response.text()).toContain('\nshop_sold_total 3\n');
});

it('are told with those of a registry of prom-client behind them', async () => {
  const registry = new Registry();
  new PromCounter({ name: 'app_visits_total', help: 'visits', registers: [registry] }).inc(2);
  const text = await (await scrape(make(), { sources: { app: registry } })).text();
  expect(text).toContain('\nshop_sold_total 3\n');
  expect(text).toMatch(/\napp_visits_total 2\n$/);
});

it.each([
  ['never answers', () => new Promise<string>(() => undefined)],
  ['rejects', () => Promise.reject(new Error('broken'))],
  [
    'throws',
    () => {
      throw new Error('broken');
    },
  ],
  ['says no text', () => Promise.resolve(5 as never)],
])('are told without those of a source that %s, which is named and counted', async (_, source) => {
  const metrics = make();
  const whole = { metrics: () => 'fine 1' };
  const text = await (await scrape(metrics, { deadlineMs: 50, sources: { 'bad\none': { metrics: source }, whole } })).text();
  expect(text).toContain('\nshop_sold_total 3\n');
  expect(text).toContain('# the metrics of "bad\\none" could not be read\nfine 1\n');
  expect(metrics.valueOf('espalier.telemetry.sources_failed', { source: 'bad\none' })).toBe(1);
});

it('print a source that fails once, until it has answered again', async () => {
  const printed = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  printed.mockClear();
  let isBroken = true;
  const app = { metrics: () => (isBroken ? Promise.reject(new Error('broken')) : 'fine 1') };
  const metrics = make();
  const route = metricsRoute(metrics, { sources: { app } });
  const read = (): unknown => (route as () => unknown)();
  await read();
  await read();
  expect(printed).toHaveBeenCalledTimes(1);
  isBroken = false;
  await read();
  isBroken = true;
  await read();
  expect(printed).toHaveBeenCalledTimes(2);
  expect(metrics.valueOf('espalier.telemetry.sources_failed', { source: 'app' })).toBe(3);
});

it('ask a source once at a time: whoever reads meanwhile shares the answer, and after the deadline is told that it could not be read', async () => {
  const clock = new VirtualClock();
  const asked: ((text: string) => void)[] = [];
  const app = { metrics: () => new Promise<string>((resolve) => asked.push(resolve)) };
  const metrics = make();
  const route = metricsRoute(metrics, { sources: { app }, deadlineMs: 1_000, clock });
  const read = async (): Promise<string> => (await (route as () => unknown as () => Promise<{ body: string }>)()).body.split('\n').at(-2) ?? '';
  const refused = '# the metrics of "app" could not be read';
  const both = [read(), read()];
  asked[0]?.('app_up 1');
  expect([await Promise.all(both), asked.length, clock.pending()]).toEqual([['app_up 1', 'app_up 1'], 1, 0]);
  const late = read();
  clock.advanceBy(1_000);
  expect([await late, await read(), asked.length, clock.pending()]).toEqual([refused, refused, 2, 0]);
  expect(metrics.valueOf('espalier.telemetry.sources_failed', { source: 'app' })).toBe(2);
  asked[1]?.('app_up 2');
  await new Promise(setImmediate);
  const next = read();
  asked[2]?.('app_up 3');
  expect([await next, asked.length, clock.pending()]).toEqual(['app_up 3', 3, 0]);
});

it.each([
  ['no metrics', () => metricsRoute({} as never)],
  ['a source that is none', () => metricsRoute(make(), { sources: { app: {} as never } })],
  ['a deadline that is none', () => metricsRoute(make(), { deadlineMs: 0 })],
])('with %s are refused', (_, act) => {
  expect(act).toThrow(expect.objectContaining({ code: 'telemetry/invalid-options' }));
});
