/** What a registry is asked for, checked. */
import { keysOf } from '../../machines/supervision/option-keys.js';
import type { RegistryInput } from '../../machines/registry/registry-events.js';
import { sortOf } from '../option-checks.js';
import { count, duration, invalid, requireKey, requireOptions, texts } from './refusal.js';

/** How the names of one namespace are kept. */
export interface NamespaceOptions {
  /** `unique`: one owner for each name. `duplicate`: any number, and one owner several times. Default `unique`. */
  readonly keys?: 'unique' | 'duplicate';
  /** Fields of the metadata by which {@link Registry.select} finds entries without looking at all. Default: none. */
  readonly indexes?: readonly string[];
}

/** Options of a registry; each may be left out. A name that is not here is refused. `keys` and `indexes` are for every namespace. */
export interface RegistryOptions extends NamespaceOptions {
  /** What is different for single namespaces, by name. */
  readonly namespaces?: Readonly<Record<string, NamespaceOptions>>;
  /**
   * Names of the default namespace that belong to places of the tree: to whoever runs as that child of the registry's own supervisor, now and after any
   * restart, and to nobody else. `'jobs'` is the child of that id, `'jobs/mail'` or `['jobs', 'mail']` a child of that.
   */
  readonly names?: Readonly<Record<string, string | readonly string[]>>;
  /** Names of the default namespace that nobody may have. Default: none. */
  readonly reserved?: readonly string[];
  /** How many entries there may be in all. Default 100 000. */
  readonly maxEntries?: number;
  /** How many may wait for a name. Default 10 000. */
  readonly maxWaiting?: number;
  /** How long a name that follows restarts stands empty before it is given up, ms. Default 60 000. */
  readonly successorMs?: number;
}

/** The namespace of whoever names none. */
export const defaultNamespace = 'default';

/** What the options come to. */
export interface RegistryPlan {
  readonly input: RegistryInput;
  /** By name: the ids that lead to the place, from the registry's own supervisor. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  readonly reserved: ReadonlySet<string>;
  readonly maxEntries: number;
  readonly maxWaiting: number;
  readonly successorMs: number;
  space(namespace: string): Required<NamespaceOptions>;
}

const spaceKeys = keysOf<NamespaceOptions>({ keys: true, indexes: true });
const registryKeys = keysOf<RegistryOptions>({
  ...{ keys: true, indexes: true, namespaces: true, names: true },
  ...{ reserved: true, maxEntries: true, maxWaiting: true, successorMs: true },
});

/** @throws EspalierError `registry/invalid-options`, with the option's name */
export function planRegistry(options: RegistryOptions): RegistryPlan {
  requireOptions('the options of a registry', options, registryKeys);
  const { namespaces = {}, names = {}, reserved } = options;
  const common = planSpace('', { keys: 'unique', indexes: [], ...spaceOf(options) });
  requireOptions('namespaces', namespaces, Object.keys(namespaces ?? {}));
  const own = new Map<string, Required<NamespaceOptions>>();
  for (const [name, particular] of Object.entries(namespaces)) {
    requireKey(name, 'the name of a namespace');
    requireOptions(`namespaces['${name}']`, particular, spaceKeys);
    own.set(name, planSpace(`namespaces['${name}'].`, { ...common, ...spaceOf(particular) }));
  }
  const plan: RegistryPlan = {
    input: { intensity: 10, periodMs: 5_000 },
    names: planNames(names),
    reserved: new Set(texts('reserved', reserved)),
    maxEntries: count('maxEntries', options.maxEntries, 100_000),
    maxWaiting: count('maxWaiting', options.maxWaiting, 10_000),
    successorMs: duration('successorMs', options.successorMs, 60_000),
    space: (namespace) => own.get(namespace) ?? common,
  };
  requireNames(plan);
  return plan;
}

function spaceOf({ keys, indexes }: NamespaceOptions): NamespaceOptions {
  return { ...(keys === undefined ? {} : { keys }), ...(indexes === undefined ? {} : { indexes }) };
}

function planSpace(at: string, { keys, indexes }: Required<NamespaceOptions>): Required<NamespaceOptions> {
  if (keys !== 'unique' && keys !== 'duplicate') throw invalid(`${at}keys`, 'unique or duplicate', typeof keys === 'string' ? keys : sortOf(keys));
  return { keys, indexes: [...new Set(texts(`${at}indexes`, indexes))] };
}

function planNames(names: Readonly<Record<string, string | readonly string[]>>): ReadonlyMap<string, readonly string[]> {
  requireOptions('names', names, Object.keys(names ?? {}));
  const planned = new Map<string, readonly string[]>();
  for (const [key, place] of Object.entries(names)) {
    requireKey(key, 'a name of names');
    const ids = texts(`names['${key}']`, typeof place === 'string' ? place.split('/') : place);
    if (ids.length === 0) throw invalid(`names['${key}']`, 'the id of a child, or a path of ids', 'an empty list');
    planned.set(key, ids);
  }
  return planned;
}

function requireNames({ names, reserved, maxEntries, space }: RegistryPlan): void {
  for (const key of names.keys()) if (reserved.has(key)) throw invalid('reserved', `names that nobody may have, without those of names`, key);
  if (names.size > maxEntries) throw invalid('maxEntries', `room for the ${names.size} names of names`, maxEntries);
  if (names.size > 0 && space(defaultNamespace).keys === 'duplicate') throw invalid('names', 'none, where keys are duplicate', names.size);
}
