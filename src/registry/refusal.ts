/** How a registry refuses what it is given: typed, at the call, before anything happens. */
import { Actor, type AnyActorRef } from 'xstate';
import { EspalierError } from '../errors.js';
import { isActor, optionChecks, sortOf } from '../option-checks.js';

/** `registry/invalid-options`: what was expected to be what, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('registry/invalid-options', { expected: `${name}: ${expected}`, got });
}

export const { requireOptions, requireFunction, requireSignal, duration, count } = optionChecks(invalid);

/** A name. @throws EspalierError `registry/invalid-options` */
export function requireKey(key: unknown, name = 'key'): asserts key is string {
  if (typeof key !== 'string' || key === '') throw invalid(name, 'a text that is not empty', key === '' ? '' : sortOf(key));
}

/** @throws EspalierError `registry/invalid-options` */
export function requireActor(owner: unknown): asserts owner is AnyActorRef {
  // Nearly always: it costs a fifth of the question what else may be an actor.
  if (!(owner instanceof Actor) && !isActor(owner)) throw invalid('owner', 'an actor', sortOf(owner));
}

/** Texts that are not empty. @throws EspalierError `registry/invalid-options` */
export function texts(name: string, value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid(name, 'a list of texts', sortOf(value));
  for (const [index, text] of value.entries()) requireKey(text, `${name}[${index}]`);
  return value as readonly string[];
}
