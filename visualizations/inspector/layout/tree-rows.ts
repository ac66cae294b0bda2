/** The tree as rows: who is seen, in which order, how deep. Pure; made anew when there are other actors, another search, or a branch was opened. */
import { type ActorView, hasEnded, hasFailed, stateNames } from '../state/actor-view.js';
import type { Filter } from '../state/state.js';
import { retriesOf } from '../state/supervision.js';

export interface TreeRow {
  readonly path: string;
  /** From 1. */
  readonly depth: number;
  /** How many are below it, at any depth. */
  readonly below: number;
  readonly isOpen: boolean;
  /** Of it and its siblings: which it is, from 1, and how many they are. */
  readonly place: number;
  readonly siblings: number;
  /** When the next attempt to start it is due, monotonic ms; null: it does not wait for one. */
  readonly retryAt: number | null;
}

export interface TreeOptions {
  readonly query: string;
  readonly filter: Filter;
  readonly toggled: ReadonlySet<string>;
  readonly showsPools: boolean;
}

/** A branch with more children than this is closed until somebody opens it. */
export const openUpTo = 200;
/** Most ended children that a branch shows, the newest; the filter `ended` shows all. */
const mostEnded = 20;

export function treeRows(actors: ReadonlyMap<string, ActorView>, options: TreeOptions): readonly TreeRow[] {
  return new Planting(actors, options).rows();
}

class Planting {
  readonly #actors: ReadonlyMap<string, ActorView>;
  readonly #options: TreeOptions;
  readonly #words: readonly string[];
  readonly #children = new Map<string | null, string[]>();
  readonly #retries = new Map<string, number>();
  readonly #below = new Map<string, number>();
  readonly #isSought: boolean;

  constructor(actors: ReadonlyMap<string, ActorView>, options: TreeOptions) {
    this.#actors = actors;
    this.#options = options;
    this.#words = options.query.toLowerCase().split(/\s+/u).filter(Boolean);
    this.#isSought = this.#words.length > 0 || options.filter !== 'all';
    for (const actor of actors.values()) {
      const parent = this.#parentOf(actor);
      const siblings = this.#children.get(parent);
      if (siblings === undefined) this.#children.set(parent, [actor.path]);
      else siblings.push(actor.path);
      for (const { id, dueAt } of retriesOf(actor)) this.#retries.set(`${actor.path} ${id}`, dueAt);
    }
    // Whoever was restarted started last, and keeps the place of the one before.
    for (const siblings of this.#children.values()) siblings.sort((one, other) => this.#seatOf(one) - this.#seatOf(other));
  }

  rows(): readonly TreeRow[] {
    const rows: TreeRow[] = [];
    this.#gather(null, 1, rows);
    return rows;
  }

  #gather(parent: string | null, depth: number, rows: TreeRow[]): void {
    const shown = this.#shownChildren(parent);
    for (const [index, path] of shown.entries()) {
      const actor = this.#actors.get(path) as ActorView;
      const below = this.#belowOf(path);
      const isOpen = below > 0 && this.#isOpen(path);
      rows.push({ path, depth, below, isOpen, place: index + 1, siblings: shown.length, retryAt: this.#retryOf(actor) });
      if (isOpen) this.#gather(path, depth + 1, rows);
    }
  }

  #shownChildren(parent: string | null): readonly string[] {
    const children = this.#children.get(parent) ?? [];
    if (this.#isSought) return children.filter((path) => this.#isFound(path) || this.#belowOf(path) > 0);
    const ended = children.filter((path) => this.#isOver(path));
    const hidden = new Set(ended.filter((path) => isReplaced(this.#actors.get(path))).concat(ended.slice(0, -mostEnded)));
    return hidden.size === 0 ? children : children.filter((path) => !hidden.has(path));
  }

  /** How many rows are below a row that is open. */
  #belowOf(path: string): number {
    const known = this.#below.get(path);
    if (known !== undefined) return known;
    this.#below.set(path, 0);
    const below = this.#shownChildren(path).reduce((sum, child) => sum + 1 + this.#belowOf(child), 0);
    this.#below.set(path, below);
    return below;
  }

  #isOpen(path: string): boolean {
    const isOpenByItself = this.#isSought || (this.#children.get(path)?.length ?? 0) <= openUpTo || this.#children.get(null)?.includes(path) === true;
    return isOpenByItself !== this.#options.toggled.has(path);
  }

  #isFound(path: string): boolean {
    const actor = this.#actors.get(path) as ActorView;
    if (!this.#passes(actor)) return false;
    if (this.#words.length === 0) return true;
    const text = `${path} ${actor.logic} ${actor.machine ?? ''} ${stateNames(actor.value).join(' ')} ${actor.status}`.toLowerCase();
    return this.#words.every((word) => text.includes(word));
  }

  #passes(actor: ActorView): boolean {
    switch (this.#options.filter) {
      case 'all':
        return !isReplaced(actor) || !hasEnded(actor);
      case 'running':
        return !hasEnded(actor);
      case 'ended':
        return hasEnded(actor);
      case 'troubled':
        return !isReplaced(actor) && (hasFailed(actor) || this.#retryOf(actor) !== null || (!hasEnded(actor) && actor.run > 1));
    }
  }

  #seatOf(path: string): number {
    return this.#actors.get(path)?.seat ?? 0;
  }

  #isOver(path: string): boolean {
    const actor = this.#actors.get(path) as ActorView;
    return hasEnded(actor) && this.#retryOf(actor) === null;
  }

  #retryOf({ path, parent, id, replacedBy }: ActorView): number | null {
    if (replacedBy !== null || parent === null) return null;
    const above = this.#actors.get(parent);
    const supervisor = above?.logic === 'pool' ? above.parent : parent;
    const due = this.#retries.get(`${supervisor ?? ''} ${id}`);
    return due === undefined || !hasEnded(this.#actors.get(path) as ActorView) ? null : due;
  }

  /** Under whom it is shown: the children of a pool are those of its supervisor, unless pools have rows. */
  #parentOf({ path, parent, logic }: ActorView): string | null {
    if (!this.#options.showsPools && logic === 'pool' && parent !== null && this.#actors.has(parent)) return `hidden ${path}`;
    if (parent === null) return null;
    const above = this.#actors.get(parent);
    if (above === undefined) return null;
    return !this.#options.showsPools && above.logic === 'pool' && above.parent !== null ? above.parent : parent;
  }
}

function isReplaced(actor: ActorView | undefined): boolean {
  return actor?.replacedBy !== null && actor?.replacedBy !== undefined;
}

/** How the children of an actor are called, for one that is shown below another. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
