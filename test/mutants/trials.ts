/** Mutants tried in worker threads, several at a time: a mutant is all computing. */
import { workOff } from './threads.js';
import type { Assignment, Finding } from './worker.js';

/** One mutant to try. */
export interface Trial {
  /** Id of the machine. */
  readonly machine: string;
  /** Id of the mutant. */
  readonly id: string;
}

export interface TrialLimits {
  /** Of the random walks. */
  readonly seed: number;
  /** How many at a time. */
  readonly jobs: number;
  /** What the threads run; it answers each {@link Assignment} with a {@link Finding}. */
  readonly script?: URL;
}

/**
 * Tries mutants, the first first.
 * @param onFinding  called with each as it ends: what caught it, undefined when nothing has
 * @throws whatever a worker dies of, such as a machine that does not pass its own tests
 */
export async function tryAll(
  trials: readonly Trial[],
  { seed, jobs, script = new URL('worker.js', import.meta.url) }: TrialLimits,
  onFinding: (trial: Trial, by: string | undefined) => void,
): Promise<void> {
  const assignments = trials.map((trial): Assignment => ({ ...trial, seed }));
  await workOff<Assignment, Finding>(assignments, { jobs, script }, ({ machine, id }, { by }) => onFinding({ machine, id }, by));
}
