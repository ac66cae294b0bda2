/**
 * When a server wants to be asked again: `Retry-After`, and Google's `RetryInfo`.
 *
 * @see RFC 9110, 10.2.3 Retry-After; google.rpc.RetryInfo: `retryDelay` is a duration, in JSON "34.4s"
 */

/** Statuses of a server that does not know how, and won't learn it: not implemented, no such version of HTTP. */
const hopelessStatuses: readonly number[] = [501, 505];

/** May a request that was answered so be made again? The server is busy, or in trouble, or something between is; proxies have made up 5xx of their own. */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && !hopelessStatuses.includes(status));
}

/**
 * How long `Retry-After` asks to wait.
 * @param value   seconds, or a date of HTTP
 * @param wallAt  now, ms since epoch: by the `date` of the same answer where it has one, so that two clocks that differ do no harm
 * @returns ms, at least 0; null for what is neither
 */
export function retryAfterMs(value: string | null, wallAt: number): number | null {
  const text = value?.trim() ?? '';
  if (/^\d{1,9}(?:\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  // A date begins with its day; Date.parse would read much that is none.
  if (!/^[A-Z][a-z]{2,8},? /.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - wallAt);
}

/** How long Google's `RetryInfo` asks to wait, wherever it stands among the details, also inside of another. @returns ms, or null where there is none */
export function retryInfoMs(details: unknown): number | null {
  return find(details, 0);
}

const deepest = 8;

function find(value: unknown, depth: number): number | null {
  if (depth > deepest || typeof value !== 'object' || value === null) return null;
  if (!Array.isArray(value) && isRetryInfo(value)) {
    const ms = durationMs((value as { retryDelay?: unknown }).retryDelay);
    if (ms !== null) return ms;
  }
  for (const inner of Object.values(value)) {
    const found = find(inner, depth + 1);
    if (found !== null) return found;
  }
  return null;
}

function isRetryInfo(value: object): boolean {
  const { '@type': type } = value as { '@type'?: unknown };
  return typeof type === 'string' ? type.endsWith('RetryInfo') : 'retryDelay' in value;
}

/** `"34.4s"`, or `{ seconds, nanos }`. */
function durationMs(value: unknown): number | null {
  if (typeof value === 'string') {
    const [, amount, unit] = /^(\d{1,12}(?:\.\d+)?)(ms|s)$/.exec(value.trim()) ?? [];
    return amount === undefined ? null : Math.round(Number(amount) * (unit === 's' ? 1000 : 1));
  }
  if (typeof value !== 'object' || value === null) return null;
  const { seconds = 0, nanos = 0 } = value as { seconds?: unknown; nanos?: unknown };
  const ms = Math.round(Number(seconds) * 1000 + Number(nanos) / 1e6);
  return Number.isSafeInteger(ms) && ms >= 0 ? ms : null;
}
