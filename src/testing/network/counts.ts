/** What became of the messages of a network, in numbers. */

/** Every message that is sent ends as one of `delivered`, `dropped`, `cut`, `overflowed`, `refused`, `lost`, `unheard` or `late`, or is still under way. */
export interface NetworkCounts {
  /** Copies included: one for each message, and one more for each that was duplicated. */
  readonly sent: number;
  readonly delivered: number;
  /** By the chance of their link. */
  readonly dropped: number;
  /** By a partition, when they were sent or when they would have arrived. */
  readonly cut: number;
  /** Copies that a link has made. */
  readonly duplicated: number;
  /** Taken out of the order of their link. */
  readonly reordered: number;
  /** Not taken on: too many were under way. */
  readonly overflowed: number;
  /** Not taken by a full inbox, or thrown out of it. */
  readonly refused: number;
  /** Their node was down, or went down with them in its inbox. */
  readonly lost: number;
  /** The node does not listen. */
  readonly unheard: number;
  /** Replies to calls that had ended. */
  readonly late: number;
  /** Calls that ended without a reply. */
  readonly unknown: number;
  /** What has happened at all: messages, timers and jobs that a node has handled. */
  readonly events: number;
}

/** The counts while they are counted. */
export type Tally = { -readonly [Name in keyof NetworkCounts]: number };

export function tally(): Tally {
  return {
    ...{ sent: 0, delivered: 0, dropped: 0, cut: 0, duplicated: 0, reordered: 0, overflowed: 0 },
    ...{ refused: 0, lost: 0, unheard: 0, late: 0, unknown: 0, events: 0 },
  };
}
