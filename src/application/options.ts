/** What an application is asked for, checked whole before anything starts, and turned into a plan. */
import type { AnyActorLogic, AnyActorRef } from 'xstate';
import type { ApplicationEmitted, ApplicationInput, OnDependencyLoss, ServicePlan } from '../../machines/application/application-events.js';
import type { Backoff } from '../../machines/backoff.js';
import { orderOf } from '../../machines/health/order.js';
import type { ChildSpec, Intensity, RestartType, ShutdownMs } from '../../machines/supervision/child-spec.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { serviceMonitor } from '../health/service-monitor.js';
import type { Whereabouts } from '../health/whereabouts.js';
import { isObject, sortOf } from '../option-checks.js';
import { supervisor } from '../supervision/supervisors.js';
import { type Flags, flagsVariable, readFlags } from './flags.js';
import { type Otherwise, otherwiseLogic } from './otherwise.js';
import { count, duration, invalid, refusal, requireFunction, requireName, requireOptions } from './refusal.js';
import { resuming, type SavedService } from './saved-services.js';

/** A need that may be off, or go: without it the service is degraded at most. */
export interface OptionalNeed {
  readonly id: string;
  readonly optional: true;
}

/** What a flush is given. Its signal aborts at the deadline. */
export interface FlushScope {
  readonly ref: AnyActorRef;
  readonly signal: AbortSignal;
}

/** One service of an application. */
export interface ApplicationService {
  /** Under which others depend on it. */
  readonly id: string;
  /** The logic that runs: any of XState's. It is ready when it has left the tag `starting`, or at once. */
  readonly src: AnyActorLogic;
  /** Input of the logic; JSON. */
  readonly input?: unknown;
  /** Default `permanent`. */
  readonly restart?: RestartType;
  /** It starts when these are ready, and stops before them. Default none. */
  readonly dependsOn?: readonly (string | OptionalNeed)[];
  /**
   * When one that it needs goes: `restart` (the default), it is stopped and started again behind that one; `degrade`, it goes on, and says that it is
   * degraded.
   */
  readonly onDependencyLoss?: OnDependencyLoss;
  /** The flag that turns it on or off. Default: it is always on. */
  readonly flag?: string;
  /** What runs in its place while its flag is off: what the app did before, which nobody restarts. Default nothing. */
  readonly otherwise?: Otherwise;
  /** Writes what it has, before it is stopped in order. A crash is not waited for. */
  readonly flush?: (scope: FlushScope) => unknown;
  /** How long that may take, ms. Default 5 000. */
  readonly flushMs?: number;
  /** How long its start may take, ms. Default 10 000. */
  readonly startMs?: number;
  /** How long its end may take, ms. Default 5 000. */
  readonly shutdownMs?: ShutdownMs;
  /** The wait between its restarts. Default none. */
  readonly backoff?: Backoff;
  /** Restarts of it alone; once spent it stays down, and the application goes on. Default none. */
  readonly budget?: Intensity;
}

/** Options of an application. A name that is not here is refused. */
export interface ApplicationOptions extends Partial<Intensity> {
  readonly services: readonly ApplicationService[];
  /** By name. What is not said is on. */
  readonly flags?: Flags;
  /** Where `ESPALIER_FLAGS` is looked for, which is laid over `flags`: `process.env`. Default nowhere. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How often a start is tried before the application fails. Default 3. */
  readonly startAttempts?: number;
  /** The pause between two attempts, ms. Default 1 000. */
  readonly retryMs?: number;
  /** How long an ordered end may take, ms; what still runs then is killed. Default 30 000. */
  readonly graceMs?: number;
  /** Told each fact, those of its start too, of which the first come about before `start` has returned. What it throws goes to `console.error`. */
  readonly onFact?: (fact: ApplicationEmitted) => void;
  /** How long a service that crashed must live until those that depend on it are no longer degraded, ms. Default 0. */
  readonly settleMs?: number;
}

/** What they come to, checked. */
export interface CheckedApplication {
  readonly input: ApplicationInput;
  readonly specs: ReadonlyMap<string, ChildSpec>;
  readonly flushes: ReadonlyMap<string, (scope: FlushScope) => unknown>;
  /** The services that are off, with nothing in their place. */
  readonly off: readonly string[];
  /** The services in whose place something else runs. */
  readonly replaced: readonly string[];
  readonly flags: Flags;
  /** What runs supervised, by service; nothing of what runs in place of one. */
  readonly logics: Readonly<Record<string, AnyActorLogic>>;
  /** The supervisor of them all. @param where  they are found, by the service monitor in it @param saved  those that go on where they were */
  tree(where: Whereabouts, saved?: ReadonlyMap<string, SavedService>): ReturnType<typeof supervisor>;
}

/** The id of the service monitor in the tree; no service has a `$`. */
export const monitorId = '$services';

const serviceKeys = keysOf<ApplicationService>({
  ...{ id: true, src: true, input: true, restart: true, dependsOn: true, onDependencyLoss: true, flag: true, otherwise: true, flush: true },
  ...{ flushMs: true, startMs: true, shutdownMs: true, backoff: true, budget: true },
});
const optionKeys = keysOf<ApplicationOptions>({
  ...{ services: true, flags: true, env: true, startAttempts: true, retryMs: true, graceMs: true, settleMs: true, intensity: true, periodMs: true },
  ...{ onFact: true },
});

type Actors = Readonly<Record<string, AnyActorLogic>>;

interface Checked {
  readonly service: ApplicationService;
  /** Needs that must be there. */
  readonly needs: readonly string[];
  readonly optional: readonly string[];
}

/**
 * @throws EspalierError `application/duplicate-service`, `application/missing-dependency`, `application/cycle`, `application/unknown-flag`,
 *   `application/service-off`, `application/invalid-options`; `supervision/…` for a service that no supervisor would take
 */
export function planApplication(options: ApplicationOptions): CheckedApplication {
  requireOptions('the options of an application', options, optionKeys);
  const { services, flags: given, env = {}, settleMs, intensity, periodMs } = options;
  if (!Array.isArray(services)) throw invalid('services', 'a list', sortOf(services));
  if (!isObject(env)) throw invalid('env', 'variables by name, as process.env', sortOf(env));
  requireFunction('onFact', options.onFact);
  const checked = new Map<string, Checked>();
  for (const service of services as readonly ApplicationService[]) {
    const one = check(service);
    if (checked.has(service.id)) throw refusal('application/duplicate-service', 'an id of its own for each service', service.id);
    checked.set(service.id, one);
  }
  const order = orderedBy(checked);
  const named = [...checked.values()].flatMap(({ service }) => service.flag ?? []);
  const flags = readFlags([...new Set(named)], given, env[flagsVariable]);
  const isOn = ({ flag }: ApplicationService): boolean => flag === undefined || flags[flag] === true;
  const inOrder = order.map((id) => checked.get(id) as Checked);
  const replaced = inOrder.flatMap(({ service }) => (!isOn(service) && service.otherwise !== undefined ? [service.id] : []));
  const off = inOrder.flatMap(({ service }) => (!isOn(service) && service.otherwise === undefined ? [service.id] : []));
  const present = inOrder.filter(({ service }) => !off.includes(service.id));
  for (const { service, needs } of present) {
    const need = needs.find((id) => off.includes(id));
    if (need === undefined) continue;
    const expected = `service '${service.id}' to do without '${need}', which flag '${checked.get(need)?.service.flag}' turns off: { id: '${need}', optional: true }`;
    throw refusal('application/service-off', expected, 'a need that must be there');
  }
  const plans = present.map((one) => planOf(one, off));
  const logics = Object.fromEntries(
    present.map(({ service }) => [service.id, replaced.includes(service.id) ? otherwiseLogic(service.otherwise as Otherwise) : service.src]),
  );
  const monitor = (where?: Whereabouts) =>
    serviceMonitor({
      ...(where === undefined ? {} : { where }),
      ...(settleMs === undefined ? {} : { settleMs: settleMs === 0 ? 0 : duration('settleMs', settleMs, 0) }),
      services: plans.map(({ id, dependsOn }) => ({ id, dependsOn })),
    });
  const specs = new Map(present.map(({ service }) => [service.id, specOf(service, replaced.includes(service.id))]));
  const limits = { ...(intensity === undefined ? {} : { intensity }), ...(periodMs === undefined ? {} : { periodMs }) };
  const watch = { id: monitorId, src: monitorId };
  // Every spec is looked at as the supervisor will look at it, all together, before anything starts.
  supervisor({ actors: { ...logics, [monitorId]: monitor() } as Actors, children: [watch, ...specs.values()], ...limits });
  return {
    input: {
      services: plans,
      startAttempts: count('startAttempts', options.startAttempts, 3),
      retryMs: duration('retryMs', options.retryMs, 1_000),
      graceMs: duration('graceMs', options.graceMs, 30_000),
    },
    ...{ specs, off, replaced, flags },
    logics: Object.fromEntries(Object.entries(logics).filter(([id]) => !replaced.includes(id))),
    flushes: new Map(present.flatMap(({ service: { id, flush } }) => (flush === undefined || replaced.includes(id) ? [] : [[id, flush]]))),
    tree: (where, saved) => {
      const own = Object.fromEntries(Object.entries(logics).map(([id, logic]) => [id, resuming(logic, saved?.get(id))]));
      return supervisor({ actors: { ...own, [monitorId]: monitor(where) } as Actors, children: [watch], ...limits });
    },
  };
}

function check(service: ApplicationService): Checked {
  requireOptions('a service', service, serviceKeys);
  const { id, src, dependsOn = [], onDependencyLoss = 'restart', flag, otherwise, flush } = service;
  requireName("a service's id", id);
  const at = `service '${id}': `;
  const { transition, getInitialSnapshot } = (src ?? {}) as Partial<AnyActorLogic>;
  if (typeof transition !== 'function' || typeof getInitialSnapshot !== 'function') throw invalid(`${at}src`, 'logic of XState', sortOf(src));
  if (flag !== undefined) requireName(`${at}flag`, flag);
  if (otherwise !== undefined && flag === undefined) throw invalid(`${at}otherwise`, 'nothing, for it has no flag', sortOf(otherwise));
  requireFunction(`${at}otherwise`, otherwise);
  requireFunction(`${at}flush`, flush);
  if (onDependencyLoss !== 'restart' && onDependencyLoss !== 'degrade')
    throw invalid(`${at}onDependencyLoss`, 'restart or degrade', sortOf(onDependencyLoss));
  if (!Array.isArray(dependsOn)) throw invalid(`${at}dependsOn`, 'a list', sortOf(dependsOn));
  const needs: string[] = [];
  const optional: string[] = [];
  for (const need of dependsOn as readonly unknown[]) {
    if (typeof need === 'string') needs.push(need);
    else {
      requireOptions(`${at}dependsOn`, need, ['id', 'optional']);
      const { id: name, optional: isOptional } = need as Partial<OptionalNeed>;
      requireName(`${at}dependsOn`, name);
      if (isOptional !== true) throw invalid(`${at}dependsOn: optional`, 'true', sortOf(isOptional));
      optional.push(name);
    }
  }
  return { service, needs, optional };
}

function orderedBy(checked: ReadonlyMap<string, Checked>): readonly string[] {
  const nodes = [...checked].map(([id, { needs, optional }]) => ({ id, dependsOn: [...needs, ...optional] }));
  const ordered = orderOf(nodes);
  if (ordered.ok) return ordered.order;
  const { why } = ordered;
  if (why.kind === 'missing')
    throw refusal(
      'application/missing-dependency',
      `service '${why.id}' to depend on services that there are: ${[...checked.keys()].join(', ')}`,
      why.name,
    );
  throw refusal('application/cycle', 'dependencies without a circle', why.ids.join(' → '));
}

function planOf({ service, needs, optional }: Checked, off: readonly string[]): ServicePlan {
  const { id, onDependencyLoss = 'restart', flush, flushMs } = service;
  const at = `service '${id}': `;
  return {
    id,
    dependsOn: [...new Set([...needs, ...optional])].filter((need) => !off.includes(need)),
    canMiss: optional,
    onDependencyLoss,
    flushes: flush !== undefined,
    flushMs: duration(`${at}flushMs`, flushMs, 5_000),
  };
}

function specOf(service: ApplicationService, isReplaced: boolean): ChildSpec {
  const { id, input, restart, startMs, shutdownMs, backoff, budget } = service;
  const within = duration(`service '${id}': startMs`, startMs, 10_000);
  if (isReplaced) return { id, src: id, restart: 'temporary', startMs: within, ...(shutdownMs === undefined ? {} : { shutdownMs }) };
  const given = { input, restart, shutdownMs, backoff, budget };
  return { id, src: id, startMs: within, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}
