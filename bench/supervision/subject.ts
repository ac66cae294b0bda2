/** What the supervision benchmark asks of each subject: ways to run a task and learn of its end, all measured by the same code. */

/** A task's body. */
export type Work = () => Promise<unknown>;

/** One running supervisor, or what stands for it. */
export interface Rig {
  /**
   * Starts one supervised task now.
   * @param noticed  called once, when the supervising side knows that the task has ended
   * @param name  a name of its own for the task, where the subject takes names
   * @returns what a caller must hold for the task to stay alive; undefined where the supervisor holds it
   */
  start(work: Work, noticed: () => void, name?: string): unknown;
  /** Starts many tasks that never end, where that is much cheaper than one `start` after the other. */
  startPending?(count: number): void;
  /** Hands over that many tasks by one call, where the subject has such a call; elsewhere they are started one after the other. */
  burst?(count: number, work: Work, noticed: () => void): void;
  /** Stops every live task and the supervisor. Absent where a subject cannot stop what it started. */
  stop?(): Promise<void>;
}

/** Workers under one supervisor that restarts whichever crashes. */
export interface WorkersRig {
  /** Crashes one of the workers now; the subject calls `restarted` when its successor is at work. */
  crash(): void;
  stop(): Promise<void>;
}

/** One thing that is measured beside the others. */
export interface Subject {
  readonly name: string;
  /** More live children than this are not feasible. */
  readonly maxLive?: number;
  /** With more live children than this, stopping them is measured in the first round only. */
  readonly maxLiveStoppedEachRound?: number;
  /** The share of the usual number of tasks to run with that many live children; 1 when absent. */
  share?(live: number): number;
  /** The share of them to run for what stays afterwards; that with no live children when absent. */
  readonly keptShare?: number;
  open(): Promise<Rig>;
  /** Machines as workers; `restarted` once the supervisor knows the successor. */
  openWorkers?(count: number, restarted: () => void): Promise<WorkersRig>;
  /** A task that is restarted, among as many that live; `restarted` on the first line of the successor. */
  openRestarted?(siblings: number, restarted: () => void): Promise<WorkersRig>;
}

/** The name of the lane in a process whose heap has room for little that is young. */
export const smallYoung = 'espalier-small-young';

/** A task that stays alive until it is stopped. */
export const pending: Work = () => new Promise(() => {});

/** Awaited by the tasks: costs one turn of the microtask queue. */
export const oneTurn: Promise<void> = Promise.resolve();

/** The standard task: one turn of the microtask queue. */
export const brief: Work = async () => {
  await oneTurn;
};

export const ignore = (): void => {};
