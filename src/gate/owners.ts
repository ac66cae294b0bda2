/**
 * On whose life permits and waits depend: actors and abort signals.
 *
 * Each is watched once, however much depends on it. Who watches is an actor (watchers.ts) that may be killed: the owners stay, and the next watcher looks
 * at each of them, so that an end in between is found then.
 */
import type { AnyActorRef } from 'xstate';
import { exitReason, onExit } from '../supervision/watch.js';

/** What owns something: an actor, or a signal. */
export type Subject = AnyActorRef | AbortSignal;

/** Something that depends on owners. */
export interface Owned {
  ownerEnded(owner: Owner): void;
}

/** One who is watched. */
export interface Owner {
  readonly subject: Subject;
  readonly isActor: boolean;
  readonly owned: Set<Owned>;
  /** Ends the watching; null while nobody watches. */
  unwatch: (() => void) | null;
}

/** Sees one owner's end: calls `ended` once, at once where it has ended already. @returns what ends the watching */
export type Watch = (owner: Owner, ended: () => void) => () => void;

/** Has it ended already? */
export function isOver(subject: Subject): boolean {
  return 'aborted' in subject ? subject.aborted : exitReason(subject) !== null;
}

/** Watches by a listener, of the actor's end or of the signal's abortion. */
export const watchEnd: Watch = ({ subject }, ended) => {
  if (!('aborted' in subject)) {
    const watch = onExit(subject, ended);
    return () => {
      watch.unsubscribe();
    };
  }
  if (subject.aborted) ended();
  else subject.addEventListener('abort', ended, { once: true });
  return () => subject.removeEventListener('abort', ended);
};

/** The owners of all that one gate has granted, or let wait. */
export class Owners {
  readonly #owners = new Map<Subject, Owner>();
  readonly #reclaim: (owners: readonly Owner[]) => void;
  #watch: Watch | null = null;

  /** @param reclaim  told of owners that have ended, and own something */
  constructor(reclaim: (owners: readonly Owner[]) => void) {
    this.#reclaim = reclaim;
  }

  /** How many are watched. */
  get size(): number {
    return this.#owners.size;
  }

  /** All that depends on somebody. */
  *owned(): Generator<Owned> {
    for (const { owned } of this.#owners.values()) yield* owned;
  }

  /** Lets something depend on a subject that has not ended. */
  tie(owned: Owned, subject: Subject): Owner {
    let owner = this.#owners.get(subject);
    if (owner === undefined) {
      owner = { subject, isActor: !('aborted' in subject), owned: new Set(), unwatch: null };
      this.#owners.set(subject, owner);
    }
    owner.owned.add(owned);
    if (owner.unwatch === null && this.#watch !== null) this.#begin(owner, this.#watch);
    return owner;
  }

  untie(owned: Owned, owner: Owner): void {
    owner.owned.delete(owned);
    if (owner.owned.size === 0) this.#forget(owner);
  }

  /** A watcher begins: whoever ended while there was none is found. */
  attach(watch: Watch): void {
    this.#watch = watch;
    const all = [...this.#owners.values()];
    // At once: else what the first has held would be granted to the next, who has ended too.
    const over = all.filter(({ subject }) => isOver(subject));
    for (const owner of over) this.#forget(owner);
    if (over.length > 0) this.#reclaim(over);
    for (const owner of all) if (this.#owners.get(owner.subject) === owner) this.#begin(owner, watch);
  }

  /** A watcher ends; everybody stays. Nothing happens for one that another has replaced. */
  detach(watch: Watch): void {
    if (this.#watch !== watch) return;
    this.#watch = null;
    for (const owner of this.#owners.values()) this.#stop(owner);
  }

  /** Lets go of all. */
  clear(): void {
    for (const owner of this.#owners.values()) this.#stop(owner);
    this.#owners.clear();
  }

  #begin(owner: Owner, watch: Watch): void {
    this.#stop(owner);
    const unwatch = watch(owner, () => {
      this.#forget(owner);
      this.#reclaim([owner]);
    });
    // One that has ended already is told of within the call.
    if (this.#owners.get(owner.subject) === owner) owner.unwatch = unwatch;
  }

  #forget(owner: Owner): void {
    this.#stop(owner);
    if (this.#owners.get(owner.subject) === owner) this.#owners.delete(owner.subject);
  }

  #stop(owner: Owner): void {
    const { unwatch } = owner;
    owner.unwatch = null;
    unwatch?.();
  }
}
