/** What the gate benchmark asks of each subject: to run tasks behind a limit, all measured by the same code, each in a process of its own. */

/** A task's body. */
export type Work = () => Promise<unknown>;

/** One limiter. */
export interface Rig {
  /** Runs a task as soon as the limit lets it; settles when the task has ended and its place is free. */
  pass(work: Work): Promise<unknown>;
  /** The same, for a waiter that can be cancelled by itself. Settles, and never rejects, also where it was cancelled. Absent where nobody can do that. */
  passUntil?(work: Work, signal: AbortSignal): Promise<unknown>;
  /** Lets go of what it holds. */
  close?(): unknown;
}

/** One thing that is measured beside the others. */
export interface Subject {
  readonly name: string;
  /** The share of the usual number of tasks, and of those that wait, where that many would take minutes; 1 when absent. */
  readonly share?: number;
  /** @param limit  tasks at a time; `maxWaiting` may wait at the least */
  open(limit: number, maxWaiting: number): Rig;
}

/** Awaited by the tasks: costs one turn of the microtask queue. */
const oneTurn: Promise<void> = Promise.resolve();

/** The standard task: one turn of the microtask queue. */
export const brief: Work = () => oneTurn;
