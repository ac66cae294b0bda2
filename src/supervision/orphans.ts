/**
 * Those who outlive a killed supervisor.
 *
 * When a supervisor is killed there is nobody to wait for its children: those that do not trap exits die with it, those that do are asked to end and
 * go on until they have (OTP leaves them to themselves). Here they have an owner, this list, and a deadline: their own `shutdownMs`, at least five
 * seconds; one whose shutdown has no limit keeps none.
 */
import type { AnyActorRef } from 'xstate';

import type { ShutdownMs } from '../../machines/supervision/child-spec.js';
import { clockOf } from './clock.js';
import { onExit, terminate } from './watch.js';
import { isBelow } from './xstate-internals.js';

/** No orphan is killed sooner, ms. */
export const orphanGraceMs = 5_000;

const orphansBySystem = new WeakMap<object, Set<AnyActorRef>>();

/** Takes an actor over that its killed supervisor has already asked to end. */
export function adopt(actor: AnyActorRef, shutdownMs: ShutdownMs): void {
  const { system } = actor;
  const orphans = orphansBySystem.get(system) ?? new Set<AnyActorRef>();
  orphansBySystem.set(system, orphans);
  orphans.add(actor);
  const clock = clockOf(system);
  const timer =
    shutdownMs === 'infinity' ? undefined : clock.setTimeout(() => terminate(actor, 'killed'), Math.max(orphanGraceMs, Number(shutdownMs) || 0));
  onExit(actor, () => {
    orphans.delete(actor);
    if (timer !== undefined) clock.clearTimeout(timer);
  });
}

/** The orphans from below an actor that still live. */
export function orphansBelow(actor: AnyActorRef): readonly AnyActorRef[] {
  return [...(orphansBySystem.get(actor.system) ?? [])].filter((orphan) => isBelow(orphan, actor));
}
