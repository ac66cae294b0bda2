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
  /** How often the stages change their parts, and how often it is measured with and without until they do. */
  readonly turns: number;
  readonly pairs: number;
  /** Questions of one slice. */
  readonly slice: number;
  /** Does the stalled agent answer one question in the midst of each slice, or none? */
  readonly crawls: boolean;
}

/**
 * What one agent that is stalled costs the others: short slices of questions to them, on a stage where one is stalled and on its like where none is, in turn.
 * The stages change their parts again and again, so that it does not count which of them lies better in memory. A slice that somebody interrupts spoils one
 * ratio of many.
 * @returns the median of the ratios, times: the mean of both parts
 */
export async function costToOthers(stages: readonly [Stage, Stage], slices: Slices): Promise<number> {
  const [one, other] = stages;
  const asOne: number[] = [];
  const asOther: number[] = [];
  for (let turn = 0; turn < slices.turns; turn++) {
    asOne.push(...(await ratios(one, other, slices)));
    asOther.push(...(await ratios(other, one, slices)));
  }
  return Math.sqrt(summarise(asOne).median * summarise(asOther).median);
}

async function ratios(stalled: Stage, free: Stage, { agents, pairs, slice, crawls }: Slices): Promise<number[]> {
  const measured = async (stage: Stage): Promise<number> => {
    const watch = new Stopwatch();
    for (let time = 0; time < slice; time++) {
      if (crawls && stage === stalled && time * 2 === slice) await stage.crawl();
      await stage.rig.request(time % agents, time);
    }
    return watch.read();
  };
  stalled.stall();
  // What came before has left its traces in the caches of the machine.
  for (const stage of [stalled, free, free, stalled]) await measured(stage);
  const found: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    // Whoever is second finds what the first has left behind: so each is first as often.
    const [first, second] = pair % 2 === 0 ? [stalled, free] : [free, stalled];
    const took = [await measured(first), await measured(second)] as const;
    found.push(first === stalled ? took[0] / took[1] : took[1] / took[0]);
  }
  await stalled.resume();
  return found;
}
