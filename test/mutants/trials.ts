/** Mutants tried in worker threads, several at a time: a mutant is all computing. */
import { Worker } from 'node:worker_threads';
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
  const waiting = [...trials];
  const workOff = (worker: Worker): Promise<void> =>
    new Promise((resolve, reject) => {
      let current: Trial | undefined;
      const next = (): void => {
        current = waiting.shift();
        if (current === undefined) resolve();
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, which has no origin
        else worker.postMessage({ ...current, seed } satisfies Assignment);
      };
      worker.on('message', ({ by, broken }: Finding) => {
        if (broken !== undefined) return reject(new Error(broken));
        if (current !== undefined) onFinding(current, by);
        next();
      });
      worker.on('error', reject);
      worker.on('exit', (code) => reject(new Error(`a worker ended with ${code}`)));
      next();
    });
  const workers = Array.from({ length: Math.min(jobs, trials.length) }, () => new Worker(script));
  try {
    await Promise.all(workers.map(workOff));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
