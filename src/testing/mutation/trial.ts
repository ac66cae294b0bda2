/** The tests of a model, to be run on mutants of its machine: paths that reach everything, then random walks. */
import type { AnyStateMachine } from 'xstate';
import { expectFullCoverage } from '../model/expect.js';
import { ModelTestFailure } from '../model/failure.js';
import type { Model } from '../model/model.js';
import { propertyTest } from '../model/property.js';
import { testPaths } from '../model/search.js';
import type { Mutant } from './mutants.js';

/** Where the random walks begin, and how many they are. */
export interface TrialOptions {
  readonly seed: number;
  readonly runs: number;
}

/** A model whose own machine passes. */
export interface Trial<M extends AnyStateMachine> {
  /** What catches the mutant: the name of a claim, or what cannot be reached any more. Undefined when all tests pass. */
  whatCatches(mutant: Mutant<M>): Promise<string | undefined>;
}

/**
 * Readies the tests of a model.
 * @throws ModelTestFailure or CoverageFailure when the machine itself does not pass: then its mutants prove nothing
 */
export async function trialOf<M extends AnyStateMachine>(model: Model<M>, walks: TrialOptions): Promise<Trial<M>> {
  // Of a mutant as many states are visited as all of the machine needs, even where the mutant has less to reach.
  const { states: minStates } = expectFullCoverage(model);
  await propertyTest(model, walks);
  return { whatCatches: (mutant) => whatCatches(model, mutant, walks, minStates) };
}

async function whatCatches<M extends AnyStateMachine>(
  model: Model<M>,
  mutant: Mutant<M>,
  walks: TrialOptions,
  minStates: number,
): Promise<string | undefined> {
  const machine = mutant.make();
  try {
    await propertyTest(model, { machine, ...walks });
    const { coverage, idleCases } = testPaths(model, { machine, minStates });
    const waived = new Set(Object.keys(coverage.waivers).map(withoutPlace));
    const [open] = coverage.open().filter(({ id }) => !waived.has(withoutPlace(id)));
    if (open !== undefined) return `never: ${open.id}`;
    return idleCases[0] === undefined ? undefined : `case '${idleCases[0]}' never did anything`;
  } catch (error) {
    if (error instanceof ModelTestFailure) return error.claim;
    return error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
  }
}

/** A mutant may move a waived item to another place among its candidates, and change where it leads. */
function withoutPlace(id: string): string {
  return id.replace(/#\d+--> .*?( true| false)?$/, '$1');
}
