/**
 * What an app holds of an isolation pool.
 *
 * Every job has one outcome, also on a pool that has ended, where XState would drop the event. Nothing rejects; only misuse throws.
 */
import { type AnyActorRef, createActor } from 'xstate';
import { isolationMachine } from '../../machines/isolation/isolation.js';
import type { IsolationEmitted } from '../../machines/isolation/isolation-events.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { sortOf } from '../option-checks.js';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import { onFact } from '../supervision/on-fact.js';
import { exitReason, onExit } from '../supervision/watch.js';
import { hasStopped, runsMachine } from '../supervision/xstate-internals.js';
import { isolation, type IsolationRef } from './isolation.js';
import { type IsolationOptions, type Job, type JobOptions, planJob } from './options.js';
import { duration, invalid, requireOptions } from './refusal.js';
import type { JobOutcome, WorkshopStatus } from './work.js';
import { type Workshop, workshopOf } from './workshop.js';

type Fact<Type extends IsolationEmitted['type']> = Extract<IsolationEmitted, { type: Type }>;

/** What `from` is sent for a job that was asked for by {@link IsolationHandle.request}, once. */
export interface IsolationResult {
  readonly type: 'isolation.result';
  readonly ref: string;
  readonly outcome: JobOutcome;
}

export interface IsolationStatus extends WorkshopStatus {
  /** `degraded`: too many threads were lost, and none is begun; `recovering`: one is tried. */
  readonly state: 'serving' | 'degraded' | 'recovering' | 'draining' | 'ending' | 'closed' | 'failed';
}

/** An isolation pool, as an app holds it. Disposing of it closes the pool. */
export interface IsolationHandle extends AsyncDisposable {
  /** The pool's actor; undefined while none runs. */
  readonly ref: IsolationRef | undefined;
  /** Has a job done. Settles with its one outcome, at the latest at its deadline; never rejects. @throws EspalierError `isolation/invalid-options` */
  run<Value = unknown>(job: Job, options?: JobOptions): Promise<JobOutcome<Value>>;
  /**
   * The same for an actor: `from` is sent one {@link IsolationResult}, unless it has ended.
   * @returns the name of the job, which is in the result
   * @throws EspalierError `isolation/invalid-options`
   */
  request(job: Job, options: JobOptions & { readonly from: AnyActorRef }): string;
  status(): IsolationStatus;
  /** Facts of the pool, as it emits them, and of each that comes after it in its seat, until unsubscribed. What a listener throws goes to `console.error`. @throws EspalierError `isolation/invalid-options` */
  on<Type extends IsolationEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void };
  /**
   * Takes no more jobs; those that it has may go on for `drainMs`, and are cancelled then. Settles when every job has its outcome and every thread has ended,
   * or the pool has failed to end them. Twice is once.
   * @throws EspalierError `isolation/invalid-options`
   */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}

/**
 * The handle of an isolation pool that a supervisor runs: with its reference, or with a function that finds it, which follows its restarts.
 * @throws EspalierError `isolation/invalid-options` for a reference that runs no isolation pool
 */
export function isolationHandle(ref: AnyActorRef | (() => AnyActorRef | undefined)): IsolationHandle {
  if (typeof ref === 'function') return new Handle(ref);
  return new Handle(() => requirePool(ref));
}

/**
 * An isolation pool that an app starts by itself, the root of a system of its own. In an app with a tree, {@link isolation} is a child of that.
 * @throws EspalierError `isolation/invalid-options`; `supervision/invalid-options` for what is no clock
 */
export function createIsolation(options: IsolationOptions = {}, where: { readonly clock?: Clock } = {}): IsolationHandle {
  requireOptions('where the pool runs', where, ['clock']);
  const { clock = systemClock } = where;
  requireClock(clock);
  const root = createActor(isolation(options), { clock, id: 'isolation' });
  // Heard here, a crash is no uncaught exception: the handle answers `closed`.
  root.subscribe({ error: () => {} });
  root.start();
  return new Handle(() => root);
}

function isPool(ref: unknown): ref is IsolationRef {
  return runsMachine(ref, isolationMachine);
}

function requirePool(ref: unknown): IsolationRef {
  if (isPool(ref)) return ref;
  throw invalid('ref', 'an actor that runs isolation()', sortOf(ref));
}

const factTypes = keysOf<Record<IsolationEmitted['type'], true>>({
  ...{ 'isolation.started': true, 'isolation.ended': true, 'isolation.refused': true },
  ...{ 'isolation.threadLost': true, 'isolation.degraded': true, 'isolation.recovered': true },
});

const nothing: WorkshopStatus = {
  ...{ threads: 0, running: 0, waiting: 0 },
  ended: { done: 0, failed: 0, outOfMemory: 0, timeout: 0, cancelled: 0, refused: 0 },
};

class Handle implements IsolationHandle {
  readonly #find: () => AnyActorRef | undefined;

  constructor(find: () => AnyActorRef | undefined) {
    this.#find = find;
    // One that is there already is looked at now.
    void this.ref;
  }

  get ref(): IsolationRef | undefined {
    const ref = this.#find();
    return ref === undefined ? undefined : requirePool(ref);
  }

  get #workshop(): Workshop | undefined {
    const { ref } = this;
    return ref === undefined ? undefined : workshopOf(ref);
  }

  run<Value>(job: Job, options: JobOptions = {}): Promise<JobOutcome<Value>> {
    const workshop = this.#workshop;
    const planned = planJob(job, options, workshop?.plan.deadlineMs ?? 1);
    return new Promise((resolve) => {
      if (workshop === undefined) resolve({ status: 'refused', ref: planned.ref, reason: 'closed' });
      else workshop.take(planned, resolve as (outcome: JobOutcome) => void);
    });
  }

  request(job: Job, options: JobOptions & { readonly from: AnyActorRef }): string {
    const workshop = this.#workshop;
    const planned = planJob(job, options, workshop?.plan.deadlineMs ?? 1);
    const { ref, from } = planned;
    if (from === undefined) throw invalid('from', 'an actor', 'nothing');
    const tell = (outcome: JobOutcome): void => {
      if (!hasStopped(from)) from.send({ type: 'isolation.result', ref, outcome } satisfies IsolationResult);
    };
    if (workshop === undefined) tell({ status: 'refused', ref, reason: 'closed' });
    else workshop.take(planned, tell);
    return ref;
  }

  status(): IsolationStatus {
    const { ref } = this;
    if (ref === undefined) return { state: 'closed', ...nothing };
    const word = JSON.stringify(ref.getSnapshot().value);
    const states = ['serving', 'degraded', 'recovering', 'draining', 'ending', 'closed', 'failed'] as const;
    const isStopped = exitReason(ref) !== null && !/closed|failed/.test(word);
    return {
      state: isStopped ? 'closed' : (states.find((state) => word.includes(`"${state}"`)) ?? 'failed'),
      ...(workshopOf(ref)?.status ?? nothing),
    };
  }

  on<Type extends IsolationEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void } {
    if (!factTypes.includes(type)) throw invalid('type', factTypes.join(', '), typeof type === 'string' ? 'another fact' : sortOf(type));
    if (typeof listener !== 'function') throw invalid('listener', 'a function', sortOf(listener));
    return onFact(() => this.ref, type, listener, isPool);
  }

  close(options: { readonly drainMs?: number } = {}): Promise<void> {
    requireOptions('how it closes', options, ['drainMs']);
    const drainMs = options.drainMs === 0 ? 0 : duration('drainMs', options.drainMs, 0);
    const order = options.drainMs === undefined ? { type: 'isolation.close' as const } : { type: 'isolation.close' as const, drainMs };
    const { ref } = this;
    if (ref === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      onExit(ref, () => resolve());
      if (exitReason(ref) === null) ref.send(order);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
