/** What an app holds of a service monitor. Asked of one that does not run, it answers that nothing is known. */
import type { ServicesEmitted } from '../../machines/health/facts.js';
import type { Health } from '../../machines/health/verdict.js';
import type { ExitReason } from '../../machines/supervision/exit.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { type Found, Held } from './held.js';
import { duration, requireText, requireOptions, requireSignal } from './refusal.js';
import type { ServiceMonitorRef } from './service-monitor.js';
import { type ServiceStatus, servicesOf, type ServiceTable } from './services.js';
import type { AvailableOutcome } from './waiters.js';

type Fact<Type extends ServicesEmitted['type']> = Extract<ServicesEmitted, { type: Type }>;

/** How a wait for a service ends when nothing else ends it. */
export interface WaitOptions {
  /** Default 5 000. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** A service monitor, as an app holds it. */
export interface ServicesHandle {
  /** The monitor's actor; undefined while none runs. */
  readonly ref: ServiceMonitorRef | undefined;
  /** What all services come to: the worst of them; `unknown` while no monitor runs, or one of them was never seen. */
  overall(): Health;
  /** How a service stands; null for one that nobody knows. @throws EspalierError `health/invalid-options` */
  status(id: string): ServiceStatus | null;
  /** All of them, each after those that it depends on. */
  all(): readonly ServiceStatus[];
  /**
   * Waits until a service is available: alive, settled, with all that it needs. Nothing polls.
   * @returns its actor; or why not. Rejects for misuse only, with EspalierError `health/invalid-options`
   */
  waitUntilAvailable(id: string, options?: WaitOptions): Promise<AvailableOutcome>;
  /** Facts of the monitor, and of each that comes after it in its seat, until unsubscribed. What a listener throws goes to `console.error`. @throws EspalierError `health/invalid-options` */
  on<Type extends ServicesEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void };
  /** Ends it. @returns its exit reason; `noproc` for one that had ended */
  close(): Promise<ExitReason | 'noproc'>;
}

/** The facts of a service monitor, by name. */
export const serviceFacts = keysOf<Record<ServicesEmitted['type'], true>>({
  ...{ 'service.started': true, 'service.degraded': true, 'service.recovered': true, 'service.lost': true, 'service.returned': true },
  ...{ 'service.quarantined': true, 'health.changed': true, 'health.tableRestarted': true },
});

/**
 * The handle of a service monitor that a supervisor runs: with its reference, or with a function that finds it, which follows its restarts.
 * @throws EspalierError `health/invalid-options` for a reference that runs none
 */
export function servicesHandle(found: Found): ServicesHandle {
  return new Handle(found);
}

class Handle extends Held implements ServicesHandle {
  constructor(found: Found) {
    super(found, 'services', serviceFacts);
  }

  override get ref(): ServiceMonitorRef | undefined {
    return super.ref as ServiceMonitorRef | undefined;
  }

  get #table(): ServiceTable | undefined {
    const { ref } = this;
    return ref === undefined ? undefined : servicesOf(ref);
  }

  overall(): Health {
    return this.#table?.overall ?? 'unknown';
  }

  status(id: string): ServiceStatus | null {
    requireText('id', id);
    return this.#table?.statusOf(id) ?? null;
  }

  all(): readonly ServiceStatus[] {
    return this.#table?.all() ?? [];
  }

  async waitUntilAvailable(id: string, options: WaitOptions = {}): Promise<AvailableOutcome> {
    requireText('id', id);
    requireOptions('the options of a wait', options, ['deadlineMs', 'signal']);
    const { deadlineMs, signal } = options;
    requireSignal(signal);
    const within = deadlineMs === 0 ? 0 : duration('deadlineMs', deadlineMs, 5_000);
    return this.#table?.waitUntilAvailable(id, within, signal) ?? { ok: false, reason: 'closed' };
  }
}
