/** The actors that have started and not ended, by name; parents before their children. */
import type { AnyActorRef } from 'xstate';

import { rootOf } from '../supervision/xstate-internals.js';
import type { Watched } from './watched.js';

export class Living {
  readonly #actors = new Map<string, Watched>();

  get size(): number {
    return this.#actors.size;
  }

  get(path: string): Watched | undefined {
    return this.#actors.get(path);
  }

  entries(): Iterable<[path: string, watched: Watched]> {
    return this.#actors.entries();
  }

  all(): Iterable<Watched> {
    return this.#actors.values();
  }

  add(path: string, watched: Watched): void {
    this.#actors.set(path, watched);
  }

  remove(path: string): void {
    this.#actors.delete(path);
  }

  clear(): void {
    this.#actors.clear();
  }

  /** Does anybody live in the system of a root? */
  isAny(root: AnyActorRef): boolean {
    for (const { actor } of this.#actors.values()) if (rootOf(actor) === root) return true;
    return false;
  }

  /** Follows nobody of a system any more. @returns who was followed */
  release(root: AnyActorRef): readonly Watched[] {
    const gone = [...this.#actors].filter(([, { actor }]) => rootOf(actor) === root);
    for (const [path] of gone) this.#actors.delete(path);
    return gone.map(([, watched]) => watched);
  }
}
