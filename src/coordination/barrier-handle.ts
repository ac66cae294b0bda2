/**
 * What an app holds of a barrier: one participant in it. Those who wait for each other have one each.
 *
 * Nothing throws nor rejects but for misuse; a call on a barrier that has ended is answered, where XState would drop the event.
 */
import type { AnyActorRef } from 'xstate';
import { barrierMachine } from '../../machines/coordination/barrier.js';
import type { BarrierEmitted, BarrierEvent, BarrierRefusal } from '../../machines/coordination/barrier-events.js';
import type { Backend } from '../backend/port.js';
import type { Clock } from '../supervision/clock.js';
import { hasStopped } from '../supervision/xstate-internals.js';
import { barrier as barrierLogic, type BarrierRef, planOf } from './barrier.js';
import { type BarrierOptions, duration, invalid, requireOptions, requireSignal } from './barrier-options.js';
import { finder, PartCalls, PartHandle, type PartKind, startedRoot } from './part-handle.js';

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
  return new Handle(kind, finder(kind, ref));
}

/**
 * A barrier that an app starts by itself, the root of a system of its own. In an app with a tree, {@link barrierLogic} is a child of that.
 * @throws EspalierError `barrier/invalid-options`; `supervision/invalid-options` for what is no clock
 */
export function createBarrier(backend: Backend, options: BarrierOptions, where: { readonly clock?: Clock } = {}): Barrier {
  return new Handle(
    kind,
    startedRoot(kind, 'barrier', where, requireOptions, () => barrierLogic(backend, options)),
  );
}

const facts: readonly BarrierEmitted['type'][] = ['barrier.arrived', 'barrier.opened', 'barrier.refused'];
const kind: PartKind = { id: 'barrier', machine: barrierMachine, planOf, facts, invalid };
const arrivals = new PartCalls<Fact<'barrier.opened' | 'barrier.refused'>>('a', ['barrier.opened', 'barrier.refused']);

class Handle extends PartHandle<BarrierRef, BarrierEmitted> implements Barrier {
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
}

/** One arrival, until it is answered: by the chart, or by its end, after which nobody here knows whether a generation counts it. */
function arrive(owner: BarrierRef, withinMs: number, signal: AbortSignal | undefined, answer: (outcome: ArriveOutcome) => void): void {
  const begin = (ref: string): BarrierEvent => ({ type: 'barrier.arrive', ref, withinMs });
  const cancel = (ref: string): BarrierEvent => ({ type: 'barrier.cancel', ref });
  arrivals.open(owner, { begin, cancel, signal }, (fact) => {
    if (fact === null) answer({ ok: false, reason: 'unknown' });
    else if (fact.type === 'barrier.opened') answer({ ok: true, generation: fact.generation, token: fact.token });
    else answer({ ok: false, reason: fact.reason });
  });
}
