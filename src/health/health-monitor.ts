/**
 * A health monitor as supervised logic: the chart with its probes.
 *
 *   orchestrator({ actors: { health: healthMonitor({ probes: [{ id: 'db', check }] }) }, children: [{ id: 'health', src: 'health' }] })
 *
 * The handle that an app holds is in health-handle.ts.
 */
import type { ActorLogic, ActorRefFrom, AnyActorRef, SnapshotFrom } from 'xstate';
import type { HealthEmitted } from '../../machines/health/facts.js';
import { type MonitorEvent, type MonitorInput, monitorMachine } from '../../machines/health/monitor.js';
import { withInput } from '../supervision/supervisors.js';
import { type HealthOptions, planHealth } from './probe-options.js';
import { probeTable } from './probes.js';

/** The logic of one health monitor; it needs no input. */
export type HealthMonitorLogic = ActorLogic<SnapshotFrom<typeof monitorMachine>, MonitorEvent, undefined, AnyActorRef['system'], HealthEmitted>;

/** A running health monitor. */
export type HealthMonitorRef = ActorRefFrom<HealthMonitorLogic>;

/** Losses of a monitor's table that it survives. */
export const survived: Pick<MonitorInput, 'intensity' | 'periodMs'> = { intensity: 10, periodMs: 5_000 };

/**
 * The logic of a health monitor with these options: for `createActor`, `invoke`, `spawn`, or as a supervisor's child. On `supervisor.shutdown` it ends at once,
 * and checks under way are aborted. Restarted by its supervisor, it goes on with the probes and the knowledge of its predecessor, and tells nothing twice.
 * @throws EspalierError `health/invalid-options`
 */
export function healthMonitor(options: HealthOptions = {}): HealthMonitorLogic {
  const plan = planHealth(options);
  const machine = monitorMachine.provide({ actors: { table: probeTable(plan) } });
  return withInput(machine, { of: 'probes', ...survived } satisfies MonitorInput) as unknown as HealthMonitorLogic;
}
