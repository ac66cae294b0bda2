/** What whoever passed a gate holds, and the words in which acquisitions, returns and losses are told. */
import type { AnyActorRef } from 'xstate';
import type { Loss, RefusalReason } from '../../machines/gate/gate-events.js';

/** What is asked for: one permit of a key. */
export interface AcquireOptions {
  /** Whose permits: a model, an account, an endpoint. Keys know nothing of each other. */
  readonly key: string;
  /**
   * The actor that will hold it. When it ends, however it ends, it leaves the queue, and all that it holds is back. One that was never started does not
   * tell of its end: until it runs, what it holds has the gate's lease.
   */
  readonly holder?: AnyActorRef;
  /** When it aborts, the wait is over (`cancelled`), or, where the permit was granted, the permit is back. */
  readonly signal?: AbortSignal;
  /** How long to wait at most, ms; 0 does not wait at all. Default: the gate's. */
  readonly waitMs?: number;
  /** After that time the permit is taken back, ms. Default: the gate's, where neither holder nor signal is given, else none. */
  readonly leaseMs?: number;
  /** Tokens that the call may use at most; they are taken of the key's window with the permit, and reconciled when it is released. Default 0. */
  readonly tokens?: number;
}

/** No permit. */
export interface Refusal {
  readonly ok: false;
  readonly reason: RefusalReason;
  readonly key: string;
  readonly waitedMs: number;
  /** When it is worthwhile to ask again, ms from now; null where nobody knows. */
  readonly retryAfterMs: number | null;
}

export type AcquireOutcome = { readonly ok: true; readonly permit: Permit } | Refusal;

/** What became of the call, told with the permit's return. */
export interface CallReport {
  /**
   * `ok` and `rateLimited` move the level of a key that adapts; `failed` moves nothing, as where nothing is said; `unused`: there was no call, and what
   * was reserved is given back; after {@link Permit.again} there was one, and only the attempt that would have been next is given back.
   */
  readonly outcome?: 'ok' | 'rateLimited' | 'failed' | 'unused';
  /** The service asks for a pause, ms: nothing is granted of the key until it is over. */
  readonly retryAfterMs?: number;
  /** What the call used. Default: what was reserved. */
  readonly tokensUsed?: number;
}

/** What became of an attempt of a call that is made again within its permit. */
export interface AttemptReport {
  readonly outcome: 'rateLimited' | 'failed';
  readonly retryAfterMs?: number;
  /**
   * When the next attempt goes out, ms from now: in the key's window it counts for then, and has its place until then. Default: nobody knows, and it has its
   * place until it must have gone out, at the next word of an attempt or at the return of the permit, and counts for that time.
   */
  readonly delayMs?: number;
}

export type ReleaseOutcome =
  | { readonly ok: true }
  /** It is not held any more. `because`: it was released already, or lost. */
  | { readonly ok: false; readonly reason: 'notHeld'; readonly because: 'released' | Loss }
  /** Another holds it. */
  | { readonly ok: false; readonly reason: 'notHolder' }
  /** No permit of this gate. */
  | { readonly ok: false; readonly reason: 'unknown' };

/** A permit. `using permit = …` releases it at the end of the block. None of its methods throws but for misuse. */
export interface Permit extends Disposable {
  readonly key: string;
  /** How long it was waited for, ms. */
  readonly waitedMs: number;
  /** False once it was released or lost. */
  readonly isHeld: boolean;
  /** Why it is not held any more; null while it is. */
  readonly ended: 'released' | Loss | null;
  /** Aborts when the permit is lost: its lease ran out, its holder ended, its signal aborted, the gate closed. Not when it is released. */
  readonly lost: AbortSignal;
  /** Gives it back. The next in the queue has it when this returns. */
  release(report?: CallReport): ReleaseOutcome;
  /**
   * The call will be made again within this permit, by whoever makes it: what came of the attempt before moves the level and pauses the key, as at a release,
   * and one more request is taken of the key's window, for the time when it goes out. It waits for no room there. @returns whether it is still held
   */
  again(report: AttemptReport): boolean;
  /** What the call has used so far, where that is known before its end. The last word counts. @returns whether it was still held */
  settle(usage: { readonly tokensUsed: number }): boolean;
  /** Begins its lease anew. Default: as long as it was given. @returns whether it was still held */
  renew(leaseMs?: number): boolean;
}

/** A permit as its own outcome: what `enter` gives. */
export interface EnteredPermit extends Permit {
  readonly ok: true;
  /** Itself: so that it may be read as the outcome of an acquisition is. */
  readonly permit: Permit;
}

/** What a gate held and let wait when it ended. */
export interface GateReport {
  readonly held: number;
  readonly waiting: number;
}

/** How one key stands. */
export interface KeyStatus {
  readonly held: number;
  readonly waiting: number;
  /** Permits that there are now. */
  readonly permits: number | 'unlimited';
  /** Until the service's pause is over, ms; 0 when there is none. */
  readonly pauseMs: number;
  /** Taken of the present window; null where the key has none. */
  readonly used: { readonly requests: number; readonly tokens: number } | null;
}
