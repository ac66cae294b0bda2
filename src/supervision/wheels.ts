/** Which wheel serves a clock: one for all of its actor systems, except where timers must be told apart. */
import type { Clock } from './clock.js';
import { Wheel } from './wheel.js';

const wheels = new WeakMap<Clock, Wheel>();
const apart = new WeakSet<Clock>();

/** Lets each owner of deadlines, and each delayed event, have a timer of its own: for clocks that let somebody choose which timer of a moment comes first. */
export function keepApart(clock: Clock): void {
  apart.add(clock);
}

/**
 * The one wheel of a clock. Nothing may be added to it while the runtime's timers are replaced: a replacement takes along what it was asked for when it goes, and nobody
 * else's deadlines may go with it.
 * @returns undefined where timers are kept apart
 */
export function wheelOf(clock: Clock): Wheel | undefined {
  if (apart.has(clock)) return undefined;
  let wheel = wheels.get(clock);
  if (wheel === undefined) {
    wheel = new Wheel(clock);
    wheels.set(clock, wheel);
  }
  return wheel;
}
