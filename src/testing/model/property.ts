/** Random walks over a model, by fast-check; a failure comes out shrunk by the names of its steps. */
import type * as FastCheck from 'fast-check';
import type { AnyStateMachine } from 'xstate';
import { EspalierError } from '../../errors.js';
import type { Case } from './compile.js';
import type { Coverage } from './coverage.js';
import type { Model } from './model.js';
import { checkOptions, subjectRules } from './options.js';
import { nothingHappens, plan as planOf, type PlanOptions, shrinking } from './plan.js';
import { Walk } from './walk.js';

/** How many random walks, how long, from which seed. */
export interface PropertyOptions<M extends AnyStateMachine> extends PlanOptions<M> {
  /** A whole number: the same walks for the same seed. Default 1, so that a suite does not flake; give another to look elsewhere. */
  readonly seed?: number;
  /** Default 100. */
  readonly runs?: number;
  /** Default 40. */
  readonly maxSteps?: number;
}

export interface PropertyResult {
  readonly runs: number;
  readonly steps: number;
  readonly coverage: Coverage;
}

/** Choices are drawn from 0 to here, and stand for a part of the weights. */
const finest = 1_000_000;

/**
 * Walks at random and checks every claim after every step; each walk then goes to its end, where nothing may be left.
 * @throws ModelTestFailure with the seed and a locally minimal path; EspalierError where fast-check is not installed
 */
export async function propertyTest<M extends AnyStateMachine>(model: Model<M>, options: PropertyOptions<M> = {}): Promise<PropertyResult> {
  checkOptions('propertyTest', options, {
    ...subjectRules,
    seed: { least: -0x8000_0000 },
    runs: { least: 1 },
    maxSteps: { least: 1 },
    waivers: 'table',
  });
  const { seed = 1, runs = 100, maxSteps = 40, ...rest } = options;
  const plan = planOf(model, rest);
  const fc = await loadFastCheck();
  let [steps, executed] = [0, 0];
  let failure: unknown;
  const walkOnce = (start: string, choices: readonly number[]): void => {
    const walk = new Walk(plan, start, { counts: true });
    walk.check();
    for (const choice of choices) {
      const step = pick(walk.offered(), choice);
      if (step === undefined) break;
      walk.take(step);
      steps++;
    }
    executed += walk.executed;
    walk.end(true);
  };
  const starts = fc.constantFrom(...Object.keys(plan.inputs));
  const picks = fc.array(fc.nat({ max: finest - 1 }), { minLength: 1, maxLength: maxSteps, size: 'max' });
  const property = fc.property(starts, picks, (start, choices) => {
    try {
      walkOnce(start, choices);
      return true;
    } catch (error) {
      failure = error;
      return false;
    }
  });
  // fast-check makes the walks; which steps of a failing one are needed is found by their names, not by the numbers behind them.
  const { failed } = fc.check(property, { seed, numRuns: runs, endOnFailure: true });
  if (failed) {
    shrinking(
      plan,
      () => {
        throw failure;
      },
      seed,
    );
  }
  if (executed === 0) throw nothingHappens(plan, 'walks', steps);
  return { runs, steps, coverage: plan.coverage };
}

/** One of the cases, by their weights. */
export function pick<M extends AnyStateMachine>(offered: readonly Case<M>[], choice: number): Case<M> | undefined {
  let rest = (choice / finest) * offered.reduce((sum, { weight }) => sum + weight, 0);
  return offered.find(({ weight }) => (rest -= weight) < 0) ?? offered.at(-1);
}

async function loadFastCheck(): Promise<typeof FastCheck> {
  try {
    return await import('fast-check');
  } catch (cause) {
    throw new EspalierError(
      'testing/missing-peer',
      {
        expected: 'the package fast-check (^4) for propertyTest: npm install --save-dev fast-check',
        got: String((cause as { code?: unknown }).code),
      },
      { cause },
    );
  }
}
