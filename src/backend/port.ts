/**
 * What a backend of coordination promises, in words and types. Leaders, locks, barriers, counters and whatever else must be agreed on stand on it, and on
 * nothing else. `memoryBackend` is the one that is embedded; `backendContract` of 'espalier/testing' holds it, and any other, to this page.
 *
 * - Keys have values. Each change of a key, a lease's beginning and its end have a `revision`: one order for all of them, rising, none given twice; also
 *   after a crash, where the backend is durable. So the revision of a write that was done is a fencing token: higher than that of whoever came before,
 *   whatever the key. It goes as it is into the `fence` of an event store, which refuses the lower ones.
 * - Nothing decides on a read. A key is changed only by naming the revision that stands there, and for each revision of a key at most one write is done.
 *   What is done is done in one order that all see, each operation between its call and its answer: they are linearizable, reads too.
 * - A write that was asked for is `ok`, `conflict`, `gone`, `refused` or `unknown`. After `conflict`, `gone` and `refused` it was not done, nor will be.
 *   `unknown` is no failure: it was done, will be yet, or never. There is no `ok: false` that all of these would share.
 * - Whoever hears `unknown` asks again with the same revision and the same value, in which is something of its own: a `conflict` whose entry has that
 *   value says that it was done. Where `expected` is 0 the first may be done even after the second, once the key is deleted: bind it to a lease, and
 *   revoke that, and it cannot be any more.
 * - A lease lives for `ttlMs` from when the backend grants or renews it, by the backend's clock, and not shorter; then it ends, and the keys that are bound
 *   to it are deleted. What is asked later sees none of them. A backend that was opened again gives each lease its whole time anew.
 * - Whoever has a lease counts for itself, by its own monotonic clock, from before it asked: so its time is over first. `LeaseHold` does it.
 * - A watch tells each change below a prefix once, in order of revision, none left out; where some are lost, `gap` says so, never silence.
 * - Each call is answered once, and in time: it takes an AbortSignal, a deadline, or both. Nothing rejects but for misuse, found before anything happens.
 */
import type { Json } from '../events/port.js';

/** The clock of the actor that owns a backend or a lease; the one of any actor system fits. */
export interface BackendClock {
  /** Monotonic milliseconds; only differences mean anything. */
  now(): number;
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(id: unknown): void;
}

/** How long whoever calls will wait. */
export interface CallOptions {
  /** Answers at once when it aborts: `refused` where nothing was done, `unknown` where it may have been. */
  readonly signal?: AbortSignal;
  /** Answers so many ms after the call at the latest, in the same way. Default: the backend's `callMs`. */
  readonly withinMs?: number;
}

/** A key, as it stands. */
export interface BackendEntry {
  readonly key: string;
  /** A copy of what JSON made of it. */
  readonly value: Json;
  /** Of its latest write: what a change of it names, and its fencing token. */
  readonly revision: number;
  /** Of the write that made it; the order of keys by it is that of their making. */
  readonly created: number;
  /** With which it ends; null: with none. */
  readonly lease: string | null;
}

/** It was not done, nor will be. */
export interface Refused {
  readonly outcome: 'refused';
  /**
   * `full`: a bound (`what`) is reached; `tooLarge`: the value is; `unavailable`: it cannot be done just now; `closed`: it never can be any more;
   * `cancelled`: the signal; `late`: the deadline.
   */
  readonly reason: 'full' | 'tooLarge' | 'unavailable' | 'closed' | 'cancelled' | 'late';
  /** Of `full`: the bound, by its name among the limits. Of `unavailable`: what is in the way, where it is known. */
  readonly what?: string;
}

/** It was done, will be, or never: nobody knows. */
export interface Unknown {
  readonly outcome: 'unknown';
  /** `lost`: the answer is; `cancelled`: the signal; `late`: the deadline. */
  readonly reason: 'lost' | 'cancelled' | 'late';
}

/** Another revision stands there than was named: not done. `entry`: what stands there at that moment; null: nothing. */
export interface Conflict {
  readonly outcome: 'conflict';
  readonly entry: BackendEntry | null;
}

/** The lease has ended, or never was: not done. It is told before a conflict. */
export interface Gone {
  readonly outcome: 'gone';
}

export type SetOutcome = { readonly outcome: 'ok'; readonly revision: number } | Conflict | Gone | Unknown | Refused;
/** `revision`: of the deletion. */
export type DeleteOutcome = { readonly outcome: 'ok'; readonly revision: number } | Conflict | Unknown | Refused;
/** `revision`: of the newest change of all: to watch from the one behind it leaves nothing out. */
export type GetOutcome = { readonly outcome: 'ok'; readonly entry: BackendEntry | null; readonly revision: number } | Refused;
/** `next`: the `after` of the next page; null where this is the last one. Each page is of one moment, but not all of the same. */
export type ListOutcome =
  | { readonly outcome: 'ok'; readonly entries: readonly BackendEntry[]; readonly next: string | null; readonly revision: number }
  | Refused;
/** `lease`: its name, of no other ever. */
export type GrantOutcome = { readonly outcome: 'ok'; readonly lease: string; readonly ttlMs: number } | Unknown | Refused;
export type RenewOutcome = { readonly outcome: 'ok'; readonly ttlMs: number } | Gone | Unknown | Refused;
/** `wasThere`: false where it had ended already, which is no fault. */
export type RevokeOutcome = { readonly outcome: 'ok'; readonly wasThere: boolean } | Unknown | Refused;

/** What happened to a key. */
export type BackendChange =
  | { readonly type: 'set'; readonly key: string; readonly revision: number; readonly entry: BackendEntry }
  /** `why`: somebody deleted it, or its lease ran out or was revoked. `created`: of the entry that was there. */
  | {
      readonly type: 'deleted';
      readonly key: string;
      readonly revision: number;
      readonly created: number;
      readonly why: 'deleted' | 'expired' | 'revoked';
    };

export type WatchOutcome =
  | { readonly outcome: 'ok'; readonly watch: BackendWatch }
  /** What is asked for is forgotten. `oldest`: the oldest revision that can be watched from. List, and watch from behind that. */
  | { readonly outcome: 'tooOld'; readonly oldest: number }
  /** The backend has not come so far: it began anew, and what was known of it does not hold. `revision`: its newest. */
  | { readonly outcome: 'ahead'; readonly revision: number }
  | Refused;

export type WatchAnswer =
  /** At least one, at most 1 000; in order. `revision`: all up to it has been told. */
  | { readonly outcome: 'changes'; readonly changes: readonly BackendChange[]; readonly revision: number }
  /** More came than is remembered: those from `from` to `revision` are not told, and what comes behind is. List, to know what stands. */
  | { readonly outcome: 'gap'; readonly from: number; readonly revision: number }
  /** Nothing came in time. `revision`: all up to it has been told. */
  | { readonly outcome: 'quiet'; readonly revision: number }
  /** The signal of this call: nothing is lost, the next call has it. */
  | { readonly outcome: 'cancelled' }
  /** It was closed, or the backend was: there is nothing more. */
  | { readonly outcome: 'ended' };

/** Follows the changes of keys with a prefix. It has a place among `maxWatches` until it is closed. */
export interface BackendWatch {
  /** What has come, or will. @throws EspalierError `backend/already-read`, as rejection, while another call waits */
  next(call?: CallOptions): Promise<WatchAnswer>;
  /** Lets go; who waits hears `ended`. Twice is once. */
  close(): void;
}

export interface SetOptions extends CallOptions {
  /** The lease that it is bound to from now on. Default: none, whatever was before. */
  readonly lease?: string;
}

export interface ListOptions extends CallOptions {
  /** A key to go on behind. */
  readonly after?: string;
  /** Entries in a page, 1 to 1 000. Default 100. */
  readonly limit?: number;
}

export interface WatchOptions extends CallOptions {
  /** The first revision that is wanted. Default: the one behind the newest. */
  readonly from?: number;
}

/** What can be asked of a backend, and of a service that runs one. @throws EspalierError `backend/invalid-options`, `backend/invalid-value`, as rejection */
export interface Backend {
  /** One key. What it says may be over when it is heard: to act on it, name its revision. */
  get(key: string, call?: CallOptions): Promise<GetOutcome>;
  /** Keys with a prefix, in the order of their code points. */
  list(prefix: string, options?: ListOptions): Promise<ListOutcome>;
  /**
   * Puts a value there where the revision is the one that is named: 0 for a key that is not there. Its own revision is a fencing token. The value is JSON, of at
   * most 1 000 lists and objects within each other.
   */
  compareAndSet(key: string, expected: number, value: unknown, options?: SetOptions): Promise<SetOutcome>;
  /** Takes a key away where the revision is the one that is named, at least 1. */
  delete(key: string, expected: number, call?: CallOptions): Promise<DeleteOutcome>;
  /** A new lease, for so many ms: 1 to `maxTtlMs`. One whose grant is `unknown` ends by itself. */
  grant(ttlMs: number, call?: CallOptions): Promise<GrantOutcome>;
  /** Gives a lease its whole time anew. */
  renew(lease: string, call?: CallOptions): Promise<RenewOutcome>;
  /** Ends a lease now, with all that is bound to it. */
  revoke(lease: string, call?: CallOptions): Promise<RevokeOutcome>;
  /** Follows the keys with a prefix. The signal and the deadline are of this call, not of the watch. */
  watch(prefix: string, options?: WatchOptions): Promise<WatchOutcome>;
  /** How it stands. */
  status(call?: CallOptions): Promise<BackendStatusOutcome>;
}

/** A backend that is open. */
export interface OpenBackend extends Backend {
  /** Does it outlast the process? */
  readonly isDurable: boolean;
  /** Answers all that wait, `closed` or `unknown`, and ends each watch. Leases and keys of a durable one stay. Twice is once. */
  close(): Promise<void>;
}

export type BackendStatusOutcome =
  | {
      readonly outcome: 'ok';
      /** The newest. */
      readonly revision: number;
      readonly keys: number;
      /** Of keys and values. */
      readonly bytes: number;
      readonly leases: number;
      readonly watches: number;
    }
  | Refused;

/** Bounds of a backend; each may be left out. Who comes beyond is `refused`: nothing that is there gives way. */
export interface BackendLimits {
  /** Default 10 000, at most 100 000. */
  readonly maxKeys?: number;
  /** Bytes of one value's JSON. Default 64 KiB, at most 512 KiB. */
  readonly maxValueBytes?: number;
  /** Bytes of all keys and values. Default 32 MiB, and no more. */
  readonly maxBytes?: number;
  /** Default 10 000. */
  readonly maxLeases?: number;
  /** Keys that are bound to one lease. Default and most: 256. */
  readonly maxLeaseKeys?: number;
  /** The longest life of a lease, ms. Default 1 hour. */
  readonly maxTtlMs?: number;
  /** Default 1 000. */
  readonly maxWatches?: number;
  /**
   * Changes that are remembered, for whoever watches from an earlier revision and for a watch whose owner is slow; the oldest are forgotten, which is told as
   * `tooOld` and as `gap`. No more than `maxBytes` of them either. Default 10 000.
   */
  readonly maxHistory?: number;
  /** Calls that wait for their turn. Default 10 000. */
  readonly maxWaiting?: number;
  /** How long a call waits that names no deadline, ms. Default 10 000. */
  readonly callMs?: number;
}
