/** State values of machines, as they stand in a line. */
import type { Portable } from './portable-shape.js';

/**
 * The states that a state value names, each with what it is in itself: `'a'` and `{ a: {} }` are the same, and keys that begin with `$` stand without
 * their mark. Undefined where it is no state value, or was cut.
 */
export function stateParts(value: Portable | undefined): readonly (readonly [string, Portable])[] | undefined {
  if (value === undefined) return [];
  if (typeof value === 'string') return [[value, {}]];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const record = value as { readonly [key: string]: Portable };
  if ('$object' in record) return Object.entries(record.$object as { readonly [key: string]: Portable });
  return Object.keys(record).some((key) => key.startsWith('$')) ? undefined : Object.entries(record);
}
