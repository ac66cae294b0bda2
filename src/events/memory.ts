/** A store in memory, for tests and for what need not outlast its process. It promises all that the durable one does, but that. */
import type { DocumentEntry, Entry, Ledger, PlannedQuery, Pruned, Selection } from './ledger.js';
import { invalid, limitKeys, requireKeys } from './event-checks.js';
import { LedgerStore, thisRuntime } from './ledger-store.js';
import type { EventStore, StoreLimits } from './port.js';

export interface MemoryOptions extends StoreLimits {
  /** Ms since the epoch. Default `Date.now`. */
  readonly wallNow?: () => number;
  /**
   * Calls what it is given once, later: by then all that is asked for in one go is in one commit. Default: in a turn of the event loop. On a simulated
   * network, which waits for promises alone, `queueMicrotask`.
   */
  readonly defer?: (commit: () => void) => void;
}

/** @throws EspalierError `events/invalid-options` */
export function memoryEvents(options: MemoryOptions = {}): EventStore {
  requireKeys('the options of a store', options, [...limitKeys, 'wallNow', 'defer']);
  const { wallNow = thisRuntime.wallNow, defer = thisRuntime.defer, ...limits } = options;
  if (typeof wallNow !== 'function') throw invalid('wallNow', 'a function', typeof wallNow);
  if (typeof defer !== 'function') throw invalid('defer', 'a function', typeof defer);
  return new LedgerStore(new MemoryLedger(), limits, { wallNow, defer });
}

type Index = Map<string, Entry[]>;
const indexed = ['stream', 'type', 'correlation', 'causation'] as const;

export class MemoryLedger implements Ledger {
  readonly isDurable = false;
  #entries: Entry[] = [];
  readonly #byId = new Map<string, Entry>();
  readonly #indexes: Readonly<Record<(typeof indexed)[number], Index>> = emptyIndexes();
  readonly #versions = new Map<string, number>();
  readonly #tokens = new Map<string, number>();
  readonly #documents = new Map<string, DocumentEntry>();
  #head = 0;
  #prunedThrough = 0;
  #revision = 0;
  #lastWallAt = 0;

  /** Each command is checked whole before it changes anything, so there is nothing to take back. */
  transact(work: () => void): void {
    work();
  }

  close(): void {}

  head(): number {
    return this.#head;
  }

  prunedThrough(): number {
    return this.#prunedThrough;
  }

  count(): number {
    return this.#entries.length;
  }

  lastWallAt(): number {
    return this.#lastWallAt;
  }

  versionOf(stream: string): number {
    return this.#versions.get(stream) ?? 0;
  }

  setVersion(stream: string, version: number): void {
    this.#versions.set(stream, version);
  }

  entryOf(id: string): Entry | null {
    return this.#byId.get(id) ?? null;
  }

  add(entry: Omit<Entry, 'position'>): number {
    const whole = { position: ++this.#head, ...entry };
    this.#lastWallAt = entry.wallAt;
    this.#enter(whole);
    return whole.position;
  }

  #enter(entry: Entry): void {
    this.#entries.push(entry);
    this.#byId.set(entry.id, entry);
    for (const name of indexed) {
      const value = entry[name];
      if (value === null) continue;
      const known = this.#indexes[name].get(value);
      if (known === undefined) this.#indexes[name].set(value, [entry]);
      else known.push(entry);
    }
  }

  page({ limit, isBackward, after, sinceWallAt, untilWallAt, ...sought }: PlannedQuery): Entry[] {
    const lists = indexed.flatMap((name) => {
      const value = sought[name];
      return value === undefined ? [] : [this.#indexes[name].get(value) ?? []];
    });
    const from = lists.reduce((least, list) => (list.length < least.length ? list : least), lists[0] ?? this.#entries);
    const isSought = (entry: Entry): boolean => indexed.every((name) => sought[name] === undefined || entry[name] === sought[name]);
    // Times never fall, so a span of them is one of positions.
    let low = sinceWallAt === undefined ? 0 : this.positionSince(sinceWallAt);
    let high = untilWallAt === undefined ? Infinity : this.positionSince(untilWallAt);
    if (isBackward) high = Math.min(high, after ?? high);
    else low = Math.max(low, (after ?? 0) + 1);
    const [begin, end] = [firstWith(from, ({ position }) => position >= low), firstWith(from, ({ position }) => position >= high)];
    const found: Entry[] = [];
    for (let count = 0; count < end - begin && found.length < limit; count++) {
      const entry = from[isBackward ? end - 1 - count : begin + count] as Entry;
      if (isSought(entry)) found.push(entry);
    }
    return found;
  }

  newest(selection: Selection, nth: number): number {
    return this.#entries.filter(({ stream }) => isSelected(selection, stream)).at(-nth)?.position ?? 0;
  }

  positionSince(wallAt: number): number {
    return this.#entries[firstWith(this.#entries, (entry) => entry.wallAt >= wallAt)]?.position ?? this.#head + 1;
  }

  prune(selection: Selection, below: number, limit: number): Pruned {
    const gone: Entry[] = [];
    for (const entry of this.#entries) {
      if (gone.length >= limit || entry.position >= below) break;
      if (isSelected(selection, entry.stream)) gone.push(entry);
    }
    const through = gone.at(-1)?.position ?? 0;
    if (gone.length > 0) this.#takeOut(gone, selection);
    this.#prunedThrough = Math.max(this.#prunedThrough, through);
    return { count: gone.length, through };
  }

  /** The oldest of a selection. What is behind the last of them is moved, and not looked at: a store that is pruned in parts is not gone through for each. */
  #takeOut(gone: readonly Entry[], selection: Selection): void {
    const through = gone.at(-1)?.position ?? 0;
    const without = (entries: readonly Entry[]): Entry[] => {
      const end = firstWith(entries, ({ position }) => position > through);
      return entries
        .slice(0, end)
        .filter(({ stream }) => !isSelected(selection, stream))
        .concat(entries.slice(end));
    };
    this.#entries = without(this.#entries);
    for (const { id } of gone) this.#byId.delete(id);
    for (const name of indexed) {
      const index = this.#indexes[name];
      for (const value of new Set(gone.map((entry) => entry[name]))) {
        if (value === null) continue;
        const left = without(index.get(value) ?? []);
        if (left.length > 0) index.set(value, left);
        else index.delete(value);
      }
    }
  }

  highestToken(fence: string): number {
    return this.#tokens.get(fence) ?? -1;
  }

  setToken(fence: string, token: number): void {
    this.#tokens.set(fence, token);
  }

  documentOf(key: string): DocumentEntry | null {
    return this.#documents.get(key) ?? null;
  }

  documents(prefix: string, after: string, limit: number): DocumentEntry[] {
    const keys = [...this.#documents.keys()].filter((key) => key.startsWith(prefix) && compareCodePoints(key, after) > 0).sort(compareCodePoints);
    return keys.slice(0, limit).flatMap((key) => this.#documents.get(key) ?? []);
  }

  putDocument(entry: Omit<DocumentEntry, 'revision'>): number {
    const revision = ++this.#revision;
    this.#documents.set(entry.key, { ...entry, revision });
    return revision;
  }

  removeDocument(key: string): void {
    this.#documents.delete(key);
  }
}

function emptyIndexes(): Readonly<Record<(typeof indexed)[number], Index>> {
  return { stream: new Map(), type: new Map(), correlation: new Map(), causation: new Map() };
}

/** The index of the first entry of which it holds, where it holds of all behind one. */
function firstWith(entries: readonly Entry[], holds: (entry: Entry) => boolean): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(entries[middle] as Entry)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The store's own streams are pruned only where they are named. */
function isSelected({ stream, prefix }: Selection, name: string): boolean {
  if (stream !== undefined) return name === stream;
  return prefix === undefined ? !name.startsWith('$') : name.startsWith(prefix);
}

/** By code points, as a database orders UTF-8; the runtime compares halves of surrogate pairs, which stand below the last of those that are no pairs. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const [x, y] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (x !== y) return placeOf(x) - placeOf(y);
  }
  return a.length - b.length;
}

/** Halves of pairs behind all else. */
function placeOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
