/** How telemetry refuses what it is given: typed, at the call, and without showing a text that might be a key where none was expected. */
import { EspalierError } from '../errors.js';
import { optionChecks, sortOf } from '../option-checks.js';

/** `telemetry/invalid-options`: what the option was expected to be, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('telemetry/invalid-options', { expected: `${name}: ${expected}`, got });
}

export const { requireOptions, requireFunction, duration, count } = optionChecks(invalid);

/** A text that is not empty, of at most 200 characters. @throws EspalierError `telemetry/invalid-options` */
export function requireText(name: string, text: unknown): asserts text is string {
  if (typeof text === 'string' && text !== '' && text.length <= 200) return;
  throw invalid(name, 'a text that is not empty, of at most 200 characters', typeof text === 'string' ? `a text of ${text.length}` : sortOf(text));
}
