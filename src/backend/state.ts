/** What stands in a backend: keys and leases, changed by records, each of which can be taken back as long as none came after it. */
import { compareCodePoints } from '../events/memory.js';
import type { Json } from '../events/port.js';
import { bytesOf } from '../wire/recording/bytes.js';
import { type Ending, Ends } from './ends.js';
import type { BackendEntry } from './port.js';
import { leaseOf, type Written } from './records.js';

/** A key as it is kept: its value as JSON text. */
export interface Held {
  readonly key: string;
  readonly text: string;
  readonly revision: number;
  readonly created: number;
  readonly lease: string | null;
  readonly bytes: number;
}

export interface Lease extends Ending {
  readonly id: string;
  readonly ttlMs: number;
  readonly keys: Set<string>;
}

/** All of it, as JSON. */
export interface SavedState {
  readonly revision: number;
  readonly entries: readonly (readonly [key: string, value: Json, revision: number, created: number, lease: string | null])[];
  readonly leases: readonly (readonly [id: string, ttlMs: number])[];
}

export class BackendState {
  readonly #entries = new Map<string, Held>();
  readonly #leases = new Map<string, Lease>();
  readonly #ends = new Ends<Lease>();
  /** By code points. */
  readonly #order: string[] = [];
  #revision: number;
  #bytes = 0;

  /** @param revision  the newest that is taken */
  constructor(revision: number) {
    this.#revision = revision;
  }

  get revision(): number {
    return this.#revision;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get keyCount(): number {
    return this.#entries.size;
  }

  get leaseCount(): number {
    return this.#leases.size;
  }

  entry(key: string): Held | undefined {
    return this.#entries.get(key);
  }

  lease(id: string): Lease | undefined {
    return this.#leases.get(id);
  }

  /** Behind a key, with a prefix; at most so many. */
  page(prefix: string, after: string, limit: number): Held[] {
    const found: Held[] = [];
    const from = compareCodePoints(after, prefix) < 0 ? prefix : after;
    for (let at = this.#placeOf(from); found.length < limit; at++) {
      const key = this.#order[at];
      if (key === undefined || !key.startsWith(prefix)) break;
      if (key !== after) found.push(this.#entries.get(key) as Held);
    }
    return found;
  }

  /** The lease that ends first. */
  firstToEnd(): Lease | undefined {
    return this.#ends.first();
  }

  /** Gives a lease its whole time anew. @returns how to take it back */
  renew(lease: Lease, at: number): () => void {
    const before = lease.endsAt;
    lease.endsAt = Math.max(before, at + lease.ttlMs);
    return () => {
      lease.endsAt = before;
      // Its place may have been made for the later end meanwhile; a place too many does no harm.
      this.#ends.add(lease);
      this.#ends.tidy(this.#leases.size);
    };
  }

  /** Does what the record says. @param at  monotonic ms @returns how to take it back */
  apply(record: Written, at: number): () => void {
    const before = this.#revision;
    this.#revision = record.revision;
    const undo = this.#change(record, at);
    return () => {
      undo();
      this.#revision = before;
    };
  }

  #change(record: Written, at: number): () => void {
    switch (record.type) {
      case 'set': {
        const { key, value: text, revision, created, lease } = record;
        const held = { key, text, revision, created: created === 0 ? revision : created, lease, bytes: bytesOf(key) + bytesOf(text) };
        return this.#place(key, held);
      }
      case 'deleted':
        return this.#place(record.key, undefined);
      case 'granted': {
        const id = leaseOf(record.revision);
        const lease: Lease = { id, ttlMs: record.ttlMs, keys: new Set(), endsAt: at + record.ttlMs, isOver: false };
        this.#live(lease);
        return () => this.#end(lease);
      }
      case 'ended': {
        const lease = this.#leases.get(record.lease);
        if (lease === undefined) return () => {};
        this.#end(lease);
        return () => this.#live(lease);
      }
    }
  }

  #live(lease: Lease): void {
    lease.isOver = false;
    this.#leases.set(lease.id, lease);
    this.#ends.add(lease);
  }

  #end(lease: Lease): void {
    lease.isOver = true;
    this.#leases.delete(lease.id);
    this.#ends.tidy(this.#leases.size);
  }

  /** Puts something in a key's place, or nothing. @returns how to take it back */
  #place(key: string, now: Held | undefined): () => void {
    const before = this.#entries.get(key);
    if (before !== undefined) {
      this.#bytes -= before.bytes;
      if (before.lease !== null) this.#leases.get(before.lease)?.keys.delete(key);
    }
    if (now === undefined) this.#entries.delete(key);
    else {
      this.#entries.set(key, now);
      this.#bytes += now.bytes;
      if (now.lease !== null) this.#leases.get(now.lease)?.keys.add(key);
    }
    if ((before === undefined) !== (now === undefined))
      this.#order.splice(this.#placeOf(key), now === undefined ? 1 : 0, ...(now === undefined ? [] : [key]));
    return () => void this.#place(key, before);
  }

  /** Where a key stands among all, or would. */
  #placeOf(key: string): number {
    let [low, high] = [0, this.#order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareCodePoints(this.#order[middle] as string, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  save(): SavedState {
    return {
      revision: this.#revision,
      entries: [...this.#entries.values()].map(
        ({ key, text, revision, created, lease }) => [key, JSON.parse(text) as Json, revision, created, lease] as const,
      ),
      leases: [...this.#leases.values()].map(({ id, ttlMs }) => [id, ttlMs] as const),
    };
  }

  /** Each lease has its whole time from now. @param at  monotonic ms */
  static load({ revision, entries, leases }: SavedState, at: number): BackendState {
    const state = new BackendState(revision);
    for (const [id, ttlMs] of leases) state.#live({ id, ttlMs, keys: new Set(), endsAt: at + ttlMs, isOver: false });
    for (const [key, value, own, created, lease] of entries) {
      const text = JSON.stringify(value);
      state.#place(key, { key, text, revision: own, created, lease, bytes: bytesOf(key) + bytesOf(text) });
    }
    return state;
  }

  /** Gives each lease its whole time anew. */
  renewAll(at: number): void {
    for (const lease of this.#leases.values()) this.renew(lease, at);
  }
}

/** As it is told: a copy. */
export function entryOf({ key, text, revision, created, lease }: Held): BackendEntry {
  return { key, value: JSON.parse(text) as Json, revision, created, lease };
}
