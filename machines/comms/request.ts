/** What comes of asking an agent something; each question has one answer, and no question none. */

/** Why there is no answer. */
export type RequestRefusal =
  /** Nobody goes by that name, or whoever did has ended and nobody has come after. */
  | 'noAgent'
  /** Its mailbox is full, and its policy is to refuse. Never delivered. */
  | 'full'
  /** It was in the mailbox, and gave way to what came later, as the policy is. Never delivered. */
  | 'dropped'
  /** The agent answered that it cannot: `error` has its words. */
  | 'error'
  /** The agent ended before it had answered. */
  | 'crashed'
  /** Its time was over. A later answer is dropped, and counted. */
  | 'late'
  /** Whoever asked has taken it back; the agent has been told. */
  | 'cancelled'
  /** Comms have ended, or do not run. */
  | 'closed';

/** What came of a question. */
export type RequestOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: RequestRefusal; readonly error?: unknown };
