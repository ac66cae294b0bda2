/** What a backend writes down: each record has a revision of its own, the one behind that of the record before it. */
import type { BackendChange } from './port.js';

export type BackendRecord =
  /** `value`: JSON. `created`: 0 for a key that is new. */
  | { readonly type: 'set'; readonly key: string; readonly value: string; readonly created: number; readonly lease: string | null }
  | { readonly type: 'deleted'; readonly key: string; readonly created: number; readonly why: Extract<BackendChange, { type: 'deleted' }>['why'] }
  /** Its name is made of its revision. */
  | { readonly type: 'granted'; readonly ttlMs: number }
  | { readonly type: 'ended'; readonly lease: string };

/** A record with its place. */
export type Written = BackendRecord & { readonly revision: number };

/** Of no other lease: no revision is given twice. */
export function leaseOf(revision: number): string {
  return `lease-${revision}`;
}

/** What a record takes of a commit, bytes, roughly. */
export function weightOf(record: BackendRecord): number {
  return record.type === 'set' ? (record.value.length + record.key.length) * 3 + 64 : 1_024;
}
