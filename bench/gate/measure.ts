/** What is measured of each subject. */
import { Stopwatch } from '../stopwatch.js';
import { brief, type Rig } from './subject.js';

/** Tasks one after the other, each of which finds the limiter free. @returns µs for each */
export async function uncontended(rig: Rig, count: number): Promise<number> {
  const watch = new Stopwatch();
  for (let i = 0; i < count; i++) await rig.pass(brief);
  return (watch.read() * 1_000) / count;
}

/** Tasks all at once, and again when all have ended. @returns µs for each, from the first that asks to the last that has ended */
export async function contended(rig: Rig, waiters: number, times: number): Promise<number> {
  const watch = new Stopwatch();
  for (let time = 0; time < times; time++) {
    const all: Promise<unknown>[] = [];
    for (let i = 0; i < waiters; i++) all.push(rig.pass(brief));
    await Promise.all(all);
  }
  return (watch.read() * 1_000) / (waiters * times);
}

/** The same, each with a signal of its own that never aborts. @returns µs for each; the signals are made before */
export async function cancellable(rig: Rig, waiters: number, times: number): Promise<number> {
  const watch = new Stopwatch();
  let took = 0;
  for (let time = 0; time < times; time++) {
    const signals = Array.from({ length: waiters }, () => new AbortController().signal);
    watch.start();
    await Promise.all(signals.map((signal) => passUntil(rig, signal)));
    took += watch.read();
  }
  return (took * 1_000) / (waiters * times);
}

/** Tasks that wait behind one that goes on, each cancelled by itself. @returns µs for each, from its abortion to the word that it was cancelled */
export async function cancelled(rig: Rig, waiters: number, times: number): Promise<number> {
  const watch = new Stopwatch();
  let took = 0;
  for (let time = 0; time < times; time++) {
    let release: () => void = () => {};
    const first = rig.pass(() => new Promise<void>((resolve) => (release = resolve)));
    const controllers = Array.from({ length: waiters }, () => new AbortController());
    const all = controllers.map(({ signal }) => passUntil(rig, signal));
    watch.start();
    for (const controller of controllers) controller.abort();
    await Promise.all(all);
    took += watch.read();
    release();
    await first;
  }
  return (took * 1_000) / (waiters * times);
}

function passUntil(rig: Rig, signal: AbortSignal): Promise<unknown> {
  if (rig.passUntil === undefined) throw new Error('expected a subject that cancels single waiters');
  return rig.passUntil(brief, signal);
}
