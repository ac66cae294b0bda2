/** What an iteration over a stream fails with; `ended()` tells the same as a value. */
import type { StreamCancellation, StreamFailure } from '../../machines/stream/outcome.js';
import { EspalierError, type ErrorDetails } from '../errors.js';

/** Why there is nothing more to read. */
export interface StreamErrorDetails extends ErrorDetails {
  /** Of the failure; `cancelled` where somebody else has cancelled the stream. */
  readonly kind: StreamFailure['kind'] | 'cancelled';
  readonly code: StreamFailure['code'];
  readonly status: string;
  readonly message: string;
  readonly retryAfterMs?: number;
}

/** A stream has failed, or was cancelled by somebody else than its reader: `stream/ended`. Never shows a key. */
export class StreamError extends EspalierError {
  declare readonly details: StreamErrorDetails;

  constructor({ kind, code, status, message, retryAfterMs }: Omit<StreamErrorDetails, keyof ErrorDetails>) {
    const got = [kind, code, status, message].filter((word) => word !== '').join(', ');
    const again = retryAfterMs === undefined ? {} : { retryAfterMs };
    const details: StreamErrorDetails = { expected: 'a stream that is read to its end', got, kind, code, status, message, ...again };
    super('stream/ended', details);
  }
}

/** The error that a cancellation is for who reads. */
export function cancelledError({ by, reason }: StreamCancellation): StreamError {
  return new StreamError({ kind: 'cancelled', code: by, status: '', message: reason });
}
