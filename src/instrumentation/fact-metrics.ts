/** What facts come to in metrics, those of models apart. */
import type { ExitReason } from '../../machines/supervision/exit.js';
import type { Fact } from './model-work.js';
import type { OwnMetrics } from './own-metrics.js';
import type { Seen } from './seen.js';

/** How an actor ended, in a word that a label may have: never a message. */
export function reasonWord(reason: ExitReason | null): string {
  if (reason === null) return 'startFailed';
  if (typeof reason === 'string') return reason;
  return 'crash' in reason ? 'crash' : 'shutdown';
}

/** What a supervisor does, as a label. */
function strategyOf({ machine, ref }: Seen): string {
  if (machine === 'taskSupervisor') return 'tasks';
  if (machine === 'dynamicSupervisor') return 'dynamic';
  const { context } = (ref.getSnapshot() ?? {}) as { readonly context?: { readonly strategy?: unknown } };
  return typeof context?.strategy === 'string' ? context.strategy : '';
}

type Measure = (metrics: OwnMetrics, fact: Fact, seen: Seen) => void;

const restarted: Measure = (metrics, fact, seen) =>
  metrics.restarts.add(1, { strategy: strategyOf(seen), reason: reasonWord(fact['cause'] as ExitReason | null) });
const gaveUp: Measure = (metrics, _, seen) => metrics.intensityExceeded.add(1, { strategy: strategyOf(seen) });

/** By machine and type. */
const measures: Readonly<Record<string, Measure>> = {
  'supervisor/child.restarted': restarted,
  'dynamicSupervisor/child.restarted': restarted,
  'taskSupervisor/task.restarted': restarted,
  'supervisor/supervisor.gaveUp': gaveUp,
  'dynamicSupervisor/supervisor.gaveUp': gaveUp,
  'taskSupervisor/supervisor.gaveUp': gaveUp,
  'gate/gate.waited': ({ gateWaits }, { key, waitedMs }) => gateWaits.record(Number(waitedMs) / 1_000, { key: String(key) }),
  'gate/gate.refused': ({ gateRefusals }, { key, reason }) => gateRefusals.add(1, { key: String(key), reason: String(reason) }),
  'eventStore/eventStore.committed': ({ commits }, { tookMs }) => commits.record(Number(tookMs) / 1_000),
  'eventStore/eventStore.refused': ({ fenced }, { reason }) => {
    if (reason === 'fenced') fenced.add(1);
  },
  'liveSession/session.dropped': ({ dropped }, { count, lane, reason }) => dropped.add(Number(count), { lane: String(lane), reason: String(reason) }),
};

/** @throws what a snapshot that cannot be read throws */
export function measureFact(metrics: OwnMetrics, fact: Fact, seen: Seen): void {
  measures[`${seen.machine ?? ''}/${fact.type}`]?.(metrics, fact, seen);
}
