/** How applications refuse what they are given: typed, at the call, before anything starts. */
import { type ErrorCode, EspalierError } from '../errors.js';
import { optionChecks, sortOf } from '../option-checks.js';

/** `application/invalid-options`: what the option was expected to be, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return refusal('application/invalid-options', `${name}: ${expected}`, got);
}

/** A refusal with a code of its own. */
export function refusal(code: Extract<ErrorCode, `application/${string}`>, expected: string, got: unknown): EspalierError {
  return new EspalierError(code, { expected, got });
}

export const { requireOptions, requireFunction, requireSignal, duration, count } = optionChecks(invalid);

/** A name of a service or a flag: letters, digits, `_`, `-` and `.`, a letter first. @throws EspalierError `application/invalid-options` */
export function requireName(name: string, value: unknown): asserts value is string {
  if (typeof value === 'string' && /^[a-z][\w.-]{0,99}$/iu.test(value)) return;
  const got = typeof value === 'string' ? `a text of ${value.length}` : sortOf(value);
  throw invalid(name, 'a name: a letter, then letters, digits, _, - and ., at most 100', got);
}
