/** What an app holds of a health monitor. Asked of one that does not run, it answers that nothing is known. */
import type { HealthEmitted } from '../../machines/health/facts.js';
import type { Health, Outcome } from '../../machines/health/verdict.js';
import type { ExitReason } from '../../machines/supervision/exit.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { sortOf } from '../option-checks.js';
import { answerOf } from './answer.js';
import type { HealthMonitorRef } from './health-monitor.js';
import { type Found, Held } from './held.js';
import { planHealth, type ProbeOptions } from './probe-options.js';
import { type ProbeStatus, probesOf, type ProbeTable } from './probes.js';
import { invalid, requireText } from './refusal.js';

type Fact<Type extends HealthEmitted['type']> = Extract<HealthEmitted, { type: Type }>;

/** The answer to a new probe. `taken`: there is one of that id; `full`: as many as may be. */
export type WatchOutcome = { readonly ok: true } | { readonly ok: false; readonly reason: 'taken' | 'full' | 'closed' };

/** A health monitor, as an app holds it. */
export interface HealthHandle {
  /** The monitor's actor; undefined while none runs. */
  readonly ref: HealthMonitorRef | undefined;
  /** What all probes come to: the worst of them, where silence is as bad as failure; `unknown` while no monitor runs. */
  overall(): Health;
  /** How a probe stands; null for one that nobody knows. @throws EspalierError `health/invalid-options` */
  status(id: string): ProbeStatus | null;
  all(): readonly ProbeStatus[];
  /** Adds a probe, which lasts over restarts of the monitor. @throws EspalierError `health/invalid-options` */
  watch(probe: ProbeOptions): WatchOutcome;
  /** Takes a probe away; a check under way is aborted. @returns whether there was one @throws EspalierError `health/invalid-options` */
  unwatch(id: string): boolean;
  /** Brings a result. @returns whether there is such a probe @throws EspalierError `health/invalid-options` */
  report(id: string, outcome: Outcome, detail?: string): boolean;
  /** Has a probe check now, unless it does. @returns whether there is such a probe @throws EspalierError `health/invalid-options` */
  checkNow(id: string): boolean;
  /** Facts of the monitor, and of each that comes after it in its seat, until unsubscribed. What a listener throws goes to `console.error`. @throws EspalierError `health/invalid-options` */
  on<Type extends HealthEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void };
  /** Ends it. @returns its exit reason; `noproc` for one that had ended */
  close(): Promise<ExitReason | 'noproc'>;
}

/** The facts of a health monitor, by name. */
export const healthFacts = keysOf<Record<HealthEmitted['type'], true>>({
  ...{ 'health.degraded': true, 'health.failed': true, 'health.recovered': true, 'health.flapped': true, 'health.settled': true },
  ...{ 'health.silenced': true, 'health.heard': true, 'health.changed': true, 'health.tableRestarted': true },
});

/**
 * The handle of a health monitor that a supervisor runs: with its reference, or with a function that finds it, which follows its restarts.
 * @throws EspalierError `health/invalid-options` for a reference that runs none
 */
export function healthHandle(found: Found): HealthHandle {
  return new Handle(found);
}

class Handle extends Held implements HealthHandle {
  constructor(found: Found) {
    super(found, 'probes', healthFacts);
  }

  override get ref(): HealthMonitorRef | undefined {
    return super.ref as HealthMonitorRef | undefined;
  }

  get #table(): ProbeTable | undefined {
    const { ref } = this;
    return ref === undefined ? undefined : probesOf(ref);
  }

  overall(): Health {
    return this.#table?.overall ?? 'unknown';
  }

  status(id: string): ProbeStatus | null {
    requireText('id', id);
    return this.#table?.statusOf(id) ?? null;
  }

  all(): readonly ProbeStatus[] {
    return this.#table?.all() ?? [];
  }

  watch(probe: ProbeOptions): WatchOutcome {
    const table = this.#table;
    const plan = (table === undefined ? planHealth({}) : table.plan).plan(probe);
    const reason = table?.add(plan) ?? 'closed';
    return reason === 'added' ? { ok: true } : { ok: false, reason };
  }

  unwatch(id: string): boolean {
    requireText('id', id);
    return this.#table?.remove(id) ?? false;
  }

  report(id: string, outcome: Outcome, detail?: string): boolean {
    requireText('id', id);
    if (outcome !== 'ok' && outcome !== 'degraded' && outcome !== 'failed') throw invalid('outcome', 'ok, degraded or failed', sortOf(outcome));
    if (detail !== undefined && typeof detail !== 'string') throw invalid('detail', 'a text', sortOf(detail));
    const answer = answerOf({ outcome, detail }, 'reported');
    const lane = this.#table?.laneOf(id);
    if (answer !== null) lane?.count(answer);
    return lane !== undefined;
  }

  checkNow(id: string): boolean {
    requireText('id', id);
    const lane = this.#table?.laneOf(id);
    lane?.check();
    return lane !== undefined;
  }
}
