/**
 * What an app holds of a barrier: one participant in it. Those who wait for each other have one each.
 *
 * Nothing throws nor rejects but for misuse; a call on a barrier that has ended is answered, where XState would drop the event.
 */
import { type AnyActorRef, createActor } from 'xstate';
import { barrierMachine } from '../../machines/coordination/barrier.js';
import type { BarrierEmitted, BarrierRefusal } from '../../machines/coordination/barrier-events.js';
import type { Backend } from '../backend/port.js';
import { sortOf } from '../option-checks.js';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import { onFact } from '../supervision/on-fact.js';
import { ended, onExit } from '../supervision/watch.js';
import { hasStopped, runsMachine } from '../supervision/xstate-internals.js';
import { barrier as barrierLogic, type BarrierRef, nextArrival, planOf } from './barrier.js';
import { type BarrierOptions, duration, invalid, requireOptions, requireSignal } from './barrier-options.js';

type Fact<Type extends BarrierEmitted['type']> = Extract<BarrierEmitted, { type: Type }>;

/** How long somebody waits at a barrier. */
export interface ArriveOptions {
  /** Gives it up, also before it begins. */
  readonly signal?: AbortSignal;
  /** How long it waits, ms. Default: the barrier's `withinMs`. */
  readonly withinMs?: number;
}

/**
 * Whether it came through. `generation`: 1 for the first that opens, rising by 1; `token`: the same for all whom it counts, and higher than that of each before,
 * for the `fence` of an event store.
 */
export type ArriveOutcome =
  | { readonly ok: true; readonly generation: number; readonly token: number }
  | { readonly ok: false; readonly reason: BarrierRefusal };

/** How a barrier stands, for this participant. */
export interface BarrierStatus {
  /** `leaving`: it takes its arrival back. */
  readonly state: 'idle' | 'waiting' | 'leaving' | 'ended';
  /** How many wait, itself included; 0 where it does not. */
  readonly arrived: number;
  readonly parties: number;
  /** The generation that it came through last; 0 before any. */
  readonly generation: number;
}

/** One participant in a barrier, as an app holds it. Disposing of it closes it. */
export interface Barrier extends AsyncDisposable {
  /** The barrier's actor; undefined while none runs. */
  readonly ref: BarrierRef | undefined;
  /**
   * Arrives, and waits until a generation opens with it. Who gives up is answered when it is certain that none counts it, after two lives of the lease at the most;
   * `ok` where one has opened meanwhile. @returns rejects for misuse only
   * @throws EspalierError `barrier/invalid-options`, as rejection
   */
  arrive(options?: ArriveOptions): Promise<ArriveOutcome>;
  status(): BarrierStatus;
  /** Facts of the barrier, as it emits them, and of each that comes after it in its seat. What a listener throws goes to `console.error`. @throws EspalierError `barrier/invalid-options` */
  on<Type extends BarrierEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void };
  /** Takes back an arrival that waits, and ends. Twice is once. */
  close(): Promise<void>;
}

/**
 * The handle of a barrier that a supervisor runs: with its reference, or with a function that finds it, which follows its restarts.
 * @throws EspalierError `barrier/invalid-options` for a reference that runs no barrier; from each call, for a function that finds one
 */
export function barrierHandle(ref: AnyActorRef | (() => AnyActorRef | undefined)): Barrier {
  if (typeof ref === 'function') return new Handle(ref);
  requireBarrier(ref);
  return new Handle(() => ref);
}

/**
 * A barrier that an app starts by itself, the root of a system of its own. In an app with a tree, {@link barrierLogic} is a child of that.
 * @throws EspalierError `barrier/invalid-options`; `supervision/invalid-options` for what is no clock
 */
export function createBarrier(backend: Backend, options: BarrierOptions, where: { readonly clock?: Clock } = {}): Barrier {
  requireOptions('where the barrier runs', where, ['clock']);
  const { clock = systemClock } = where;
  requireClock(clock);
  const root = createActor(barrierLogic(backend, options), { clock, id: 'barrier' });
  // Heard here, a crash is no uncaught exception: the handle answers.
  root.subscribe({ error: () => {} });
  root.start();
  return new Handle(() => root);
}

function isBarrier(ref: unknown): ref is BarrierRef {
  return runsMachine(ref, barrierMachine);
}

function requireBarrier(ref: unknown): asserts ref is BarrierRef {
  if (!isBarrier(ref) || planOf(ref) === undefined) throw invalid('ref', 'an actor that runs barrier()', sortOf(ref));
}

const factTypes: readonly BarrierEmitted['type'][] = ['barrier.arrived', 'barrier.opened', 'barrier.refused'];

class Handle implements Barrier {
  readonly #find: () => AnyActorRef | undefined;

  constructor(find: () => AnyActorRef | undefined) {
    this.#find = find;
  }

  get ref(): BarrierRef | undefined {
    const ref = this.#find();
    if (ref !== undefined) requireBarrier(ref);
    return ref;
  }

  async arrive(options: ArriveOptions = {}): Promise<ArriveOutcome> {
    requireOptions('the options of an arrival', options, ['signal', 'withinMs']);
    const { signal } = options;
    requireSignal(signal);
    const { ref } = this;
    const withinMs = duration('withinMs', options.withinMs, (ref === undefined ? undefined : planOf(ref)?.withinMs) ?? 1);
    if (ref === undefined || hasStopped(ref)) return { ok: false, reason: 'closed' };
    if (signal?.aborted === true) return { ok: false, reason: 'cancelled' };
    return new Promise((resolve) => arrive(ref, withinMs, signal, resolve));
  }

  status(): BarrierStatus {
    const { ref } = this;
    if (ref === undefined) return { state: 'ended', arrived: 0, parties: 0, generation: 0 };
    const { value, context } = ref.getSnapshot();
    const { arrived, parties, generation } = context;
    if (hasStopped(ref) || value === 'closed' || value === 'failed') return { state: 'ended', arrived: 0, parties, generation };
    if (typeof value === 'string') return { state: 'idle', arrived, parties, generation };
    return { state: value.busy === 'withdrawing' ? 'leaving' : 'waiting', arrived, parties, generation };
  }

  on<Type extends BarrierEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void } {
    if (!factTypes.includes(type)) throw invalid('type', factTypes.join(', '), typeof type === 'string' ? 'another fact' : sortOf(type));
    if (typeof listener !== 'function') throw invalid('listener', 'a function', sortOf(listener));
    return onFact(() => this.ref, type, listener, isBarrier);
  }

  async close(): Promise<void> {
    const { ref } = this;
    if (ref !== undefined) await ended(ref, () => ref.send({ type: 'barrier.close' }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** One arrival, until it is answered: by the chart, or by its end, after which nobody here knows whether a generation counts it. */
function arrive(owner: BarrierRef, withinMs: number, signal: AbortSignal | undefined, answer: (outcome: ArriveOutcome) => void): void {
  const ref = nextArrival(owner);
  const settle = (outcome: ArriveOutcome): void => {
    for (const each of heard) each.unsubscribe();
    signal?.removeEventListener('abort', cancel);
    answer(outcome);
  };
  const cancel = (): void => owner.send({ type: 'barrier.cancel', ref });
  const heard: { unsubscribe(): unknown }[] = [
    owner.on('barrier.opened', ({ ref: of, generation, token }) => {
      if (of === ref) settle({ ok: true, generation, token });
    }),
    owner.on('barrier.refused', ({ ref: of, reason }) => {
      if (of === ref) settle({ ok: false, reason });
    }),
    onExit(owner, () => settle({ ok: false, reason: 'unknown' })),
  ];
  signal?.addEventListener('abort', cancel, { once: true });
  owner.send({ type: 'barrier.arrive', ref, withinMs });
}
