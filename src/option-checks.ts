/** How options are looked at, whosever they are: what a value is, in words that never show one that might be a key, and the checks that all have alike. */
import type { AnyActorRef } from 'xstate';
import type { EspalierError } from './errors.js';

/** The longest delay that a timer takes, ms: 2³¹ − 1. */
export const longestMs = 2_147_483_647;

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

/** A delay that a timer can take, of at least 1 ms. */
export function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 1 && value <= longestMs;
}

/** Told by what it can do: a signal may come from another realm. */
export function isAbortSignal(value: unknown): value is AbortSignal {
  const { aborted, addEventListener } = (value ?? {}) as Partial<Record<keyof AbortSignal, unknown>>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function';
}

/** Told by what it can do: an actor may be of another copy of XState. */
export function isActor(value: unknown): value is AnyActorRef {
  const { getSnapshot, send, subscribe, system } = (value ?? {}) as Partial<Record<keyof AnyActorRef, unknown>>;
  return [getSnapshot, send, subscribe].every((method) => typeof method === 'function') && typeof system === 'object';
}

/** Can every engine keep it as it is? It has no control characters, of which some would end a text in C, and no half of a surrogate pair. */
export function isKeepable(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return !/[\u0000-\u001f\u007f]|\p{Surrogate}/u.test(text);
}

/** JSON, or null for what is none (a circle, a BigInt, a function). @throws never */
export function jsonOf(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? null;
  } catch {
    return null;
  }
}

/** What a value is, in words that show nothing of it: `a string`, `null`, `a Map`. */
export function sortOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  const sort = typeof value === 'object' ? Object.prototype.toString.call(value).slice('[object '.length, -1) : typeof value;
  return `${/^[aeiou]/i.test(sort) ? 'an' : 'a'} ${sort}`;
}

/** A value that is no secret: a number, true, false, nothing; of all else what it is. */
export function shown(value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'boolean' || value === undefined ? value : sortOf(value);
}

/** The name of an option, if it may be one: a key or a token in its place has digits, capitals or signs where a name has none, or is longer. */
export function shownName(name: string): string {
  return /^[a-z][a-z_]{0,15}(?:[A-Z][a-z]{1,15}){0,3}$/.test(name) ? name : `another name, of ${name.length} characters`;
}

/** Checks of one domain: what they refuse is thrown as the error of that. */
export interface OptionChecks {
  /**
   * Refuses options that are no plain object, and names that nobody knows: a misspelt option would silently be the default. Of the options it shows no value,
   * and the unknown name where it may be one.
   */
  requireOptions(name: string, options: unknown, known: readonly string[]): void;
  /** A function, or nothing. */
  requireFunction(name: string, value: unknown): void;
  /** What an `AbortController` has, or nothing. */
  requireSignal(value: unknown): void;
  /** A text that is not empty, of at most 200 characters: a name, an id, a few words. */
  requireText(name: string, text: unknown): void;
  /** A delay, ms. @returns the value, or the default */
  duration(name: string, value: number | undefined, byDefault: number): number;
  /** A whole number of at least 1. @returns the value, or the default */
  count(name: string, value: number | undefined, byDefault: number, most?: number): number;
}

/** @param invalid  makes the error: the option's name, what it was expected to be, and what came */
export function optionChecks(invalid: (name: string, expected: string, got: unknown) => EspalierError): OptionChecks {
  return {
    requireOptions: (name, options, known) => {
      if (!isPlainObject(options)) throw invalid(name, 'an object', sortOf(options));
      for (const key of Object.keys(options)) if (!known.includes(key)) throw invalid(name, `the keys ${known.join(', ')}`, shownName(key));
    },
    requireFunction: (name, value) => {
      if (value !== undefined && typeof value !== 'function') throw invalid(name, 'a function', sortOf(value));
    },
    requireSignal: (value) => {
      if (value !== undefined && !isAbortSignal(value)) throw invalid('signal', 'an AbortSignal', sortOf(value));
    },
    requireText: (name, text) => {
      if (typeof text === 'string' && text !== '' && text.length <= 200) return;
      throw invalid(
        name,
        'a text that is not empty, of at most 200 characters',
        typeof text === 'string' ? `a text of ${text.length}` : sortOf(text),
      );
    },
    duration: (name, value, byDefault) => {
      if (value === undefined) return byDefault;
      if (!isDuration(value)) throw invalid(name, `a number of ms, 1 to ${longestMs}`, shown(value));
      return value;
    },
    count: (name, value, byDefault, most) => {
      if (value === undefined) return byDefault;
      const isCount = Number.isSafeInteger(value) && value >= 1 && value <= (most ?? value);
      if (!isCount) throw invalid(name, most === undefined ? 'a whole number, at least 1' : `a whole number, 1 to ${most}`, shown(value));
      return value;
    },
  };
}
