/** How long a burst holds the event loop: what everything else of an app waits for. */
import { machineTime, Stopwatch, type TimeSource } from '../stopwatch.js';
import { brief, ignore, type Rig, type Work } from './subject.js';

/** The longest time between two turns of the loop, ms. */
export interface Holds {
  /** While as many tasks as there are in the burst begin; they go on afterwards. */
  readonly starts: number;
  /** While as many begin and end. */
  readonly startsAndEnds: number;
  /** While those that went on all end, because what they wait for comes to all of them in one turn. Their own continuations are in it. */
  readonly release: number;
}

/** Hands over `count` tasks at once, twice: some that go on until they are let go, and some that end by themselves. */
export async function holds(rig: Rig, count: number): Promise<Holds> {
  const handOver = rig.burst?.bind(rig) ?? ((many: number, work: Work, noticed: () => void) => oneByOne(rig, many, work, noticed));
  let letGo = ignore;
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  const begun = countdown(count);
  const ended = countdown(count);
  const waiting: Work = () => {
    begun.count();
    return gate;
  };
  const starts = await longestHold(() => handOver(count, waiting, ended.count), begun.done);
  const release = await longestHold(letGo, ended.done);
  const both = countdown(count);
  const startsAndEnds = await longestHold(() => handOver(count, brief, both.count), both.done);
  return { starts, startsAndEnds, release };
}

function oneByOne(rig: Rig, count: number, work: Work, noticed: () => void): void {
  for (let i = 0; i < count; i++) rig.start(work, noticed);
}

/**
 * The longest time between two turns of the event loop, as a chain of `setImmediate` sees it.
 * @param begin  called at once: what it does itself is in the first of the times
 * @param done   after the turn in which this has settled, nobody looks any more
 * @returns ms, without what was spent waiting for a core
 */
export function longestHold(begin: () => void, done: Promise<void>, time: TimeSource = machineTime): Promise<number> {
  return new Promise((resolve) => {
    let isDone = false;
    let longest = 0;
    const watch = new Stopwatch(time);
    const turn = (): void => {
      longest = Math.max(longest, watch.read());
      if (isDone) {
        resolve(longest);
        return;
      }
      setImmediate(turn);
      watch.start();
    };
    void done.then(() => (isDone = true));
    setImmediate(turn);
    watch.start();
    begin();
  });
}

/** Settles `done` when `count` has been called that often. */
function countdown(from: number): { count(): void; readonly done: Promise<void> } {
  let left = from;
  let settle = ignore;
  const done = new Promise<void>((resolve) => (settle = resolve));
  return {
    count: () => {
      if (--left === 0) settle();
    },
    done,
  };
}
