/**
 * Where names wait for successors: the seats of a tree, by supervisor and id.
 *
 * A post is one supervisor's place, whoever is the supervisor there just now. It listens to what that says of its children: one that runs has the names of
 * its seat; one that will not come back gives them up. A supervisor is a child of another, and so its post is a seat above: a branch that is restarted whole
 * keeps its names, seat by seat.
 */
import type { AnyActorRef } from 'xstate';
import type { ChildFact } from '../../machines/supervision/supervisor-facts.js';
import { supervisorHandle } from '../supervision/handle.js';
import { kindOf } from '../supervision/kind.js';
import { exitReason, onExit } from '../supervision/watch.js';
import { parentOf } from '../supervision/xstate-internals.js';
import type { Entry, Seat } from './entry.js';

/** What is done with a name whose seat has news. */
interface SeatListener {
  /** Somebody runs there. */
  taken(entry: Entry, ref: AnyActorRef): void;
  /** Nobody will. */
  lost(entry: Entry): void;
}

/** Where an actor runs: its supervisor, and its id there; null for one that no supervisor would restart. */
function whereOf(actor: AnyActorRef): { readonly supervisor: AnyActorRef; readonly id: string } | null {
  const pool = parentOf(actor);
  const supervisor = pool === undefined ? undefined : parentOf(pool);
  const kind = kindOf(supervisor);
  if (supervisor === undefined || kind === undefined || kind === 'taskSupervisor') return null;
  return childOf(supervisor, actor.id) === actor ? { supervisor, id: actor.id } : null;
}

function childOf(supervisor: AnyActorRef, id: string): AnyActorRef | undefined {
  return supervisorHandle(supervisor).child(id);
}

/** Does it run, rather than being about to? */
function runs(actor: AnyActorRef): boolean {
  const snapshot = actor.getSnapshot() as { hasTag?(tag: string): boolean };
  return exitReason(actor) === null && snapshot.hasTag?.('starting') !== true;
}

/** One supervisor's place. */
export class Post {
  /** Of the supervisor itself; null at the top. */
  readonly above: Seat | null;
  /** Who is the supervisor now; null between two. */
  actor: AnyActorRef | null = null;
  /** Names by the seat that has them. */
  readonly entries = new Map<string, Set<Entry>>();
  /** Posts of children that are supervisors. */
  readonly below = new Map<string, Post>();
  readonly #posts: Posts;
  #ends: (() => void)[] = [];

  constructor(posts: Posts, above: Seat | null) {
    this.#posts = posts;
    this.above = above;
  }

  get isIdle(): boolean {
    return this.entries.size === 0 && this.below.size === 0;
  }

  /** Somebody is the supervisor here; twice is once. */
  begin(actor: AnyActorRef): void {
    if (this.actor === actor) return;
    this.end();
    this.actor = actor;
    this.#posts.put(actor, this);
    const look = ({ id }: { id: string }): void => this.look(id);
    const gone = ({ id }: { id: string }): void => this.gone(id);
    const ended = (fact: { id: string; willRestart: boolean }): void => {
      if (!fact.willRestart) this.gone(fact.id);
    };
    const listeners = { 'child.started': look, 'child.restarted': look, 'child.exited': ended, 'child.declined': gone, 'child.gaveUp': gone };
    const subscriptions = Object.entries(listeners).map(([type, listener]) => actor.on(type as ChildFact['type'], listener as never));
    const watch = onExit(actor, () => this.#vacate());
    this.#ends = [...subscriptions.map((subscription) => () => subscription.unsubscribe()), () => watch.unsubscribe()];
    for (const id of [...this.entries.keys(), ...this.below.keys()]) this.look(id);
  }

  /** Stops listening. Seats and names stay. */
  end(): void {
    if (this.actor !== null) this.#posts.take(this.actor);
    this.actor = null;
    for (const end of this.#ends.splice(0)) end();
  }

  /** Who runs in a seat has its names. */
  look(id: string): void {
    const child = this.actor === null ? undefined : childOf(this.actor, id);
    if (child === undefined || !runs(child)) return;
    for (const entry of [...(this.entries.get(id) ?? [])]) this.#posts.listener.taken(entry, child);
    if (kindOf(child) !== undefined) this.below.get(id)?.begin(child);
  }

  /** Nobody will run in a seat any more, nor below it. */
  gone(id: string): void {
    for (const entry of [...(this.entries.get(id) ?? [])]) this.#posts.listener.lost(entry);
    this.below.get(id)?.lose();
  }

  /** Nobody will be the supervisor here any more. */
  lose(): void {
    for (const id of new Set([...this.entries.keys(), ...this.below.keys()])) this.gone(id);
  }

  /** Its supervisor has ended. Where that has a supervisor too, its own facts will tell what comes of it. */
  #vacate(): void {
    this.end();
    if (this.above === null) this.lose();
  }
}

/** The posts of one registry: of every supervisor on whose children a name depends, and of those above them. */
export class Posts {
  readonly listener: SeatListener;
  readonly #byActor = new Map<AnyActorRef, Post>();
  readonly #tops = new Set<Post>();

  constructor(listener: SeatListener) {
    this.listener = listener;
  }

  /** How many supervisors are listened to. */
  get size(): number {
    return this.#byActor.size;
  }

  put(actor: AnyActorRef, post: Post): void {
    this.#byActor.set(actor, post);
  }

  take(actor: AnyActorRef): void {
    this.#byActor.delete(actor);
  }

  /** The seat of an actor that some supervisor would restart; null for any other. */
  seatOf(actor: AnyActorRef): Seat | null {
    const where = whereOf(actor);
    return where === null ? null : { post: this.#postOf(where.supervisor), id: where.id };
  }

  /** The seat at the end of a path of ids, from the supervisor of an actor; null for an actor without one. */
  seatBeside(actor: AnyActorRef, path: readonly string[]): Seat | null {
    const where = whereOf(actor);
    if (where === null) return null;
    let post = this.#postOf(where.supervisor);
    for (const id of path.slice(0, -1)) post = this.#below({ post, id });
    return { post, id: path.at(-1) as string };
  }

  /** Is this where the actor runs? Also where its supervisor is new, and nobody has been told of it yet. */
  isAt(seat: Seat, actor: AnyActorRef): boolean {
    const where = whereOf(actor);
    if (where === null || where.id !== seat.id) return false;
    const { actor: supervisor, above } = seat.post;
    return supervisor === where.supervisor || (supervisor === null && above !== null && this.isAt(above, where.supervisor));
  }

  hold(entry: Entry, { post, id }: Seat): void {
    const entries = post.entries.get(id);
    if (entries === undefined) post.entries.set(id, new Set([entry]));
    else entries.add(entry);
  }

  release(entry: Entry, { post, id }: Seat): void {
    const entries = post.entries.get(id);
    entries?.delete(entry);
    if (entries?.size === 0) post.entries.delete(id);
    this.#prune(post);
  }

  /** Listens again, and looks at every seat. */
  attach(tops: ReadonlyMap<Post, AnyActorRef>): void {
    for (const [post, actor] of tops) {
      if (exitReason(actor) === null) post.begin(actor);
      else post.lose();
    }
  }

  /** Listens to nobody. @returns who was at the top, for {@link Posts.attach} */
  detach(): ReadonlyMap<Post, AnyActorRef> {
    const tops = new Map<Post, AnyActorRef>();
    for (const post of this.#tops) if (post.actor !== null) tops.set(post, post.actor);
    for (const post of [...this.#byActor.values()]) post.end();
    return tops;
  }

  clear(): void {
    this.detach();
    this.#tops.clear();
  }

  #postOf(supervisor: AnyActorRef): Post {
    const known = this.#byActor.get(supervisor);
    if (known !== undefined) return known;
    const where = whereOf(supervisor);
    const post = where === null ? new Post(this, null) : this.#below({ post: this.#postOf(where.supervisor), id: where.id });
    if (where === null) this.#tops.add(post);
    post.begin(supervisor);
    return post;
  }

  #below(seat: Seat): Post {
    const { post, id } = seat;
    let below = post.below.get(id);
    if (below === undefined) {
      below = new Post(this, seat);
      post.below.set(id, below);
      post.look(id);
    }
    return below;
  }

  #prune(post: Post): void {
    if (!post.isIdle) return;
    post.end();
    if (post.above === null) {
      this.#tops.delete(post);
      return;
    }
    const { post: above, id } = post.above;
    above.below.delete(id);
    this.#prune(above);
  }
}
