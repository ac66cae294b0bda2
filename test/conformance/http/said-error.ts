/** The errors of Google's services, as they stand on the wire, and what an app must be told of them. Read without any of the code under test. */
import type { RecordedResponse } from '../../../src/testing/gemini-server/http/recording.js';
import type { ExpectedFailure } from './expected.js';
import { fieldsOf, isFields, listOf, readBody } from './wire-body.js';

/** What an error says of itself; what it does not say is absent. */
interface SaidError {
  readonly code?: number | string;
  readonly status?: string;
  readonly message?: string;
  readonly details?: unknown;
  readonly retryAfterMs: number | null;
}

/**
 * The error that a payload is; null for one that is none.
 * @param event  what its `event:` line calls it: one called `error` may be the error itself
 */
export function errorIn(value: unknown, event = ''): SaidError | null {
  const holder = Array.isArray(value) ? listOf(value).find((one) => isFields(one) && 'error' in one) : value;
  if (!isFields(holder)) return event === 'error' ? { retryAfterMs: null } : null;
  const { error } = holder;
  if (typeof error === 'string') return { message: error, retryAfterMs: null };
  const said = isFields(error) ? error : event === 'error' ? holder : null;
  if (said === null) return null;
  const { code, details, message, status } = said;
  return {
    ...(typeof code === 'number' ? { code } : {}),
    ...(typeof code === 'string' ? { code: /^\d+$/.test(code) ? Number(code) : code } : {}),
    ...(typeof status === 'string' ? { status } : {}),
    ...(typeof message === 'string' ? { message } : {}),
    ...(details === undefined || details === null ? {} : { details }),
    retryAfterMs: retryInfoIn(details),
  };
}

/** How an app must be told of an error in mid-stream. */
export function failureBy(error: SaidError): ExpectedFailure {
  const { code, details, ...rest } = error;
  return { ok: false, kinds: ['serverError'], ...(code === undefined ? {} : { codes: [code] }), ...rest, ...listed(details) };
}

/** How an app must be told of an HTTP status that is none of success. */
export function refusalBy({ body, headers, status }: RecordedResponse): ExpectedFailure {
  const [item] = readBody(body, headers['content-type'] ?? '').items;
  const error = item?.kind === 'payload' ? errorIn(item.value) : null;
  const { code, details, retryAfterMs = null, ...rest } = error ?? {};
  // The status says the same as the name of a code, which is not always one of Google's.
  const codes = code === undefined ? [status] : typeof code === 'number' ? [code] : [code, status];
  const header = headers['retry-after'];
  const seconds = header !== undefined && /^\d+$/.test(header) ? Number(header) * 1000 : null;
  // A date says something else each day.
  const again =
    header !== undefined && seconds === null ? {} : { retryAfterMs: retryAfterMs === null ? seconds : Math.max(retryAfterMs, seconds ?? 0) };
  // What becomes of a redirect is for the client to say, but no success.
  return status < 400 ? { ok: false } : { ok: false, kinds: ['refused'], codes, ...rest, ...listed(details), ...again };
}

/** Is it the status of an answer that refuses? */
export function isRefused({ status }: RecordedResponse): boolean {
  return status < 200 || status >= 300;
}

/** What is no list is a mistake of the server's, and stands nowhere. */
function listed(details: unknown): Pick<ExpectedFailure, 'details'> {
  return Array.isArray(details) ? { details: listOf(details) } : {};
}

/** The first delay of a RetryInfo, in whatever it is wrapped, ms. */
function retryInfoIn(value: unknown): number | null {
  if (typeof value !== 'object' || value === null) return null;
  const { '@type': type, retryDelay } = fieldsOf(value);
  const isRetryInfo = typeof type === 'string' ? type.endsWith('google.rpc.RetryInfo') : retryDelay !== undefined;
  if (isRetryInfo) {
    const [, seconds] = /^(\d+(?:\.\d+)?)s$/.exec(String(retryDelay)) ?? [];
    if (seconds !== undefined) return Math.round(Number(seconds) * 1000);
    const { nanos = 0, seconds: whole = 0 } = fieldsOf(retryDelay);
    if (isFields(retryDelay)) return Math.round(Number(whole) * 1000 + Number(nanos) / 1e6);
  }
  for (const inner of Object.values(value)) {
    const found = retryInfoIn(inner);
    if (found !== null) return found;
  }
  return null;
}
