/** Metrics for Prometheus, as a route of an endpoint on this machine: `healthEndpoint({ routes: { '/metrics': metricsRoute(telemetry.metrics) } })`. */
import { sortOf } from '../option-checks.js';
import type { Metrics } from '../telemetry/metrics.js';
import { promType } from '../telemetry/prometheus.js';
import { duration, invalid, requireOptions, requireText } from '../telemetry/refusal.js';
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
  /** How long they may take, ms. Default 1 000. */
  readonly deadlineMs?: number;
}

/** A source that answers with more is not told: bytes of text. */
const longestText = 8 * 1024 * 1024;

/**
 * The route. A source that fails, or takes too long, is left out, counted in `espalier.telemetry.sources_failed`, and named in a comment; the rest is told.
 * @throws EspalierError `telemetry/invalid-options`
 */
export function metricsRoute(metrics: Metrics, options: MetricsRouteOptions = {}): EndpointRoute {
  if (typeof (metrics as Partial<Metrics> | null)?.text !== 'function') throw invalid('metrics', 'what createMetrics() makes', sortOf(metrics));
  requireOptions('the options of a route of metrics', options, ['sources', 'deadlineMs']);
  const { sources = {} } = options;
  const deadlineMs = duration('deadlineMs', options.deadlineMs, 1_000);
  for (const [name, source] of Object.entries(sources)) {
    requireText('the name of a source', name);
    if (typeof (source as Partial<PromSource> | null)?.metrics !== 'function')
      throw invalid(`source '${name}'`, 'metrics(): Promise<string>', sortOf(source));
  }
  const failures = sourceFailures(metrics);
  /** Those that failed at the last reading: told once, until they have answered again. */
  const failing = new Set<string>();
  const read = async (name: string, source: PromSource): Promise<string> => {
    try {
      const text = await within(deadlineMs, source);
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

/** What the source says, or a rejection at the deadline. */
function within(ms: number, source: PromSource): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ms);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    Promise.resolve(source.metrics()).then(resolve, reject);
  });
}
