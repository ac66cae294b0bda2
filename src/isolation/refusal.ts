/** How an isolation pool refuses what it is given: typed, at the call. */
import { EspalierError } from '../errors.js';
import { optionChecks } from '../option-checks.js';

/** `isolation/invalid-options`: what the option was expected to be, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('isolation/invalid-options', { expected: `${name}: ${expected}`, got });
}

export const { requireOptions, requireSignal, duration, count } = optionChecks(invalid);
