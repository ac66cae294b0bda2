/** Which effects the actions of a machine enqueue, as far as its model makes them happen. */
import type { AnyStateMachine } from 'xstate';
import { expectFullCoverage } from '../model/expect.js';
import type { Model } from '../model/model.js';
import { propertyTest } from '../model/property.js';
import { type Effects, sieved } from './effects.js';
import { type Mutant, mutantsOf } from './mutants.js';

/** Always the same walks, so that mutants have the same names whatever the seed of their tests. */
const walks = { seed: 1, runs: 100 };

/** A model whose own machine passes, and what its mutants are. */
export interface Observed<M extends AnyStateMachine> {
  /** All of them, those included of what its actions enqueue. */
  readonly mutants: readonly Mutant<M>[];
  /** That the search of the machine itself has visited. */
  readonly states: number;
}

/**
 * Watches the machine on paths that reach everything, and on random walks.
 * @throws ModelTestFailure or CoverageFailure when the machine itself does not pass: then its mutants prove nothing
 */
export async function observed<M extends AnyStateMachine>(model: Model<M>): Promise<Observed<M>> {
  const seen = new Map<string, Set<string>>();
  const machine = sieved(model.machine, (action) => {
    const effects = new Set<string>();
    seen.set(action, effects);
    return (effect) => effects.add(effect) !== undefined;
  });
  const { states } = expectFullCoverage(model, { machine });
  await propertyTest(model, { machine, ...walks });
  const effects: Effects = Object.fromEntries([...seen].map(([action, all]) => [action, [...all].sort()]));
  return { mutants: mutantsOf(model.machine, effects), states };
}
