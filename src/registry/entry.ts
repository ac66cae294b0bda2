/** One entry of a registry, as the table keeps it and as an app sees it. */
import type { AnyActorRef } from 'xstate';
import type { Deadline } from '../supervision/deadlines.js';
import type { ExitWatch } from '../supervision/watch.js';
import type { Namespace } from './namespace.js';
import type { Post } from './posts.js';

/** A name and who has it. */
export interface RegistryEntry<Metadata = unknown> {
  readonly namespace: string;
  readonly key: string;
  readonly ref: AnyActorRef;
  /** As it was given; undefined where nothing was. Never change it: `update` replaces it. */
  readonly metadata: Metadata;
}

/** What was said of an entry, before and now; or why it stays. */
export type UpdateOutcome<Metadata = unknown> =
  | { readonly ok: true; readonly metadata: Metadata; readonly before: unknown }
  /** `duplicateKeys`: in such a namespace an owner may have several entries of a name. */
  | { readonly ok: false; readonly reason: 'notOwner' | 'duplicateKeys' | 'closed' };

/** One who has entries: watched once, however many they are. */
export interface Owner {
  readonly ref: AnyActorRef;
  readonly entries: Set<Entry>;
  /** Null while nobody watches. */
  watch: ExitWatch | null;
}

/** A seat in the tree: a child's id, at the post of the supervisor above it. Whoever runs there now has it. */
export interface Seat {
  readonly post: Post;
  readonly id: string;
}

/** One entry at work. Its fields are the table's and its namespace's; apps see {@link RegistryEntry}. */
export class Entry implements Deadline {
  readonly space: Namespace;
  readonly key: string;
  /** Where a successor would run; null for a name that goes with its owner. */
  readonly seat: Seat | null;
  /** Has the seat the name by the registry's own options? */
  readonly isPlanned: boolean;
  /** Null while a successor is awaited. */
  owner: Owner | null = null;
  metadata: unknown;
  /** By what each index knows it. What was noted is what is taken out again, whatever became of the metadata since. */
  indexed: readonly unknown[] | null = null;
  // The deadline's: by when a successor must be there.
  dueAt = 0;
  place = -1;
  readonly #expired: (entry: Entry) => void;

  constructor(space: Namespace, key: string, seat: Seat | null, isPlanned: boolean, expired: (entry: Entry) => void, metadata: unknown) {
    this.space = space;
    this.key = key;
    this.seat = seat;
    this.isPlanned = isPlanned;
    this.#expired = expired;
    this.metadata = metadata;
  }

  expired(): void {
    this.#expired(this);
  }
}

/** An entry as an app sees it. @param ref  its owner */
export function viewOf({ space, key, metadata }: Entry, ref: AnyActorRef): RegistryEntry {
  return { namespace: space.name, key, ref, metadata };
}
