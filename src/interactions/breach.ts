/**
 * What a request that failed has left behind, and whether it may be made again.
 *
 * The status of HTTP and how far the request came decide; what the body says of itself does not: it may be a gateway's guess about the server behind it.
 *
 * | how it failed                                          | left behind                                        | again  |
 * |--------------------------------------------------------|----------------------------------------------------|--------|
 * | no connection: nothing was sent                        | nothing                                            | yes    |
 * | 429                                                    | nothing: it is refused before it is looked at      | yes    |
 * | another 4xx, but 408                                   | nothing; the server said what is wrong             | no     |
 * | 408, 5xx                                               | not known: a gateway sends them after it forwarded | most   |
 * | 3xx                                                    | not known: a 303 tells where the new one is        | no     |
 * | a connection that broke, stalled, ended too early      | not known                                          | yes    |
 */
import type { Breach } from '../../machines/interactions/interaction-events.js';
import type { StreamFailure } from '../../machines/stream/outcome.js';
import type { Unfinished } from '../stream/http-stream.js';
import { isRetryableStatus } from '../wire/http-retry.js';

/** A failure as the chart of an interaction judges it. */
export function breachOf(unfinished: Unfinished): Breach {
  const { kind, ...rest } = unfinished;
  const failure: StreamFailure = kind === 'cancelled' ? { ...rest, kind: 'killed' } : { ...rest, kind };
  const [isRetryable, trace] = judge(failure);
  return { failure, isRetryable, trace };
}

function judge({ code, httpStatus = 0, isUnsent, kind }: StreamFailure): readonly [boolean, Breach['trace']] {
  switch (kind) {
    case 'refused':
      return [isRetryableStatus(httpStatus), traceOf(httpStatus)];
    case 'network':
      return [true, isUnsent === true ? 'none' : 'unknown'];
    case 'connectTimeout':
    case 'stalled':
    case 'truncated':
      return [true, 'unknown'];
    case 'serverError':
      return [false, 'told'];
    case 'noCredentials':
      return [false, 'none'];
    case 'gate':
      // A permit that was lost was held while something was asked.
      return [false, code === 'lost' ? 'unknown' : 'none'];
    default:
      return [false, 'unknown'];
  }
}

function traceOf(status: number): Breach['trace'] {
  if (status === 429) return 'none';
  return status >= 400 && status < 500 && status !== 408 ? 'told' : 'unknown';
}
