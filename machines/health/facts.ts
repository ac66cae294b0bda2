/** What monitors emit of what they look at, beside {@link MonitorEmitted} of monitor.ts: the whole of the facts of health, with their fields. */
import type { ExitReason } from '../supervision/exit.js';
import type { MonitorEmitted } from './monitor.js';
import type { Because } from './probe.js';
import type { Health } from './verdict.js';

/** `id`: the probe's. Told when it changes, never for a single result. */
export type ProbeFact =
  /** Results were not ok, for as often as it takes. */
  | { readonly type: 'health.degraded'; readonly id: string; readonly from: Health; readonly because: Because; readonly detail: string | null }
  /** It is unhealthy. */
  | { readonly type: 'health.failed'; readonly id: string; readonly from: Health; readonly because: Because; readonly detail: string | null }
  /** Healthy again, for as often as it takes. */
  | { readonly type: 'health.recovered'; readonly id: string; readonly from: Health }
  /** It changes too often: no more is told of it, but that it failed, until it has settled. */
  | { readonly type: 'health.flapped'; readonly id: string }
  | { readonly type: 'health.settled'; readonly id: string; readonly health: Health }
  /** No result for too long. */
  | { readonly type: 'health.silenced'; readonly id: string; readonly silentMs: number }
  /** A result again. */
  | { readonly type: 'health.heard'; readonly id: string };

/** What a health monitor emits. */
export type HealthEmitted = ProbeFact | MonitorEmitted;

/** What a service monitor emits. `id`: the service's; `missing`: which of its needs are not there. */
export type ServiceFact =
  | { readonly type: 'service.started'; readonly id: string }
  | { readonly type: 'service.degraded'; readonly id: string; readonly missing: readonly string[] }
  | { readonly type: 'service.recovered'; readonly id: string }
  | { readonly type: 'service.lost'; readonly id: string; readonly reason: ExitReason | 'noproc' }
  | { readonly type: 'service.returned'; readonly id: string }
  | { readonly type: 'service.quarantined'; readonly id: string; readonly deaths: number };

export type ServicesEmitted = ServiceFact | MonitorEmitted;
