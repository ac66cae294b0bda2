/** What the instrumentation of an app may be told, and what it refuses. */
import type { AnyActorRef } from 'xstate';
import { isActor, isObject, sortOf } from '../option-checks.js';
import { type Hiding, planHiding } from '../telemetry/hidden.js';
import { type Logger, requireLogger } from '../telemetry/logger.js';
import type { MeterLike } from '../telemetry/meter.js';
import type { Metrics } from '../telemetry/metrics.js';
import { invalid, requireOptions } from '../telemetry/refusal.js';
import type { OpenTelemetryLike, TracerLike } from '../telemetry/tracer.js';
import type { Secrets } from '../wire/secrets.js';

/** Options of {@link instrument}; each may be left out. A name that is not here is refused. */
export interface InstrumentationOptions {
  /** An actor whose whole system is watched from now on, until `detach`. An app's is `app.ref`. */
  readonly actor?: AnyActorRef;
  /** Where metrics are kept. Default: metrics of its own, which are `metrics` of the instrumentation. */
  readonly metrics?: Metrics;
  /** A meter of OpenTelemetry that its own metrics are told to, too; to those that are given, it is given by `createMetrics({ meter })`. */
  readonly meter?: MeterLike;
  /** `import * as opentelemetry from '@opentelemetry/api'`: makes spans. Without it there are none. */
  readonly opentelemetry?: OpenTelemetryLike;
  /** Default: that of the API, `espalier`. */
  readonly tracer?: TracerLike;
  /** Ours or pino's. Default: nothing is logged. */
  readonly logger?: Logger;
  /** Are arguments and results of tools, texts and messages told to spans and logs? Default false. */
  readonly content?: boolean;
  /** Keys whose values are hidden, wherever they stand, in whatever case. Default: keys that look like a password, an API key, a token of access. `false`: none. */
  readonly redact?: RegExp | false;
  /** Texts that are blotted out wherever they stand: at least 4 characters each. */
  readonly secrets?: Secrets;
}

export interface InstrumentationPlan {
  readonly content: boolean;
  readonly hiding: Hiding;
  readonly logger: Logger | null;
  readonly opentelemetry: OpenTelemetryLike | null;
  readonly tracer: TracerLike | null;
}

const keys = ['actor', 'metrics', 'meter', 'opentelemetry', 'tracer', 'logger', 'content', 'redact', 'secrets'];

/** @throws EspalierError `telemetry/invalid-options` */
export function planInstrumentation(options: InstrumentationOptions): InstrumentationPlan {
  requireOptions('the options of instrument()', options, keys);
  const { actor, content = false, logger, meter, metrics, opentelemetry, redact, secrets, tracer } = options;
  if (actor !== undefined && !isActor(actor)) throw invalid('actor', 'an actor', sortOf(actor));
  if (typeof content !== 'boolean') throw invalid('content', 'true or false', sortOf(content));
  if (logger !== undefined) requireLogger(logger);
  if (metrics !== undefined && typeof (metrics as Partial<Metrics> | null)?.histogram !== 'function')
    throw invalid('metrics', 'what createMetrics() makes', sortOf(metrics));
  if (metrics !== undefined && meter !== undefined) throw invalid('meter', 'no `metrics` beside it: createMetrics({ meter })', 'both');
  if (opentelemetry !== undefined) requireApi(opentelemetry);
  if (tracer !== undefined) {
    if (typeof (tracer as Partial<TracerLike> | null)?.startSpan !== 'function') throw invalid('tracer', 'a tracer of OpenTelemetry', sortOf(tracer));
    if (opentelemetry === undefined)
      throw invalid('tracer', '`opentelemetry` beside it: only the API can put one span below another', 'a tracer alone');
  }
  return {
    content,
    hiding: planHiding(redact, secrets),
    logger: logger ?? null,
    opentelemetry: opentelemetry ?? null,
    tracer: tracer ?? null,
  };
}

function requireApi(api: unknown): void {
  const { context, trace } = (isObject(api) ? api : {}) as Partial<OpenTelemetryLike>;
  const isApi = typeof context?.active === 'function' && typeof trace?.getTracer === 'function' && typeof trace.setSpan === 'function';
  if (!isApi) throw invalid('opentelemetry', 'the whole of @opentelemetry/api', sortOf(api));
}
