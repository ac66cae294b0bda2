/** The latest changes, and those who follow them. */
import { EspalierError } from '../errors.js';
import type { Json } from '../events/port.js';
import { Answer, plannedCall } from './answer.js';
import { requireCall } from './checks.js';
import type { BackendChange, BackendClock, BackendWatch, CallOptions, WatchAnswer } from './port.js';
import { weightOf, type Written } from './records.js';

/** Changes in one answer. */
const mostAtOnce = 1_000;

/** A record of a key. */
type Told = Extract<Written, { type: 'set' | 'deleted' }>;

export interface HistoryLimits {
  readonly maxHistory: number;
  readonly maxBytes: number;
  readonly callMs: number;
}

export class History {
  readonly #clock: BackendClock;
  readonly #limits: HistoryLimits;
  readonly #watches = new Set<Watch>();
  /** Those in which somebody waits, by what they follow: however many others there are, a change costs the same. */
  readonly #waiting = new Map<string, Set<Watch>>();
  /** How many of these prefixes have which length. */
  readonly #lengths = new Map<number, number>();
  #told: Told[] = [];
  /** Where they begin in the list: it is cut only now and then. */
  #start = 0;
  #bytes = 0;
  /** All changes from here on are remembered. */
  #oldest: number;
  /** The newest revision that is told of. */
  #head: number;
  /** Watches so far. */
  #begun = 0;
  #isOver = false;

  /** @param oldest  what comes is remembered from here on */
  constructor(clock: BackendClock, limits: HistoryLimits, oldest: number) {
    this.#clock = clock;
    this.#limits = limits;
    this.#oldest = oldest;
    this.#head = oldest - 1;
  }

  get oldest(): number {
    return this.#oldest;
  }

  get head(): number {
    return this.#head;
  }

  get watchCount(): number {
    return this.#watches.size;
  }

  /** Remembers, and wakes whoever waits. */
  tell(records: readonly Written[]): void {
    const newest = records.at(-1);
    if (newest === undefined) return;
    const told = records.filter((record) => record.type === 'set' || record.type === 'deleted');
    for (const record of told) {
      this.#told.push(record);
      this.#bytes += weightOf(record);
    }
    this.#head = newest.revision;
    this.#forget();
    const woken = new Set<Watch>();
    for (const { key } of told) {
      for (const length of this.#lengths.keys()) {
        if (length <= key.length) for (const watch of this.#waiting.get(key.slice(0, length)) ?? []) woken.add(watch);
      }
    }
    // The earliest first, whatever they follow.
    for (const watch of [...woken].sort((a, b) => a.order - b.order)) watch.wake(told);
  }

  /** Somebody waits in it: it is to be woken by the next change of its own. */
  wait(watch: Watch): void {
    const { prefix } = watch;
    const waiting = this.#waiting.get(prefix) ?? new Set();
    if (waiting.size === 0) {
      this.#waiting.set(prefix, waiting);
      this.#lengths.set(prefix.length, (this.#lengths.get(prefix.length) ?? 0) + 1);
    }
    waiting.add(watch);
  }

  /** Nobody does any more. */
  rest(watch: Watch): void {
    const { prefix } = watch;
    const waiting = this.#waiting.get(prefix);
    if (waiting?.delete(watch) !== true || waiting.size > 0) return;
    this.#waiting.delete(prefix);
    const left = (this.#lengths.get(prefix.length) ?? 1) - 1;
    if (left > 0) this.#lengths.set(prefix.length, left);
    else this.#lengths.delete(prefix.length);
  }

  #forget(): void {
    const { maxHistory, maxBytes } = this.#limits;
    while (this.#told.length - this.#start > maxHistory || this.#bytes > maxBytes) {
      const record = this.#told[this.#start++] as Told;
      this.#bytes -= weightOf(record);
      this.#oldest = record.revision + 1;
    }
    if (this.#start < 1_024 || this.#start * 2 < this.#told.length) return;
    this.#told = this.#told.slice(this.#start);
    this.#start = 0;
  }

  watch(prefix: string, from: number): BackendWatch {
    const watch = new Watch(this, this.#clock, this.#limits.callMs, { prefix, from, order: this.#begun++ });
    if (this.#isOver) watch.close();
    else this.#watches.add(watch);
    return watch;
  }

  /** What stands behind a revision, from there on: at most so many as are told at once. `upTo`: there is no other before it. */
  since(from: number, prefix: string): { readonly found: readonly Told[]; readonly upTo: number } {
    let [low, high] = [this.#start, this.#told.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#told[middle] as Told).revision < from) low = middle + 1;
      else high = middle;
    }
    const found: Told[] = [];
    for (; low < this.#told.length; low++) {
      const record = this.#told[low] as Told;
      if (!record.key.startsWith(prefix)) continue;
      found.push(record);
      if (found.length === mostAtOnce) return { found, upTo: record.revision };
    }
    return { found, upTo: this.#head };
  }

  leave(watch: Watch): void {
    this.#watches.delete(watch);
  }

  /** Whoever follows is told that there is no more. */
  end(): void {
    this.#isOver = true;
    for (const watch of [...this.#watches]) watch.close();
  }
}

class Watch implements BackendWatch {
  readonly #history: History;
  readonly #clock: BackendClock;
  readonly #callMs: number;
  readonly prefix: string;
  /** Its number among all that ever were. */
  readonly order: number;
  /** The first revision that is not told yet. */
  #next: number;
  #waiting: Answer<WatchAnswer> | null = null;
  #isClosed = false;

  constructor(history: History, clock: BackendClock, callMs: number, { prefix, from, order }: { prefix: string; from: number; order: number }) {
    this.#history = history;
    this.#clock = clock;
    this.#callMs = callMs;
    this.prefix = prefix;
    this.order = order;
    this.#next = from;
  }

  async next(call: CallOptions = {}): Promise<WatchAnswer> {
    requireCall('the call', call);
    if (this.#waiting !== null) throw new EspalierError('backend/already-read', { expected: 'one call of next() at a time', got: 'another' });
    const { signal, withinMs } = plannedCall(call, this.#callMs);
    if (signal?.aborted === true) return { outcome: 'cancelled' };
    const there = this.#take();
    if (there !== null) return there;
    const answer = new Answer<WatchAnswer>(this.#clock, signal);
    this.#waiting = answer;
    this.#history.wait(this);
    answer.wait(withinMs, (why) => {
      this.#hear(this.#history.head + 1);
      this.#settle(why === 'late' ? { outcome: 'quiet', revision: this.#next - 1 } : { outcome: 'cancelled' });
    });
    return answer.settled;
  }

  /** Something of its own came, in these records. */
  wake(records: readonly Told[]): void {
    if (this.#waiting === null) return;
    this.#hear((records[0] as Told).revision);
    const there = this.#take();
    if (there !== null) this.#settle(there);
  }

  /** Whoever waits has heard all that was before a revision: what is not its own never makes it late. */
  #hear(upTo: number): void {
    this.#next = Math.max(this.#next, upTo);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#history.leave(this);
    this.#settle({ outcome: 'ended' });
  }

  #settle(answer: WatchAnswer): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    this.#history.rest(this);
    waiting?.settle(answer);
  }

  /** What can be told at once; null where there is nothing yet. */
  #take(): WatchAnswer | null {
    if (this.#isClosed) return { outcome: 'ended' };
    const { oldest, head } = this.#history;
    if (this.#next < oldest) {
      const from = this.#next;
      this.#next = oldest;
      return { outcome: 'gap', from, revision: oldest - 1 };
    }
    const { found, upTo } = this.#history.since(this.#next, this.prefix);
    this.#next = Math.max(this.#next, (found.length === 0 ? head : upTo) + 1);
    return found.length === 0 ? null : { outcome: 'changes', changes: found.map(changeOf), revision: this.#next - 1 };
  }
}

function changeOf(record: Told): BackendChange {
  const { key, revision } = record;
  if (record.type === 'deleted') return { type: 'deleted', key, revision, created: record.created, why: record.why };
  const created = record.created === 0 ? revision : record.created;
  return { type: 'set', key, revision, entry: { key, value: JSON.parse(record.value) as Json, revision, created, lease: record.lease } };
}
