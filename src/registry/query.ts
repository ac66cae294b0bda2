/** What entries are asked for. */
import type { AnyActorRef } from 'xstate';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { isObject, isPlainObject, sortOf } from '../option-checks.js';
import type { RegistryEntry } from './entry.js';
import { count, invalid, requireActor, requireFunction, requireKey, requireOptions } from './refusal.js';

/** All that is said must hold. */
export interface RegistryQuery {
  readonly key?: string;
  /** With what the name begins. */
  readonly prefix?: string;
  readonly owner?: AnyActorRef;
  /**
   * Fields of the metadata and their values, compared as a `Map` compares keys; a field that is a list is found by each of its values. Where a field is indexed,
   * nothing else is looked at.
   */
  readonly where?: Readonly<Record<string, unknown>>;
  /** Anything else. */
  readonly filter?: (entry: RegistryEntry) => boolean;
  /** At most so many, the earliest first. Default: all. */
  readonly limit?: number;
}

const queryKeys = keysOf<RegistryQuery>({ key: true, prefix: true, owner: true, where: true, filter: true, limit: true });

/** @throws EspalierError `registry/invalid-options` */
export function requireQuery(query: RegistryQuery): void {
  requireOptions('a query', query, queryKeys);
  const { key, prefix, owner, where, filter, limit } = query;
  if (key !== undefined) requireKey(key);
  if (prefix !== undefined) requireKey(prefix, 'prefix');
  if (owner !== undefined) requireActor(owner);
  if (where !== undefined && !isPlainObject(where)) throw invalid('where', 'an object', sortOf(where));
  requireFunction('filter', filter);
  count('limit', limit, 1);
}

/** A field of metadata; undefined where that has none. */
export function fieldOf(metadata: unknown, field: string): unknown {
  return isObject(metadata) && Object.hasOwn(metadata, field) ? metadata[field] : undefined;
}

/** Is a field what is looked for, as one key of a Map is another, or a list that has it? */
export function isFound(field: unknown, value: unknown): boolean {
  return Array.isArray(field) ? field.includes(value) : field === value || (field !== field && value !== value);
}
