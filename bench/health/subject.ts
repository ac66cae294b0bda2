/** What the health benchmark asks of each subject: to have many checks made, each at its interval, all measured by the same code. */

/** What a check does when it begins. `dueAt`: when it should have, of `performance.now()`. */
export type OnCheck = (id: number, dueAt: number) => void;

export interface Subject {
  readonly name: string;
  /** Has `count` checks made every `everyMs`, spread over the interval. @returns what ends it */
  begin(count: number, everyMs: number, onCheck: OnCheck): Promise<() => Promise<void>>;
}
