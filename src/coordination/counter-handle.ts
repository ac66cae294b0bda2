/**
 * What an app holds of a counter: one owner's part in it.
 *
 * Nothing throws nor rejects but for misuse; a call on a counter that has ended is answered, where XState would drop the event.
 */
import type { AnyActorRef } from 'xstate';
import { counterMachine } from '../../machines/coordination/counter.js';
import type { CounterDoubt, CounterEmitted, CounterEvent, CounterFact, CounterRefusal } from '../../machines/coordination/counter-events.js';
import type { Backend } from '../backend/port.js';
import type { Clock } from '../supervision/clock.js';
import { hasStopped } from '../supervision/xstate-internals.js';
import { counter as counterLogic, type CounterRef, planOf } from './counter.js';
import { type CounterOptions, duration, invalid, requireKey, requireNumber, requireOptions, requireSignal } from './counter-options.js';
import { finder, PartCalls, PartHandle, type PartKind, startedRoot } from './part-handle.js';

type Fact<Type extends CounterEmitted['type']> = Extract<CounterEmitted, { type: Type }>;

/** How long a call is tried. */
export interface CounterCallOptions {
  /** Gives it up, also before it begins. */
  readonly signal?: AbortSignal;
  /** How long it is tried, ms. Default: the counter's `withinMs`. */
  readonly withinMs?: number;
}

/** Of an increment. */
export interface IncrementOptions extends CounterCallOptions {
  /** Names the increment: the same one counts once, whoever asks, as often as it is asked, as long as it is remembered. At most 200 characters. Default: one of its own. */
  readonly key?: string;
}

/** What came of an increment. After `refused` it was not counted, nor will be by this call. `unknown` is no failure: ask again with the same key. */
export type IncrementOutcome =
  /** `isRepeat`: its key had been counted by another call, and this one added nothing; false: this one did, or nobody can tell. */
  | { readonly outcome: 'ok'; readonly isRepeat: boolean }
  | { readonly outcome: 'unknown'; readonly reason: CounterDoubt }
  | { readonly outcome: 'refused'; readonly reason: CounterRefusal };

/** A reading: what the counter was at one moment of the backend. It may be over when it is heard, and nothing is to be decided on it. */
export type ReadOutcome =
  | { readonly outcome: 'ok'; readonly reading: { readonly value: number; readonly revision: number } }
  | { readonly outcome: 'refused'; readonly reason: CounterRefusal };

/** How a counter stands, here. */
export interface CounterStatus {
  readonly state: 'idle' | 'counting' | 'draining' | 'ended';
  /** Calls that are under way. */
  readonly pending: number;
}

/** One owner's part in a counter, as an app holds it. Disposing of it closes it. */
export interface Counter extends AsyncDisposable {
  /** The counter's actor; undefined while none runs. */
  readonly ref: CounterRef | undefined;
  /**
   * Adds a safe integer, which may be negative. @returns rejects for misuse only
   * @throws EspalierError `counter/invalid-options`, as rejection
   */
  increment(by?: number, options?: IncrementOptions): Promise<IncrementOutcome>;
  /** The sum of all shards at one moment; 0 where nobody has counted. @throws EspalierError `counter/invalid-options`, as rejection */
  read(options?: CounterCallOptions): Promise<ReadOutcome>;
  status(): CounterStatus;
  /** Facts of the counter, as it emits them, and of each that comes after it in its seat. What a listener throws goes to `console.error`. @throws EspalierError `counter/invalid-options` */
  on<Type extends CounterEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void };
  /** Writes nothing new, waits until it is known what came of what was written, and ends. Twice is once. */
  close(): Promise<void>;
}

/**
 * The handle of a counter that a supervisor runs: with its reference, or with a function that finds it, which follows its restarts.
 * @throws EspalierError `counter/invalid-options` for a reference that runs no counter; from each call, for a function that finds one
 */
export function counterHandle(ref: AnyActorRef | (() => AnyActorRef | undefined)): Counter {
  return new Handle(kind, finder(kind, ref));
}

/**
 * A counter that an app starts by itself, the root of a system of its own. In an app with a tree, {@link counterLogic} is a child of that.
 * @throws EspalierError `counter/invalid-options`; `supervision/invalid-options` for what is no clock
 */
export function createCounter(backend: Backend, options: CounterOptions, where: { readonly clock?: Clock } = {}): Counter {
  return new Handle(
    kind,
    startedRoot(kind, 'counter', where, requireOptions, () => counterLogic(backend, options)),
  );
}

const facts: readonly CounterFact['type'][] = ['counter.counted', 'counter.doubted', 'counter.refused', 'counter.summed'];
const kind: PartKind = { id: 'counter', machine: counterMachine, planOf, facts, invalid };
const calls = new PartCalls<CounterFact>('c', facts);

class Handle extends PartHandle<CounterRef, CounterEmitted> implements Counter {
  async increment(by = 1, options: IncrementOptions = {}): Promise<IncrementOutcome> {
    requireNumber(by);
    requireOptions('the options of an increment', options, ['signal', 'withinMs', 'key']);
    const { key } = options;
    requireKey(key);
    const fact = await this.#call(options, (ref, withinMs) => ({ type: 'counter.increment', ref, by, key: key ?? null, withinMs }));
    if (typeof fact === 'string') return { outcome: 'refused', reason: fact };
    // It ended before it said anything: what was under way may be counted or not.
    if (fact === null) return { outcome: 'unknown', reason: 'closed' };
    if (fact.type === 'counter.counted') return { outcome: 'ok', isRepeat: fact.isRepeat };
    if (fact.type === 'counter.doubted') return { outcome: 'unknown', reason: fact.reason };
    return { outcome: 'refused', reason: fact.type === 'counter.refused' ? fact.reason : 'closed' };
  }

  async read(options: CounterCallOptions = {}): Promise<ReadOutcome> {
    requireOptions('the options of a reading', options, ['signal', 'withinMs']);
    const fact = await this.#call(options, (ref, withinMs) => ({ type: 'counter.sum', ref, withinMs }));
    if (typeof fact === 'string') return { outcome: 'refused', reason: fact };
    if (fact?.type === 'counter.summed') return { outcome: 'ok', reading: { value: fact.value, revision: fact.revision } };
    return { outcome: 'refused', reason: fact?.type === 'counter.refused' ? fact.reason : 'closed' };
  }

  status(): CounterStatus {
    const { ref } = this;
    if (ref === undefined || hasStopped(ref)) return { state: 'ended', pending: 0 };
    const { value, context } = ref.getSnapshot();
    return typeof value === 'string' ? { state: 'ended', pending: 0 } : { state: value.running, pending: context.pending };
  }

  /** @returns what the chart says of it; null: it ended without a word; a text: why it was not begun */
  async #call(
    { signal, withinMs }: CounterCallOptions,
    say: (ref: string, withinMs: number) => CounterEvent,
  ): Promise<CounterFact | null | CounterRefusal> {
    requireSignal(signal);
    const { ref: owner } = this;
    const forMs = duration('withinMs', withinMs, (owner === undefined ? undefined : planOf(owner)?.withinMs) ?? 1);
    if (owner === undefined || hasStopped(owner)) return 'closed';
    if (signal?.aborted === true) return 'cancelled';
    return new Promise((resolve) =>
      calls.open(owner, { signal, begin: (ref) => say(ref, forMs), cancel: (ref) => ({ type: 'counter.cancel', ref }) }, resolve),
    );
  }
}
