/**
 * What is asked of a store, checked within the call and made a copy of: what a caller changes afterwards changes nothing of it, and misuse is found at once,
 * also where the store is yet to be opened.
 */
import { bytesOf } from '../wire/recording/bytes.js';
import { Append, type Command, Guard, Prune, Remove, Save } from './commands.js';
import {
  type CheckedEvent,
  checkedEvents,
  checkedFence,
  checkedPolicy,
  checkedWrite,
  jsonTextOf,
  plannedPage,
  plannedQuery,
  requireName,
} from './event-checks.js';
import type { DocumentEntry, Entry, Ledger } from './ledger.js';
import type {
  AppendOptions,
  AppendOutcome,
  EventQuery,
  Fence,
  FenceOutcome,
  FindOutcome,
  Json,
  ListOutcome,
  LoadOutcome,
  NewEvent,
  NotDone,
  NotRead,
  PruneOutcome,
  PrunePolicy,
  ReadOutcome,
  RemoveOutcome,
  SaveOptions,
  SaveOutcome,
  StoredDocument,
  StoredEvent,
  StoreLimits,
  VersionOutcome,
} from './port.js';

/** An append has no more than so many times the bytes of its largest event; what waits, no more than so many times that. */
const eventsWorth = 16;
const appendsWorth = 4;
/** A page that has so many bytes of data is full. */
const pageBytes = 8 * 1_048_576;

/** Bytes that may wait at a time, beside one command of whatever size. */
export function mostWaitingBytes(maxEventBytes: number): number {
  return maxEventBytes * eventsWorth * appendsWorth;
}

/** What carries requests out: a store that is open. */
export interface Carrier {
  readonly limits: Required<StoreLimits>;
  enqueue<Outcome extends { readonly ok: boolean }>(command: Command<Outcome>): Promise<Outcome | NotDone>;
  look<Outcome>(read: (ledger: Ledger) => Outcome): Outcome | NotRead;
}

/** One call, ready to be carried out once. */
export interface Request<Outcome> {
  /** What it keeps in memory until then. */
  readonly bytes: number;
  carryTo(store: Carrier): Promise<Outcome>;
}

/** Each of them @throws EspalierError `events/invalid-event`, `events/invalid-options` */
export const requests = {
  append(stream: string, events: readonly NewEvent[], options: AppendOptions = {}): Request<AppendOutcome> {
    const checked = checkedEvents(stream, events);
    const write = checkedWrite('the options of an append', options);
    const sizes = checked.map((event) => weigh(event));
    const largest = Math.max(...sizes);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    return {
      bytes,
      carryTo: async (store) => {
        const { maxEventBytes } = store.limits;
        if (largest > maxEventBytes) return { ok: false, reason: 'tooLarge', bytes: largest, maxBytes: maxEventBytes };
        if (bytes > maxEventBytes * eventsWorth) return { ok: false, reason: 'tooLarge', bytes, maxBytes: maxEventBytes * eventsWorth };
        return store.enqueue(new Append(stream, checked, bytes, write));
      },
    };
  },

  fence(fence: Fence): Request<FenceOutcome> {
    const checked = checkedFence(fence);
    return { bytes: 0, carryTo: (store) => store.enqueue(new Guard(checked)) };
  },

  prune(policy: PrunePolicy): Request<PruneOutcome> {
    const checked = checkedPolicy(policy);
    return { bytes: 0, carryTo: (store) => store.enqueue(new Prune(checked)) };
  },

  save(key: string, value: unknown, options: SaveOptions = {}): Request<SaveOutcome> {
    requireName('key', key);
    const write = checkedWrite('the options of a save', options);
    const text = jsonTextOf('the value', value);
    const bytes = bytesOf(text);
    return {
      bytes,
      carryTo: async (store) => {
        const maxBytes = store.limits.maxDocumentBytes;
        return bytes > maxBytes ? { ok: false, reason: 'tooLarge', bytes, maxBytes } : store.enqueue(new Save(key, text, bytes, write));
      },
    };
  },

  remove(key: string, options: SaveOptions = {}): Request<RemoveOutcome> {
    requireName('key', key);
    const write = checkedWrite('the options of a removal', options);
    return { bytes: 0, carryTo: (store) => store.enqueue(new Remove(key, 0, write)) };
  },

  read(query: EventQuery = {}): Request<ReadOutcome> {
    const plan = plannedQuery(query);
    return question((ledger) => {
      // First the head: what another process adds meanwhile may be in the page and above it, never below it and not in the page.
      const head = ledger.head();
      const found = ledger.page({ ...plan, limit: plan.limit + 1 });
      let [count, bytes] = [0, 0];
      while (count < Math.min(found.length, plan.limit) && (count === 0 || bytes < pageBytes)) bytes += found[count++]?.data.length ?? 0;
      const events = found.slice(0, count).map(eventOf);
      const next = count < found.length ? (events.at(-1)?.position ?? null) : null;
      return { ok: true, events, next, head, prunedThrough: ledger.prunedThrough() };
    });
  },

  find(id: string): Request<FindOutcome> {
    requireName('id', id);
    return question((ledger) => {
      const entry = ledger.entryOf(id);
      return { ok: true, event: entry === null ? null : eventOf(entry) };
    });
  },

  version(stream: string): Request<VersionOutcome> {
    requireName('stream', stream);
    return question((ledger) => ({ ok: true, version: ledger.versionOf(stream) }));
  },

  load(key: string): Request<LoadOutcome> {
    requireName('key', key);
    return question((ledger) => {
      const entry = ledger.documentOf(key);
      return { ok: true, document: entry === null ? null : documentOf(entry) };
    });
  },

  list(prefix: string, page: { readonly after?: string; readonly limit?: number } = {}): Request<ListOutcome> {
    requireName('prefix', prefix, 0);
    const { after, limit } = plannedPage(page);
    return question((ledger) => {
      const found = ledger.documents(prefix, after, limit + 1);
      const documents = found.slice(0, limit).map(documentOf);
      return { ok: true, documents, next: found.length > limit ? (documents.at(-1)?.key ?? null) : null };
    });
  },
};

function question<Outcome>(read: (ledger: Ledger) => Outcome): Request<Outcome | NotRead> {
  return { bytes: 0, carryTo: async (store) => store.look(read) };
}

function weigh({ type, data, correlation, causation }: CheckedEvent): number {
  return bytesOf(data) + type.length + (correlation?.length ?? 0) + (causation?.length ?? 0);
}

/** Written out: to take the rest and to spread it copies each event twice, name by name. */
function eventOf({ position, stream, version, id, type, data, correlation, causation, wallAt }: Entry): StoredEvent {
  return { position, stream, version, id, type, data: JSON.parse(data) as Json, correlation, causation, wallAt };
}

function documentOf({ key, value, revision, wallAt }: DocumentEntry): StoredDocument {
  return { key, value: JSON.parse(value) as Json, revision, wallAt };
}
