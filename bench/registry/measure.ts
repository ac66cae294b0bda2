/** What is measured of each subject. */
import { type AnyActorRef, createActor, fromTransition } from 'xstate';
import { Stopwatch } from '../stopwatch.js';
import type { Rig } from './subject.js';

const idle = fromTransition((state: null) => state, null);

/** Names that are there while it is measured. */
export interface Stage {
  readonly rig: Rig;
  readonly keys: readonly string[];
  readonly refs: readonly AnyActorRef[];
}

export const zones = 1_000;

/** So many actors that run. */
export function actors(count: number): AnyActorRef[] {
  return Array.from({ length: count }, () => createActor(idle).start());
}

/** Names for a store, in no order of theirs. */
export function names(count: number, word: string): string[] {
  return Array.from({ length: count }, (_, n) => `${word}.${(n * 7_919) % count}`);
}

/** A store that holds a name for each actor, and in which zone it is. */
export function furnish(rig: Rig, refs: readonly AnyActorRef[]): Stage {
  const keys = names(refs.length, 'service');
  for (const [n, key] of keys.entries()) {
    const ref = refs[n] as AnyActorRef;
    rig.register(key, ref);
    rig.describe(key, ref, n % zones);
  }
  return { rig, keys, refs };
}

/** @returns µs for each lookup of a name that somebody has */
export function lookups({ rig, keys }: Stage, rounds: number): number {
  const watch = new Stopwatch();
  let found = 0;
  for (let round = 0; round < rounds; round++) for (const key of keys) if (rig.whereis(key) !== undefined) found++;
  const us = (watch.read() * 1_000) / (rounds * keys.length);
  if (found !== rounds * keys.length) throw new Error(`expected everybody to be found, got: ${found}`);
  return us;
}

/** Each of `refs` is given a name, and loses it again by a call. @returns µs for both */
export function registrations({ rig }: Stage, refs: readonly AnyActorRef[], rounds: number): number {
  const keys = names(refs.length, 'passing');
  const watch = new Stopwatch();
  for (let round = 0; round < rounds; round++) {
    for (const [n, key] of keys.entries()) rig.register(key, refs[n] as AnyActorRef);
    for (const [n, key] of keys.entries()) rig.unregister(key, refs[n] as AnyActorRef);
  }
  return (watch.read() * 1_000) / (rounds * keys.length);
}

/** Each of `refs` is given a name, and ends. @returns µs for both, XState's own end included */
export function deaths({ rig }: Stage, refs: readonly AnyActorRef[]): number {
  const keys = names(refs.length, 'mortal');
  const watch = new Stopwatch();
  for (const [n, key] of keys.entries()) rig.register(key, refs[n] as AnyActorRef);
  for (const [n, key] of keys.entries()) {
    const ref = refs[n] as ReturnType<typeof createActor>;
    ref.stop();
    if (!rig.forgetsTheDead) rig.unregister(key, ref);
  }
  const us = (watch.read() * 1_000) / keys.length;
  const left = keys.filter((key) => rig.whereis(key) !== undefined).length;
  if (left > 0) throw new Error(`expected every dead one to be forgotten, got: ${left} names`);
  return us;
}

/** @returns µs for each search for those in one zone of a thousand */
export function searches({ rig, keys }: Stage, count: number): number {
  const watch = new Stopwatch();
  let found = 0;
  for (let n = 0; n < count; n++) found += rig.inZone(n % zones).length;
  const us = (watch.read() * 1_000) / count;
  if (keys.length >= zones && found < count) throw new Error(`expected somebody in each zone, got: ${found}`);
  return us;
}
