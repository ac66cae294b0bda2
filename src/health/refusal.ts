/** How health refuses what it is given: typed, at the call, and without showing a text that might be a key where none was expected. */
import { EspalierError } from '../errors.js';
import { optionChecks } from '../option-checks.js';

/** `health/invalid-options`: what the option was expected to be, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('health/invalid-options', { expected: `${name}: ${expected}`, got });
}

export const { requireOptions, requireFunction, requireSignal, requireText, duration, count } = optionChecks(invalid);
