/**
 * A store on a ledger: commands wait for the end of the turn and go into one commit, so that a hundred that come together cost one word from the disk.
 *
 * Whoever asks is answered after the commit, never before. Reads see what is committed, and nothing else.
 */
import { plannedLimits } from './event-checks.js';
import type { Command, Turn, Waiting } from './commands.js';
import { type Ledger, LedgerFault } from './ledger.js';
import type {
  AppendOptions,
  AppendOutcome,
  EventQuery,
  EventStore,
  Fence,
  FenceOutcome,
  FindOutcome,
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
  StoreLimits,
  StoreListener,
  VersionOutcome,
} from './port.js';
import { type Carrier, mostWaitingBytes, requests } from './requests.js';

/** The latest time that there is a date for, ms since the epoch. @see https://tc39.es/ecma262/#sec-time-values-and-time-range */
const latestWallAt = 8_640_000_000_000_000;

const closed = { ok: false, reason: 'closed' } as const;

/** What a store takes of the world. */
export interface Surroundings {
  /** Ms since the epoch. */
  wallNow(): number;
  /** Calls once, after what is under way in this turn. */
  defer(commit: () => void): void;
}

export class LedgerStore implements EventStore, Carrier {
  readonly #ledger: Ledger;
  readonly #limits: Required<StoreLimits>;
  readonly #surroundings: Surroundings;
  readonly #listeners = new Set<StoreListener>();
  readonly #newId: () => string = ids();
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #isDue = false;
  #isAskingTime = false;
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

  get limits(): Required<StoreLimits> {
    return this.#limits;
  }

  async append(stream: string, events: readonly NewEvent[], options?: AppendOptions): Promise<AppendOutcome> {
    return requests.append(stream, events, options).carryTo(this);
  }

  async fence(fence: Fence): Promise<FenceOutcome> {
    return requests.fence(fence).carryTo(this);
  }

  async prune(policy: PrunePolicy): Promise<PruneOutcome> {
    return requests.prune(policy).carryTo(this);
  }

  async save(key: string, value: unknown, options?: SaveOptions): Promise<SaveOutcome> {
    return requests.save(key, value, options).carryTo(this);
  }

  async remove(key: string, options?: SaveOptions): Promise<RemoveOutcome> {
    return requests.remove(key, options).carryTo(this);
  }

  async read(query?: EventQuery): Promise<ReadOutcome> {
    return requests.read(query).carryTo(this);
  }

  async find(id: string): Promise<FindOutcome> {
    return requests.find(id).carryTo(this);
  }

  async version(stream: string): Promise<VersionOutcome> {
    return requests.version(stream).carryTo(this);
  }

  async load(key: string): Promise<LoadOutcome> {
    return requests.load(key).carryTo(this);
  }

  async list(prefix: string, page?: { readonly after?: string; readonly limit?: number }): Promise<ListOutcome> {
    return requests.list(prefix, page).carryTo(this);
  }

  async status(): Promise<StatusOutcome> {
    return this.look((ledger) => ({
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

  /** Carries a command out in the next commit that has room for it. */
  enqueue<Outcome extends { readonly ok: boolean }>(command: Command<Outcome>): Promise<Outcome | NotDone> {
    if (!this.#isOpen || this.#isClosing) return Promise.resolve(closed);
    const { maxPending, maxEventBytes } = this.#limits;
    const isTooMuch = this.#waiting.length > 0 && this.#waitingBytes + command.bytes > mostWaitingBytes(maxEventBytes);
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
    // Before the ledger is at work: the clock is an app's, and may do what it likes.
    const now = this.#wallNow();
    if (!this.#isOpen) return;
    const batch = this.#take();
    const again: Waiting[] = [];
    const ledger = this.#ledger;
    const from = performance.now();
    let [events, head] = [0, 0];
    try {
      ledger.transact(() => {
        const turn: Turn = { ledger, wallAt: Math.max(now, ledger.lastWallAt()), newId: this.#newId };
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

  /** 0 where the clock throws, says what is no time, or closes the store as it is asked: then it is as late as it was. */
  #wallNow(): number {
    if (this.#isAskingTime) return 0;
    this.#isAskingTime = true;
    try {
      const now = Math.floor(this.#surroundings.wallNow());
      return now >= 0 && now <= latestWallAt ? now : 0;
    } catch {
      return 0;
    } finally {
      this.#isAskingTime = false;
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

  /** Asks what is committed, at once. */
  look<Outcome>(read: (ledger: Ledger) => Outcome): Outcome | NotRead {
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
