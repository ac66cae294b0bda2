/**
 * A store on a ledger: commands wait for the end of the turn and go into one commit, so that a hundred that come together cost one word from the disk.
 *
 * Whoever asks is answered after the commit, never before. Reads see what is committed, and nothing else.
 */
import {
  type CheckedEvent,
  checkedEvents,
  jsonTextOf,
  plannedLimits,
  plannedQuery,
  requireFence,
  requireKeys,
  requireName,
  requirePolicy,
  requireWhole,
  requireWrite,
} from './event-checks.js';
import { bytesOf } from '../wire/recording/bytes.js';
import { Append, type Command, Guard, Prune, Remove, Save, type Turn, type Waiting } from './commands.js';
import { type DocumentEntry, type Entry, type Ledger, LedgerFault } from './ledger.js';
import type {
  AppendOptions,
  AppendOutcome,
  EventQuery,
  EventStore,
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
  StatusOutcome,
  StoredDocument,
  StoredEvent,
  StoreLimits,
  StoreListener,
} from './port.js';

/** An append has no more than so many times the bytes of its largest event; what waits, no more than so many times that. */
const eventsWorth = 16;
const appendsWorth = 4;
/** A page that has so many bytes of data is full. */
const pageBytes = 8 * 1_048_576;

const closed = { ok: false, reason: 'closed' } as const;

/** What a store takes of the world. */
export interface Surroundings {
  /** Ms since the epoch. */
  wallNow(): number;
  /** Calls once, after what is under way in this turn. */
  defer(commit: () => void): void;
}

export class LedgerStore implements EventStore {
  readonly #ledger: Ledger;
  readonly #limits: Required<StoreLimits>;
  readonly #surroundings: Surroundings;
  readonly #listeners = new Set<StoreListener>();
  readonly #newId: () => string = ids();
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #isDue = false;
  #isOpen = true;
  #isClosing = false;

  constructor(ledger: Ledger, limits: StoreLimits, surroundings: Surroundings) {
    this.#ledger = ledger;
    this.#limits = plannedLimits(limits);
    this.#surroundings = surroundings;
  }

  get isDurable(): boolean {
    return this.#ledger.isDurable;
  }

  async append(stream: string, events: readonly NewEvent[], options: AppendOptions = {}): Promise<AppendOutcome> {
    const checked = checkedEvents(stream, events);
    requireWrite('the options of an append', options);
    const sizes = checked.map((event) => weigh(event));
    const { maxEventBytes } = this.#limits;
    const largest = Math.max(...sizes);
    if (largest > maxEventBytes) return { ok: false, reason: 'tooLarge', bytes: largest, maxBytes: maxEventBytes };
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    if (bytes > maxEventBytes * eventsWorth) return { ok: false, reason: 'tooLarge', bytes, maxBytes: maxEventBytes * eventsWorth };
    return this.#enqueue(new Append(stream, checked, bytes, options.expected, options.fence));
  }

  async fence(fence: Fence): Promise<FenceOutcome> {
    requireFence(fence);
    return this.#enqueue(new Guard(fence));
  }

  async prune(policy: PrunePolicy): Promise<PruneOutcome> {
    requirePolicy(policy);
    return this.#enqueue(new Prune({ ...policy }));
  }

  async save(key: string, value: unknown, options: SaveOptions = {}): Promise<SaveOutcome> {
    requireName('key', key);
    requireWrite('the options of a save', options);
    const text = jsonTextOf('the value', value);
    const bytes = bytesOf(text);
    const maxBytes = this.#limits.maxDocumentBytes;
    if (bytes > maxBytes) return { ok: false, reason: 'tooLarge', bytes, maxBytes };
    return this.#enqueue(new Save(key, text, bytes, options));
  }

  async remove(key: string, options: SaveOptions = {}): Promise<RemoveOutcome> {
    requireName('key', key);
    requireWrite('the options of a removal', options);
    return this.#enqueue(new Remove(key, 0, options));
  }

  async read(query: EventQuery = {}): Promise<ReadOutcome> {
    const plan = plannedQuery(query);
    return this.#look((ledger) => {
      // First the head: what another process adds meanwhile may be in the page and above it, never below it and not in the page.
      const head = ledger.head();
      const found = ledger.page({ ...plan, limit: plan.limit + 1 });
      let [count, bytes] = [0, 0];
      while (count < Math.min(found.length, plan.limit) && (count === 0 || bytes < pageBytes)) bytes += found[count++]?.data.length ?? 0;
      const events = found.slice(0, count).map(eventOf);
      const next = count < found.length ? (events.at(-1)?.position ?? null) : null;
      return { ok: true, events, next, head, prunedThrough: ledger.prunedThrough() };
    });
  }

  async find(id: string): Promise<FindOutcome> {
    requireName('id', id);
    return this.#look((ledger) => {
      const entry = ledger.entryOf(id);
      return { ok: true, event: entry === null ? null : eventOf(entry) };
    });
  }

  async version(stream: string): Promise<{ readonly ok: true; readonly version: number } | NotRead> {
    requireName('stream', stream);
    return this.#look((ledger) => ({ ok: true, version: ledger.versionOf(stream) }));
  }

  async load(key: string): Promise<LoadOutcome> {
    requireName('key', key);
    return this.#look((ledger) => {
      const entry = ledger.documentOf(key);
      return { ok: true, document: entry === null ? null : documentOf(entry) };
    });
  }

  async list(prefix: string, page: { readonly after?: string; readonly limit?: number } = {}): Promise<ListOutcome> {
    requireName('prefix', prefix, 0);
    requireKeys('the page', page, ['after', 'limit']);
    const { after = '', limit = 100 } = page;
    requireName('after', after, 0);
    requireWhole('limit', limit, 1, 1_000);
    return this.#look((ledger) => {
      const found = ledger.documents(prefix, after, limit + 1);
      const documents = found.slice(0, limit).map(documentOf);
      return { ok: true, documents, next: found.length > limit ? (documents.at(-1)?.key ?? null) : null };
    });
  }

  async status(): Promise<StatusOutcome> {
    return this.#look((ledger) => ({
      ok: true,
      head: ledger.head(),
      prunedThrough: ledger.prunedThrough(),
      events: ledger.count(),
      pending: this.#waiting.length,
      isDurable: ledger.isDurable,
    }));
  }

  listen(listener: StoreListener): { unsubscribe(): void } {
    this.#listeners.add(listener);
    return { unsubscribe: () => void this.#listeners.delete(listener) };
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    while (this.#isOpen && this.#waiting.length > 0) this.#commit();
    this.#end();
  }

  #enqueue<Outcome extends { readonly ok: boolean }>(command: Command<Outcome>): Promise<Outcome | NotDone> {
    if (!this.#isOpen || this.#isClosing) return Promise.resolve(closed);
    const { maxPending, maxEventBytes } = this.#limits;
    const isTooMuch = this.#waiting.length > 0 && this.#waitingBytes + command.bytes > maxEventBytes * eventsWorth * appendsWorth;
    if (this.#waiting.length >= maxPending || isTooMuch) return Promise.resolve({ ok: false, reason: 'full' });
    this.#waiting.push(command);
    this.#waitingBytes += command.bytes;
    this.#defer();
    return command.settled;
  }

  #defer(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#surroundings.defer(() => {
      this.#isDue = false;
      if (this.#isOpen) this.#commit();
      if (this.#isOpen && this.#waiting.length > 0) this.#defer();
    });
  }

  /** One commit: the commands that have come first, up to the bound. */
  #commit(): void {
    const batch = this.#take();
    const again: Waiting[] = [];
    const ledger = this.#ledger;
    const from = performance.now();
    let [events, head] = [0, 0];
    try {
      ledger.transact(() => {
        const turn: Turn = { ledger, wallAt: Math.max(Math.floor(this.#surroundings.wallNow()), ledger.lastWallAt()), newId: this.#newId };
        const before = ledger.head();
        for (const command of batch) if (command.run(turn)) again.push(command);
        head = ledger.head();
        events = head - before;
      });
    } catch (error) {
      const fault = error instanceof LedgerFault ? error : new LedgerFault('unknown', true, error);
      for (const command of batch) command.fail(fault);
      // Over before anybody hears of it: whoever does may close it, and that must commit nothing more.
      if (fault.isBroken) this.#end();
      this.#tell((listener) => listener.faulted?.({ error: fault.message, isBroken: fault.isBroken }));
      return;
    }
    // What is not done goes on behind those that have come meanwhile; a store that closes does not wait for it.
    if (this.#isClosing) for (const command of again) command.refuse(closed);
    else this.#waiting.push(...again);
    for (const command of batch) command.settle();
    const streams = new Set(batch.filter(({ addsEvents, outcome }) => addsEvents && outcome?.ok === true).map(({ name }) => name));
    this.#tell((listener) => listener.committed?.({ head, events, streams, commands: batch.length, tookMs: performance.now() - from }));
    for (const { outcome, name } of batch) {
      if (outcome === undefined || outcome.ok || !('reason' in outcome)) continue;
      const reason = outcome.reason as string;
      if (reason === 'fenced' || reason === 'conflict' || reason === 'duplicate') this.#tell((listener) => listener.refused?.(reason, name));
    }
  }

  #take(): Waiting[] {
    let [count, weight] = [0, 0];
    while (count < this.#waiting.length && (count === 0 || weight + (this.#waiting[count]?.weight ?? 0) <= this.#limits.maxCommitEvents))
      weight += this.#waiting[count++]?.weight ?? 0;
    const batch = count === this.#waiting.length ? this.#waiting : this.#waiting.slice(0, count);
    this.#waiting = count === this.#waiting.length ? [] : this.#waiting.slice(count);
    for (const { bytes } of batch) this.#waitingBytes -= bytes;
    return batch;
  }

  /** Who waits still is told, and the ledger let go of. */
  #end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const command of this.#waiting.splice(0)) command.refuse(closed);
    this.#waitingBytes = 0;
    try {
      this.#ledger.close();
    } catch {
      // It is let go of; what was acknowledged is there.
    }
  }

  #look<Outcome>(read: (ledger: Ledger) => Outcome): Outcome | NotRead {
    if (!this.#isOpen) return closed;
    try {
      return read(this.#ledger);
    } catch (error) {
      return { ok: false, reason: 'failed', error: (error instanceof LedgerFault ? error : new LedgerFault('failed', false, error)).message };
    }
  }

  /** What one throws keeps no other from hearing, and no command from its commit. */
  #tell(word: (listener: StoreListener) => void): void {
    for (const listener of [...this.#listeners])
      try {
        word(listener);
      } catch {
        // As `listen` says, it goes to nobody.
      }
  }
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

/** Ids of one store in one process: they rise, so that their index grows at its end. */
function ids(): () => string {
  const own = [...crypto.getRandomValues(new Uint8Array(10))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  let count = 0;
  return () => `${own}-${(count++).toString(36).padStart(8, '0')}`;
}

/** A turn of the event loop where there is one to be had, else of the microtasks. */
export const thisRuntime: Surroundings = {
  wallNow: () => Date.now(),
  defer: (commit) => {
    if (typeof setImmediate === 'function') setImmediate(commit);
    else queueMicrotask(commit);
  },
};
