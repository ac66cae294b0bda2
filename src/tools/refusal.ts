/** How a conversation refuses what it is given: typed, at the call, and without ever showing a value that might be a key. */
import { EspalierError } from '../errors.js';
import { optionChecks } from '../option-checks.js';

/** `tools/invalid-options`: what the option was expected to be, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('tools/invalid-options', { expected: `${name}: ${expected}`, got });
}

/** `tools/invalid-tool`: what the tool was expected to have, and what came. */
export function invalidTool(tool: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('tools/invalid-tool', { expected: `tool '${tool}': ${expected}`, got });
}

/** Each throws `tools/invalid-options`. */
export const { count, duration, requireOptions, requireSignal } = optionChecks(invalid);
