/** What a request that failed has left behind, and whether it may be made again. */
import type { Breach } from '../../machines/interactions/interaction-events.js';
import type { StreamFailure } from '../../machines/stream/outcome.js';
import type { Unfinished } from '../stream/http-stream.js';
import { isRetryableStatus } from '../wire/http-retry.js';

/** No connection was ever there, so nothing was sent: names of Node's system errors, of its fetch, and of refused certificates. */
const unsent =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|\w*CERT\w*|\w*SIGNATURE)$/;

/** Statuses by which a server says that it took nothing on. */
const untouched: readonly (number | string)[] = [429, 503];

/** A failure as the chart of an interaction judges it. */
export function breachOf(unfinished: Unfinished): Breach {
  const { kind, ...rest } = unfinished;
  const failure: StreamFailure = kind === 'cancelled' ? { ...rest, kind: 'killed' } : { ...rest, kind };
  const [isRetryable, trace] = judge(failure);
  return { failure, isRetryable, trace };
}

function judge({ code, kind }: StreamFailure): readonly [boolean, Breach['trace']] {
  switch (kind) {
    case 'refused': {
      const isRetryable = typeof code === 'number' && isRetryableStatus(code);
      return [isRetryable, untouched.includes(code) ? 'none' : isRetryable ? 'unknown' : 'told'];
    }
    case 'network':
      return [true, unsent.test(String(code)) ? 'none' : 'unknown'];
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
