/** How health refuses what it is given: typed, at the call, and without showing a text that might be a key where none was expected. */
import { EspalierError } from '../errors.js';
import { optionChecks, sortOf } from '../option-checks.js';

/** `health/invalid-options`: what the option was expected to be, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('health/invalid-options', { expected: `${name}: ${expected}`, got });
}

export const { requireOptions, requireFunction, requireSignal, duration, count } = optionChecks(invalid);

/** A text that is not empty, of at most 200 characters. @throws EspalierError `health/invalid-options` */
export function requireId(name: string, id: unknown): asserts id is string {
  if (typeof id === 'string' && id !== '' && id.length <= 200) return;
  throw invalid(name, 'a text that is not empty, of at most 200 characters', typeof id === 'string' ? `a text of ${id.length}` : sortOf(id));
}
