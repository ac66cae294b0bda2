/**
 * Children that a chart spawns and that need not be actors in full at once.
 *
 * Logic may bring a maker of such children (lean-task.ts says what they are, and when they become actors in full). A compiled chart asks it before it has XState
 * create one.
 */
import type { AnyActorLogic, AnyActorRef } from 'xstate';

/** What a chart spawns. */
export interface Spawning {
  readonly parent: AnyActorRef;
  readonly id: string;
  readonly input: unknown;
}

/** Makes a child in part, not yet started; undefined where it is to be one in full. */
export type MakeLean = (spawning: Spawning) => AnyActorRef | undefined;

const makers = new WeakMap<AnyActorLogic, MakeLean>();

/** Has children with this logic made so, where compiled charts spawn them. */
export function makeLeanBy(logic: AnyActorLogic, make: MakeLean): void {
  makers.set(logic, make);
}

/** A child in part; undefined where XState is to create it. */
export function leanChild(logic: AnyActorLogic, spawning: Spawning): AnyActorRef | undefined {
  return makers.get(logic)?.(spawning);
}

/** A child in part says so by a field of this name: is nothing below it now? Then it is let go without its snapshot being made. */
export const isBare: unique symbol = Symbol('espalier.isBare');
