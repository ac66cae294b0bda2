/**
 * The one reader of the running tree: hears of every actor by XState's inspection, and reads the tree from their snapshots.
 *
 * Pools are left out: their children are shown as those of their supervisor. Tasks that have ended stay to be seen, the last few of each supervisor.
 */
import type { AnyActorRef, InspectionEvent } from 'xstate';

import type { SupervisorContext } from '../../../machines/supervision/supervisor-state.js';
import type { Clock } from '../../supervision/clock.js';
import { isSupervisor } from '../../supervision/handle.js';
import type { TaskPool } from '../../supervision/task-pool.js';
import { exitReason, onExit } from '../../supervision/watch.js';
import { parentOf } from '../../supervision/xstate-internals.js';
import type { Told } from './facts.js';
import { endOf, stateOf, tookWords } from './states.js';
import type { TreeNode } from './tree-node.js';

/** Tasks that have ended and are still shown, of each supervisor. */
const keptTasks = 6;

export interface TreeListener {
  /** An actor emitted something. `from`: its path, `app/voice`. */
  told(from: string, fact: Told): void;
  /** Somebody's state changed. */
  changed(): void;
}

/** What is known of an actor beyond its snapshot. */
interface Seen {
  readonly startedAt: number;
  /** A task's name; for others their id. */
  readonly name: string;
  /** In the order they were started. */
  readonly children: Set<AnyActorRef>;
  /** Rows of tasks that have ended, oldest first. */
  readonly ended: TreeNode[];
}

export class TreeWatch {
  readonly #clock: Clock;
  readonly #listener: TreeListener;
  readonly #abouts = new Map<string, string>();
  readonly #seen = new Map<AnyActorRef, Seen>();
  #root: AnyActorRef | undefined;
  /** Paths of those who are shown without their children. */
  #folded: RegExp | null = null;

  constructor(clock: Clock, listener: TreeListener) {
    this.#clock = clock;
    this.#listener = listener;
  }

  /** Says of an actor, by its path, what it is. */
  describe(abouts: Readonly<Record<string, string>>): void {
    for (const [path, about] of Object.entries(abouts)) this.#abouts.set(path, about);
    this.#listener.changed();
  }

  /** Shows those with such a path as one row each: what is beneath them would be the greater part of the tree. */
  fold(paths: RegExp): void {
    this.#folded = paths;
  }

  /** For `start({ inspect })`. */
  readonly inspect = (event: InspectionEvent): void => {
    const actor = event.actorRef as AnyActorRef | undefined;
    if (actor === undefined) return;
    if (event.type === '@xstate.snapshot') this.#listener.changed();
    if (event.type !== '@xstate.event') return;
    if (event.event.type === 'xstate.init') this.#welcome(actor);
  };

  /** The tree as it is now; null before it was started. */
  read(): TreeNode | null {
    return this.#root === undefined ? null : this.#read(this.#root, 'app', null);
  }

  #welcome(actor: AnyActorRef): void {
    this.#root ??= actor;
    const parent = parentOf(actor);
    const name = taskNameOf(actor, parent) ?? (actor === this.#root ? 'app' : actor.id);
    this.#seen.set(actor, { startedAt: this.#clock.now(), name, children: new Set(), ended: [] });
    if (parent !== undefined) this.#seen.get(parent)?.children.add(actor);
    actor.on('*', (fact) => this.#listener.told(this.#pathOf(actor), { ...(fact as Told) }));
    onExit(actor, () => this.#bury(actor));
  }

  #bury(actor: AnyActorRef): void {
    const seen = this.#seen.get(actor);
    const parent = parentOf(actor);
    if (parent !== undefined && seen !== undefined) {
      const family = this.#seen.get(parent);
      family?.children.delete(actor);
      if (isPool(parent) && taskPoolOf(parent) !== undefined) {
        const row = { name: seen.name, state: endOf(actor), restarts: null, about: tookWords(this.#clock.now() - seen.startedAt), children: [] };
        family?.ended.push(row);
        family?.ended.splice(0, family.ended.length - keptTasks);
      }
    }
    if (actor !== this.#root) this.#seen.delete(actor);
    this.#listener.changed();
  }

  #pathOf(actor: AnyActorRef): string {
    const parent = parentOf(actor);
    const above = parent === undefined ? '' : this.#pathOf(parent);
    if (isPool(actor)) return above;
    const name = this.#seen.get(actor)?.name ?? actor.id;
    return above === '' ? name : `${above}/${name}`;
  }

  #read(actor: AnyActorRef, path: string, count: number | null): TreeNode {
    const { name, children, ended } = this.#familyOf(actor);
    const living = new Map([...children].map((child) => [child.id, child]));
    const context = isSupervisor(actor) ? (actor.getSnapshot() as { context: Partial<SupervisorContext> }).context : {};
    const rows = (context.children ?? []).map(({ spec, status, run }) => {
      const child = living.get(spec.id);
      living.delete(spec.id);
      const restarts = Math.max(0, run - 1);
      if (child !== undefined) return this.#read(child, `${path}/${spec.id}`, restarts);
      const state = status === 'running' ? 'ended' : status === 'down' && run === 0 ? 'not started' : status;
      return { name: spec.id, state, restarts: { count: restarts }, about: this.#abouts.get(`${path}/${spec.id}`) ?? '', children: [] };
    });
    const others = [...living.values()].map((child) => this.#read(child, `${path}/${this.#seen.get(child)?.name ?? child.id}`, null));
    const state = exitReason(actor) === null ? stateOf(actor) : endOf(actor);
    const restarts = budgetOf(context, this.#clock.now()) ?? (count === null ? null : { count });
    const below = [...rows, ...ended, ...others];
    const own = { name, state, about: this.#abouts.get(path) ?? callOf(actor) };
    if (this.#folded?.test(path) !== true) return { ...own, restarts, children: below };
    return { ...own, restarts: restarts ?? restartsBelow(below), children: [] };
  }

  /** An actor's children, with its pool's for the pool. */
  #familyOf(actor: AnyActorRef): { name: string; children: readonly AnyActorRef[]; ended: readonly TreeNode[] } {
    const { name = actor.id, children = [] } = this.#seen.get(actor) ?? {};
    const pools = [...children].filter(isPool).map((pool) => this.#seen.get(pool));
    const pooled = pools.flatMap((pool) => [...(pool?.children ?? [])]);
    return { name, children: [...[...children].filter((child) => !isPool(child)), ...pooled], ended: pools.flatMap((pool) => pool?.ended ?? []) };
  }
}

function isPool(actor: AnyActorRef): boolean {
  return actor.id === 'pool' && 'pool' in ((actor.getSnapshot() ?? {}) as object);
}

/** The pool of a task supervisor; undefined for that of another. */
function taskPoolOf(actor: AnyActorRef): TaskPool | undefined {
  const { pool } = (actor.getSnapshot() ?? {}) as { pool?: Partial<TaskPool> };
  return pool?.settle === undefined ? undefined : (pool as TaskPool);
}

/** What a call of a session is of; nothing of any other actor. */
function callOf(actor: AnyActorRef): string {
  const { context, machine } = (actor.getSnapshot() ?? {}) as { context?: { name?: unknown }; machine?: { id?: unknown } };
  return machine?.id === 'toolCall' ? `a call of ${String(context?.name)}` : '';
}

function taskNameOf(actor: AnyActorRef, parent: AnyActorRef | undefined): string | undefined {
  return parent !== undefined && isPool(parent) ? taskPoolOf(parent)?.get(actor.id)?.plan?.name : undefined;
}

/** How often those beneath one who is shown without them were restarted; null where nobody would restart any. */
function restartsBelow(nodes: readonly TreeNode[]): TreeNode['restarts'] {
  const counts = nodes.flatMap(({ children, restarts }) => {
    const own = restarts !== null && !('budget' in restarts) ? [restarts.count] : [];
    return [...own, restartsBelow(children)?.count ?? []].flat();
  });
  return counts.length === 0 ? null : { count: counts.reduce((sum, count) => sum + count, 0) };
}

/** What a supervisor has used of its restart budget. */
function budgetOf({ restarts, intensity, periodMs }: Partial<SupervisorContext>, now: number): TreeNode['restarts'] {
  if (restarts === undefined || intensity === undefined || periodMs === undefined) return null;
  return { count: restarts.filter((at) => now - at <= periodMs).length, budget: intensity, periodMs };
}
