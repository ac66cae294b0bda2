/** A worker thread that tries mutants, one at a time, as it is told. */
import { parentPort } from 'node:worker_threads';
import type { AnyStateMachine } from 'xstate';
import type { AnyModel } from '../../src/testing/model/model.js';
import { models } from '../../src/testing/models/catalogue.js';
import type { Mutant } from '../../src/testing/mutation/mutants.js';
import { type Trial, trialOf } from '../../src/testing/mutation/trial.js';

/** Which mutant to try. */
export interface Assignment {
  readonly machine: string;
  readonly id: string;
  readonly seed: number;
}

/** What came of it. */
export interface Finding {
  /** What caught it; absent when nothing has. */
  readonly by?: string;
  /** Why it could not be tried; the run is over. */
  readonly broken?: string;
}

/** Random walks over each mutant. */
const runs = 100;

const trials = new Map<string, { readonly trial: Trial<AnyStateMachine>; readonly mutants: ReadonlyMap<string, Mutant> }>();

async function readied(machine: string, seed: number) {
  const known = trials.get(machine);
  if (known !== undefined) return known;
  const model = (models as Readonly<Record<string, AnyModel>>)[machine] as AnyModel;
  const trial = await trialOf(model, { seed, runs });
  const made = { trial, mutants: new Map(trial.mutants.map((mutant) => [mutant.id, mutant])) };
  trials.set(machine, made);
  return made;
}

async function carryOut({ machine, id, seed }: Assignment): Promise<Finding> {
  let what = `${machine} does not pass its own tests`;
  try {
    const { trial, mutants } = await readied(machine, seed);
    what = id;
    const by = await trial.whatCatches(mutants.get(id) as Mutant);
    return by === undefined ? {} : { by };
  } catch (error) {
    return { broken: `${what}: ${error instanceof Error ? error.message : String(error)}` };
  }
}

parentPort?.on('message', (assignment: Assignment) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, which has no origin
  void carryOut(assignment).then((finding) => parentPort?.postMessage(finding));
});
