/** What an app holds of its application: how it stands, its services, a restart, its end. Every wait has a deadline; nothing rejects but for misuse. */
import type { AnyActorRef, SnapshotFrom } from 'xstate';
import type { applicationMachine } from '../../machines/application/application.js';
import type { ApplicationEmitted, ApplicationFailure, Service } from '../../machines/application/application-events.js';
import { blocked, hasServed } from '../../machines/application/services.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { isDuration, shown, sortOf } from '../option-checks.js';
import { clockOf } from '../supervision/clock.js';
import { type Deadline, DeadlineQueue } from '../supervision/deadlines.js';
import type { ExitReport } from '../supervision/exit-report.js';
import { SupervisorHandle } from '../supervision/handle.js';
import { onFact } from '../supervision/on-fact.js';
import type { App } from '../supervision/orchestrator.js';
import { exitReason, onExit } from '../supervision/watch.js';
import type { Flags } from './flags.js';
import { treeOf, wordsOf } from './keeper.js';
import type { CheckedApplication } from './options.js';
import { duration, invalid, requireName, requireOptions, requireSignal } from './refusal.js';
import type { RestoredServices } from './saved-services.js';

type Fact<Type extends ApplicationEmitted['type']> = Extract<ApplicationEmitted, { type: Type }>;

/** `waiting`: for what it depends on; `degraded`: it runs, and lacks something; `failed`: it will not come back by itself; `off`: by its flag. */
export type ApplicationServiceState = 'waiting' | 'starting' | 'running' | 'degraded' | 'restarting' | 'stopping' | 'stopped' | 'failed' | 'off';

/** How one service stands. */
export interface ApplicationServiceStatus {
  readonly id: string;
  readonly state: ApplicationServiceState;
  /** For how long, ms; 0 for one that is off. */
  readonly forMs: number;
  /** Why, in words; null where nothing was wrong. */
  readonly why: string | null;
  /** What it lacks. */
  readonly missing: readonly string[];
  /** Does something else run in its place, because its flag is off? */
  readonly isReplaced: boolean;
}

/** How an application stands; frozen. */
export interface ApplicationStatus {
  /** `degraded`: one that should run does not, or lacks something. */
  readonly state: 'starting' | 'running' | 'degraded' | 'stopping' | 'stopped' | 'failed';
  /** Each after those that it depends on; those that are off at the end. */
  readonly services: readonly ApplicationServiceStatus[];
  readonly flags: Flags;
  /** What it failed of. */
  readonly failure: ApplicationFailure | null;
}

/** How a wait ends when nothing else ends it. */
export interface ApplicationWait {
  /** ms */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

export type ReadyApplication =
  | { readonly ok: true }
  /** `stopping`: it was told to stop, or has ended in order. */
  | { readonly ok: false; readonly reason: 'failed'; readonly failure: ApplicationFailure }
  | { readonly ok: false; readonly reason: 'stopping' | 'timeout' | 'cancelled' }
  /** These will not come back by themselves, and a service waits for them, or is one of them; `restartService` of these brings all. */
  | { readonly ok: false; readonly reason: 'missing'; readonly missing: readonly string[] };

/** `unknown`: there is no such service; `off`: its flag says so. */
export type RestartedService = ReadyApplication | { readonly ok: false; readonly reason: 'unknown' | 'off' };

/** The facts of an application, by name. */
export const applicationFacts = keysOf<Record<ApplicationEmitted['type'], true>>({
  ...{ 'application.started': true, 'application.serviceStarted': true, 'application.serviceLost': true, 'application.serviceRestarted': true },
  ...{ 'application.startFailed': true, 'application.serviceStopped': true, 'application.flushed': true, 'application.degraded': true },
  ...{ 'application.recovered': true, 'application.stopping': true, 'application.killed': true },
  ...{ 'application.failed': true },
}) as readonly ApplicationEmitted['type'][];

type Snapshot = SnapshotFrom<typeof applicationMachine>;

/** An application that runs, or has ended. */
export class Application {
  /** Its tree: to be inspected, or to run tasks in. */
  readonly app: App;
  /** What became of the services of the snapshot that it was started with; null for none. */
  readonly restored: RestoredServices | null;
  readonly #self: AnyActorRef;
  readonly #plan: CheckedApplication;
  readonly #deadlines: DeadlineQueue;

  constructor(app: App, self: AnyActorRef, plan: CheckedApplication, restored: RestoredServices | null = null) {
    this.app = app;
    this.restored = restored;
    this.#self = self;
    this.#plan = plan;
    this.#deadlines = new DeadlineQueue(clockOf(self.system));
  }

  /** The root of the tree. */
  get ref(): AnyActorRef {
    return this.app.ref;
  }

  get #snapshot(): Snapshot {
    return this.#self.getSnapshot() as Snapshot;
  }

  /** The actor that runs as that service now. */
  service(id: string): AnyActorRef | undefined {
    const tree = treeOf(this.#self);
    return tree === undefined || !this.#plan.specs.has(id) ? undefined : new SupervisorHandle(tree).child(id);
  }

  /** How it stands now, and how it ended. */
  status(): ApplicationStatus {
    const { context } = this.#snapshot;
    const now = clockOf(this.#self.system).now();
    const { off, replaced, flags } = this.#plan;
    const failure = this.#failure;
    const isOver = exitReason(this.#self) !== null;
    const lost = blocked(context.services);
    const services = context.services.map((service): ApplicationServiceStatus => {
      const { id, sinceAt, stage } = service;
      // With their application all have ended, though nobody was left to note it of each.
      const isTaken = isOver && stage !== 'stopped' && stage !== 'failed';
      const why = isTaken ? (service.why ?? failure?.why ?? null) : service.why;
      const missing = isTaken ? [] : (lost.get(id) ?? service.missing);
      const more = { why, missing: Object.freeze([...missing]), isReplaced: replaced.includes(id) };
      return Object.freeze({ id, state: isTaken ? 'stopped' : stateOf(service), forMs: Math.max(0, now - sinceAt), ...more });
    });
    const none = { forMs: 0, why: 'its flag is off', missing: Object.freeze([]), isReplaced: false } as const;
    const absent = off.map((id) => Object.freeze({ id, state: 'off' as const, ...none }));
    return Object.freeze({
      state: this.#stateOfAll(services),
      services: Object.freeze([...services, ...absent]),
      flags: Object.freeze({ ...flags }),
      failure,
    });
  }

  #stateOfAll(services: readonly ApplicationServiceStatus[]): ApplicationStatus['state'] {
    const { context } = this.#snapshot;
    if (exitReason(this.#self) !== null) return this.#failure === null ? 'stopped' : 'failed';
    if (context.isLeaving) return 'stopping';
    if (!context.wasUp && blocked(context.services).size === 0) return 'starting';
    const isWell = ({ state, why }: ApplicationServiceStatus): boolean => state === 'running' || (state === 'stopped' && why === 'normal');
    return services.every(isWell) ? 'running' : 'degraded';
  }

  /**
   * Settles when all that are still wanted have run together once, or it is known that they will not; how they stand now says `status`. Default deadline
   * 60 000 ms.
   */
  async whenReady(options: ApplicationWait = {}): Promise<ReadyApplication> {
    const lost = (services: readonly Service[]): readonly string[] => [...new Set([...blocked(services).values()].flat())];
    return this.#until(({ context }) => context.wasUp || missingOf(lost(context.services)), options);
  }

  /**
   * Stops a service in order, flushed, with those who cannot do without it, and starts them again; one that had ended is started.
   * Settles when they run, a job also when it has ended `normal`; `missing` names it where it has gone again, and will not come back by itself. Default
   * deadline 60 000 ms: past that it goes on, and nobody is told.
   */
  async restartService(id: string, options: ApplicationWait = {}): Promise<RestartedService> {
    requireName('id', id);
    requireWait(options);
    if (this.#plan.off.includes(id)) return { ok: false, reason: 'off' };
    if (!this.#plan.specs.has(id)) return { ok: false, reason: 'unknown' };
    const refused = this.#over();
    if (refused !== undefined) return refused;
    this.#self.send({ type: 'application.restart', id, at: clockOf(this.#self.system).now() });
    const isBack = (service: Service): boolean => service.id !== id || service.stage === 'running' || hasServed(service);
    // While those who need it come back it may have gone again, for good.
    const isLost = (service: Service): boolean => service.id === id && !service.isWanted && !hasServed(service);
    const isOver = (snapshot: Snapshot): boolean | ReadyApplication => {
      if (!snapshot.matches({ running: 'resting' })) return false;
      const { services } = snapshot.context;
      const missing = services.some(isLost) ? [id] : blocked(services).get(id);
      return missingOf(missing) || services.every((service) => isBack(service) && !service.isStale);
    };
    return this.#until(isOver, options);
  }

  /**
   * Stops it in order: each service is flushed and stopped before those that it depends on. Whoever runs after `graceMs` is killed.
   * @returns who ended how. Rejects for misuse only, with EspalierError `application/invalid-options`
   */
  async stop(options: { readonly graceMs?: number } = {}): Promise<ExitReport> {
    requireOptions('the options of a stop', options, ['graceMs']);
    const { graceMs } = options;
    if (graceMs !== undefined && graceMs !== 0 && !isDuration(graceMs)) throw invalid('graceMs', 'a number of ms, at least 0', shown(graceMs));
    if (exitReason(this.#self) === null) this.#self.send({ type: 'application.stop', ...(graceMs === undefined ? {} : { graceMs }) });
    return this.app.ended();
  }

  /** Settles when it has ended, whoever ended it. */
  ended(): Promise<ExitReport> {
    return this.app.ended();
  }

  /** Its facts. What a listener throws goes to `console.error`. @throws EspalierError `application/invalid-options` */
  on<Type extends ApplicationEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void } {
    if (!applicationFacts.includes(type))
      throw invalid('type', applicationFacts.join(', '), typeof type === 'string' ? 'another fact' : sortOf(type));
    if (typeof listener !== 'function') throw invalid('listener', 'a function', sortOf(listener));
    return onFact(() => this.#self, type, listener);
  }

  /** The whole tree as JSON: to start a later one with. */
  getPersistedSnapshot(): unknown {
    return this.app.getPersistedSnapshot();
  }

  /** `await using app = …` */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Killed, it could not note of what it failed. */
  get #failure(): ApplicationFailure | null {
    const { context, status } = this.#snapshot;
    if (context.failure !== null || status !== 'stopped') return context.failure;
    return { id: null, why: wordsOf(exitReason(this.#self)) };
  }

  #over(): Exclude<ReadyApplication, { ok: true }> | undefined {
    const { context } = this.#snapshot;
    const failure = this.#failure;
    if (failure !== null) return { ok: false, reason: 'failed', failure };
    return context.isLeaving || exitReason(this.#self) !== null ? { ok: false, reason: 'stopping' } : undefined;
  }

  #until(isSo: (snapshot: Snapshot) => boolean | ReadyApplication, options: ApplicationWait): Promise<ReadyApplication> {
    const { deadlineMs, signal } = requireWait(options);
    const look = (): ReadyApplication | undefined => {
      const over = this.#over();
      if (over !== undefined) return over;
      const found = isSo(this.#snapshot);
      return typeof found === 'object' ? found : found ? { ok: true } : undefined;
    };
    const known = look();
    if (known !== undefined) return Promise.resolve(known);
    if (signal?.aborted === true) return Promise.resolve({ ok: false, reason: 'cancelled' });
    return new Promise((resolve) => {
      const end = (outcome: ReadyApplication | undefined): void => {
        if (outcome === undefined) return;
        this.#deadlines.remove(deadline);
        changes.unsubscribe();
        exit.unsubscribe();
        signal?.removeEventListener('abort', cancel);
        resolve(outcome);
      };
      const deadline: Deadline = { dueAt: 0, place: -1, expired: () => end({ ok: false, reason: 'timeout' }) };
      const cancel = (): void => end({ ok: false, reason: 'cancelled' });
      const changes = this.#self.subscribe({ next: () => end(look()), error: () => {} });
      const exit = onExit(this.#self, () => end(look() ?? { ok: false, reason: 'stopping' }));
      this.#deadlines.add(deadline, deadlineMs);
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }
}

function stateOf({ stage, missing, isStale }: Service): ApplicationServiceState {
  if (stage !== 'running') return stage;
  if (isStale) return 'restarting';
  return missing.length > 0 ? 'degraded' : 'running';
}

function missingOf(missing: readonly string[] = []): false | ReadyApplication {
  return missing.length > 0 && { ok: false, reason: 'missing', missing };
}

function requireWait(options: ApplicationWait): { readonly deadlineMs: number; readonly signal: AbortSignal | undefined } {
  requireOptions('the options of a wait', options, ['deadlineMs', 'signal']);
  const { deadlineMs, signal } = options;
  requireSignal(signal);
  return { deadlineMs: duration('deadlineMs', deadlineMs, 60_000), signal };
}
