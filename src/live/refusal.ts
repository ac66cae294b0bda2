/** How a Live session refuses what it is given: typed, at the call, and without ever showing a value that might be a key. */
import { EspalierError } from '../errors.js';
import { optionChecks } from '../option-checks.js';

/** `live/invalid-options`: what the option was expected to be, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('live/invalid-options', { expected: `${name}: ${expected}`, got });
}

/** Each throws `live/invalid-options`. */
export const { count, duration, requireFunction, requireOptions } = optionChecks(invalid);
