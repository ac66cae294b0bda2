/** Where a recorder's value and a replay's part, as far as the recorder has told it: what it redacted or cut is not compared. */
import type { Portable } from '../../wire/recording/portable-shape.js';
import { idOfPath } from '../names.js';
import { changesBetween, type Change } from './difference.js';

/** A longer value of a difference is not told, characters of JSON. */
const mostOfChange = 2_000;
/** A difference that is none is left out, so that more must be looked at than are told. */
const enough = 10;

/** The places at which two values differ, at most ten. */
export function knownChanges(expected: Portable | undefined, got: Portable | undefined, path: string): Change[] {
  const [left, right] = bothKnown(expected, got);
  return changesBetween(left, right, path).slice(0, enough);
}

/** The same two values, where what one of them does not tell stands as in the other. */
function bothKnown(expected: Portable | undefined, got: Portable | undefined): readonly [Portable | undefined, Portable | undefined] {
  if (expected === got || isHidden(expected) || isHidden(got) || areSameActor(expected, got)) return [null, null];
  if (typeof expected !== 'object' || typeof got !== 'object' || expected === null || got === null) return [expected, got];
  if (Array.isArray(expected) !== Array.isArray(got)) return [expected, got];
  if (Array.isArray(expected)) {
    const pairs = Array.from({ length: Math.max(expected.length, (got as readonly Portable[]).length) }, (_, index) =>
      bothKnown(expected[index] as Portable | undefined, (got as readonly Portable[])[index]),
    );
    return [pairs.map(([one]) => one as Portable).slice(0, expected.length), pairs.map(([, one]) => one as Portable).slice(0, (got as []).length)];
  }
  const [a, b] = [expected as { readonly [key: string]: Portable }, got as { readonly [key: string]: Portable }];
  const own = (of: { readonly [key: string]: Portable }, key: string): Portable | undefined => (Object.hasOwn(of, key) ? of[key] : undefined);
  const pairs = [...new Set([...Object.keys(a), ...Object.keys(b)])].map((key) => [key, bothKnown(own(a, key), own(b, key))] as const);
  const side = (place: 0 | 1): Portable =>
    Object.fromEntries(pairs.flatMap(([key, pair]) => (pair[place] === undefined ? [] : [[key, pair[place]]])));
  return [side(0), side(1)];
}

function isHidden(value: Portable | undefined): boolean {
  return typeof value === 'object' && value !== null && ('$redacted' in value || '$cut' in value);
}

/** How many children of an id there were before the beginning is not known, so that the numbers of those that come may be others. */
function areSameActor(expected: Portable | undefined, got: Portable | undefined): boolean {
  const [one, other] = [actorOf(expected), actorOf(got)];
  if (one === null || other === null) return false;
  return above(one) === above(other) && idOfPath(one) === idOfPath(other);
}

function actorOf(value: Portable | undefined): string | null {
  const { $actor = null } = (typeof value === 'object' && value !== null ? value : {}) as { readonly $actor?: Portable };
  return typeof $actor === 'string' ? $actor : null;
}

function above(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** A difference as it is told. */
export function shownChange({ path, expected, got }: Change): { path: string; expected?: Portable; replayed?: Portable } {
  return {
    path: path.slice(0, mostOfChange),
    ...(expected === undefined ? {} : { expected: shown(expected) }),
    ...(got === undefined ? {} : { replayed: shown(got) }),
  };
}

function shown(value: Portable): Portable {
  const { length } = JSON.stringify(value);
  return length > mostOfChange ? { $cut: `${length} characters` } : value;
}
