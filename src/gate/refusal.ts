/** How a gate refuses what it is given: typed, at the call, and without showing a text that might be a key where none was expected. */
import { faultOfKeys } from '../../machines/supervision/option-keys.js';
import { EspalierError } from '../errors.js';
import { shownName, sortOf } from '../option-checks.js';

/** `gate/invalid-options`: what the option was expected to be, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('gate/invalid-options', { expected: `${name}: ${expected}`, got });
}

/**
 * Refuses options that are no plain object, and names that nobody knows: a misspelt option would silently be the default.
 * @param path  before the names, where the object is an option itself: `gate.`
 * @throws EspalierError `gate/invalid-options`
 */
export function requireOptions(name: string, options: unknown, known: readonly string[], path = ''): void {
  const fault = faultOfKeys(options, known, name);
  if (fault === null) return;
  const { expected, got } = fault;
  throw new EspalierError('gate/invalid-options', { expected, got: got === options ? sortOf(options) : `${path}${shownName(String(got))}` });
}

export function requireKey(key: unknown, name = 'key'): asserts key is string {
  if (typeof key !== 'string' || key === '') throw invalid(name, 'a text that is not empty', key === '' ? '' : sortOf(key));
}

/** A number as it is; of anything else the sort. */
export function numberOr(value: unknown): unknown {
  return typeof value === 'number' ? value : sortOf(value);
}

/** A time, ms. @returns the value, or the default */
export function duration(name: string, value: unknown, byDefault: number, atLeast = 0): number {
  if (value === undefined) return byDefault;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < atLeast)
    throw invalid(name, `a number of ms, at least ${atLeast}`, numberOr(value));
  return value;
}

/** A whole number. @returns the value, or the default */
export function count(name: string, value: unknown, byDefault: number, atLeast = 0): number {
  if (value === undefined) return byDefault;
  if (!Number.isSafeInteger(value) || (value as number) < atLeast) throw invalid(name, `a whole number, at least ${atLeast}`, numberOr(value));
  return value as number;
}
