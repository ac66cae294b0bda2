/** What a service monitor is asked for, checked, and turned into the plans of its services. */
import { orderOf } from '../../machines/health/order.js';
import type { ServiceInput } from '../../machines/health/service.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { sortOf } from '../option-checks.js';
import { count, duration, invalid, requireText, requireOptions } from './refusal.js';
import type { Whereabouts } from './whereabouts.js';

/** What may be said for all services, and of single ones. */
export interface ServiceTiming {
  /** Deaths within the period that are no more than bad luck; one more, and it is quarantined. Default 3. */
  readonly intensity?: number;
  /** Default 60 000. */
  readonly periodMs?: number;
  /** How long it must live after a death until it has recovered, ms. Default 0: at once. */
  readonly settleMs?: number;
  /** How long it must live in quarantine until it may recover, ms. Default 60 000. */
  readonly quarantineMs?: number;
}

/** One service. */
export interface ServiceOptions extends ServiceTiming {
  /** Under which others depend on it. */
  readonly id: string;
  /** Under which it is found. Default: its id. */
  readonly name?: string;
  /** Services of this monitor without which it is degraded. */
  readonly dependsOn?: readonly string[];
  /** Probes of the health monitor without whose health it is degraded. */
  readonly probes?: readonly string[];
}

/** Options of a service monitor. A name that is not here is refused. */
export interface ServicesOptions extends ServiceTiming {
  readonly services: readonly ServiceOptions[];
  /** Where they are found. Default: among the children of the supervisor that runs the monitor. */
  readonly where?: Whereabouts;
  /** The name of the health monitor that has their probes; needed where there are any. */
  readonly health?: string;
  /** How many may wait for services to be available at a time. Default 1 000. */
  readonly maxWaiting?: number;
}

export interface ServicePlan {
  readonly id: string;
  readonly name: string;
  readonly dependsOn: readonly string[];
  readonly probes: readonly string[];
  readonly input: Omit<ServiceInput, 'former'>;
}

export interface ServicesPlan {
  /** Each after all that it depends on. */
  readonly services: readonly ServicePlan[];
  readonly where: Whereabouts | undefined;
  readonly health: string | undefined;
  readonly maxWaiting: number;
}

const timingKeys = keysOf<ServiceTiming>({ intensity: true, periodMs: true, settleMs: true, quarantineMs: true });
const serviceKeys = [...timingKeys, 'id', 'name', 'dependsOn', 'probes'];
const servicesKeys = [...timingKeys, 'services', 'where', 'health', 'maxWaiting'];

/** @throws EspalierError `health/invalid-options`, with the option's name; cycles and what nobody is are named */
export function planServices(options: ServicesOptions): ServicesPlan {
  requireOptions('the options of a service monitor', options, servicesKeys);
  const { services, where, health, maxWaiting, ...timing } = options;
  planTiming('', timing);
  if (!Array.isArray(services)) throw invalid('services', 'a list', sortOf(services));
  if (health !== undefined) requireText('health', health);
  if (where !== undefined && (typeof where?.find !== 'function' || typeof where.heed !== 'function'))
    throw invalid('where', 'an object with find and heed', sortOf(where));
  const plans = new Map<string, ServicePlan>();
  for (const service of services as readonly ServiceOptions[]) {
    const plan = planService(service, timing);
    if (plans.has(plan.id)) throw invalid('services', 'an id of its own for each', plan.id);
    if (plan.probes.length > 0 && health === undefined)
      throw invalid('health', `the name of the health monitor with the probes of '${plan.id}'`, health);
    plans.set(plan.id, plan);
  }
  const ordered = orderOf([...plans.values()]);
  if (!ordered.ok) {
    const { why } = ordered;
    if (why.kind === 'missing') throw invalid(`service '${why.id}': dependsOn`, 'services of this monitor', why.name);
    throw invalid('dependsOn', 'no circle', why.ids.join(' → '));
  }
  return { services: ordered.order.map((id) => plans.get(id) as ServicePlan), where, health, maxWaiting: count('maxWaiting', maxWaiting, 1_000) };
}

function planService(service: ServiceOptions, timing: ServiceTiming): ServicePlan {
  requireOptions('a service', service, serviceKeys);
  const { id, name = id, dependsOn = [], probes = [], ...own } = service;
  requireText("a service's id", id);
  const at = `service '${id}': `;
  requireText(`${at}name`, name);
  const lists = { dependsOn, probes };
  for (const [key, list] of Object.entries(lists)) {
    if (!Array.isArray(list)) throw invalid(`${at}${key}`, 'a list', sortOf(list));
    for (const one of list as readonly unknown[]) requireText(`${at}${key}`, one);
  }
  return { id, name, dependsOn: [...new Set(dependsOn)], probes: [...new Set(probes)], input: planTiming(at, { ...timing, ...own }) };
}

function planTiming(at: string, { intensity, periodMs, settleMs, quarantineMs }: ServiceTiming): ServicePlan['input'] {
  return {
    intensity: intensity === 0 ? 0 : count(`${at}intensity`, intensity, 3, 1_000),
    periodMs: duration(`${at}periodMs`, periodMs, 60_000),
    settleMs: settleMs === 0 ? 0 : duration(`${at}settleMs`, settleMs, 0),
    quarantineMs: duration(`${at}quarantineMs`, quarantineMs, 60_000),
  };
}
