/**
 * What an event store promises, in words and types. There are two: in memory, for tests, and one embedded and durable; `eventStoreContract` of
 * 'espalier/testing' holds both, and any other, to this page.
 *
 * - An append is there as a whole or not at all. Its outcome is told after it is there: durably, where the store is durable.
 * - Events of all streams have one order, their `position`; those of one stream have a `version`, 1, 2, 3 …, without a gap. Neither is ever given twice,
 *   whatever is pruned.
 * - What has been read is what was appended: JSON, and a copy. Nothing that is stored changes; `id`s are unique, and none replaces another.
 * - Where it is not known whether something was stored, the outcome is `unknown`, which is no failure: whoever asks again with the same ids hears
 *   `duplicate` if it was.
 * - A token below the highest that a fence has seen is refused, for ever, also after a crash.
 * - Nothing rejects but for misuse, found before anything happens.
 */

/** What JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** An event as it is given to a store. */
export interface NewEvent {
  /** What happened, such as `order.placed`. */
  readonly type: string;
  /** What JSON makes of it is what is stored. Default null. */
  readonly data?: unknown;
  /** Unique over all streams; made up where absent. Give one to ask again after `unknown`. */
  readonly id?: string;
  /** What it belongs to: a conversation, an order. */
  readonly correlation?: string;
  /** The id of the event that it follows from. */
  readonly causation?: string;
}

/** An event as it stands in a store. */
export interface StoredEvent {
  /** Its place among the events of all streams, from 1, rising. Where some are missing they were pruned. */
  readonly position: number;
  readonly stream: string;
  /** Its place in its stream, from 1. */
  readonly version: number;
  readonly id: string;
  readonly type: string;
  readonly data: Json;
  readonly correlation: string | null;
  readonly causation: string | null;
  /** When it was stored, ms since the epoch; never before that of the event before it. */
  readonly wallAt: number;
}

/** Who may write: a name for what is guarded, and the number of whoever writes, higher for each that follows. */
export interface Fence {
  readonly name: string;
  /** A whole number of at least 0: a lease's revision, a leader's term. */
  readonly token: number;
}

export interface AppendOptions {
  /** The stream's version before it: 0 for a stream that is new. Default: any. */
  readonly expected?: number;
  /** Refused where somebody with a higher token has written. Default: nobody is asked. */
  readonly fence?: Fence;
}

/** Why a store did nothing; of a pruning, that it did not do all of it: what it takes out, it takes out in parts. */
export type NotDone =
  /** Somebody with a higher token was there. */
  | { readonly ok: false; readonly reason: 'fenced'; readonly name: string; readonly token: number; readonly highest: number }
  /** As many wait for their commit as may. */
  | { readonly ok: false; readonly reason: 'full' }
  /** The store cannot write or read just now; nothing of it was stored. `error`: the engine's word. */
  | { readonly ok: false; readonly reason: 'failed'; readonly error: string }
  /** It broke while it committed: the events may be there, or not. */
  | { readonly ok: false; readonly reason: 'unknown'; readonly error: string }
  /** It was closed, or does not run at the moment. */
  | { readonly ok: false; readonly reason: 'closed' };

/** Why nothing was read. */
export type NotRead = Extract<NotDone, { reason: 'failed' | 'closed' }>;

export type AppendOutcome =
  /** `version` and `position` of the last event; the ids in order. */
  | { readonly ok: true; readonly version: number; readonly position: number; readonly ids: readonly string[] }
  /** The stream is at another version. */
  | { readonly ok: false; readonly reason: 'conflict'; readonly expected: number; readonly actual: number }
  /** An event with this id is there already, at this place. */
  | {
      readonly ok: false;
      readonly reason: 'duplicate';
      readonly id: string;
      readonly stream: string;
      readonly version: number;
      readonly position: number;
    }
  /** An event's JSON, or that of all together, is larger than it may be. */
  | { readonly ok: false; readonly reason: 'tooLarge'; readonly bytes: number; readonly maxBytes: number }
  | NotDone;

/** Which events, and in what order. All that is given must hold; each kind of question has an index. */
export interface EventQuery {
  readonly stream?: string;
  readonly type?: string;
  readonly correlation?: string;
  readonly causation?: string;
  /** Only events stored at or after this, ms since the epoch. */
  readonly sinceWallAt?: number;
  /** Only events stored before this, ms since the epoch. */
  readonly untilWallAt?: number;
  /** Goes on behind this position: above it forwards, below it backwards. */
  readonly after?: number;
  /** Default `forward`, the oldest first. */
  readonly order?: 'forward' | 'backward';
  /** Events in a page, 1 to 1 000. Default 100. A page of large events has fewer. */
  readonly limit?: number;
}

export type ReadOutcome =
  | {
      readonly ok: true;
      readonly events: readonly StoredEvent[];
      /** The `after` of the next page; null where this is the last one. */
      readonly next: number | null;
      /** The highest position that the store has given. */
      readonly head: number;
      /** The highest position that was pruned, of any stream; 0 for none. */
      readonly prunedThrough: number;
    }
  | NotRead;

/** What is to go: the old events of one stream, of those with a prefix, or of all but the store's own (`$…`). Exactly one of the three bounds. */
export interface PrunePolicy {
  readonly stream?: string;
  /** All streams whose names begin so. */
  readonly prefix?: string;
  /** Events below this position. */
  readonly below?: number;
  /** Events that are older, ms. */
  readonly olderThanMs?: number;
  /** All but so many of the newest. */
  readonly keep?: number;
}

export type PruneOutcome = { readonly ok: true; readonly pruned: number; readonly through: number } | NotDone;

export type FenceOutcome = { readonly ok: true; readonly highest: number } | NotDone;

/** The latest value under a key: a snapshot, a last good value. */
export interface StoredDocument {
  readonly key: string;
  readonly value: Json;
  /** Of all documents, rising: none is given twice. */
  readonly revision: number;
  readonly wallAt: number;
}

export interface SaveOptions {
  /** The revision that is there: 0 for none. Default: any. */
  readonly expected?: number;
  readonly fence?: Fence;
}

export type SaveOutcome =
  | { readonly ok: true; readonly revision: number }
  | { readonly ok: false; readonly reason: 'conflict'; readonly expected: number; readonly actual: number }
  | { readonly ok: false; readonly reason: 'tooLarge'; readonly bytes: number; readonly maxBytes: number }
  | NotDone;

export type RemoveOutcome =
  | { readonly ok: true; readonly removed: boolean }
  | { readonly ok: false; readonly reason: 'conflict'; readonly expected: number; readonly actual: number }
  | NotDone;

export type LoadOutcome = { readonly ok: true; readonly document: StoredDocument | null } | NotRead;

export type ListOutcome = { readonly ok: true; readonly documents: readonly StoredDocument[]; readonly next: string | null } | NotRead;

export type VersionOutcome = { readonly ok: true; readonly version: number } | NotRead;

export type FindOutcome = { readonly ok: true; readonly event: StoredEvent | null } | NotRead;

/** How a store stands. */
export interface StoreStatus {
  /** The highest position that it has given; 0 for none. */
  readonly head: number;
  readonly prunedThrough: number;
  /** Events that are there. */
  readonly events: number;
  /** Commands that wait for their commit. */
  readonly pending: number;
  /** Does it outlast the process? */
  readonly isDurable: boolean;
}

export type StatusOutcome = ({ readonly ok: true } & StoreStatus) | NotRead;

/** What one commit had. */
export interface Commit {
  /** The highest position afterwards. */
  readonly head: number;
  /** Events that it added: the last of them has the position `head`, and no other event stands between them. */
  readonly events: number;
  /** The streams that it added them to. */
  readonly streams: ReadonlySet<string>;
  /** Commands that it carried out or refused. */
  readonly commands: number;
  readonly tookMs: number;
}

/** What went wrong beneath a store. After `isBroken` it answers `closed`: what it knows may not be what is on the disk, so it must be opened again. */
export interface StoreFault {
  readonly error: string;
  readonly isBroken: boolean;
}

export interface StoreListener {
  committed?(commit: Commit): void;
  /** A command was refused as fenced, conflicting or a duplicate. `name`: the stream, the key, the fence. */
  refused?(reason: 'fenced' | 'conflict' | 'duplicate', name: string): void;
  faulted?(fault: StoreFault): void;
}

/**
 * What can be asked of a store, and of a service that runs one. What is given is checked and copied within the call.
 * @throws EspalierError `events/invalid-event`, `events/invalid-options`, as rejection
 */
export interface EventJournal {
  /** Adds events to a stream: all of them, or none. */
  append(stream: string, events: readonly NewEvent[], options?: AppendOptions): Promise<AppendOutcome>;
  /** A page of events. */
  read(query?: EventQuery): Promise<ReadOutcome>;
  /** One event, by its id. */
  find(id: string): Promise<FindOutcome>;
  /** A stream's version; 0 where it is new. */
  version(stream: string): Promise<VersionOutcome>;
  /** Lets nobody with a lower token write any more. A new leader says so before it reads. */
  fence(fence: Fence): Promise<FenceOutcome>;
  /**
   * Takes old events out: many in parts, between which others have their turn. Where it was refused or failed midway the parts before are gone; who asks
   * again has the rest done.
   */
  prune(policy: PrunePolicy): Promise<PruneOutcome>;
  /** Puts a value under a key, in place of the one that is there. */
  save(key: string, value: unknown, options?: SaveOptions): Promise<SaveOutcome>;
  load(key: string): Promise<LoadOutcome>;
  /** Documents by key, in the order of their keys' code points. `after`: a key to go on behind. */
  list(prefix: string, page?: { readonly after?: string; readonly limit?: number }): Promise<ListOutcome>;
  remove(key: string, options?: SaveOptions): Promise<RemoveOutcome>;
  status(): Promise<StatusOutcome>;
}

/** A store that is open. */
export interface EventStore extends EventJournal {
  readonly isDurable: boolean;
  /** Is told of commits, refusals and faults. What it throws goes to nobody: it must not throw. */
  listen(listener: StoreListener): { unsubscribe(): void };
  /** Commits what waits, and lets go of everything. Twice is once. */
  close(): Promise<void>;
}

/** Bounds of a store; each may be left out. */
export interface StoreLimits {
  /** Bytes of one event's JSON. Default 1 MiB. */
  readonly maxEventBytes?: number;
  /** Bytes of one document's JSON. Default 64 MiB. */
  readonly maxDocumentBytes?: number;
  /** Commands that may wait for their commit; who comes beyond is refused, `full`. Default 10 000. */
  readonly maxPending?: number;
  /** Events in one commit, after which others have their turn. Default 1 000. */
  readonly maxCommitEvents?: number;
}
