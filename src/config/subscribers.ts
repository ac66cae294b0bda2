/** Actors that are told of changes. Each is watched: one that has ended is forgotten at once, and told nothing. */
import type { AnyActorRef } from 'xstate';
import type { Because } from '../../machines/config/config-events.js';
import { type ExitWatch, exitReason, onExit } from '../supervision/watch.js';
import { isWithin, type Path, textOf } from './paths.js';

/** What a subscriber is sent. It holds no value: `get` has them. */
export interface ConfigChanged {
  readonly type: 'config.changed';
  readonly version: number;
  /** What has changed of that which it subscribed to. */
  readonly paths: readonly string[];
  readonly because: Because;
}

interface Subscription {
  readonly actor: AnyActorRef;
  readonly path: Path;
}

export class Subscribers {
  readonly #most: number;
  readonly #forgotten: (subscriber: string) => void;
  readonly #all = new Set<Subscription>();
  /** One for each actor, however often it has subscribed. */
  readonly #watches = new Map<AnyActorRef, ExitWatch>();

  /** @param forgotten  told of each that has ended */
  constructor(most: number, forgotten: (subscriber: string) => void) {
    this.#most = most;
    this.#forgotten = forgotten;
  }

  get size(): number {
    return this.#all.size;
  }

  get isFull(): boolean {
    return this.#all.size >= this.#most;
  }

  /** @param path  empty for all @returns what ends it; null for one that has ended */
  add(actor: AnyActorRef, path: Path): (() => boolean) | null {
    if (exitReason(actor) !== null) return null;
    const subscription: Subscription = { actor, path };
    this.#all.add(subscription);
    if (!this.#watches.has(actor))
      this.#watches.set(
        actor,
        onExit(actor, () => this.#forget(actor)),
      );
    return () => {
      const was = this.#all.delete(subscription);
      if (was && ![...this.#all].some((other) => other.actor === actor)) this.#unwatch(actor);
      return was;
    };
  }

  tell(version: number, paths: readonly Path[], because: Because): void {
    for (const { actor, path } of [...this.#all]) {
      const theirs = paths.filter((changed) => isWithin(changed, path) || isWithin(path, changed));
      // One that was told before it may have ended another.
      if (theirs.length === 0 || exitReason(actor) !== null) continue;
      actor.send({ type: 'config.changed', version, paths: theirs.map(textOf), because } satisfies ConfigChanged);
    }
  }

  clear(): void {
    for (const actor of [...this.#watches.keys()]) this.#unwatch(actor);
    this.#all.clear();
  }

  #unwatch(actor: AnyActorRef): void {
    this.#watches.get(actor)?.unsubscribe();
    this.#watches.delete(actor);
  }

  #forget(actor: AnyActorRef): void {
    this.#unwatch(actor);
    for (const subscription of [...this.#all]) if (subscription.actor === actor) this.#all.delete(subscription);
    this.#forgotten(actor.id);
  }
}
