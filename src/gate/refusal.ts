/** How a gate refuses what it is given: typed, at the call. */
import type { AnyActorRef } from 'xstate';
import { faultOfKeys } from '../../machines/supervision/option-keys.js';
import { EspalierError } from '../errors.js';

/** `gate/invalid-options`: what the option was expected to be, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('gate/invalid-options', { expected: `${name}: ${expected}`, got });
}

/**
 * Refuses options that are no plain object, and names that nobody knows: a misspelt option would silently be the default.
 * @throws EspalierError `gate/invalid-options`
 */
export function requireOptions(name: string, options: unknown, known: readonly string[]): void {
  const fault = faultOfKeys(options, known, name);
  if (fault !== null) throw new EspalierError('gate/invalid-options', { ...fault });
}

export function requireKey(key: unknown): asserts key is string {
  if (typeof key !== 'string' || key === '') throw invalid('key', 'a text that is not empty', key);
}

/** A time, ms. @returns the value, or the default */
export function duration(name: string, value: unknown, byDefault: number, atLeast = 0): number {
  if (value === undefined) return byDefault;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < atLeast) throw invalid(name, `a number of ms, at least ${atLeast}`, value);
  return value;
}

/** A whole number. @returns the value, or the default */
export function count(name: string, value: unknown, byDefault: number, atLeast = 0): number {
  if (value === undefined) return byDefault;
  if (!Number.isSafeInteger(value) || (value as number) < atLeast) throw invalid(name, `a whole number, at least ${atLeast}`, value);
  return value as number;
}

export function isActor(value: unknown): value is AnyActorRef {
  const { getSnapshot, subscribe, system } = (value ?? {}) as Partial<Record<keyof AnyActorRef, unknown>>;
  return typeof getSnapshot === 'function' && typeof subscribe === 'function' && typeof system === 'object';
}

/** Told by what it can do: a signal may come from another realm. */
export function isAbortSignal(value: unknown): value is AbortSignal {
  const { aborted, addEventListener } = (value ?? {}) as Partial<Record<keyof AbortSignal, unknown>>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function';
}
