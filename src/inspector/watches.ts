/** Which branches a viewer watches, and how. Of several that an actor is in, the longest counts. */
import { type Detail, isIn } from './protocol.js';

/** Most branches that one viewer watches. */
export const mostWatches = 256;

export class Watches {
  readonly #details = new Map<string, Detail>();

  get isEmpty(): boolean {
    return this.#details.size === 0;
  }

  /** @returns false where there are too many already */
  set(branch: string, detail: Detail): boolean {
    if (!this.#details.has(branch) && this.#details.size >= mostWatches) return false;
    this.#details.set(branch, detail);
    return true;
  }

  has(branch: string): boolean {
    return this.#details.has(branch);
  }

  /** @returns whether it was watched */
  delete(branch: string): boolean {
    return this.#details.delete(branch);
  }

  /** How an actor is watched; null: not at all. */
  detailOf(actor: string): Detail | null {
    const { size } = this.#details;
    if (size === 0) return null;
    // From the actor upwards: the longest first.
    for (let branch = actor; branch !== ''; branch = branch.slice(0, Math.max(0, branch.lastIndexOf('/')))) {
      const detail = this.#details.get(branch);
      if (detail !== undefined) return detail;
    }
    return this.#details.get('') ?? null;
  }

  /** The branches that are in no other one. */
  outermost(): string[] {
    return outermostOf([...this.#details.keys()]);
  }

  /** The branches that are watched in full. */
  full(): string[] {
    return [...this.#details].flatMap(([branch, detail]) => (detail === 'full' ? [branch] : []));
  }
}

/** The branches that are in no other one of these. */
export function outermostOf(branches: readonly string[]): string[] {
  return [...new Set(branches)].filter((branch) => !branches.some((other) => other !== branch && isIn(other, branch)));
}
