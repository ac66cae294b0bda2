/** How runs end: what their chart is told, and what came too fast to be heard at once. */
import type { ExitReason } from '../../machines/supervision/exit.js';
import type { TaskEvent } from '../../machines/supervision/task.js';
import type { Slice } from './slices.js';
import type { TaskOutcome, TaskRun } from './task-run.js';

export const succeeded: TaskEvent = { type: 'task.succeeded' };
export const cancelled: TaskEvent = { type: 'task.cancelled', reason: 'shutdown' };
export const timedOut: TaskEvent = { type: 'task.timedOut' };
export const outOfTime: TaskOutcome<never> = Object.freeze({ ok: false, reason: 'timedOut' });
export const shutDown: TaskOutcome<never> = Object.freeze({ ok: false, reason: 'shutdown' });

const timeoutReason: ExitReason = ['shutdown', 'timedOut'];

/** The exit reason in the chart's output after such an end. */
export function reasonOf(event: TaskEvent): ExitReason {
  if (event.type === 'task.succeeded') return 'normal';
  return event.type === 'task.timedOut' ? timeoutReason : event.reason;
}

/** What a promise calls. */
export type Then = (fulfilled: (value: unknown) => void, rejected: (error: unknown) => void) => unknown;

/** How a function ended that nobody had the time to hear. */
export class LateEnd implements Slice {
  readonly #run: TaskRun;
  readonly #ok: boolean;
  readonly #value: unknown;

  constructor(run: TaskRun, ok: boolean, value: unknown) {
    this.#run = run;
    this.#ok = ok;
    this.#value = value;
  }

  take(): void {
    this.#run.pool.settle(this.#run, this.#ok, this.#value);
  }
}
