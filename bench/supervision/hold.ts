/** How long a burst holds the event loop: what everything else of an app waits for. */
import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { machineTime, Stopwatch, type TimeSource } from '../stopwatch.js';
import { brief, ignore, type Rig, type Work } from './subject.js';

/** The longest time between two turns of the loop, ms. */
export interface Hold {
  /** What everybody else waits. */
  readonly all: number;
  /** Without the collections of the heap that fell into it: V8 does one at a time, in one piece, and what it takes is up to what lives. */
  readonly own: number;
}

/** How long each part of a burst holds the loop. */
export interface Holds {
  /** While as many tasks as there are in the burst begin; they go on afterwards. */
  readonly starts: Hold;
  /** While as many begin and end. */
  readonly startsAndEnds: Hold;
  /** While those that went on all end, because what they wait for comes to all of them in one turn. Their own continuations are in it. */
  readonly release: Hold;
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
export async function longestHold(begin: () => void, done: Promise<void>, time: TimeSource = machineTime): Promise<Hold> {
  const collectionsSeen = watchCollections();
  const turns: Turn[] = [];
  await new Promise<void>((resolve) => {
    let isDone = false;
    let from = time.now();
    const watch = new Stopwatch(time);
    const turn = (): void => {
      turns.push({ from, to: time.now(), took: watch.read() });
      if (isDone) {
        resolve();
        return;
      }
      setImmediate(turn);
      from = time.now();
      watch.start();
    };
    void done.then(() => (isDone = true));
    setImmediate(turn);
    watch.start();
    begin();
  });
  const collections = await collectionsSeen();
  return {
    all: turns.reduce((longest, { took }) => Math.max(longest, took), 0),
    own: turns.reduce((longest, turn) => Math.max(longest, withoutCollections(turn, collections)), 0),
  };
}

/** ms, by the machine's clock; `took` is without what was spent waiting for a core. */
export interface Turn {
  readonly from: number;
  readonly to: number;
  readonly took: number;
}

/** A collection of the heap, ms by the machine's clock. */
export interface Collection {
  readonly startTime: number;
  readonly duration: number;
}

/**
 * What a turn took without the collections that fell into it, ms. Where there was one, nobody knows who waited for a core, the collector or the turn: nothing is
 * deducted for that.
 */
export function withoutCollections({ from, to, took }: Turn, collections: readonly Collection[]): number {
  const inside = collections.filter(({ startTime, duration }) => startTime < to && startTime + duration > from);
  if (inside.length === 0) return took;
  return inside.reduce((left, { startTime, duration }) => left - (Math.min(to, startTime + duration) - Math.max(from, startTime)), to - from);
}

/** Looks at the collector. @returns ends the look, and tells what was seen */
function watchCollections(): () => Promise<readonly Collection[]> {
  const seen: Collection[] = [];
  const observer = new PerformanceObserver((list) => seen.push(...list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  return async () => {
    // They are told of a turn late.
    await nextTurn();
    await nextTurn();
    seen.push(...observer.takeRecords());
    observer.disconnect();
    return seen;
  };
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
