/** How a Live session refuses what it is given: typed, at the call, and without ever showing a value that might be a key. */
import { EspalierError } from '../errors.js';
import { shownName } from '../stream/refusal.js';

/** `live/invalid-options`: what the option was expected to be, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('live/invalid-options', { expected: `${name}: ${expected}`, got });
}

/**
 * Refuses options that are no plain object, and names that nobody knows: a misspelt option would silently be the default.
 * @throws EspalierError `live/invalid-options`; of the options it shows the unknown name and no value
 */
export function requireOptions(name: string, options: unknown, known: readonly string[]): void {
  if (!isPlainObject(options)) throw invalid(name, 'an object', sortOf(options));
  for (const key of Object.keys(options)) if (!known.includes(key)) throw invalid(name, `the keys ${known.join(', ')}`, shownName(key));
}

/** Any object but a list. */
export function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object as `{}` makes it, here or in another realm, or a module's namespace: not a Map, a Promise or an instance, whose content has no keys. */
export function isPlainObject(value: unknown): value is { readonly [key: string]: unknown } {
  if (!isObject(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What a value is, in words that show nothing of it: `a string`, `null`, `a Map`. */
export function sortOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  const sort = typeof value === 'object' ? Object.prototype.toString.call(value).slice('[object '.length, -1) : typeof value;
  return `${/^[aeiou]/i.test(sort) ? 'an' : 'a'} ${sort}`;
}

/** JSON, or null for what is none (a circle, a BigInt, a function). @throws never */
export function jsonOf(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? null;
  } catch {
    return null;
  }
}

/** The longest delay that a timer takes, ms: 2³¹ − 1. */
export const longestMs = 2_147_483_647;

/** A delay that a timer can take, of at least 1 ms. */
export function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 1 && value <= longestMs;
}
