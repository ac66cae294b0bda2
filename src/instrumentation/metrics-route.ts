/** Metrics for Prometheus, as a route of an endpoint on this machine: `healthEndpoint({ routes: { '/metrics': metricsRoute(telemetry.metrics) } })`. */
import { sortOf } from '../option-checks.js';
import type { Metrics } from '../telemetry/metrics.js';
import { promType } from '../telemetry/prometheus.js';
import { duration, invalid, requireOptions, requireText } from '../telemetry/refusal.js';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import { printFault } from '../supervision/last-resort.js';
import type { EndpointAnswer, EndpointRoute } from '../wire/http-endpoint.js';
import { sourceFailures } from './own-metrics.js';

/** Metrics of somebody else in Prometheus' text: a `Registry` of prom-client is one. */
export interface PromSource {
  metrics(): Promise<string> | string;
}

export interface MetricsRouteOptions {
  /** More metrics, by a name for them. Which of them have the same metrics is the app's to see to. */
  readonly sources?: Readonly<Record<string, PromSource>>;
  /** How long one may take, ms, from being asked. Default 1 000. */
  readonly deadlineMs?: number;
  /** Where the deadlines are kept. Default: the machine's clock. */
  readonly clock?: Clock;
}

/** A source that answers with more is not told: bytes of text. */
const longestText = 8 * 1024 * 1024;

/**
 * The route. A source that fails, or takes too long, is left out, counted in `espalier.telemetry.sources_failed`, and named in a comment; the rest is told.
 * Each is asked once at a time: readings that come meanwhile share the answer, and after the deadline they fail at once, until it has come.
 * @throws EspalierError `telemetry/invalid-options`, `supervision/invalid-options` for what is no clock
 */
export function metricsRoute(metrics: Metrics, options: MetricsRouteOptions = {}): EndpointRoute {
  if (typeof (metrics as Partial<Metrics> | null)?.text !== 'function') throw invalid('metrics', 'what createMetrics() makes', sortOf(metrics));
  requireOptions('the options of a route of metrics', options, ['sources', 'deadlineMs', 'clock']);
  const { clock = systemClock, sources = {} } = options;
  requireClock(clock);
  const deadlineMs = duration('deadlineMs', options.deadlineMs, 1_000);
  for (const [name, source] of Object.entries(sources)) {
    requireText('the name of a source', name);
    if (typeof (source as Partial<PromSource> | null)?.metrics !== 'function')
      throw invalid(`source '${name}'`, 'metrics(): Promise<string>', sortOf(source));
  }
  const failures = sourceFailures(metrics);
  /** Those that failed at the last reading: told once, until they have answered again. */
  const failing = new Set<string>();
  /** What each is being asked, also after the deadline. */
  const asked = new Map<string, Promise<string>>();
  const ask = (name: string, source: PromSource): Promise<string> => {
    const under = asked.get(name);
    if (under !== undefined) return under;
    const answer = within(deadlineMs, clock, source, () => asked.delete(name));
    asked.set(name, answer);
    return answer;
  };
  const read = async (name: string, source: PromSource): Promise<string> => {
    try {
      const text = await ask(name, source);
      if (typeof text !== 'string' || text.length > longestText) throw new TypeError(`expected text of at most ${longestText} characters`);
      failing.delete(name);
      return text === '' || text.endsWith('\n') ? text : `${text}\n`;
    } catch (error) {
      failures.add(1, { source: name });
      if (!failing.has(name)) printFault(`the source of metrics '${name}'`, error);
      failing.add(name);
      // On one line, whatever its name is.
      return `# the metrics of ${JSON.stringify(name)} could not be read\n`;
    }
  };
  const answer = (texts: readonly string[]): EndpointAnswer => ({ status: 200, type: promType, body: `${metrics.text()}${texts.join('')}` });
  const all = Object.entries(sources);
  if (all.length === 0) return () => answer([]);
  return async () => answer(await Promise.all(all.map(([name, source]) => read(name, source))));
}

/**
 * What the source says, or a rejection at the deadline.
 * @param answered  it has said something, or failed: also after the deadline
 */
function within(ms: number, clock: Clock, source: PromSource, answered: () => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => reject(new Error(`expected an answer within ${ms} ms, got: none`)), ms);
    void new Promise<string>((told) => told(source.metrics()))
      .finally(() => {
        clock.clearTimeout(timer);
        answered();
      })
      .then(resolve, reject);
  });
}
