/**
 * A service monitor as supervised logic: the chart with its services.
 *
 *   services: serviceMonitor({ services: [{ id: 'db' }, { id: 'api', dependsOn: ['db'] }] })
 *
 * The handle that an app holds is in service-handle.ts.
 */
import type { ActorLogic, ActorRefFrom, AnyActorRef, SnapshotFrom } from 'xstate';
import type { ServicesEmitted } from '../../machines/health/facts.js';
import { type MonitorEvent, type MonitorInput, monitorMachine } from '../../machines/health/monitor.js';
import { withInput } from '../supervision/supervisors.js';
import { survived } from './health-monitor.js';
import { planServices, type ServicesOptions } from './service-options.js';
import { serviceTable } from './services.js';

/** The logic of one service monitor; it needs no input. */
export type ServiceMonitorLogic = ActorLogic<SnapshotFrom<typeof monitorMachine>, MonitorEvent, undefined, AnyActorRef['system'], ServicesEmitted>;

/** A running service monitor. */
export type ServiceMonitorRef = ActorRefFrom<ServiceMonitorLogic>;

/**
 * The logic of a service monitor with these options, for a child of the supervisor whose children it watches; with `where`, for anywhere. It starts and stops
 * nobody. Restarted by its supervisor, it goes on with what its predecessor knew, and tells nothing twice.
 * @throws EspalierError `health/invalid-options`; a circle of dependencies, and one on nobody, are named
 */
export function serviceMonitor(options: ServicesOptions): ServiceMonitorLogic {
  const plan = planServices(options);
  const machine = monitorMachine.provide({ actors: { table: serviceTable(plan) } });
  return withInput(machine, { of: 'services', ...survived } satisfies MonitorInput) as unknown as ServiceMonitorLogic;
}
