/** The measurements themselves, the same code for every subject. */
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { heldBytes, sweep } from '../heap.js';
import { quantile, sorted } from '../stats.js';
import { Stopwatch } from '../stopwatch.js';
import { brief, ignore, oneTurn, pending, type Rig, type Subject, type Work, type WorkersRig } from './subject.js';

/** Tasks kept in flight at once by {@link sustain}. */
export const windowSize = 100;

// Tasks between two turns of the event loop: no app starves its loop for seconds, and a subject may owe some work to the next turn.
const sliceTasks = 2_000;

/** Starts that many tasks that never end. Returns what keeps them alive, where the subject itself does not. */
export function fill(rig: Rig, count: number): unknown[] {
  if (rig.startPending !== undefined) {
    rig.startPending(count);
    return [];
  }
  const held: unknown[] = [];
  for (let i = 0; i < count; i++) {
    const handle = rig.start(pending, ignore);
    if (handle !== undefined) held.push(handle);
  }
  return held;
}

/**
 * Runs `count` tasks with a window of them in flight: each that is noticed to have ended starts the next.
 * @param name  gives the n-th task a name of its own; without it tasks are nameless
 * @returns µs per task
 */
export async function sustain(rig: Rig, count: number, work: Work = brief, name?: (task: number) => string): Promise<number> {
  const watch = new Stopwatch();
  for (let done = 0; done < count; done += sliceTasks) {
    await slice(rig, done, Math.min(count, done + sliceTasks), work, name);
    await nextTurn();
  }
  return (watch.read() * 1_000) / count;
}

function slice(rig: Rig, from: number, to: number, work: Work, name?: (task: number) => string): Promise<void> {
  return new Promise((resolve) => {
    let started = from;
    let ended = from;
    const next = (): void => {
      const task = started++;
      if (name === undefined) rig.start(work, noticed);
      else rig.start(work, noticed, name(task));
    };
    const noticed = (): void => {
      ended++;
      if (started < to) next();
      else if (ended === to) resolve();
    };
    for (let i = Math.min(windowSize, to - from); i > 0; i--) next();
  });
}

/** Two latencies of a task, in µs. */
export interface Latencies {
  /** From before the call that starts it to its first line. */
  readonly startToEntry: { p50: number; p99: number };
  /** From its last line to the supervising side's knowing. */
  readonly endToNotice: { p50: number; p99: number };
}

/** Runs `count` tasks one after the other and measures each, by the wall clock: reading anything slower would cost more than a bare promise does. */
export async function latencies(rig: Rig, count: number): Promise<Latencies> {
  const startToEntry = new Float64Array(count);
  const endToNotice = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    if (i % 500 === 0) await nextTurn();
    await new Promise<void>((resolve) => {
      let left = 0;
      const asked = performance.now();
      rig.start(
        async () => {
          startToEntry[i] = (performance.now() - asked) * 1_000;
          await oneTurn;
          left = performance.now();
        },
        () => {
          endToNotice[i] = (performance.now() - left) * 1_000;
          resolve();
        },
      );
    });
  }
  return { startToEntry: ends(startToEntry), endToNotice: ends(endToNotice) };
}

/**
 * Heap bytes of one live task among few: so that they do not drown in the heap's own noise, as many supervisors as given are filled at once. Each has run
 * a task before, so what it makes lazily is not counted.
 */
export async function bytesPerLive(subject: Subject, live: number, supervisors: number): Promise<number> {
  const rigs: Rig[] = [];
  for (let i = 0; i < supervisors; i++) {
    const rig = await subject.open();
    await sustain(rig, 1);
    rigs.push(rig);
  }
  const before = await heldBytes();
  const held = rigs.map((rig) => fill(rig, live));
  const bytes = ((await heldBytes()) - before) / (live * rigs.length);
  held.length = 0;
  for (const rig of rigs) await rig.stop?.();
  return bytes;
}

let named = 0;

/** Heap bytes that stay for each of `count` ended tasks, every one with a name never used before, while their supervisor lives on. */
export async function bytesKept(rig: Rig, count: number): Promise<number> {
  const unique = (): string => `task-${named++}`;
  await sustain(rig, Math.ceil(count / 10), brief, unique);
  const before = await heldBytes();
  await sustain(rig, count, brief, unique);
  return ((await heldBytes()) - before) / count;
}

/** Milliseconds until all live tasks and their supervisor have stopped. */
export async function stopAll(rig: Rig): Promise<number> {
  const watch = new Stopwatch();
  await rig.stop?.();
  return watch.read();
}

/**
 * Crashes workers one after the other, each time the latest successor among its siblings.
 * @param open  the workers; told what to call when a successor is at work
 * @returns µs from the crash to the successor
 */
export async function restarts(
  open: (siblings: number, restarted: () => void) => Promise<WorkersRig>,
  siblings: number,
  count: number,
): Promise<{ p50: number; p99: number }> {
  let restarted = ignore;
  const rig = await open(siblings, () => restarted());
  const took = new Float64Array(count);
  // The collector would otherwise mark what the start of the siblings left behind, and its steps would be the p99.
  sweep();
  const watch = new Stopwatch();
  // What a full collection has taken of the machine code is made anew in a few hundred restarts: they are the collection's cost.
  for (let i = -Math.ceil(count / 2); i < count; i++) {
    // An app's crashes come apart: each finds the loop idle.
    await nextTurn();
    await new Promise<void>((resolve) => {
      restarted = () => {
        if (i >= 0) took[i] = watch.read() * 1_000;
        resolve();
      };
      watch.start();
      rig.crash();
    });
  }
  await rig.stop();
  return ends(took);
}

function ends(samples: Float64Array): { p50: number; p99: number } {
  const inOrder = sorted(samples);
  return { p50: quantile(inOrder, 0.5), p99: quantile(inOrder, 0.99) };
}
