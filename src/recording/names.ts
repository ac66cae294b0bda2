/**
 * Names for actors that hold from run to run: `app/pool/worker#3` is the third worker that the pool has had.
 *
 * XState's session ids count all actors of the process, so they differ from run to run. A name is the way down from the root; `#n` is the n-th actor of
 * that id below that parent (left out for the first, unless the id itself ends so), `~n` the n-th without an id of its own. In ids, `/` is written
 * `%2F`, `%` is `%25`, and a leading `~` is `%7E`.
 *
 * What is kept is bounded, however long a system lives: of those that have ended, session ids for a while, and below each parent the numbers of the
 * latest ids. An id that was forgotten goes on from the highest number that was.
 */
import type { AnyActorRef } from 'xstate';

import { parentOf } from '../supervision/xstate-internals.js';
import type { Naming } from './portable.js';

interface Named {
  path: string | undefined;
  readonly base: string;
  readonly isNameless: boolean;
  /** Which of its id, below its parent; for a root, 0 until it is asked for. */
  n: number;
  readonly parent: Named | undefined;
  /** How often each id was used below it. */
  children: Counts | undefined;
}

/** How many session ids of actors that have ended are still known: for what is said of them after. */
const mostEnded = 1_000;
/** How many session ids are known in all: those of actors that are never started are not told to have ended. */
const mostSessions = 1_000_000;
/** How many ids are counted below each parent. */
const mostIds = 10_000;

/** How often each id was used. */
class Counts {
  readonly #counts = new Map<string, number>();
  /** The highest number that was forgotten. */
  #forgotten = 0;

  bump(key: string): number {
    const count = (this.#counts.get(key) ?? this.#forgotten) + 1;
    this.#set(key, count);
    return count;
  }

  /** At least so many. */
  atLeast(key: string, count: number): void {
    this.#set(key, Math.max(this.#counts.get(key) ?? 0, count));
  }

  #set(key: string, count: number): void {
    this.#counts.set(key, count);
    if (this.#counts.size <= mostIds) return;
    const [oldest] = this.#counts.keys();
    if (oldest === undefined) return;
    this.#forgotten = Math.max(this.#forgotten, this.#counts.get(oldest) ?? 0);
    this.#counts.delete(oldest);
  }
}

export class ActorNames implements Naming {
  readonly #named = new WeakMap<AnyActorRef, Named>();
  #roots = new Counts();
  readonly #sessions = new Map<string, Named>();
  /** Session ids of those that have ended, in a ring. */
  readonly #ended: string[] = [];
  #oldest = 0;
  readonly #clean: (text: string) => string;

  /** @param clean  what an id looks like to those who may read it */
  constructor(clean: (text: string) => string = (text) => text) {
    this.#clean = clean;
  }

  /** How many actors have been noted and not forgotten. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Takes note of an actor that has just been created: its number is that of its creation. */
  note(actor: AnyActorRef): void {
    this.#sessions.set(actor.sessionId, this.#of(actor));
    if (this.#sessions.size <= mostSessions) return;
    const [oldest] = this.#sessions.keys();
    if (oldest !== undefined) this.#sessions.delete(oldest);
  }

  /** An actor has ended: it will be spoken of a little longer. */
  ended(actor: AnyActorRef): void {
    const before = this.#ended[this.#oldest];
    if (before !== undefined) this.#sessions.delete(before);
    this.#ended[this.#oldest] = actor.sessionId;
    this.#oldest = (this.#oldest + 1) % mostEnded;
  }

  /** Gives an actor a name that is known already. */
  adopt(actor: AnyActorRef, path: string): void {
    const { base, n, isNameless } = readSegment(path.slice(path.lastIndexOf('/') + 1));
    const above = parentOf(actor);
    this.#named.set(actor, { path, base, isNameless, n, parent: above === undefined ? undefined : this.#of(above), children: undefined });
  }

  /** Counts the children that come on from one that is there. */
  countOn(parent: AnyActorRef, path: string): void {
    const { base, n } = readSegment(path.slice(path.lastIndexOf('/') + 1));
    (this.#of(parent).children ??= new Counts()).atLeast(base, n);
  }

  pathOf(actor: AnyActorRef): string {
    return this.#path(this.#of(actor));
  }

  #path(named: Named): string {
    if (named.path === undefined) {
      if (named.parent === undefined) named.n = this.#roots.bump(named.base);
      const segment = writeSegment(named);
      named.path = named.parent === undefined ? segment : `${this.#path(named.parent)}/${segment}`;
    }
    return named.path;
  }

  /** A session id becomes `x:` and the actor's name; so does an event type of XState's own that ends with one. */
  textOf(text: string): string {
    // Asked of every text that is written.
    if (text.charCodeAt(0) !== 0x78) return text;
    const at = text.startsWith('x:') ? 0 : text.startsWith('xstate.') ? afterLast(text, '.') : -1;
    if (at < 0) return text;
    const named = this.#sessions.get(text.slice(at));
    return named === undefined ? text : `${text.slice(0, at)}x:${this.#path(named)}`;
  }

  /** Lets go of every session id. */
  forget(): void {
    this.#sessions.clear();
    this.#ended.length = 0;
    this.#oldest = 0;
    this.#roots = new Counts();
  }

  #of(actor: AnyActorRef): Named {
    const known = this.#named.get(actor);
    if (known !== undefined) return known;
    const above = parentOf(actor);
    const parent = above === undefined ? undefined : this.#of(above);
    const hasOwnId = actor.id !== actor.sessionId;
    const isNameless = !hasOwnId && parent !== undefined;
    const base = hasOwnId ? escaped(this.#clean(actor.id)) : isNameless ? '~' : 'root';
    const n = parent === undefined ? 0 : (parent.children ??= new Counts()).bump(base);
    const named: Named = { path: undefined, base, isNameless, n, parent, children: undefined };
    this.#named.set(actor, named);
    return named;
  }
}

/** Where the part after the last `mark` begins; -1 without one. */
function afterLast(text: string, mark: string): number {
  const at = text.lastIndexOf(mark);
  return at < 0 ? -1 : at + mark.length;
}

function escaped(id: string): string {
  return id.replaceAll('%', '%25').replaceAll('/', '%2F').replace(/^~/, '%7E');
}

function writeSegment({ base, n, isNameless }: Pick<Named, 'base' | 'n' | 'isNameless'>): string {
  if (isNameless) return `~${n}`;
  return n === 1 && !/#\d+$/.test(base) ? base : `${base}#${n}`;
}

function readSegment(segment: string): Pick<Named, 'base' | 'n' | 'isNameless'> {
  if (segment.startsWith('~')) return { base: '~', n: Number(segment.slice(1)), isNameless: true };
  const at = segment.search(/#\d+$/);
  return at < 0 ? { base: segment, n: 1, isNameless: false } : { base: segment.slice(0, at), n: Number(segment.slice(at + 1)), isNameless: false };
}

/** The id that the last part of a name was made from; null for an actor without one. */
export function idOfPath(path: string): string | null {
  const { base, isNameless } = readSegment(path.slice(path.lastIndexOf('/') + 1));
  return isNameless ? null : base.replace(/^%7E/, '~').replaceAll('%2F', '/').replaceAll('%25', '%');
}
