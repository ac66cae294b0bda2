/** What a promise or an iteration of a Live session fails with. Sends and answers have outcomes instead: see `docs/decisions/003`. */
import { EspalierError, type ErrorCode, type ErrorDetails } from '../errors.js';
import type { LiveFailure } from './handle.js';

/** Why there is no session, or none any more: its failure, its end, or the abort of a signal (whose reason is the error's `cause`). */
export interface LiveErrorDetails extends ErrorDetails {
  /** `connectFailed`, `setupTimeout`, `closedBeforeSetup`, …; `closed` where somebody closed it; `aborted`. */
  readonly kind: LiveFailure['kind'] | 'closed' | 'aborted';
  /** A close code, an HTTP status, or a name such as `ECONNREFUSED`; `aborted`. */
  readonly code: number | string;
  readonly reason: string;
}

/** No session came about (`live/not-connected`), or the one whose events were read is gone (`live/events-ended`). Never shows a key. */
export class LiveError extends EspalierError {
  declare readonly details: LiveErrorDetails;

  /** @param failure  what ended it, as a session says it */
  constructor(
    code: Extract<ErrorCode, 'live/not-connected' | 'live/events-ended'>,
    expected: string,
    { kind, code: which, reason }: Pick<LiveErrorDetails, 'kind' | 'code' | 'reason'>,
    options?: { cause?: unknown },
  ) {
    const details: LiveErrorDetails = { expected, got: [kind, which, reason].filter((word) => word !== '').join(', '), kind, code: which, reason };
    super(code, details, options);
  }
}

/** The failure that the abort of a signal is. */
export const aborted = { kind: 'aborted', code: 'aborted', reason: 'its signal was aborted' } as const;
