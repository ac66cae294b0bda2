/** The names of one namespace: who has which, by name and by the indexed fields of what is said of them. */
import type { NamespaceOptions } from './options.js';
import type { Entry } from './entry.js';
import { fieldOf, isFound, type RegistryQuery } from './query.js';
import { invalid } from './refusal.js';
import type { Wait } from './wait.js';

const nobody: ReadonlySet<Entry> = new Set();

export class Namespace {
  readonly name: string;
  readonly isUnique: boolean;
  readonly #fields: readonly string[];
  /** By name; of a namespace with duplicate keys, {@link #many}. */
  readonly #unique = new Map<string, Entry>();
  readonly #many = new Map<string, Set<Entry>>();
  /** For each indexed field: entries by its value. */
  readonly #indexes: readonly Map<unknown, Set<Entry>>[];
  /** Who waits for a name. */
  readonly waits = new Map<string, Set<Wait>>();
  #size = 0;

  constructor(name: string, { keys, indexes }: Required<NamespaceOptions>) {
    this.name = name;
    this.isUnique = keys === 'unique';
    this.#fields = indexes;
    this.#indexes = indexes.map(() => new Map<unknown, Set<Entry>>());
  }

  get isEmpty(): boolean {
    return this.#size === 0 && this.waits.size === 0;
  }

  /** The entry of a unique name. */
  get(key: string): Entry | undefined {
    return this.#unique.get(key);
  }

  /** The entries of a name, the earliest first. */
  of(key: string): Iterable<Entry> {
    if (!this.isUnique) return this.#many.get(key) ?? nobody;
    const entry = this.#unique.get(key);
    return entry === undefined ? nobody : [entry];
  }

  *all(): Generator<Entry> {
    if (this.isUnique) yield* this.#unique.values();
    else for (const entries of this.#many.values()) yield* entries;
  }

  /**
   * The indexed fields of metadata: read before anything is changed, since what reads them may be the app's.
   * @throws EspalierError `registry/invalid-options` for what cannot be read
   */
  noted(metadata: unknown): readonly unknown[] | null {
    if (this.#fields.length === 0 || typeof metadata !== 'object') return null;
    try {
      return this.#fields.map((field) => {
        const value = fieldOf(metadata, field);
        return Array.isArray(value) ? [...new Set<unknown>(value)] : value;
      });
    } catch {
      throw invalid('metadata', 'indexed fields that can be read', 'one that throws');
    }
  }

  /** @param noted  what {@link Namespace.noted} says of its metadata */
  add(entry: Entry, noted: readonly unknown[] | null): this {
    this.#size++;
    if (this.isUnique) this.#unique.set(entry.key, entry);
    else put(this.#many, entry.key, entry);
    this.#index(entry, noted);
    return this;
  }

  remove(entry: Entry): void {
    this.#size--;
    if (this.isUnique) this.#unique.delete(entry.key);
    else take(this.#many, entry.key, entry);
    this.#unindex(entry);
  }

  /** What is said of an entry is something else from now on. */
  describe(entry: Entry, metadata: unknown, noted: readonly unknown[] | null): void {
    this.#unindex(entry);
    entry.metadata = metadata;
    this.#index(entry, noted);
  }

  /**
   * The fewest entries among which all are that the query wants. Where code of the app's looks at them, a filter or a field of metadata that has no index, they are
   * copied: else whatever that registers would be looked at in its turn, up to the registry's bound.
   */
  candidates(query: RegistryQuery, owned: (owner: NonNullable<RegistryQuery['owner']>) => ReadonlySet<Entry>): Iterable<Entry> {
    const found = this.#fewest(query, owned);
    const isAskedOfApp = query.filter !== undefined || Object.keys(query.where ?? {}).some((field) => !this.#fields.includes(field));
    return isAskedOfApp ? [...found] : found;
  }

  #fewest({ key, owner, where = {} }: RegistryQuery, owned: (owner: NonNullable<RegistryQuery['owner']>) => ReadonlySet<Entry>): Iterable<Entry> {
    if (key !== undefined) return this.of(key);
    let least: ReadonlySet<Entry> | undefined = owner === undefined ? undefined : owned(owner);
    for (const [place, field] of this.#fields.entries()) {
      if (!Object.hasOwn(where, field)) continue;
      const found = this.#indexes[place]?.get(where[field]) ?? nobody;
      if (least === undefined || found.size < least.size) least = found;
    }
    return least ?? this.all();
  }

  /** Is a field of the entry what it should be? Of an indexed one counts what was noted. */
  has(entry: Entry, field: string, value: unknown): boolean {
    const place = this.#fields.indexOf(field);
    return isFound(place < 0 ? fieldOf(entry.metadata, field) : entry.indexed?.[place], value);
  }

  #index(entry: Entry, noted: readonly unknown[] | null): void {
    entry.indexed = noted;
    if (noted !== null) for (const [index, value] of this.#values(noted)) put(index, value, entry);
  }

  #unindex(entry: Entry): void {
    if (entry.indexed !== null) for (const [index, value] of this.#values(entry.indexed)) take(index, value, entry);
    entry.indexed = null;
  }

  /** In which index it stands under which values: one of a list under each of it. */
  *#values(noted: readonly unknown[]): Generator<[Map<unknown, Set<Entry>>, unknown]> {
    for (const [place, field] of noted.entries())
      for (const value of Array.isArray(field) ? (field as unknown[]) : [field])
        if (value !== undefined) yield [this.#indexes[place] as Map<unknown, Set<Entry>>, value];
  }
}

function put<Key>(map: Map<Key, Set<Entry>>, key: Key, entry: Entry): void {
  const entries = map.get(key);
  if (entries === undefined) map.set(key, new Set([entry]));
  else entries.add(entry);
}

function take<Key>(map: Map<Key, Set<Entry>>, key: Key, entry: Entry): void {
  const entries = map.get(key);
  entries?.delete(entry);
  if (entries?.size === 0) map.delete(key);
}
