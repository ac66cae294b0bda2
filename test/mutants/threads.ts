/** Tasks for worker threads, several at a time: for what is all computing. */
import { Worker } from 'node:worker_threads';

export interface ThreadLimits {
  /** How many at a time. */
  readonly jobs: number;
  /** What the threads run; it answers each task with a finding. */
  readonly script: URL;
  /** Ms that a thread may take for one task. Default 600 000. */
  readonly withinMs?: number;
}

/**
 * Works tasks off, the first first.
 * @param tasks  each is sent to a thread, so it is data
 * @param onFinding  called with each as it ends
 * @returns the findings, in the order of the tasks
 * @throws whatever a worker dies of, and what a finding says that is `broken`
 */
export async function workOff<Task, Finding extends { readonly broken?: string }>(
  tasks: readonly Task[],
  { jobs, script, withinMs = 600_000 }: ThreadLimits,
  onFinding: (task: Task, finding: Finding) => void,
): Promise<Finding[]> {
  const waiting = [...tasks.entries()];
  const findings: Finding[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const busy = (worker: Worker): Promise<void> =>
    new Promise((resolve, reject) => {
      let end: ((finding: Finding) => void) | undefined;
      const next = (): void => {
        const [index = 0, task] = waiting.shift() ?? [];
        if (task === undefined) return resolve();
        // What never rests cannot be asked to end.
        const late = setTimeout(() => reject(new Error(`no answer in ${withinMs} ms to ${JSON.stringify(task)}`)), withinMs);
        timers.add(late);
        end = (finding) => {
          clearTimeout(late);
          timers.delete(late);
          findings[index] = finding;
          onFinding(task, finding);
        };
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, which has no origin
        worker.postMessage(task);
      };
      worker.on('message', (finding: Finding) => {
        if (finding.broken !== undefined) return reject(new Error(finding.broken));
        end?.(finding);
        next();
      });
      worker.on('error', reject);
      worker.on('exit', (code) => reject(new Error(`a worker ended with ${code}`)));
      next();
    });
  const workers = Array.from({ length: Math.min(jobs, tasks.length) }, () => new Worker(script));
  try {
    await Promise.all(workers.map(busy));
    return findings;
  } finally {
    for (const timer of timers) clearTimeout(timer);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
