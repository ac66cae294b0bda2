/** How a conversation refuses what it is given: typed, at the call, and without ever showing a value that might be a key. */
import { EspalierError } from '../errors.js';
import { isPlainObject, shown, shownName, sortOf } from '../stream/refusal.js';

export { isPlainObject, sortOf } from '../stream/refusal.js';

/** The longest delay that a timer takes, ms: 2³¹ − 1. */
const longestMs = 2_147_483_647;

/** `tools/invalid-options`: what the option was expected to be, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('tools/invalid-options', { expected: `${name}: ${expected}`, got });
}

/** `tools/invalid-tool`: what the tool was expected to have, and what came. */
export function invalidTool(tool: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('tools/invalid-tool', { expected: `tool '${tool}': ${expected}`, got });
}

/**
 * Refuses options that are no plain object, and names that nobody knows: a misspelt option would silently be the default.
 * @throws EspalierError `tools/invalid-options`; of the options it shows the unknown name and no value
 */
export function requireOptions(name: string, options: unknown, known: readonly string[]): void {
  if (!isPlainObject(options)) throw invalid(name, 'an object', sortOf(options));
  for (const key of Object.keys(options)) if (!known.includes(key)) throw invalid(name, `the keys ${known.join(', ')}`, shownName(key));
}

/** A delay that a timer can take, of at least 1 ms. */
export function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 1 && value <= longestMs;
}

/** @throws EspalierError `tools/invalid-options` */
export function duration(name: string, value: number | undefined, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (!isDuration(value)) throw invalid(name, `a number of ms, 1 to ${longestMs}`, shown(value));
  return value;
}

/** @throws EspalierError `tools/invalid-options` */
export function count(name: string, value: number | undefined, byDefault: number, most: number): number {
  if (value === undefined) return byDefault;
  if (!Number.isSafeInteger(value) || value < 1 || value > most) throw invalid(name, `a whole number, 1 to ${most}`, shown(value));
  return value;
}
