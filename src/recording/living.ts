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

  /** Follows nobody of a system any more. @returns whether anybody was followed */
  release(root: AnyActorRef): boolean {
    const before = this.#actors.size;
    for (const [path, { actor }] of this.#actors) if (rootOf(actor) === root) this.#actors.delete(path);
    return this.#actors.size < before;
  }
}
