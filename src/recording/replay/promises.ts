/** Promises that a replayed step has put into a context: there is nobody in a replay who would take care of one that is rejected, which ends a process. */
import { isPlain, looksLikeActor } from '../portable.js';
import { standsFor } from '../revive.js';

/** So many parts of a context are looked at after each step; of the others only those that no step before has had. */
const mostAgain = 1_000;
/** Deeper, and more, is not looked at: as it is not copied. */
const most = { depth: 200, parts: 200_000 } as const;

export class Promises {
  readonly #known = new WeakSet<object>();

  /** Takes care of every promise in a value, in plain data, maps and sets. Never throws. */
  calm(value: unknown): void {
    try {
      this.#walk(value);
    } catch {
      // A value that throws where it is read is told as such by who writes it.
    }
  }

  #walk(value: unknown): void {
    const now = new Set<object>();
    const inside = (inner: unknown, depth: number): void => {
      if (typeof inner !== 'object' || inner === null || depth > most.depth || now.size > most.parts || now.has(inner)) return;
      if (now.size > mostAgain && this.#known.has(inner)) return;
      now.add(inner);
      this.#known.add(inner);
      if (standsFor(inner) !== undefined || looksLikeActor(inner)) return;
      if (inner instanceof Promise) void Promise.prototype.then.call(inner, undefined, () => undefined);
      else for (const part of partsOf(inner)) inside(part, depth + 1);
    };
    inside(value, 0);
  }
}

function partsOf(value: object): Iterable<unknown> {
  if (Array.isArray(value) || value instanceof Set) return value as Iterable<unknown>;
  if (value instanceof Map) return [...(value as Map<unknown, unknown>)].flat();
  return isPlain(value) ? Object.values(value) : [];
}
