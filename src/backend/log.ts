/**
 * The records of a backend in an event store: one stream, whose versions are the revisions, and a document that has all up to one of them.
 *
 * Whoever opens it last is its only writer: the store's fence refuses whoever was there before, so that of two processes with one file the older finds out
 * before it answers anybody.
 */
import { EspalierError } from '../errors.js';
import type { EventJournal, NotDone, StoredEvent } from '../events/port.js';
import { isObject, sortOf } from '../option-checks.js';
import type { BackendRecord, Written } from './records.js';
import { BackendState, type SavedState } from './state.js';

/** `notDone`: nothing was stored, another time it may be; `superseded`: another has it, for ever; `unknown`: it may have been stored. */
export type Commitment =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'notDone'; readonly what: string }
  | { readonly outcome: 'superseded' }
  | { readonly outcome: 'unknown'; readonly error: string };

/** What was there. */
export interface Recovered {
  readonly state: BackendState;
  /** The latest records, from `oldest` on. */
  readonly records: readonly Written[];
  readonly oldest: number;
}

interface Snapshot extends SavedState {
  /** Of the last event that it has. */
  readonly position: number;
}

/** Of a backend, in characters: with what is put around it, it is a name in the store. */
export const longestName = 512 - '$coordination//owner'.length;

/** Records between two snapshots, at least; it is as many as there are keys, so that each costs the same. */
const leastBetween = 1_000;

export class BackendLog {
  readonly #store: EventJournal;
  readonly #stream: string;
  #token = 0;
  #revision = 0;
  #position = 0;
  /** What the document has. */
  #saved = { revision: 0, position: 0 };
  /** When the latest snapshot was tried; one that fails is not tried again at once. */
  #triedAt = 0;

  constructor(store: EventJournal, name: string) {
    this.#store = store;
    this.#stream = `$coordination/${name}`;
  }

  /** @param now  monotonic ms @returns rejects with EspalierError `backend/invalid-record`; with an Error where the store does not answer */
  async open(now: () => number): Promise<Recovered> {
    const at = now();
    // Documents' revisions rise, whoever saves: the one who was here last has the highest.
    const owner = await this.#store.save(`${this.#stream}/owner`, {});
    if (!owner.ok) throw notOpened(owner);
    this.#token = owner.revision;
    const fenced = await this.#store.fence(this.#fence);
    if (!fenced.ok) throw notOpened(fenced);
    const loaded = await this.#store.load(`${this.#stream}/state`);
    if (!loaded.ok) throw notOpened(loaded);
    const snapshot = (loaded.document?.value ?? { revision: 0, position: 0, entries: [], leases: [] }) as unknown as Snapshot;
    this.#saved = { revision: snapshot.revision, position: snapshot.position };
    const state = BackendState.load(snapshot, at);
    const records: Written[] = [];
    this.#position = snapshot.position;
    for (let after: number | null = 0; after !== null; ) {
      const page = await this.#store.read({ stream: this.#stream, after, limit: 1_000 });
      if (!page.ok) throw notOpened(page);
      for (const event of page.events) this.#recover(event, state, records, at);
      after = page.next;
    }
    // From now on: it may have taken longer than they live.
    state.renewAll(now());
    this.#revision = state.revision;
    this.#triedAt = this.#saved.revision;
    return { state, records, oldest: records[0]?.revision ?? state.revision + 1 };
  }

  #recover(event: StoredEvent, state: BackendState, records: Written[], at: number): void {
    const record = recordOf(event);
    records.push(record);
    if (event.version <= this.#saved.revision) return;
    if (event.version !== state.revision + 1) throw invalidRecord(`version ${state.revision + 1}`, event.version);
    state.apply(record, at);
    this.#position = event.position;
  }

  /** Stores them, or finds out that it may not. Never rejects. */
  async commit(records: readonly BackendRecord[]): Promise<Commitment> {
    try {
      if (records.length === 0) return commitmentOf(await this.#store.fence(this.#fence));
      const outcome = await this.#store.append(this.#stream, records.map(eventOf), { expected: this.#revision, fence: this.#fence });
      if (outcome.ok) {
        this.#revision = outcome.version;
        this.#position = outcome.position;
      }
      return commitmentOf(outcome);
    } catch (error) {
      return { outcome: 'unknown', error: String(error) };
    }
  }

  /** Has another opened it since? False where that is not known. Never rejects. */
  async isSuperseded(): Promise<boolean> {
    return this.#token > 0 && (await this.commit([])).outcome === 'superseded';
  }

  /** Is it time for a snapshot? */
  isDue(keys: number): boolean {
    return this.#revision - this.#triedAt >= Math.max(leastBetween, keys);
  }

  /** Saves all of it, and lets go of what came before the snapshot before. What fails is done another time. Never rejects. */
  async snapshot(state: BackendState): Promise<void> {
    const before = this.#saved;
    const now = { revision: this.#revision, position: this.#position };
    this.#triedAt = now.revision;
    try {
      const saved = await this.#store.save(`${this.#stream}/state`, { ...state.save(), position: now.position }, { fence: this.#fence });
      if (!saved.ok) return;
      this.#saved = now;
      if (before.position > 0) await this.#store.prune({ stream: this.#stream, below: before.position + 1 });
    } catch {
      // The records are all there.
    }
  }

  get #fence(): { readonly name: string; readonly token: number } {
    return { name: this.#stream, token: this.#token };
  }
}

function commitmentOf(outcome: { readonly ok: true } | { readonly ok: false; readonly reason: string; readonly error?: string }): Commitment {
  if (outcome.ok) return { outcome: 'done' };
  const { reason, error } = outcome;
  if (reason === 'fenced' || reason === 'conflict') return { outcome: 'superseded' };
  if (reason === 'unknown') return { outcome: 'unknown', error: error ?? reason };
  return { outcome: 'notDone', what: reason };
}

function notOpened({ reason }: NotDone | { readonly reason: string }): Error {
  return new Error(`the event store beneath does not answer: ${reason}`);
}

function invalidRecord(expected: string, got: unknown): EspalierError {
  return new EspalierError('backend/invalid-record', { expected, got });
}

function eventOf(record: BackendRecord): { readonly type: string; readonly data: unknown } {
  const { type, ...rest } = record;
  return { type: `coordination.${type}`, data: 'value' in rest ? { ...rest, value: JSON.parse(rest.value) as unknown } : rest };
}

/** As {@link eventOf} wrote it. */
interface RecordData {
  readonly key: string;
  readonly value: unknown;
  readonly created: number;
  readonly lease: string;
  readonly why: Extract<BackendRecord, { type: 'deleted' }>['why'];
  readonly ttlMs: number;
}

function recordOf({ type, data, version: revision }: StoredEvent): Written {
  if (!isObject(data)) throw invalidRecord('a record', sortOf(data));
  const { key, value, created, lease, why, ttlMs } = data as unknown as RecordData;
  switch (type) {
    case 'coordination.set':
      return { type: 'set', key, value: JSON.stringify(value), created, lease, revision };
    case 'coordination.deleted':
      return { type: 'deleted', key, created, why, revision };
    case 'coordination.granted':
      return { type: 'granted', ttlMs, revision };
    case 'coordination.ended':
      return { type: 'ended', lease, revision };
    default:
      throw invalidRecord('a record that is known here', type);
  }
}
