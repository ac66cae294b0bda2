/** Waiting for an actor to reach a state: by subscription, with a deadline. */
import type { AnyActorRef, AnyMachineSnapshot, StateValue } from 'xstate';

import { clockOf } from '../../supervision/clock.js';
import { hasStopped, logicOf } from '../../supervision/xstate-internals.js';
import { VirtualClock } from '../virtual-clock.js';
import { refuse, requireKeys, requireMs } from './options.js';
import { Paths } from './paths.js';
import { worldOf } from './world.js';

/** The snapshot of an actor's type. */
export type SnapshotOf<Subject> = Subject extends { getSnapshot(): infer Snapshot } ? Snapshot : never;

/** The state values that `matches` of an actor's snapshot takes; of an actor that is no machine none. */
export type StateOf<Subject> = [SnapshotOf<Subject>] extends [never]
  ? never
  : SnapshotOf<Subject> extends { matches: (value: infer Value) => boolean }
    ? Value
    : never;

/** A state to be reached: its value (a parent's name covers its children), or what must hold of the snapshot. */
export type Goal<Subject> = StateOf<Subject> | ((snapshot: SnapshotOf<Subject>) => boolean);

/** Options of {@link reach}. */
export interface ReachOptions {
  /** How long it may take, ms of the actor's own clock. Default 1 000 of real time, 60 000 of virtual time. */
  readonly withinMs?: number;
}

/** What came of the wait. `state`: where the actor is now, as text; `why`: why nobody waits any more. */
export interface Reached {
  readonly isReached: boolean;
  readonly state: string;
  readonly why: 'reached' | 'ended' | 'idle' | 'late';
}

/**
 * Waits until the actor is, or passes through, a state. Actors of a world, or on a virtual clock, are moved on: their world is stepped, their clock
 * advanced, so the wait ends as soon as nothing is left that could bring the state about.
 * @throws EspalierError `testing/invalid-options` when there is no such actor or, in its machine, no such state
 */
export async function reach(actor: AnyActorRef, goal: StateValue | ((snapshot: never) => boolean), options: ReachOptions = {}): Promise<Reached> {
  if (typeof actor?.subscribe !== 'function' || typeof actor.getSnapshot !== 'function') refuse('an actor', actor);
  requireKeys(options, ['withinMs'], 'the options of toReach');
  if (options.withinMs !== undefined) requireMs(options.withinMs, 'withinMs');
  if (typeof goal !== 'function') requireState(actor, goal);
  const holds = (): boolean => {
    const snapshot = actor.getSnapshot() as AnyMachineSnapshot;
    return typeof goal === 'function' ? goal(snapshot as never) : snapshot.matches(goal);
  };
  let isReached = holds();
  let settle = (): void => {};
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const look = (): void => {
    isReached ||= holds();
    if (isReached || hasStopped(actor)) settle();
  };
  const subscription = actor.subscribe({ next: look, error: look, complete: look });
  const answer = (why: Reached['why']): Reached => ({ isReached, state: stateText(actor), why: isReached ? 'reached' : why });
  try {
    if (isReached || hasStopped(actor)) return answer('ended');
    const clock = clockOf(actor.system);
    if (!(clock instanceof VirtualClock)) {
      const timer = clock.setTimeout(settle, options.withinMs ?? 1_000);
      await settled;
      clock.clearTimeout(timer);
      return answer(hasStopped(actor) ? 'ended' : 'late');
    }
    const until = clock.now() + (options.withinMs ?? 60_000);
    await clock.flush();
    for (;;) {
      if (isReached || hasStopped(actor)) return answer('ended');
      if (!(await moveOn(actor, clock, until))) return answer(clock.nextAt() === undefined ? 'idle' : 'late');
    }
  } finally {
    subscription.unsubscribe();
  }
}

/** What an actor is called: its path, from its root down. */
export function nameOf(actor: AnyActorRef): string {
  return worldOf(actor)?.pathOf(actor) ?? new Paths().of(actor);
}

/** One step of the actor's world or clock. @returns whether there was one before `until` */
async function moveOn(actor: AnyActorRef, clock: VirtualClock, until: number): Promise<boolean> {
  const world = worldOf(actor);
  if (world !== undefined) return (await world.stepUntil(until)) !== null;
  const at = clock.nextAt();
  if (at === undefined || at > until) return false;
  await clock.advanceToAsync(at);
  return true;
}

function stateText(actor: AnyActorRef): string {
  const { status, value } = actor.getSnapshot() as { status: string; value?: unknown };
  const text = value === undefined ? '' : JSON.stringify(value);
  return status === 'active' && text !== '' ? text : `${text} (${status})`.trim();
}

interface NodeLike {
  readonly states: Readonly<Record<string, NodeLike>>;
}

/** A state that the machine does not have would never be reached. */
function requireState(actor: AnyActorRef, goal: StateValue): void {
  const { root } = logicOf(actor) as { root?: NodeLike };
  if (root === undefined) refuse('a condition on the snapshot: the actor is no machine, so it has no states', goal);
  const visit = (node: NodeLike, value: StateValue): void => {
    const inner: [string, StateValue | undefined][] = typeof value === 'string' ? [[value, undefined]] : Object.entries(value);
    for (const [name, below] of inner) {
      const child = node.states[name];
      if (child === undefined) refuse(`a state among ${Object.keys(node.states).join(', ') || '(none)'}`, name);
      if (below !== undefined) visit(child, below);
    }
  };
  visit(root, goal);
}
