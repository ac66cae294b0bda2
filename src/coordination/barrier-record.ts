/**
 * What a barrier is among the keys of a backend, and what follows from what stands there. A key for each who waits, bound to its lease, and one record, bound to
 * none, that says which generations have opened and whom they count.
 *
 * All of it is read by one list, which is of one moment: those who stood there then were alive and waited. A generation opens by a write of the record that
 * names the revision which that list has shown; so it counts who was there at that moment, and it opens once. Whoever has seen that somebody left writes the
 * record too: what another has listed before, and would write yet, is void then.
 */
import type { Backend, BackendEntry, Refused } from '../backend/port.js';
import { isObject } from '../option-checks.js';

/** A generation that has opened. */
export interface Opening {
  readonly generation: number;
  readonly parties: number;
  /** The revision of the list on which all of them stood. */
  readonly at: number;
  /** Leases of whom it counts. */
  readonly members: readonly string[];
}

/** What the record says. */
export interface BarrierRecord {
  /** The newest that has opened; 0: none has. */
  readonly generation: number;
  /** Whose key was made at this revision or before is counted by one that has opened, or never will be. */
  readonly through: number;
  /** The newest that have opened, oldest first. */
  readonly openings: readonly Opening[];
  /** `at` of the newest that is not among them any more; 0: none. */
  readonly forgotten: number;
  /** How often it was written, and by whose lease: so that no two writes are alike. */
  readonly turn: number;
  readonly by: string;
}

/** Where a barrier is. */
export interface BarrierKeys {
  /** Of all of them. */
  readonly prefix: string;
  readonly record: string;
  /** Before the lease of each who waits. */
  readonly there: string;
}

/** The most that a generation may take, and that may wait for the next: both fit into a page of a list, and two generations into a record. */
export const mostParties = 400;
/** Generations that are remembered, and names in them, where that is more than the newest two. */
const mostOpenings = 16;
const mostNames = 2 * mostParties;

const blank: BarrierRecord = { generation: 0, through: 0, openings: [], forgotten: 0, turn: 0, by: '' };

/** The record, where it is one; null: something else stands there. */
export function recordOf(entry: BackendEntry | null): BarrierRecord | null {
  if (entry === null) return blank;
  const { value } = entry;
  const isRecord = isObject(value) && Array.isArray(value['openings']) && [value['generation'], value['through']].every(Number.isSafeInteger);
  return isRecord ? (value as unknown as BarrierRecord) : null;
}

/** The record with one more generation. */
export function opened(record: BarrierRecord, { opening, through }: Due, by: string): BarrierRecord {
  const openings = [...record.openings, opening];
  let { forgotten } = record;
  const names = (): number => openings.reduce((sum, { members }) => sum + members.length, 0);
  while (openings.length > mostOpenings || (openings.length > 2 && names() > mostNames)) forgotten = openings.shift()?.at ?? forgotten;
  return { generation: opening.generation, through, openings, forgotten, turn: record.turn + 1, by };
}

/** The record as it is, written once more: what would be written on top of the one before is void. */
export function renewed(record: BarrierRecord, by: string): BarrierRecord {
  return { ...record, turn: record.turn + 1, by };
}

/**
 * Does a generation count it?
 * @param since  a revision from before its key was made
 * @returns the generation; null: none does; `forgotten`: one may have that is not remembered
 */
export function countedBy(record: BarrierRecord, lease: string, since: number): Opening | null | 'forgotten' {
  const opening = record.openings.find(({ members }) => members.includes(lease));
  if (opening !== undefined) return opening;
  return record.forgotten > since ? 'forgotten' : null;
}

/** All that stands there, at one moment. */
export interface BarrierLook {
  readonly outcome: 'ok';
  readonly record: BarrierRecord | null;
  /** Of the record; 0: there is none. */
  readonly recorded: number;
  /** Those who wait or are counted already, in the order in which they came. */
  readonly there: readonly Arrival[];
  /** Of that moment. */
  readonly revision: number;
}

export interface Arrival {
  readonly lease: string;
  readonly parties: number;
  readonly created: number;
}

/** How many make a generation, as one who waits names it; null: that is no key of a barrier. */
export function partiesOf({ value }: BackendEntry): number | null {
  const parties = isObject(value) ? value['parties'] : null;
  return Number.isSafeInteger(parties) ? (parties as number) : null;
}

/** Looks at all of it; `crowded`: there is more than can be looked at in one moment. */
export async function lookAt(
  backend: Pick<Backend, 'list'>,
  keys: BarrierKeys,
  call: { readonly signal: AbortSignal; readonly withinMs: number },
): Promise<BarrierLook | Refused | { readonly outcome: 'crowded' }> {
  const page = await backend.list(keys.prefix, { limit: 1_000, ...call });
  if (page.outcome !== 'ok') return page;
  if (page.next !== null) return { outcome: 'crowded' };
  const entry = page.entries.find(({ key }) => key === keys.record) ?? null;
  const there = page.entries.flatMap((each): Arrival[] => {
    const parties = partiesOf(each);
    return parties === null || !each.key.startsWith(keys.there) ? [] : [{ lease: each.key.slice(keys.there.length), parties, created: each.created }];
  });
  there.sort((a, b) => a.created - b.created);
  return { outcome: 'ok', record: recordOf(entry), recorded: entry?.revision ?? 0, there, revision: page.revision };
}

/** A generation that can open: `through` is for the record. */
export interface Due {
  readonly opening: Opening;
  readonly through: number;
}

/** What a look means to one of those who wait. */
export type Standing =
  | { readonly is: 'counted'; readonly opening: Opening }
  | { readonly is: 'gone' | 'mismatch' | 'extra' | 'forgotten' }
  /** `others`: all who wait for the same, itself included. `due`: as many are there as a generation takes. */
  | { readonly is: 'waiting'; readonly others: readonly Arrival[]; readonly due: Due | null };

/** @param since  a revision from before its key was made */
export function standingOf(
  { record, there, revision }: BarrierLook,
  { lease, parties, maxExtras, since }: { lease: string; parties: number; maxExtras: number; since: number },
): Standing {
  if (record === null) return { is: 'mismatch' };
  const counted = countedBy(record, lease, since);
  if (counted !== null && counted !== 'forgotten') return { is: 'counted', opening: counted };
  const own = there.find((arrival) => arrival.lease === lease);
  // Whose key was made behind the watermark is counted by none.
  if (counted === 'forgotten' && !(own !== undefined && own.created > record.through)) return { is: 'forgotten' };
  if (own === undefined) return { is: 'gone' };
  // Keys of those who have come through may stand yet.
  const waiting = there.filter(({ created }) => created > record.through);
  // The first says how many make a generation. Before the watermark stands who named another number than a generation that opened.
  if (waiting[0]?.parties !== parties || own.created <= record.through) return { is: 'mismatch' };
  const others = waiting.filter((arrival) => arrival.parties === parties);
  const before = others.filter(({ created }) => created < own.created).length;
  if (before >= parties + maxExtras) return { is: 'extra' };
  // It stood there when a generation was full, and that has opened meanwhile.
  if (maxExtras === 0 && record.openings.some(({ at }) => at >= own.created)) return { is: 'extra' };
  const members = others.slice(0, parties);
  if (members.length < parties) return { is: 'waiting', others, due: null };
  const opening = { generation: record.generation + 1, parties, at: revision, members: members.map((member) => member.lease) };
  return { is: 'waiting', others, due: { opening, through: members.at(-1)?.created ?? 0 } };
}
