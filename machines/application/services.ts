/** What follows for services from what happens to one: who must go, who may come, and in which order. Pure. */
import type { ApplicationContext, ApplicationInput, Service } from './application-events.js';

type Services = readonly Service[];

/** All wait to be started, but for those that had ended before. */
export function newServices({ services, ended = [] }: ApplicationInput): Services {
  return services.map((plan) => ({
    ...plan,
    ...({ sinceAt: 0, isStale: false, isUnflushed: false, missing: [], failures: 0 } as const),
    ...(ended.includes(plan.id)
      ? ({ stage: 'stopped', why: 'normal', isWanted: false } as const)
      : ({ stage: 'waiting', why: null, isWanted: true } as const)),
  }));
}

export function serviceOf({ services }: Pick<ApplicationContext, 'services'>, id: string | null): Service | undefined {
  return services.find((service) => service.id === id);
}

/** The services, one of them changed. A stage that changes begins at `at`. */
export function changed(services: Services, id: string | null, change: Partial<Service>, at: number): Services {
  return services.map((service) => {
    if (service.id !== id) return service;
    const isMoved = change.stage !== undefined && change.stage !== service.stage;
    return { ...service, ...change, ...(isMoved ? { sinceAt: at } : {}) };
  });
}

/** Does it run, or does its supervisor bring it back? */
function isThere({ stage }: Service): boolean {
  return stage === 'running' || stage === 'restarting';
}

/** Does it run, or may it have begun to, on what is there now and with what it had before? */
function hasBegun(service: Service): boolean {
  return isThere(service) || service.stage === 'starting';
}

/** Is something of it there, to be killed? */
export function mayRun(service: Service): boolean {
  return hasBegun(service) || service.stage === 'stopping';
}

/** Did it do what it was for? What it leaves is there. */
export function hasServed({ stage, why }: Service): boolean {
  return stage === 'stopped' && why === 'normal';
}

/** What of these is not there, and was not brought about by one that has ended in order. */
export function lacking(services: Services, missing: readonly string[]): readonly string[] {
  return missing.filter((id) => !services.some((service) => service.id === id && hasServed(service)));
}

/** One has ended, having served: nobody lacks it any more. */
export function withoutNeed(services: Services, id: string): Services {
  return services.map((service) => (service.missing.includes(id) ? { ...service, missing: service.missing.filter((need) => need !== id) } : service));
}

/** Who waits for what will not come back by itself, however far above, and for which. */
export function blocked(services: Services): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  // Each stands after all that it depends on: one pass is enough.
  for (const service of services) {
    if (service.stage !== 'waiting' || !service.isWanted) continue;
    const lost = service.dependsOn.filter((id) => {
      const need = serviceOf({ services }, id);
      return need !== undefined && needs(service, id) && (found.has(id) || (!need.isWanted && isDone(need) && !hasServed(need)));
    });
    if (lost.length > 0) found.set(service.id, lost);
  }
  return found;
}

/** Those who wait for what will not come back, and did not before. */
export function newlyBlocked(before: Services, after: Services): ReadonlyMap<string, readonly string[]> {
  const known = blocked(before);
  return new Map([...blocked(after)].filter(([id]) => !known.has(id)));
}

/** Those who ran and lacked something, and lack nothing now. */
export function newlyWhole(before: Services, after: Services): readonly string[] {
  return before.filter(({ id, missing }) => missing.length > 0 && serviceOf({ services: after }, id)?.missing.length === 0).map(({ id }) => id);
}

/** Can it not do without that one? */
function needs({ onDependencyLoss, canMiss }: Service, need: string): boolean {
  return onDependencyLoss === 'restart' && !canMiss.includes(need);
}

/** Who cannot do without a service, however far below; itself not among them. */
function dependentsOf(services: Services, id: string): readonly string[] {
  const found = new Set([id]);
  // Each stands after all that it depends on: one pass is enough.
  for (const service of services) if (service.dependsOn.some((need) => found.has(need) && needs(service, need))) found.add(service.id);
  found.delete(id);
  return [...found];
}

/** A service has gone: who cannot do without it goes too, and comes back behind it. */
export function withStaleDependents(services: Services, id: string, flushes: boolean): Services {
  const stale = new Set(dependentsOf(services, id));
  return services.map((service) =>
    // One that is being started may have begun on what has gone.
    stale.has(service.id) && hasBegun(service) ? { ...service, isStale: true, isUnflushed: flushes && service.flushes, why: `${id} went` } : service,
  );
}

/** A service is to be stopped and started again, with those who cannot do without it. One that had ended is wanted again. */
export function withRestart(services: Services, id: string): Services {
  return withStaleDependents(services, id, true).map((service) => {
    if (service.id !== id) return service;
    const again = { ...service, isWanted: true, failures: 0, why: 'asked' };
    return isThere(service)
      ? { ...again, isStale: true, isUnflushed: service.flushes }
      : { ...again, stage: isDone(service) ? 'waiting' : service.stage };
  });
}

function isDone({ stage }: Service): boolean {
  return stage === 'stopped' || stage === 'failed';
}

/** Nobody is wanted any more. One that is still being started is flushed too, once it runs: restored, it may have something from before. */
export function withNobody(services: Services): Services {
  return services.map((service) => ({ ...service, isWanted: false, isStale: false, isUnflushed: service.flushes && hasBegun(service) }));
}

/** Who is to go next: the last in order. */
export function nextToLeave({ services }: Pick<ApplicationContext, 'services'>): Service | undefined {
  return services.findLast((service) => isThere(service) && (service.isStale || !service.isWanted));
}

/**
 * Is it to be started, and is all there that must be before it? One that can go on degraded waits for those that are still to come, not for the lost, nor for
 * those that wait for the lost themselves.
 */
function mayStart(context: Pick<ApplicationContext, 'services'>, service: Service, isBlocked: (id: string) => boolean): boolean {
  if (service.stage !== 'waiting' || !service.isWanted) return false;
  return service.dependsOn.every((need) => {
    if (needs(service, need)) return isThereFor(context, need);
    const stage = serviceOf(context, need)?.stage;
    return stage === 'waiting' ? isBlocked(need) : stage !== 'starting';
  });
}

/** Does it run, or has it served? */
function isThereFor(context: Pick<ApplicationContext, 'services'>, id: string): boolean {
  const need = serviceOf(context, id);
  return need !== undefined && (need.stage === 'running' || hasServed(need));
}

/** Who is to come next: the first in order. */
export function nextToCome({ services }: Pick<ApplicationContext, 'services'>): Service | undefined {
  // Found out once, and only where somebody asks: this is looked at after every start.
  let found: ReadonlyMap<string, unknown> | undefined;
  const isBlocked = (id: string): boolean => (found ??= blocked(services)).has(id);
  return services.find((service) => mayStart({ services }, service, isBlocked));
}

/** Is everybody there who is wanted? */
export function isAllUp({ services }: Pick<ApplicationContext, 'services'>): boolean {
  return services.every((service) => !service.isWanted || (service.stage === 'running' && !service.isStale));
}

/** All moments anew: those of another process mean nothing here. */
export function rebased(services: Services, at: number): Services {
  return services.map((service) => ({ ...service, sinceAt: at }));
}

/** Their tree is gone: nobody is left. */
export function withoutTree(services: Services, why: string): Services {
  return services.map((service) => (isDone(service) ? service : { ...service, stage: 'stopped', why: service.why ?? why, missing: [] }));
}
