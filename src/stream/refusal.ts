/** How a stream refuses what it is given: typed, at the call, and without ever showing a value that might be a key. */
import { EspalierError } from '../errors.js';

/** `stream/invalid-options`: what the option was expected to be, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('stream/invalid-options', { expected: `${name}: ${expected}`, got });
}

/** What refuses as a Live session's option, refused as a stream's: both are given the same addresses. */
export function asStreamOption<Result>(check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    if (error instanceof EspalierError) throw new EspalierError('stream/invalid-options', error.details, { cause: error.cause });
    throw error;
  }
}

/**
 * Refuses options that are no plain object, and names that nobody knows: a misspelt option would silently be the default.
 * @throws EspalierError `stream/invalid-options`; of the options it shows no value, and the unknown name where it may be one
 */
export function requireOptions(name: string, options: unknown, known: readonly string[]): void {
  if (!isPlainObject(options)) throw invalid(name, 'an object', sortOf(options));
  for (const key of Object.keys(options)) if (!known.includes(key)) throw invalid(name, `the keys ${known.join(', ')}`, shownName(key));
}

/** The name of an option, if it may be one: a key or a token in its place has digits, capitals or signs where a name has none, or is longer. */
export function shownName(name: string): string {
  return /^[a-z][a-z_]{0,15}(?:[A-Z][a-z]{1,15}){0,3}$/.test(name) ? name : `another name, of ${name.length} characters`;
}

/** A value that is no secret: a number, true, false, nothing; of all else what it is. */
export function shown(value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'boolean' || value === undefined ? value : sortOf(value);
}

/** An object as `{}` makes it, here or in another realm: not a Map, a Promise or an instance, whose content has no keys. */
export function isPlainObject(value: unknown): value is { readonly [key: string]: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What a value is, in words that show nothing of it: `a string`, `null`, `a Map`. */
export function sortOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  const sort = typeof value === 'object' ? Object.prototype.toString.call(value).slice('[object '.length, -1) : typeof value;
  return `${/^[aeiou]/i.test(sort) ? 'an' : 'a'} ${sort}`;
}

/** The longest delay that a timer takes, ms: 2³¹ − 1. */
const longestMs = 2_147_483_647;

/** @throws EspalierError `stream/invalid-options` */
export function duration(name: string, value: number | undefined, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (!(typeof value === 'number' && value >= 1 && value <= longestMs)) throw invalid(name, `a number of ms, 1 to ${longestMs}`, shown(value));
  return value;
}

/** @throws EspalierError `stream/invalid-options` */
export function count(name: string, value: number | undefined, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (!Number.isSafeInteger(value) || value < 1) throw invalid(name, 'a whole number, at least 1', shown(value));
  return value;
}

/** @throws EspalierError `stream/invalid-options` */
export function requireFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') throw invalid(name, 'a function', sortOf(value));
}

/** Is it what an `AbortController` has, of this realm or another? @throws EspalierError `stream/invalid-options` */
export function requireSignal(value: unknown): void {
  if (value === undefined) return;
  const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>;
  if (typeof aborted !== 'boolean' || typeof addEventListener !== 'function') throw invalid('signal', 'an AbortSignal', sortOf(value));
}
