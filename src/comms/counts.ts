/** What comms say of themselves in numbers. */

/** What has been sent, and what came of it, since comms began. `sent` = `refused` + `delivered` + `dead` + `withdrawn` + what is queued or waits. */
export interface CommsCounts {
  /** Messages: a request that joined another with its key, or had a kept answer, is none. */
  readonly sent: number;
  /** Never in a mailbox: nobody by the name, no place. */
  readonly refused: number;
  readonly delivered: number;
  /** Dead letters: taken into a mailbox, and never delivered, or published, and not taken. Dropped ones are among them. */
  readonly dead: number;
  readonly dropped: number;
  /** Late or cancelled before they were delivered. */
  readonly withdrawn: number;
  /** Callers who have heard, of requests that were sent. */
  readonly answered: number;
  /** Callers who joined an open question with the same key. */
  readonly joined: number;
  /** Callers who had a kept answer. */
  readonly kept: number;
  /** Answers to what nobody asks any more, or never asked. */
  readonly lateReplies: number;
}

/** What is there now. */
export interface CommsLoad {
  readonly channels: number;
  /** In mailboxes, and waiting for a place in one. */
  readonly queued: number;
  /** Requests that agents have not answered. */
  readonly out: number;
  readonly subscriptions: number;
  readonly deadLetters: number;
  readonly keptAnswers: number;
}

/** Nothing yet. */
export function noCounts(): { -readonly [Name in keyof CommsCounts]: number } {
  return {
    ...{ sent: 0, refused: 0, delivered: 0, dead: 0, dropped: 0 },
    ...{ withdrawn: 0, answered: 0, joined: 0, kept: 0, lateReplies: 0 },
  };
}

export const noLoad: CommsLoad = { channels: 0, queued: 0, out: 0, subscriptions: 0, deadLetters: 0, keptAnswers: 0 };
