/** How comms refuse what they are given: typed, at the call, before anything happens. */
import { EspalierError } from '../errors.js';
import { optionChecks } from '../option-checks.js';

/** `comms/invalid-options`: what was expected to be what, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('comms/invalid-options', { expected: `${name}: ${expected}`, got });
}

export const { requireOptions, requireFunction, requireSignal, requireText, duration, count } = optionChecks(invalid);
