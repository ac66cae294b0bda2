/**
 * Who goes by which name.
 *
 * Everything happens within one turn of the event loop: of any number who ask for one name, the first has it. An owner is watched once, and an entry belongs
 * to its owner, not only to its name: news of a death takes away what the dead still had, and never what a successor has got since. Whoever asks between a
 * death and the news of it is answered as if it had come.
 *
 * The table outlives the actor that watches owners, and the registry itself: the next one opens it again, and looks at everybody.
 */
import type { AnyActorRef } from 'xstate';
import type { NameLoss, NameRefusal, RegistryEmitted } from '../../machines/registry/registry-events.js';
import type { Clock } from '../supervision/clock.js';
import { DeadlineQueue } from '../supervision/deadlines.js';
import { onExit } from '../supervision/watch.js';
import { hasStopped, isUnstarted } from '../supervision/xstate-internals.js';
import { Entry, type Owner, type RegistryEntry, type UpdateOutcome, viewOf } from './entry.js';
import { Namespace } from './namespace.js';
import { defaultNamespace, type RegistryPlan } from './options.js';
import { Outbox } from './outbox.js';
import { type Post, Posts } from './posts.js';
import type { RegistryQuery } from './query.js';
import { invalid } from './refusal.js';
import type { WaitForOutcome } from './wait.js';
import { Waits } from './waits.js';

/** Why a name was not given, and who has it where somebody does. */
export interface NameRefused {
  readonly ok: false;
  readonly reason: NameRefusal;
  readonly ref?: AnyActorRef;
}

/** Words that a registry remembers at most. */
const mostWords = 1_000;

const given = { ok: true } as const;
const none: ReadonlySet<Entry> = new Set();

/** Dead, or about to be told so: asked at every lookup, and so of what is at hand. */
function isOver(ref: AnyActorRef): boolean {
  if (hasStopped(ref)) return true;
  const { status } = (ref.getSnapshot() ?? {}) as { status?: string };
  return status === 'done' || status === 'error';
}

/** Of the methods only those throw that say so. Arguments were checked before. */
export class NameTable {
  /** Whose table it is now; null while no registry runs. */
  registry: AnyActorRef | null = null;
  /** What the registry itself was told to remember. */
  readonly words = new Map<string, unknown>();
  readonly #plan: RegistryPlan;
  readonly #spaces = new Map<string, Namespace>();
  readonly #owners = new Map<AnyActorRef, Owner>();
  /** Of names that stand empty. */
  readonly #deadlines: DeadlineQueue;
  readonly #waits: Waits;
  readonly #outbox = new Outbox();
  readonly #posts: Posts;
  readonly #expired = (entry: Entry): void => this.#giveUp(entry);
  /** Where it listened before it was detached. */
  #tops: ReadonlyMap<Post, AnyActorRef> = new Map();
  #isWatching = false;
  #isPlanned = false;
  #size = 0;

  constructor(plan: RegistryPlan, clock: Clock) {
    this.#plan = plan;
    this.#waits = new Waits(clock, plan.maxWaiting, (space) => this.#drop(space));
    this.#deadlines = new DeadlineQueue(clock);
    this.#posts = new Posts({
      taken: (entry, ref) => this.#change(() => this.#succeed(entry, ref)),
      lost: (entry) => this.#giveUp(entry),
    });
  }

  /** Does something that others may hear of, once all is in order. */
  #change<Result>(act: () => Result): Result {
    this.#outbox.begin();
    try {
      return act();
    } finally {
      this.#outbox.end();
    }
  }

  /** How many entries there are, who waits, owners and supervisors that are watched. */
  get counts(): { readonly entries: number; readonly waiting: number; readonly owners: number; readonly posts: number } {
    return { entries: this.#size, waiting: this.#waits.size, owners: this.#owners.size, posts: this.#posts.size };
  }

  /** Namespaces that are in use. */
  get namespaces(): readonly string[] {
    return [...this.#spaces.keys()];
  }

  space(name: string): Namespace {
    return this.#spaces.get(name) ?? new Namespace(name, this.#plan.space(name));
  }

  /**
   * A registry begins, or its watch does again: everybody is looked at.
   * @returns owners that live, and those that had ended unseen
   */
  open(registry: AnyActorRef, emit: (fact: RegistryEmitted) => void): { readonly kept: number; readonly gone: number } {
    this.registry = registry;
    this.#outbox.emit = emit;
    this.#isWatching = true;
    return this.#change(() => this.#lookAtAll(registry));
  }

  #lookAtAll(registry: AnyActorRef): { readonly kept: number; readonly gone: number } {
    if (!this.#isPlanned) this.#planNames(registry);
    const owners = [...this.#owners.values()];
    const gone = owners.filter(({ ref }) => isOver(ref));
    // One that has ended is told of within the call, and its entries go.
    for (const owner of owners) if (this.#owners.get(owner.ref) === owner) this.#watch(owner);
    for (const space of this.#spaces.values())
      for (const entry of space.all()) if (entry.owner === null && entry.place < 0 && !entry.isPlanned) this.#await(entry);
    this.#posts.attach(this.#tops);
    return { kept: owners.length - gone.length, gone: gone.length };
  }

  /** Its watch is lost. Names, waits and deadlines stay. */
  detach(): void {
    if (!this.#isWatching) return;
    this.#isWatching = false;
    this.#tops = this.#posts.detach();
    for (const owner of this.#owners.values()) {
      owner.watch?.unsubscribe();
      owner.watch = null;
    }
  }

  /** The registry has ended: who waits is told. Names stay for the next one. Twice is once. */
  suspend(registry: AnyActorRef): void {
    if (this.registry !== registry) return;
    this.detach();
    this.registry = null;
    this.#outbox.emit = null;
    this.#waits.close();
    this.#deadlines.clear();
  }

  /** Forgets every name: nothing of it is left for a next one. */
  clear(): void {
    for (const entry of [...this.#spaces.values()].flatMap((space) => [...space.all()])) this.#remove(entry, 'cleared');
    this.#spaces.clear();
    this.#posts.clear();
    this.#tops = new Map();
    this.#isPlanned = false;
    this.words.clear();
  }

  #planNames(registry: AnyActorRef): void {
    this.#isPlanned = true;
    for (const [key, path] of this.#plan.names) {
      const seat = this.#posts.seatBeside(registry, path);
      this.#add(new Entry(this.space(defaultNamespace), key, seat, true, this.#expired, undefined), null);
      // It may run already: the registry is not always the first.
      seat?.post.look(seat.id);
    }
  }

  /** Gives a name. @param isStarting  the actor will be started within the call. @throws EspalierError `registry/invalid-options`, and then nothing has happened */
  register(namespace: string, key: string, ref: AnyActorRef, metadata: unknown, follow: boolean, isStarting: boolean): typeof given | NameRefused {
    this.#outbox.begin();
    try {
      const refused = this.#register(namespace, key, ref, metadata, follow, isStarting);
      if (refused !== null) this.#outbox.add({ type: 'registry.refused', namespace, key, owner: ref.id, reason: refused.reason });
      return refused ?? given;
    } finally {
      this.#outbox.end();
    }
  }

  #register(namespace: string, key: string, ref: AnyActorRef, metadata: unknown, follow: boolean, isStarting: boolean): NameRefused | null {
    const refuse = (reason: NameRefusal): NameRefused => ({ ok: false, reason });
    if (this.registry === null) return refuse('closed');
    // Whatever reading it sets off, what is asked below is so afterwards.
    const noted = this.space(namespace).noted(metadata);
    if (isOver(ref)) return refuse('noproc');
    if (!isStarting && isUnstarted(ref)) return refuse('notRunning');
    if (namespace === defaultNamespace && this.#plan.reserved.has(key)) return refuse('reserved');
    const space = this.space(namespace);
    const entry = space.isUnique ? this.#living(space.get(key)) : undefined;
    if (entry !== undefined) {
      if (entry.owner !== null) return { ok: false, reason: 'alreadyRegistered', ref: entry.owner.ref };
      if (entry.seat === null || !this.#posts.isAt(entry.seat, ref)) return refuse(entry.isPlanned ? 'reserved' : 'awaited');
      if (metadata !== undefined) space.describe(entry, metadata, noted);
      this.#succeed(entry, ref);
      return null;
    }
    if (this.#size >= this.#plan.maxEntries) return refuse('full');
    const seat = follow ? this.#posts.seatOf(ref) : null;
    if (follow && seat === null) return refuse('notSupervised');
    this.#give(this.#add(new Entry(space, key, seat, false, this.#expired, metadata), noted), ref);
    this.#outbox.add({ type: 'registry.registered', namespace, key, owner: ref.id });
    return null;
  }

  /** The entry without its owner, where that has died unheard. Undefined where nothing is left of it. */
  #living(entry: Entry | undefined): Entry | undefined {
    if (entry === undefined || entry.owner === null || !isOver(entry.owner.ref)) return entry;
    this.#end(entry.owner);
    return entry.space.get(entry.key) === entry ? entry : undefined;
  }

  #add(entry: Entry, noted: readonly unknown[] | null): Entry {
    const { space, seat } = entry;
    this.#spaces.set(space.name, space.add(entry, noted));
    this.#size++;
    if (seat !== null) this.#posts.hold(entry, seat);
    return entry;
  }

  #give(entry: Entry, ref: AnyActorRef): void {
    let owner = this.#owners.get(ref);
    if (owner === undefined) {
      owner = { ref, entries: new Set(), watch: null };
      this.#owners.set(ref, owner);
    }
    entry.owner = owner;
    owner.entries.add(entry);
    if (owner.watch === null && this.#isWatching) this.#watch(owner);
    this.#waits.named(entry.space, entry.key, ref, entry.metadata);
  }

  #watch(owner: Owner): void {
    owner.watch = onExit(owner.ref, () => {
      if (this.#owners.get(owner.ref) === owner) this.#change(() => this.#end(owner));
    });
  }

  /** An owner is dead: what it had is free, or awaits its successor. */
  #end(owner: Owner): void {
    this.#owners.delete(owner.ref);
    owner.watch?.unsubscribe();
    owner.watch = null;
    let vacant: Entry[] | undefined;
    for (const entry of owner.entries) {
      if (entry.seat === null && !entry.isPlanned) this.#remove(entry, 'ended');
      else {
        this.#vacate(entry);
        (vacant ??= []).push(entry);
      }
    }
    // Last: somebody may run in the seat by now, and take it at once.
    for (const { owner: next, seat } of vacant ?? []) if (next === null && seat !== null) seat.post.look(seat.id);
  }

  #vacate(entry: Entry): void {
    const { space, key, owner } = entry;
    entry.owner = null;
    owner?.entries.delete(entry);
    this.#outbox.add({ type: 'registry.vacated', namespace: space.name, key, owner: owner?.ref.id ?? '' });
    if (!entry.isPlanned) this.#await(entry);
  }

  #await(entry: Entry): void {
    if (this.registry !== null) this.#deadlines.add(entry, this.#plan.successorMs);
  }

  /** Somebody runs in the seat of a name. */
  #succeed(entry: Entry, ref: AnyActorRef): void {
    if (entry.owner?.ref === ref || isOver(ref)) return;
    if (entry.owner !== null) {
      if (!isOver(entry.owner.ref)) return;
      this.#end(entry.owner);
      if (entry.owner !== null) return;
    }
    this.#deadlines.remove(entry);
    this.#give(entry, ref);
    this.#outbox.add({ type: 'registry.succeeded', namespace: entry.space.name, key: entry.key, owner: ref.id });
  }

  /** No successor comes. */
  #giveUp(entry: Entry): void {
    if (entry.owner !== null || entry.isPlanned) return;
    this.#change(() => this.#remove(entry, 'notSucceeded'));
  }

  #remove(entry: Entry, because: NameLoss): void {
    const { space, key, owner, seat } = entry;
    this.#size--;
    space.remove(entry);
    this.#deadlines.remove(entry);
    entry.owner = null;
    if (owner !== null) {
      owner.entries.delete(entry);
      if (owner.entries.size === 0 && this.#owners.get(owner.ref) === owner) {
        this.#owners.delete(owner.ref);
        owner.watch?.unsubscribe();
      }
    }
    if (seat !== null) this.#posts.release(entry, seat);
    this.#drop(space);
    this.#outbox.add({ type: 'registry.unregistered', namespace: space.name, key, owner: owner?.ref.id ?? null, because });
  }

  /** Takes the owner's entries of a name away, or those that `filter` wants; a planned one stays. @returns how many. @throws what `filter` throws */
  unregister(namespace: string, key: string, ref: AnyActorRef, filter?: (entry: RegistryEntry) => boolean): number {
    const space = this.registry === null ? undefined : this.#spaces.get(namespace);
    if (space === undefined) return 0;
    let mine: Entry[] = [];
    for (const entry of space.of(key)) if (entry.owner?.ref === ref && !entry.isPlanned) mine.push(entry);
    // What a filter does may take some away.
    if (filter !== undefined) mine = mine.filter((entry) => filter(viewOf(entry, ref))).filter((entry) => entry.owner?.ref === ref);
    this.#outbox.begin();
    for (const entry of mine) this.#remove(entry, 'asked');
    this.#outbox.end();
    return mine.length;
  }

  /** Everything of a namespace but planned names. @returns how many entries */
  clearSpace(namespace: string): number {
    if (this.registry === null) return 0;
    const all = [...this.space(namespace).all()].filter(({ isPlanned }) => !isPlanned);
    this.#change(() => {
      for (const entry of all) this.#remove(entry, 'cleared');
    });
    return all.length;
  }

  /** The owner of a unique name. @throws EspalierError `registry/invalid-options` where keys are duplicate */
  whereis(namespace: string, key: string): AnyActorRef | undefined {
    const ref = this.#spaces.get(namespace)?.get(key)?.owner?.ref;
    if (ref !== undefined) return isOver(ref) ? undefined : ref;
    if (this.#plan.space(namespace).keys === 'duplicate') throw invalid('whereis', 'a namespace with unique keys: ask lookup', namespace);
    return undefined;
  }

  /** Does a unique name stand empty until a successor comes? */
  awaits(namespace: string, key: string): boolean {
    const entry = this.#change(() => this.#living(this.#spaces.get(namespace)?.get(key)));
    return entry !== undefined && entry.owner === null;
  }

  /** Entries that the query wants; those of the dead and those that stand empty are none. @throws what its filter throws */
  select(namespace: string, query: RegistryQuery): RegistryEntry[] {
    const space = this.#spaces.get(namespace);
    const found: RegistryEntry[] = [];
    if (space === undefined) return found;
    const { key, prefix = '', owner, where, filter, limit = Infinity } = query;
    const fields = where === undefined ? [] : Object.entries(where);
    for (const entry of space.candidates(query, (ref) => this.#owners.get(ref)?.entries ?? none)) {
      const ref = entry.owner?.ref;
      if (ref === undefined || entry.space !== space || isOver(ref)) continue;
      if ((key !== undefined && entry.key !== key) || !entry.key.startsWith(prefix) || (owner !== undefined && ref !== owner)) continue;
      if (fields.length > 0 && !fields.every(([field, value]) => space.has(entry, field, value))) continue;
      const view = viewOf(entry, ref);
      if (filter !== undefined && !filter(view)) continue;
      found.push(view);
      if (found.length >= limit) break;
    }
    return found;
  }

  /** Says something else of an owner's unique name. @throws what `change` throws, and then nothing has happened */
  update<Metadata>(namespace: string, key: string, ref: AnyActorRef, change: (metadata: unknown) => Metadata): UpdateOutcome<Metadata> {
    const space = this.space(namespace);
    if (this.registry === null) return { ok: false, reason: 'closed' };
    if (!space.isUnique) return { ok: false, reason: 'duplicateKeys' };
    const entry = space.get(key);
    if (entry === undefined || entry.owner?.ref !== ref || isOver(ref)) return { ok: false, reason: 'notOwner' };
    const before = entry.metadata;
    const metadata = change(before);
    const noted = space.noted(metadata);
    // The function may have done anything.
    if (space.get(key) !== entry || entry.owner?.ref !== ref) return { ok: false, reason: 'notOwner' };
    space.describe(entry, metadata, noted);
    return { ok: true, metadata, before };
  }

  /** Notes something under a word; undefined forgets it. @returns false where there are too many, or no registry runs */
  remember(word: string, value: unknown): boolean {
    if (this.registry === null || (value !== undefined && !this.words.has(word) && this.words.size >= mostWords)) return false;
    if (value === undefined) this.words.delete(word);
    else this.words.set(word, value);
    return true;
  }

  /** Waits for a name. `settle` is called once. @param deadlineMs  0 does not wait */
  wait(namespace: string, key: string, deadlineMs: number, signal: AbortSignal | undefined, settle: (outcome: WaitForOutcome) => void): void {
    const refuse = (reason: 'timeout' | 'cancelled' | 'full' | 'closed'): void => settle({ ok: false, reason, waitedMs: 0 });
    if (this.registry === null) return refuse('closed');
    const [first] = this.select(namespace, { key, limit: 1 });
    if (first !== undefined) return settle({ ok: true, ref: first.ref, metadata: first.metadata, waitedMs: 0 });
    if (signal?.aborted === true) return refuse('cancelled');
    if (deadlineMs === 0) return refuse('timeout');
    if (this.#waits.isFull) return refuse('full');
    const space = this.space(namespace);
    this.#spaces.set(namespace, space);
    this.#waits.add(space, key, deadlineMs, signal, settle);
  }

  #drop(space: Namespace): void {
    if (space.isEmpty) this.#spaces.delete(space.name);
  }
}
