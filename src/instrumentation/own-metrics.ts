/** The metrics that an instrumented app has, each declared once; docs/telemetry.md lists them. */
import { genAi, genAiMetrics, tokenBuckets } from '../telemetry/gen-ai.js';
import type { Counter, Gauge, Histogram, UpDown } from '../telemetry/instruments.js';
import { longSeconds, type Metrics, shortSeconds } from '../telemetry/metrics.js';

const ofModel = [genAi.operationName, genAi.providerName, genAi.requestModel, genAi.errorType] as const;

/** What the app is measured by. */
export interface OwnMetrics {
  readonly facts: Counter<'fact'>;
  readonly restarts: Counter<'strategy' | 'reason'>;
  readonly intensityExceeded: Counter<'strategy'>;
  readonly actors: UpDown<'machine'>;
  readonly started: Counter<'machine'>;
  readonly ended: Counter<'machine' | 'reason'>;
  readonly toolsInFlight: UpDown<'tool'>;
  readonly gateWaits: Histogram<'key'>;
  readonly gateRefusals: Counter<'key' | 'reason'>;
  readonly dropped: Counter<'lane' | 'reason'>;
  readonly commits: Histogram;
  readonly fenced: Counter;
  readonly deadLetters: UpDown;
  readonly operations: Histogram<(typeof ofModel)[number]>;
  readonly tools: Histogram<typeof genAi.toolName | typeof genAi.errorType>;
  readonly tokens: Histogram<Exclude<(typeof ofModel)[number], typeof genAi.errorType> | typeof genAi.tokenType>;
  readonly faults: Counter<'where'>;
  readonly sourceFailures: Counter<'source'>;
  readonly memory: Gauge;
  readonly loop: Gauge;
}

/** @throws EspalierError `telemetry/invalid-options` where the app has something else by one of these names */
export function ownMetrics(metrics: Metrics): OwnMetrics {
  return {
    facts: metrics.counter('espalier.facts', {
      about: 'facts that actors emitted; `__other__` for those of the app',
      unit: '{fact}',
      labels: ['fact'],
    }),
    restarts: metrics.counter('espalier.supervisor.restarts', {
      about: 'restarts, by what the supervisor does and why the child had ended',
      unit: '{restart}',
      labels: ['strategy', 'reason'],
    }),
    intensityExceeded: metrics.counter('espalier.supervisor.intensity_exceeded', {
      about: 'supervisors that gave up',
      unit: '{supervisor}',
      labels: ['strategy'],
    }),
    actors: metrics.upDown('espalier.actor.count', { about: 'actors that live', unit: '{actor}', labels: ['machine'] }),
    started: metrics.counter('espalier.actor.started', { about: 'actors that were started', unit: '{actor}', labels: ['machine'] }),
    ended: metrics.counter('espalier.actor.ended', { about: 'actors that have ended', unit: '{actor}', labels: ['machine', 'reason'] }),
    toolsInFlight: metrics.upDown('espalier.tool.inflight', { about: 'calls of tools that have no answer yet', unit: '{call}', labels: ['tool'] }),
    gateWaits: metrics.histogram('espalier.gate.wait.duration', {
      about: 'how long claims waited that were granted',
      unit: 's',
      labels: ['key'],
      buckets: longSeconds,
    }),
    gateRefusals: metrics.counter('espalier.gate.refusals', { about: 'claims that were refused', unit: '{claim}', labels: ['key', 'reason'] }),
    dropped: metrics.counter('espalier.mailbox.dropped', {
      about: 'messages to a live session that were let go',
      unit: '{message}',
      labels: ['lane', 'reason'],
    }),
    commits: metrics.histogram('espalier.store.commit.duration', { about: 'commits of the event store', unit: 's', buckets: shortSeconds }),
    fenced: metrics.counter('espalier.fencing.rejected', { about: 'commands that a fence refused', unit: '{command}' }),
    deadLetters: metrics.upDown('espalier.deadletter.count', { about: 'dead letters that nobody has dealt with', unit: '{letter}' }),
    operations: metrics.histogram(genAiMetrics.operationDuration, {
      about: 'calls of models and agents',
      unit: 's',
      labels: [...ofModel],
      buckets: longSeconds,
    }),
    tools: metrics.histogram(genAiMetrics.toolDuration, {
      about: 'calls of tools',
      unit: 's',
      labels: [genAi.toolName, genAi.errorType],
      buckets: longSeconds,
    }),
    tokens: metrics.histogram(genAiMetrics.tokenUsage, {
      about: 'tokens that models took in and gave out',
      unit: '{token}',
      labels: [genAi.operationName, genAi.providerName, genAi.requestModel, genAi.tokenType],
      buckets: tokenBuckets,
    }),
    faults: metrics.counter('espalier.telemetry.faults', {
      about: 'what went wrong in telemetry itself: a handler, the logger, the tracer, the meter',
      unit: '{fault}',
      labels: ['where'],
    }),
    sourceFailures: sourceFailures(metrics),
    memory: metrics.gauge('process.memory.usage', { about: 'memory of the process, as the system counts it', unit: 'By' }),
    loop: metrics.gauge('nodejs.eventloop.utilization', { about: 'how much of the time since the last reading the event loop was busy', unit: '1' }),
  };
}

/** Reads what the process itself can tell, whenever somebody reads. @returns what ends it */
export function observeProcess(metrics: Metrics, { memory, loop }: OwnMetrics): { unsubscribe(): void } {
  let before = performance.eventLoopUtilization();
  return metrics.observe(() => {
    memory.set(process.memoryUsage.rss());
    const now = performance.eventLoopUtilization();
    loop.set(performance.eventLoopUtilization(now, before).utilization);
    before = now;
  });
}

/** Counts sources of metrics that could not be read. @throws EspalierError `telemetry/invalid-options` */
export function sourceFailures(metrics: Metrics): Counter<'source'> {
  const about = 'readings of a source of metrics that failed';
  return metrics.counter('espalier.telemetry.sources_failed', { about, unit: '{reading}', labels: ['source'] });
}
