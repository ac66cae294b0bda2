/**
 * What a counter is among the keys of a backend: a record for each shard, and one that says how many there are. A shard has its sum, how many increments are in
 * it, and the keys of the newest ones, all changed by one write: so a key is counted exactly when it is there, or was before it was forgotten.
 */
import type { Backend, BackendEntry, Refused } from '../backend/port.js';
import { hash } from '../../machines/hash.js';
import { isObject } from '../option-checks.js';

/** What a shard says. */
export interface ShardRecord {
  readonly sum: number;
  /** How many increments are in the sum. */
  readonly count: number;
  /** The newest of them, oldest first: the key, and by how much. */
  readonly recent: readonly (readonly [key: string, by: number])[];
}

/** The same for all who use a counter. */
export interface CounterShape {
  readonly shards: number;
  /** Keys that each shard remembers. */
  readonly remember: number;
}

/** An increment that was asked for. */
export interface Increment {
  readonly key: string;
  readonly by: number;
}

const blank: ShardRecord = { sum: 0, count: 0, recent: [] };

/** The most that a shard may hold, so that the sum of all is a safe integer. */
export const mostInShard = (shards: number): number => Math.floor(Number.MAX_SAFE_INTEGER / shards);

/** The same key is always of the same shard: so one write of that says whether it was counted. */
export const shardOf = (key: string, shards: number): number => hash(key) % shards;

/** Does what stands there say that the counter is of this shape? */
export function isShape(entry: BackendEntry | null, { shards, remember }: CounterShape): boolean {
  const value = entry?.value;
  return isObject(value) && value['shards'] === shards && value['remember'] === remember;
}

/** The record of a shard; null: something else stands there. */
export function shardRecord(entry: BackendEntry | null): ShardRecord | null {
  if (entry === null) return blank;
  const { value } = entry;
  const isRecord = isObject(value) && Number.isSafeInteger(value['sum']) && Number.isSafeInteger(value['count']) && Array.isArray(value['recent']);
  return isRecord ? (value as unknown as ShardRecord) : null;
}

/**
 * What a shard says of an increment.
 * @param since  how many were in the sum when it was first written; null: it never was
 * @returns `reused`: the key has counted another number; `forgotten`: it may be among those that are not remembered any more
 */
export function verdictOf({ count, recent }: ShardRecord, { key, by }: Increment, since: number | null): 'counted' | 'reused' | 'forgotten' | 'open' {
  const known = recent.find(([other]) => other === key);
  if (known !== undefined) return known[1] === by ? 'counted' : 'reused';
  return since !== null && count - recent.length > since ? 'forgotten' : 'open';
}

/** Those that one write may count: each key once, as long as the sum stays within what a shard holds. */
export function batchOf<Each extends Increment>({ sum }: ShardRecord, asked: Iterable<Each>, { shards, remember }: CounterShape): Each[] {
  const most = mostInShard(shards);
  const batch = new Map<string, Each>();
  let total = sum;
  for (const each of asked) {
    // More keys than are remembered would be forgotten by the write that counts them.
    if (batch.size >= remember) break;
    if (batch.has(each.key) || Math.abs(total + each.by) > most) continue;
    batch.set(each.key, each);
    total += each.by;
  }
  return [...batch.values()];
}

/** The record with these counted. */
export function counted({ sum, count, recent }: ShardRecord, batch: readonly Increment[], { remember }: CounterShape): ShardRecord {
  return {
    sum: batch.reduce((total, { by }) => total + by, sum),
    count: count + batch.length,
    recent: [...recent, ...batch.map(({ key, by }) => [key, by] as const)].slice(-remember),
  };
}

/** Where a counter is. */
export interface CounterKeys {
  /** Of all of them. */
  readonly prefix: string;
  readonly shape: string;
  /** Before the number of each shard. */
  readonly shard: string;
}

/** The sum of all shards at one moment; a counter that nobody has used is 0. `mismatch`: it is of another shape, or is none. */
export async function sumOf(
  backend: Pick<Backend, 'list'>,
  keys: CounterKeys,
  shape: CounterShape,
  call: { readonly signal: AbortSignal; readonly withinMs: number },
): Promise<{ readonly outcome: 'ok'; readonly value: number; readonly revision: number } | { readonly outcome: 'mismatch' } | Refused> {
  const page = await backend.list(keys.prefix, { limit: 1_000, ...call });
  if (page.outcome !== 'ok') return page;
  const said = page.entries.find(({ key }) => key === keys.shape);
  if (page.next !== null || (said !== undefined && !isShape(said, shape))) return { outcome: 'mismatch' };
  let value = 0;
  for (const entry of page.entries) {
    if (!entry.key.startsWith(keys.shard)) continue;
    const record = shardRecord(entry);
    if (record === null) return { outcome: 'mismatch' };
    value += record.sum;
  }
  return { outcome: 'ok', value, revision: page.revision };
}
