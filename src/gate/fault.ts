/** What an error of a call means to its gate. */
import { retryInfoMs } from '../wire/http-retry.js';

/** What an error of a call means. `transient` is tried again after a pause of ours, `rateLimited` after the service's. */
export interface CallFault {
  readonly kind: 'rateLimited' | 'transient' | 'failed';
  /** What the service asks for, ms. Default: a pause that grows with each attempt. */
  readonly retryAfterMs?: number;
}

interface Readable {
  readonly [field: string]: unknown;
}

/** Google's names of what passes. @see google.rpc.Code */
const passing = ['UNAVAILABLE', 'INTERNAL', 'DEADLINE_EXCEEDED', 'UNKNOWN'];

/** Of Espalier's streams: what says by itself that it passes, whatever its code. `refused` and `serverError` are judged by theirs. */
const passingKinds = ['network', 'connectTimeout', 'stalled', 'truncated'];
const judgedKinds = ['refused', 'serverError'];

/** What the systems beneath, and undici, call a connection that failed. */
const broken =
  /^(?:ECONN(?:RESET|REFUSED|ABORTED)|E(?:TIMEDOUT|PIPE|NOTFOUND|AI_AGAIN)|E(?:HOST|NET)(?:UNREACH|DOWN)|UND_ERR_(?:SOCKET|\w+_TIMEOUT))$/;

/** What `fetch` says of it, as a `TypeError`: in Node, Chromium, Firefox, Safari. */
const notFetched = /^(?:fetch failed|terminated|failed to fetch|networkerror when attempting to fetch resource\.?|load failed|network error)$/i;

const deepest = 4;

/**
 * What an error means by what services and clients commonly say.
 *
 * | meaning       | what says it                                                                                                        |
 * |---------------|---------------------------------------------------------------------------------------------------------------------|
 * | `rateLimited` | 429 or `RESOURCE_EXHAUSTED`, as `status` or `code`, of the error or its `details`                                    |
 * | `transient`   | 408, any 5xx, `UNAVAILABLE`, `INTERNAL`, `DEADLINE_EXCEEDED`, `UNKNOWN`; a connection that failed or a timeout, also as `cause` |
 * | `failed`      | anything else, an abortion too                                                                                      |
 *
 * `retryAfterMs` is the error's, or that of its `details`; else Google's `RetryInfo`, in its details or in a message that is the body, as `@google/genai` has it.
 * @throws never
 */
export function faultOf(error: unknown): CallFault {
  try {
    return read(error, 0);
  } catch {
    // A getter of the app's.
    return { kind: 'failed' };
  }
}

function read(error: unknown, depth: number): CallFault {
  if (!isReadable(error)) return { kind: 'failed' };
  const { cause, details, message, name } = error;
  if (name === 'AbortError') return { kind: 'failed' };
  // An error of Espalier's own: its code is one of the library's, and the details are the service's word.
  const inner = isReadable(details) && !Array.isArray(details) ? details : {};
  const hint = hintOf(error, inner);
  const kind = typeof inner['kind'] === 'string' ? inner['kind'] : null;
  if (kind !== null && !judgedKinds.includes(kind)) return isPassing(kind, inner) ? { kind: 'transient', ...hint } : { kind: 'failed' };
  const said = [error['status'], error['code'], inner['status'], inner['code']];
  if (said.some((word) => Number(word) === 429 || word === 'RESOURCE_EXHAUSTED')) return { kind: 'rateLimited', ...hint };
  if (said.some(isPassingWord)) return { kind: 'transient', ...hint };
  if (name === 'TimeoutError' || (name === 'TypeError' && typeof message === 'string' && notFetched.test(message)))
    return { kind: 'transient', ...hint };
  return depth < deepest && cause !== undefined && cause !== error ? read(cause, depth + 1) : { kind: 'failed' };
}

/** A stream's own deadline over all is a timeout; a conversation's is none of the service's. */
function isPassing(kind: string, { code }: Readable): boolean {
  return passingKinds.includes(kind) || (kind === 'totalTimeout' && code === 'timeout');
}

function isPassingWord(word: unknown): boolean {
  const number = typeof word === 'number' || typeof word === 'string' ? Number(word) : Number.NaN;
  if (number === 408 || (number >= 500 && number <= 599)) return true;
  return typeof word === 'string' && (passing.includes(word) || broken.test(word));
}

function hintOf(error: Readable, inner: Readable): { readonly retryAfterMs?: number } {
  for (const { retryAfterMs } of [error, inner]) if (isDuration(retryAfterMs)) return { retryAfterMs };
  const asked = retryInfoMs(error['details']) ?? retryInfoMs(bodyIn(error['message']));
  return isDuration(asked) ? { retryAfterMs: asked } : {};
}

/** The body that a message is, where it is one. */
function bodyIn(message: unknown): unknown {
  const start = typeof message === 'string' ? message.indexOf('{') : -1;
  if (start < 0) return null;
  try {
    return JSON.parse((message as string).slice(start));
  } catch {
    return null;
  }
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isReadable(value: unknown): value is Readable {
  return typeof value === 'object' && value !== null;
}
