/** Which keys an app calls secret. */

/** What `redact` may be, in words. A recording names it by its source alone, so that no flag can be meant but those that change nothing. */
export const redactWords = '`redact` to be a regular expression or false; of flags only i, which always holds, and g';

export function isRedact(value: unknown): value is RegExp | false {
  return value === false || (value instanceof RegExp && /^[gi]*$/.test(value.flags));
}

/** For an error: JSON has no word for an expression. */
export function shownRedact(value: unknown): unknown {
  return value instanceof RegExp ? String(value) : value;
}
