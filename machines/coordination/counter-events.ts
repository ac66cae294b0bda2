/** What a counter's chart is told and emits; what it is given and remembers. */
import type { ExitReason } from '../supervision/exit.js';

/** Input of the counter machine. */
export interface CounterInput {
  /** Of the counter: all who name it count together. */
  readonly name: string;
  /** Calls that may be under way at once; a further one is refused. */
  readonly maxPending: number;
}

/** Why it was not counted, nor will be by this call; or why no reading was to be had. */
export type CounterRefusal =
  /** As many calls are under way as may be, or the backend has no room. */
  | 'full'
  /** The sum would be greater than a shard may hold. */
  | 'overflow'
  /** The key has counted another number. */
  | 'reused'
  /** Others count with other shards, or remember another number of keys, or what stands there is no counter. */
  | 'mismatch'
  /** Its time was over before anything was written. */
  | 'late'
  /** The signal, before anything was written. */
  | 'cancelled'
  /** The counter's actor has ended or is ending, or the backend is closed. */
  | 'closed';

/** Why nobody knows whether it was counted. The same key asks again, and counts once. */
export type CounterDoubt =
  /** Its time was over, the signal came, or the counter ended, while it was not known whether a write was done. */
  | 'late'
  | 'cancelled'
  | 'closed'
  /** More keys were counted meanwhile than are remembered. */
  | 'forgotten';

/** What came of a call. */
export type CounterFact =
  /** `isRepeat`: the key had been counted by another call, and this one added nothing; false: this one did, or nobody can tell. */
  | { readonly type: 'counter.counted'; readonly ref: string; readonly by: number; readonly isRepeat: boolean }
  | { readonly type: 'counter.doubted'; readonly ref: string; readonly reason: CounterDoubt }
  | { readonly type: 'counter.refused'; readonly ref: string; readonly reason: CounterRefusal }
  /** `value`: as it was at that revision of the backend. */
  | { readonly type: 'counter.summed'; readonly ref: string; readonly value: number; readonly revision: number };

/** What a counter may be told. `ref` names one call. */
export type CounterEvent =
  /** `key`: the same one counts once; null: one of its own. `withinMs`: it is tried so long at the most, ms. */
  | { readonly type: 'counter.increment'; readonly ref: string; readonly by: number; readonly key: string | null; readonly withinMs: number }
  | { readonly type: 'counter.sum'; readonly ref: string; readonly withinMs: number }
  | { readonly type: 'counter.cancel'; readonly ref: string }
  | { readonly type: 'counter.close' }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason }
  /** Of the actor `ledger`: it begins, and knows of no call. */
  | { readonly type: 'ledger.opened' }
  | { readonly type: 'ledger.settled'; readonly fact: CounterFact }
  /** It has crashed, or was ended by nobody's order here. `why`: in words. */
  | { readonly type: 'ledger.ended'; readonly why: string };

/** What the actor `ledger` is told. `ledger.drain`: to write nothing new, and to find out what came of what was written. */
export type LedgerCommand =
  | { readonly type: 'ledger.count'; readonly ref: string; readonly by: number; readonly key: string | null; readonly withinMs: number }
  | { readonly type: 'ledger.sum'; readonly ref: string; readonly withinMs: number }
  | { readonly type: 'ledger.cancel'; readonly ref: string }
  | { readonly type: 'ledger.drain' };

/** What a counter emits. */
export type CounterEmitted = CounterFact & { readonly name: string };

/** What a counter's chart knows. */
export interface CounterContext extends CounterInput {
  /** Calls that are under way. */
  readonly pending: number;
  readonly reason: ExitReason;
}
