/** How many permits keys have, where that is not as their policy has it: the chart's word, for keys that are in use and for those that are not. */
import type { Changes } from '../../machines/gate/gate-events.js';

type Level = number | null;

export class Levels {
  readonly #most: number;
  /** Set by the app. */
  readonly #limits = new Map<string, Level>();
  /** Found since. */
  readonly #moved = new Map<string, Level>();

  /** @param most  limits that the app may set */
  constructor(most: number) {
    this.#most = most;
  }

  canLimit(key: string): boolean {
    return this.#limits.has(key) || this.#limits.size < this.#most;
  }

  /** @param byPolicy  where nobody has said otherwise */
  of(key: string, byPolicy: Level): Level {
    for (const levels of [this.#moved, this.#limits]) {
      const level = levels.get(key);
      if (level !== undefined) return level;
    }
    return byPolicy;
  }

  note(key: string, level: Level, isSet: boolean): void {
    if (isSet) this.#moved.delete(key);
    (isSet ? this.#limits : this.#moved).set(key, level);
  }

  /** All that the chart remembers. @returns the keys that it is about */
  resume({ limits, levels }: Changes): readonly string[] {
    for (const [key, level] of Object.entries(limits)) this.note(key, level, true);
    for (const [key, level] of Object.entries(levels)) this.note(key, level, false);
    return [...this.#limits.keys(), ...this.#moved.keys()];
  }

  /** What was found; what the app has set stays. @returns whether there was anything */
  forget(key: string): boolean {
    return this.#moved.delete(key);
  }
}
