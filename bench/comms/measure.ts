/** What is measured of each subject. */
import { summarise } from '../stats.js';
import { Stopwatch } from '../stopwatch.js';
import type { Stage } from './espalier.js';
import type { Rig } from './subject.js';

/** From one of a hundred to the next. */
function stepOf(agents: number): number {
  return Math.max(1, Math.floor(agents / 100));
}

/**
 * Questions, one after the other, each of the next of a hundred agents that lie evenly among all: however many those are, the machine's caches hold as much.
 * @returns µs from the question to its answer
 */
export async function requests(rig: Rig, agents: number, times: number): Promise<number> {
  const step = stepOf(agents);
  const watch = new Stopwatch();
  for (let time = 0; time < times; time++) await rig.request((time * step) % agents, time);
  return (watch.read() * 1_000) / times;
}

/** Notices, one after the other, to the same hundred. @returns µs for each */
export async function notices(rig: Rig, agents: number, times: number): Promise<number> {
  const step = stepOf(agents);
  const watch = new Stopwatch();
  for (let time = 0; time < times; time++) await rig.notify((time * step) % agents, time);
  return (watch.read() * 1_000) / times;
}

/** One word after the other to all subscribers. @returns µs until all of them have it */
export async function publications(rig: Rig, times: number): Promise<number> {
  const watch = new Stopwatch();
  for (let time = 0; time < times; time++) await rig.publish(time);
  return (watch.read() * 1_000) / times;
}

export interface Slices {
  readonly agents: number;
  /** How often the stages change their parts; each time in both there is one figure. */
  readonly turns: number;
  /** Samples of each part; each is of so many fours of slices: with the stalled agent, twice without, and with it, or the other way round. */
  readonly samples: number;
  readonly fours: number;
  /** Questions of one slice. */
  readonly slice: number;
  /** Does the stalled agent answer one question in each sample, or none? */
  readonly crawls: boolean;
}

/**
 * What one agent that is stalled costs the others: short slices of questions to them, on a stage where one is stalled and on its like where none is, in turn. The
 * stages change their parts again and again, so that it does not count which of them lies better in memory.
 * @returns how much longer questions take, %, one figure for each turn in which that can be told: no time at all, which others on the machine may make of a slice, is no measure
 */
export async function costToOthers(stages: readonly [Stage, Stage], slices: Slices): Promise<number[]> {
  const [one, other] = stages;
  const found: number[] = [];
  for (let turn = 0; turn < slices.turns; turn++) found.push(((await difference(one, other, slices)) + (await difference(other, one, slices))) / 2);
  return found.filter(Number.isFinite);
}

/**
 * The median of the differences between what is measured side by side: a slice that somebody interrupts spoils one of many. Those in which the stalled agent
 * answers have a median of their own, which counts for its part of all.
 */
async function difference(stalled: Stage, free: Stage, { agents, samples, fours, slice, crawls }: Slices): Promise<number> {
  const measured = async (stage: Stage, crawl: boolean): Promise<number> => {
    const watch = new Stopwatch();
    for (let time = 0; time < slice; time++) {
      if (crawl && time * 2 === slice) await stage.crawl();
      await stage.rig.request(time % agents, time);
    }
    return watch.read();
  };
  stalled.stall();
  // What came before has left its traces in the caches of the machine.
  for (const stage of [stalled, free, free, stalled]) await measured(stage, false);
  const [still, crawling, without]: [number[], number[], number[]] = [[], [], []];
  for (let four = 0; four < samples * fours; four++) {
    const crawl = crawls && four % fours === 0;
    const took = new Map([stalled, free].map((stage) => [stage, 0]));
    // Whoever is second finds what the first has left behind.
    const order = four % 2 === 0 ? [stalled, free, free, stalled] : [free, stalled, stalled, free];
    for (const [index, stage] of order.entries())
      took.set(stage, (took.get(stage) ?? 0) + (await measured(stage, crawl && stage === stalled && index < 2)));
    const alone = took.get(free) ?? 0;
    without.push(alone);
    (crawl ? crawling : still).push((took.get(stalled) ?? 0) - alone);
  }
  await stalled.resume();
  const [longer, whole] = [summarise(still).median, summarise(without).median];
  return (100 * (crawls ? longer + (summarise(crawling).median - longer) / fours : longer)) / whole;
}
