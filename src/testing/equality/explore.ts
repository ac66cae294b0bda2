/** Where two machines are led: along short paths to every state, and there into everything that can happen; and at random, with faults. */
import type { AnyMachineSnapshot } from 'xstate';

import { FairQueue } from '../model/fair-queue.js';
import { Chance } from '../world/chance.js';
import { drawn, Pair, type Sides } from './pair.js';
import type { Step } from './stage.js';

/** What came of one path or walk. */
export interface Explored {
  readonly name: string;
  readonly steps: number;
  /** In words; undefined where nothing differed. */
  readonly difference: string | undefined;
}

interface Trail {
  readonly start: string;
  readonly steps: readonly Step[];
}

/** The longest walk, in steps. */
const longestWalk = 60;
/** One of so many steps of a walk is a fault, and of as many others a function throws. */
const oneFaultIn = 16;
/** A call of the machine's own functions at which one throws is looked for among so many. */
const deepestFuse = 4;

/**
 * Every state that the steps lead to, by a short path; in each of them every step, every fault, a failing function for every step, and a stop. One
 * finding for each state.
 * @param maxSteps  after the state in which so many are taken, it looks at no other
 * @returns how many states are left that are known
 */
export function* explorePaths(sides: Sides, maxSteps: number): Generator<Explored, number> {
  const { stage } = sides;
  const seen = new Set<string>();
  const queue = new FairQueue<Trail>();
  const visit = (pair: Pair, steps: readonly Step[]): void => {
    const key = stage.keyOf(pair.run);
    if (seen.has(key)) return;
    seen.add(key);
    const start = pair.path[0] as string;
    if (pair.isActive) queue.push(JSON.stringify([start, (pair.run.snapshot as AnyMachineSnapshot).value]), { start, steps });
  };
  for (const start of Object.keys(stage.starts)) {
    const pair = new Pair(sides, start);
    pair.ask();
    visit(pair, []);
    pair.stop();
    yield { name: `start '${start}'`, steps: 1, difference: pair.difference };
  }
  let steps = 0;
  while (steps < maxSteps) {
    const trail = queue.shift();
    if (trail === undefined) break;
    const explored = exploreState(sides, trail, visit);
    steps += explored.steps;
    yield explored;
  }
  return queue.size;
}

function exploreState(sides: Sides, trail: Trail, visit: (pair: Pair, steps: readonly Step[]) => void): Explored {
  const { stage } = sides;
  const name = `everything after ${[trail.start, ...trail.steps.map((step) => step.name)].join(' → ')}`;
  let steps = 0;
  let pair: Pair | undefined;
  const here = (): Pair => {
    if (pair === undefined) {
      pair = new Pair(sides, trail.start, { isRepeated: true });
      for (const step of trail.steps) pair.take(step, { isRepeated: true });
    }
    return pair;
  };
  const attempt = (step: Step, isFault: boolean, fuse?: number): string | undefined => {
    const own = here();
    // The one that was offered may be bound to another run.
    const again = (isFault ? stage.faults(own.run) : stage.offered(own.run)).find((one) => one.name === step.name);
    if (again === undefined) return undefined;
    const { length } = own.path;
    const { activity, snapshot } = own.run;
    own.take(again, fuse === undefined ? {} : { fuse });
    steps++;
    if (own.run.activity === activity && own.run.snapshot === snapshot && own.difference === undefined) {
      // Nothing has happened: whoever comes next finds it as it was.
      own.path.length = length;
      return undefined;
    }
    pair = undefined;
    if (!isFault && fuse === undefined) {
      own.ask();
      visit(own, [...trail.steps, again]);
    }
    own.stop();
    return own.difference;
  };
  const offered = stage.offered(here().run);
  const faults = stage.faults(here().run);
  for (const step of offered) {
    here();
    const { calls } = sides.watch;
    let difference = attempt(step, false);
    // The first of the functions that it has called throws; the walks try the others.
    if (difference === undefined && sides.watch.calls > calls) difference = attempt(step, false, 0);
    if (difference !== undefined) return { name, steps, difference };
  }
  for (const step of faults) {
    const difference = attempt(step, true);
    if (difference !== undefined) return { name, steps, difference };
  }
  const last = here();
  last.stop();
  return { name, steps: steps + 1, difference: last.difference };
}

/** Walks at random with faults among their steps, until they have taken `total` steps. One finding for each walk. */
export function* exploreWalks(sides: Sides, total: number, seed: number): Generator<Explored> {
  const { stage } = sides;
  const starts = Object.keys(stage.starts);
  let taken = 0;
  for (let walk = 0; taken < total; walk++) {
    const chance = new Chance(seed, `walk ${walk}`);
    const pair = new Pair(sides, chance.pick(starts));
    let steps = 0;
    while (pair.isActive && steps < longestWalk) {
      const isFault = chance.next() * oneFaultIn < 1;
      const step = (isFault ? drawn(chance, stage.faults(pair.run)) : undefined) ?? drawn(chance, stage.offered(pair.run));
      if (step === undefined) break;
      const fuse = !isFault && chance.next() * oneFaultIn < 1 ? Math.floor(chance.next() * deepestFuse) : undefined;
      pair.take(step, fuse === undefined ? {} : { fuse });
      steps++;
    }
    if (pair.difference === undefined) pair.ask();
    pair.stop();
    taken += Math.max(1, steps);
    yield { name: `walk ${walk} of seed ${seed}`, steps, difference: pair.difference };
  }
}
