/** What a barrier's chart is told and emits; what it is given and remembers. */
import type { ExitReason } from '../supervision/exit.js';

/** Input of the barrier machine. */
export interface BarrierInput {
  /** Of the barrier: all who name it wait for each other. */
  readonly name: string;
  /** How many make a generation. */
  readonly parties: number;
}

/** Why an arrival may be counted no more: no renewal was heard of in time, the backend says so, or the backend was closed. */
export type BarrierLoss = 'expired' | 'gone' | 'closed';

/** Why it did not come through. Of all but `unknown` it is certain that no generation counts it, nor ever will. */
export type BarrierRefusal =
  /** It waits already: one who takes part arrives once at a time. */
  | 'busy'
  /** Those who wait count other parties, or what stands there is no barrier. */
  | 'mismatch'
  /** As many are there as the generation takes, and as may wait for the next. */
  | 'extra'
  /** The backend has no room. */
  | 'full'
  /** Its time for waiting was over. */
  | 'late'
  /** The signal. */
  | 'cancelled'
  /** The backend had not heard of it for too long: its arrival has ended like that of the dead. */
  | 'lost'
  /** The barrier's actor has ended or is ending, or the backend is closed. */
  | 'closed'
  /** It could not be heard whether a generation counts it. */
  | 'unknown';

/** What a barrier may be told. `ref` names one arrival, and then what came of it. */
export type BarrierEvent =
  /** `withinMs`: it waits so long at the most, ms. */
  | { readonly type: 'barrier.arrive'; readonly ref: string; readonly withinMs: number }
  | { readonly type: 'barrier.cancel'; readonly ref: string }
  | { readonly type: 'barrier.close' }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason }
  /** Of the actor `place`: it stands there, one of so many. */
  | { readonly type: 'place.arrived'; readonly arrived: number }
  | { readonly type: 'place.moved'; readonly arrived: number }
  /** A generation has opened, and counts it. `token`: rises with each generation; `waitedMs`: since it arrived. */
  | { readonly type: 'place.opened'; readonly generation: number; readonly token: number; readonly waitedMs: number }
  | { readonly type: 'place.refused'; readonly reason: BarrierRefusal }
  | { readonly type: 'place.lost'; readonly reason: BarrierLoss }
  /** It is there no more. `isCertain`: no generation counts it, nor will; false: nobody knows. */
  | { readonly type: 'place.left'; readonly isCertain: boolean }
  /** It has crashed, or was ended by nobody's order here. `why`: in words. */
  | { readonly type: 'place.ended'; readonly why: string };

/** What the actor `place` is told: to take its arrival back, and to say what came of it. */
export type BarrierPlaceCommand = { readonly type: 'place.withdraw' };

/** What a barrier emits. */
export type BarrierEmitted =
  | { readonly type: 'barrier.arrived'; readonly name: string; readonly ref: string; readonly arrived: number }
  | {
      readonly type: 'barrier.opened';
      readonly name: string;
      readonly ref: string;
      readonly generation: number;
      readonly token: number;
      readonly waitedMs: number;
    }
  | { readonly type: 'barrier.refused'; readonly name: string; readonly ref: string; readonly reason: BarrierRefusal };

/** What a barrier's chart knows. */
export interface BarrierContext extends BarrierInput {
  /** The arrival that is waited for; null: none. */
  readonly claim: { readonly ref: string; readonly withinMs: number } | null;
  /** How many wait, itself included; 0 before it is there. */
  readonly arrived: number;
  /** The generation that it came through last; 0 before any. */
  readonly generation: number;
  /** Why it takes its arrival back; null: it does not. */
  readonly refusal: BarrierRefusal | null;
  /** Does it end when its place is given up? */
  readonly isEnding: boolean;
  readonly reason: ExitReason;
}
