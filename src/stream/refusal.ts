/** How a stream refuses what it is given: typed, at the call, and without ever showing a value that might be a key. */
import { EspalierError } from '../errors.js';
import { isObject, jsonOf, optionChecks, sortOf } from '../option-checks.js';

/** `stream/invalid-options`: what the option was expected to be, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('stream/invalid-options', { expected: `${name}: ${expected}`, got });
}

/** Each throws `stream/invalid-options`. */
export const { count, duration, requireFunction, requireOptions, requireSignal } = optionChecks(invalid);

/** What refuses as a Live session's option, refused as a stream's: both are given the same addresses. */
export function asStreamOption<Result>(check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    if (error instanceof EspalierError) throw new EspalierError('stream/invalid-options', error.details, { cause: error.cause });
    throw error;
  }
}

/** An object or a list as JSON, now: what the app changes later is the app's. @throws EspalierError `stream/invalid-options` */
export function requireJson(name: string, value: unknown): string {
  const text = isObject(value) || Array.isArray(value) ? jsonOf(value) : null;
  if (text === null) throw invalid(name, 'an object that is JSON', sortOf(value));
  return text;
}
