/** A worker thread that plays machines, one at a time, as it is told. */
import { parentPort } from 'node:worker_threads';
import { type Finding, play, type Task } from './play.js';

const stray: unknown[] = [];
process.on('uncaughtException', (error) => stray.push(error));
process.on('unhandledRejection', (error) => stray.push(error));

parentPort?.on('message', (task: Task) => {
  const answer = (finding: Finding): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, which has no origin
    parentPort?.postMessage(finding);
  };
  play(task, () => stray.splice(0)).then(answer, (error: unknown) => answer({ verdicts: [], tookMs: 0, broken: String(error) }));
});
