/** What the telemetry benchmark asks of each subject: metrics that are recorded, all measured by the same code. */

/** One place where metrics are kept. What a subject cannot do is absent, and not measured of it. */
export interface Rig {
  /** One more of this outcome. */
  count(outcome: string): void;
  /** So many seconds of this outcome. */
  time(outcome: string, seconds: number): void;
  /** How many of an outcome there were; asynchronous where the subject has to be asked. */
  counted(outcome: string): number | Promise<number>;
  /** How many times of an outcome there were. */
  timed(outcome: string): number | Promise<number>;
  close(): unknown;
}

export interface Subject {
  readonly name: string;
  open(): Rig;
}
