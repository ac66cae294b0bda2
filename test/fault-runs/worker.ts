/** A worker thread that tries seeds, as it is told. */
import { parentPort } from 'node:worker_threads';
import { worlds } from './catalogue.js';
import { type Assignment, carryOut } from './trials.js';

const stray: unknown[] = [];
process.on('uncaughtException', (error) => stray.push(error));
process.on('unhandledRejection', (error) => stray.push(error));

parentPort?.on('message', (assignment: Assignment) => {
  const tried = carryOut(worlds, assignment, () => stray.splice(0));
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, which has no origin
  void tried.then((finding) => parentPort?.postMessage(finding));
});
