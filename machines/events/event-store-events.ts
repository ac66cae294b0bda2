/** What the chart of an event store is told, orders and emits; what it is given and remembers. */
import type { Backoff } from '../backoff.js';
import type { ExitReason } from '../supervision/exit.js';

/** Input of the event store's machine. */
export interface EventStoreInput {
  /** How long it may take to open, ms. */
  readonly openMs: number;
  /** How long it may take to commit what waits and to close, ms. */
  readonly closeMs: number;
  /** How often it prunes by its policies, ms; null where it has none. */
  readonly pruneEveryMs: number | null;
  /** The pause before it is opened again. */
  readonly backoff: Backoff;
  /** Losses of its engine within the period that it survives, attempts to open it again included; one more, and it fails. */
  readonly intensity: number;
  readonly periodMs: number;
}

/** What an event store may be told. */
export type EventStoreEvent =
  /** Of the actor `engine`. `head`: the highest position that is there. */
  | { readonly type: 'engine.opened'; readonly head: number; readonly isDurable: boolean }
  /** It was never open, and cannot be: to try again would not help; or it was to be closed meanwhile. `code`: of an EspalierError. */
  | { readonly type: 'engine.refused'; readonly code: string }
  /** What it knows may not be what is on the disk, or what was open before cannot be opened again just now: it is tried anew. `at`: monotonic ms. */
  | { readonly type: 'engine.faulted'; readonly error: string; readonly at: number }
  /** It was ended, by nobody's order here. */
  | { readonly type: 'engine.ended'; readonly at: number }
  /** By the policies, all together. */
  | { readonly type: 'engine.pruned'; readonly count: number; readonly through: number }
  /** All that waited is committed, and the file let go of. */
  | { readonly type: 'engine.closed' }
  | { readonly type: 'store.close' }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason };

/** What the chart orders of the actor `engine`. */
export type EngineCommand = { readonly type: 'engine.prune' } | { readonly type: 'engine.close' };

/** What an event store emits. What each commit had passes the chart by. */
export type EventStoreEmitted =
  /** It serves. `head`: the highest position that is there. */
  | { readonly type: 'eventStore.opened'; readonly head: number; readonly isDurable: boolean }
  /** Its engine was lost, or could not be opened again, for the nth time within the period; it is tried anew. */
  | { readonly type: 'eventStore.lost'; readonly error: string; readonly attempt: number }
  /** By its policies. */
  | { readonly type: 'eventStore.pruned'; readonly count: number; readonly through: number }
  /** One commit: events that it added, commands that it carried out or refused. */
  | { readonly type: 'eventStore.committed'; readonly head: number; readonly events: number; readonly commands: number; readonly tookMs: number }
  /** A command was refused. `name`: the stream, the key or the fence. */
  | { readonly type: 'eventStore.refused'; readonly reason: 'fenced' | 'conflict' | 'duplicate'; readonly name: string }
  /** A commit did not come about, and nothing of it was stored, or nobody knows. */
  | { readonly type: 'eventStore.faulted'; readonly error: string }
  /** A subscriber threw, or its events could not be read; it has ended. `position`: up to where it had them; null for none, from the head on. */
  | { readonly type: 'eventStore.subscriptionFailed'; readonly position: number | null; readonly error: string };

/** What an event store knows. */
export interface EventStoreContext extends EventStoreInput {
  /** Losses of the engine within the period, monotonic ms, newest first. */
  readonly losses: readonly number[];
  readonly reason: ExitReason;
}
