/** How Interactions refuse what they are given: typed, at the call, and without ever showing a value that might be a key. */
import { EspalierError } from '../errors.js';
import { optionChecks } from '../option-checks.js';

/** `interactions/invalid-options`: what the option was expected to be, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('interactions/invalid-options', { expected: `${name}: ${expected}`, got });
}

/** Each throws `interactions/invalid-options`. */
export const { duration, requireFunction, requireOptions, requireSignal } = optionChecks(invalid);

/** What refuses as a stream's option, or a session's, refused as an interaction's: all are given the same addresses and deadlines. */
export function asInteractionOption<Result>(check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    if (error instanceof EspalierError) throw new EspalierError('interactions/invalid-options', error.details, { cause: error.cause });
    throw error;
  }
}
