/** Options of a world and of its parts, looked at before anything starts. */
import { EspalierError } from '../../errors.js';
import type { Allowed, LeftoverKind } from './leftovers.js';

/** The test that a world belongs to: the context that vitest or node:test gives to a test function. */
export type TestContext =
  | { readonly onTestFinished: (end: () => Promise<void>) => unknown }
  | { readonly after: (end: () => Promise<void>) => unknown };

/** Options of a world. */
export interface WorldOptions {
  /** A whole number; the same seed, the same run. Default 1. */
  readonly seed?: number;
  /** For people; shown in failures. Default `world`. */
  readonly name?: string;
  /** The test that it ends with. Default none: `await using`, or call `end`. With `espalier/testing/vitest` imported: the test that runs. */
  readonly test?: TestContext;
  /** What may be left at its end, each with a reason. */
  readonly allow?: readonly Allowed[];
  /** Lines that its trace keeps. Default 100 000. */
  readonly maxTraceLines?: number;
  /** Real time that closing sockets and handles are waited for, ms; spent only when one is still open. Default 500. */
  readonly graceMs?: number;
}

const worldKeys = ['seed', 'name', 'test', 'allow', 'maxTraceLines', 'graceMs'];
const kinds: readonly LeftoverKind[] = ['actor', 'timer', 'subscription', 'socket', 'handle', 'wallClock', 'fault'];

/** Refuses options that are no object, and names that nobody knows. */
export function requireKeys(options: unknown, known: readonly string[], what: string): asserts options is object {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) refuse(`${what} to be an object`, options);
  for (const key of Object.keys(options)) if (!known.includes(key)) refuse(`${what} with the keys ${known.join(', ')}`, key);
}

export function refuse(expected: string, got: unknown): never {
  throw new EspalierError('testing/invalid-options', { expected, got });
}

/** A whole number of at least `least`. */
export function requireCount(value: unknown, name: string, least: number): void {
  if (!(Number.isInteger(value) && (value as number) >= least)) refuse(`\`${name}\` to be a whole number of at least ${least}`, value);
}

/** Ms of at least 0; not Infinity. */
export function requireMs(value: unknown, name: string): void {
  if (!(typeof value === 'number' && value >= 0 && value < Infinity)) refuse(`\`${name}\` to be ms of at least 0`, value);
}

/** @throws EspalierError `testing/invalid-options` for the first fault of a world's options */
export function requireWorldOptions(options: WorldOptions): void {
  requireKeys(options, worldKeys, 'the options of a world');
  const { seed = 1, name = '', test, allow = [], maxTraceLines = 1, graceMs = 0 } = options;
  if (!Number.isSafeInteger(seed)) refuse('`seed` to be a whole number', seed);
  if (typeof name !== 'string') refuse('`name` to be text', name);
  requireCount(maxTraceLines, 'maxTraceLines', 1);
  requireMs(graceMs, 'graceMs');
  if (test !== undefined) endWith(test);
  if (!Array.isArray(allow)) refuse('`allow` to be a list', allow);
  for (const one of allow as readonly Allowed[]) {
    requireKeys(one, ['kind', 'holding', 'because'], 'an allowed leftover');
    if (!kinds.includes(one.kind)) refuse(`\`kind\` to be one of ${kinds.join(', ')}`, one.kind);
    if (typeof one.because !== 'string' || one.because === '') refuse('`because`: why this may be left', one.because);
  }
}

/** How a test is told what to do at its end. */
export function endWith(test: TestContext): (end: () => Promise<void>) => unknown {
  const { onTestFinished, after } = test as { onTestFinished?: unknown; after?: unknown };
  if (typeof onTestFinished === 'function') return (end) => (onTestFinished as (end: () => Promise<void>) => unknown).call(test, end);
  if (typeof after === 'function') return (end) => (after as (end: () => Promise<void>) => unknown).call(test, end);
  return refuse('`test` to be the context of a test, with onTestFinished (vitest) or after (node:test)', test);
}
