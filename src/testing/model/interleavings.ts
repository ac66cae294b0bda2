/** Every order in which things can happen, up to a depth; at random beyond what is affordable. */
import type { AnyStateMachine } from 'xstate';
import { EspalierError } from '../../errors.js';
import type { Case } from './compile.js';
import type { Model } from './model.js';
import { checkOptions, subjectRules } from './options.js';
import { nothingHappens, plan as planOf, type PlanOptions, shrinking } from './plan.js';
import { type Plan, repeat, type Trail, Walk } from './walk.js';

export interface InterleavingsOptions<M extends AnyStateMachine> extends PlanOptions<M> {
  /** Steps of an order. */
  readonly depth: number;
  /** Only from this start; default from each. */
  readonly start?: string;
  /** Cases that have happened before the orders begin, from `start`. */
  readonly after?: readonly string[];
  /** Orders to try one by one at most. Default 20 000. */
  readonly maxOrders?: number;
  /** Random orders of full depth where there are more. Default 1 000. */
  readonly runs?: number;
  /** Of the random orders. Default 1. */
  readonly seed?: number;
}

export interface InterleavingsResult {
  /** Orders that were tried one by one: those of one step, then of two, and so on. */
  readonly orders: number;
  /** Whether these were all. */
  readonly exhaustive: boolean;
  /** Random orders beyond them. */
  readonly sampled: number;
}

/**
 * Takes the steps that can happen in every order, shortest orders first, and checks every claim after every step. An order that begins with a step
 * that does nothing is not tried: it is another order with that step left out.
 * @throws ModelTestFailure by a locally minimal path
 */
export function interleavings<M extends AnyStateMachine>(model: Model<M>, options: InterleavingsOptions<M>): InterleavingsResult {
  checkOptions('interleavings', options, {
    ...subjectRules,
    depth: { least: 1 },
    start: 'start',
    after: 'names',
    maxOrders: { least: 1 },
    runs: { least: 1 },
    seed: { least: -0x8000_0000 },
    waivers: 'table',
  });
  const { depth, start, after = [], maxOrders = 20_000, runs = 1_000, seed = 1, ...rest } = options;
  if (depth === undefined)
    throw new EspalierError('testing/invalid-options', { expected: 'interleavings: `depth`, a whole number from 1 on', got: depth });
  const plan = planOf(model, rest);
  const grounds = groundsOf(plan, start, after);
  const { orders, cut, deeds } = shrinking(plan, () => tryAll(plan, grounds, depth, maxOrders));
  if (deeds === 0) throw nothingHappens(plan, 'orders', orders);
  if (!cut) return { orders, exhaustive: true, sampled: 0 };
  const sample = (): void => {
    const chance = random(seed);
    for (let run = 0; run < runs; run++) walkAtRandom(plan, grounds[run % grounds.length] as Trail<M>, depth, chance);
  };
  shrinking(plan, sample, seed);
  return { orders, exhaustive: false, sampled: runs };
}

/** Where the orders begin. */
function groundsOf<M extends AnyStateMachine>(plan: Plan<M>, start: string | undefined, after: readonly string[]): readonly Trail<M>[] {
  const starts = Object.keys(plan.inputs);
  const refuse = (expected: string, got: unknown): never => {
    throw new EspalierError('testing/invalid-options', { expected: `interleavings: ${expected}`, got });
  };
  if (start !== undefined && !starts.includes(start)) refuse(`\`start\` out of ${starts.join(', ')}`, start);
  const unknown = after.find((name) => plan.caseNamed(name) === undefined);
  if (unknown !== undefined) refuse(`\`after\` out of ${plan.cases.map(({ name }) => name).join(', ')}`, unknown);
  return (start === undefined ? starts : [start]).map((from) => {
    const walk = new Walk(plan, from);
    for (const name of after) {
      const step = walk.offered().find((one) => one.name === name);
      if (step === undefined) return refuse(`'${name}' to be possible`, `after ${[from, ...walk.path].join(' → ')}`);
      walk.take(step);
    }
    walk.stop();
    return { start: from, steps: [...walk.steps] };
  });
}

function tryAll<M extends AnyStateMachine>(
  plan: Plan<M>,
  grounds: readonly Trail<M>[],
  depth: number,
  most: number,
): { orders: number; cut: boolean; deeds: number } {
  let level = grounds;
  let [orders, deeds] = [0, 0];
  for (let length = 1; length <= depth && level.length > 0; length++) {
    const next: Trail<M>[] = [];
    for (const trail of level) {
      let walk = repeat(plan, trail);
      const offered = walk.offered();
      if (offered.length === 0) walk.stop();
      for (const [index, step] of offered.entries()) {
        if (orders === most) return { orders, cut: true, deeds };
        orders++;
        if (index > 0) walk = repeat(plan, trail);
        const [before, executed] = [walk.mark(), walk.executed];
        walk.take(step);
        deeds += walk.executed - executed;
        const goesOn = walk.isActive && length < depth && walk.mark() !== before;
        if (goesOn) next.push({ start: trail.start, steps: [...walk.steps] });
        walk.end(true);
      }
    }
    level = next;
  }
  return { orders, cut: false, deeds };
}

function walkAtRandom<M extends AnyStateMachine>(plan: Plan<M>, ground: Trail<M>, depth: number, chance: () => number): void {
  const walk = repeat(plan, ground);
  for (let step = 0; step < depth; step++) {
    const offered: readonly Case<M>[] = walk.offered();
    if (offered.length === 0) break;
    walk.take(offered[Math.floor(chance() * offered.length)] as Case<M>);
  }
  walk.end(true);
}

/** Numbers from 0 up to 1, the same for the same seed. @see mulberry32, Tommy Ettinger, public domain */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
