/**
 * What an app holds of a registry.
 *
 * All but a wait is answered within the call. A wait has an owner, the registry's actor: when that ends, however it ends, the wait is over. Nothing throws
 * nor rejects but for misuse, and a call on a registry that has ended is answered, where XState would drop the event.
 */
import { type AnyActorRef, createActor, type EventObject } from 'xstate';
import { registryMachine } from '../../machines/registry/registry.js';
import { registryFacts, type RegistryEmitted } from '../../machines/registry/registry-events.js';
import { sortOf } from '../option-checks.js';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import { onFact } from '../supervision/on-fact.js';
import { ended, exitReason } from '../supervision/watch.js';
import { isUnstarted, runsMachine } from '../supervision/xstate-internals.js';
import type { RegistryEntry, UpdateOutcome } from './entry.js';
import { defaultNamespace, type RegistryOptions } from './options.js';
import { type RegistryQuery, requireQuery } from './query.js';
import { invalid, requireActor, requireFunction, requireKey, requireOptions } from './refusal.js';
import { registry as registryLogic, type RegistryRef, tableOf } from './registry.js';
import type { NameRefused, NameTable } from './table.js';
import { requireWait, type WaitForOptions, type WaitForOutcome } from './wait.js';

/** The facts of a type. */
type Fact<Type extends RegistryEmitted['type']> = Extract<RegistryEmitted, { type: Type }>;

/** How a name is registered. */
export interface RegisterOptions {
  /** What is said of the entry; anything. By the fields of an object entries are found, see {@link RegistryQuery}. */
  readonly metadata?: unknown;
  /** When the owner ends, the name waits for its successor: whoever its supervisor starts under the same id. Default false. */
  readonly follow?: boolean;
}

/** Whether a name was given; why not, and who has it where somebody does. */
export type RegisterOutcome = { readonly ok: true } | NameRefused;

/** What became of an actor that was to be started under a name. `alreadyStarted` by `ref`; `ended`: it was given the name, and did not outlive its start. */
export type StartNamedOutcome =
  | { readonly ok: true; readonly ref: AnyActorRef }
  | {
      readonly ok: false;
      readonly reason: 'alreadyStarted' | 'ended' | Exclude<NameRefused['reason'], 'alreadyRegistered'>;
      readonly ref?: AnyActorRef;
    };

/** How a registry stands. */
export interface RegistryStatus {
  readonly entries: number;
  readonly waiting: number;
  /** Those that are in use. */
  readonly namespaces: readonly string[];
}

/** A registry, as an app holds it: one namespace of it, the default one. Disposing of it closes the registry. */
export interface Registry extends AsyncDisposable {
  /** The registry's actor; undefined while none runs. */
  readonly ref: RegistryRef | undefined;
  readonly namespace: string;
  /** The same registry, seen from another namespace. @throws EspalierError `registry/invalid-options` */
  in(namespace: string): Registry;
  /** Gives a name to an actor that runs. It has it until it ends, or is unregistered. @throws EspalierError `registry/invalid-options` */
  register(key: string, owner: AnyActorRef, options?: RegisterOptions): RegisterOutcome;
  /**
   * Starts an actor under a name, or not at all: of two with one name, the second is never started.
   * @param actor  created, and not started yet
   * @throws EspalierError `registry/invalid-options`
   */
  start(key: string, actor: AnyActorRef, options?: RegisterOptions): StartNamedOutcome;
  /**
   * Takes a name away from its owner, and from nobody else.
   * @param filter  which of its entries, where keys are duplicate; default: all
   * @returns how many entries
   * @throws EspalierError `registry/invalid-options`; what `filter` throws, and then nothing has happened
   */
  unregister(key: string, owner: AnyActorRef, filter?: (entry: RegistryEntry) => boolean): number;
  /**
   * Says something else of an entry.
   * @param change  what is said from now on, by what was
   * @throws EspalierError `registry/invalid-options`; what `change` throws, and then nothing has happened
   */
  update<Metadata>(key: string, owner: AnyActorRef, change: (metadata: unknown) => Metadata): UpdateOutcome<Metadata>;
  /** Who has the name, alive; undefined for nobody. @throws EspalierError `registry/invalid-options`, also where keys are duplicate: there `lookup` tells */
  whereis(key: string): AnyActorRef | undefined;
  /** Does the name stand empty, and is its owner's successor awaited? @throws EspalierError `registry/invalid-options` */
  awaits(key: string): boolean;
  /** All entries of a name, the earliest first. @throws EspalierError `registry/invalid-options` */
  lookup(key: string): RegistryEntry[];
  /** The entries that a query wants; without one, all. @throws EspalierError `registry/invalid-options`; what its `filter` throws */
  select(query?: RegistryQuery): RegistryEntry[];
  /** How many those are. @throws as `select` */
  count(query?: RegistryQuery): number;
  /** The names of an owner, as often as it has them. @throws EspalierError `registry/invalid-options` */
  keys(owner: AnyActorRef): string[];
  /**
   * Sends an event to whoever has a name.
   * @param event  the event, or what makes it of an entry
   * @returns to how many
   * @throws EspalierError `registry/invalid-options`; what `event` throws
   */
  dispatch(key: string, event: EventObject | ((entry: RegistryEntry) => EventObject)): number;
  /**
   * Waits until somebody has a name; not by looking again and again, but by being told.
   * @returns rejects for misuse only, with EspalierError `registry/invalid-options`
   */
  waitFor(key: string, options?: WaitForOptions): Promise<WaitForOutcome>;
  /** What the registry itself has been told to remember under a word; undefined where nothing. @throws EspalierError `registry/invalid-options` */
  meta(word: string): unknown;
  /** Remembers something; undefined forgets it. @returns false where it does not run, or remembers 1 000 words. @throws EspalierError `registry/invalid-options` */
  putMeta(word: string, value: unknown): boolean;
  /** Takes every name of the namespace away, but those of the registry's own options. @returns how many */
  clear(): number;
  status(): RegistryStatus;
  /** Facts of the registry, as it emits them, and of each that comes after it in its seat, until unsubscribed. What a listener throws goes to `console.error`. @throws EspalierError `registry/invalid-options` */
  on<Type extends RegistryEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void };
  /** Ends it, and forgets every name. Twice is once. */
  close(): Promise<void>;
}

/**
 * The handle of a registry that a supervisor runs: with its reference, or with a function that finds it, which follows its restarts. What it is asked while
 * no registry runs is refused, `closed`; nobody has a name then.
 * @throws EspalierError `registry/invalid-options` for a reference that runs no registry
 */
export function registryHandle(ref: AnyActorRef | (() => AnyActorRef | undefined)): Registry {
  if (typeof ref === 'function') return new Handle(new Found(ref), defaultNamespace);
  if (!isRegistry(ref)) throw invalid('ref', 'an actor that runs registry()', sortOf(ref));
  return new Handle(new Found(() => ref), defaultNamespace);
}

/**
 * A registry that an app starts by itself, the root of a system of its own. In an app with a tree, {@link registryLogic} is a child of that.
 * @throws EspalierError `registry/invalid-options`; `supervision/invalid-options` for what is no clock
 */
export function createRegistry(options: RegistryOptions = {}, where: { readonly clock?: Clock } = {}): Registry {
  requireOptions('where the registry runs', where, ['clock']);
  const { clock = systemClock } = where;
  requireClock(clock);
  const root = createActor(registryLogic(options), { clock, id: 'registry' });
  // Heard here, a crash is no uncaught exception: the handle answers `closed`.
  root.subscribe({ error: () => {} });
  root.start();
  return new Handle(new Found(() => root), defaultNamespace);
}

function isRegistry(ref: unknown): ref is RegistryRef {
  return runsMachine(ref, registryMachine);
}

/** A registry, looked up once for each that is found: so a lookup of a name costs little more. */
class Found {
  readonly #find: () => AnyActorRef | undefined;
  #last: AnyActorRef | undefined;
  #table: NameTable | undefined;

  constructor(find: () => AnyActorRef | undefined) {
    this.#find = find;
  }

  get ref(): RegistryRef | undefined {
    const ref = this.#find();
    if (ref === undefined) return undefined;
    if (!isRegistry(ref)) throw invalid('ref', 'an actor that runs registry()', sortOf(ref));
    return ref;
  }

  /** Its names; undefined where it does not run, also where its successor has them now. */
  get table(): NameTable | undefined {
    const found = this.#find();
    if (found === undefined) return undefined;
    if (found !== this.#last) {
      this.#table = this.ref === undefined ? undefined : tableOf(found);
      this.#last = this.#table === undefined ? undefined : found;
    }
    return this.#table?.registry === found ? this.#table : undefined;
  }
}

/** One that is none would end whoever is sent it. */
function isEvent(event: unknown): event is EventObject {
  return typeof (event as Partial<EventObject> | null | undefined)?.type === 'string';
}

const registerKeys = ['metadata', 'follow'];
const plain: RegisterOptions = {};

class Handle implements Registry {
  readonly namespace: string;
  readonly #found: Found;

  constructor(found: Found, namespace: string) {
    this.#found = found;
    this.namespace = namespace;
  }

  get ref(): RegistryRef | undefined {
    return this.#found.ref;
  }

  in(namespace: string): Registry {
    requireKey(namespace, 'namespace');
    return new Handle(this.#found, namespace);
  }

  register(key: string, owner: AnyActorRef, options: RegisterOptions = plain): RegisterOutcome {
    return this.#register(key, owner, options, false);
  }

  #register(key: string, owner: AnyActorRef, options: RegisterOptions, isStarting: boolean): RegisterOutcome {
    requireKey(key);
    requireActor(owner);
    if (options !== plain) requireOptions('the options of a registration', options, registerKeys);
    const { metadata, follow = false } = options;
    if (typeof follow !== 'boolean') throw invalid('follow', 'true or false', sortOf(follow));
    const { table } = this.#found;
    return table?.register(this.namespace, key, owner, metadata, follow, isStarting) ?? { ok: false, reason: 'closed' };
  }

  start(key: string, actor: AnyActorRef, options: RegisterOptions = plain): StartNamedOutcome {
    requireActor(actor);
    if (!isUnstarted(actor)) throw invalid('actor', 'an actor that was created and not started', 'one that was started');
    const outcome = this.#register(key, actor, options, true);
    if (!outcome.ok)
      return outcome.reason === 'alreadyRegistered' ? { ...outcome, reason: 'alreadyStarted' } : { ...outcome, reason: outcome.reason };
    actor.start();
    return exitReason(actor) === null ? { ok: true, ref: actor } : { ok: false, reason: 'ended' };
  }

  unregister(key: string, owner: AnyActorRef, filter?: (entry: RegistryEntry) => boolean): number {
    requireKey(key);
    requireActor(owner);
    requireFunction('filter', filter);
    return this.#found.table?.unregister(this.namespace, key, owner, filter) ?? 0;
  }

  update<Metadata>(key: string, owner: AnyActorRef, change: (metadata: unknown) => Metadata): UpdateOutcome<Metadata> {
    requireKey(key);
    requireActor(owner);
    if (typeof change !== 'function') throw invalid('change', 'a function', sortOf(change));
    return this.#found.table?.update(this.namespace, key, owner, change) ?? { ok: false, reason: 'closed' };
  }

  whereis(key: string): AnyActorRef | undefined {
    requireKey(key);
    return this.#found.table?.whereis(this.namespace, key);
  }

  awaits(key: string): boolean {
    requireKey(key);
    return this.#found.table?.awaits(this.namespace, key) ?? false;
  }

  lookup(key: string): RegistryEntry[] {
    requireKey(key);
    return this.#found.table?.select(this.namespace, { key }) ?? [];
  }

  select(query: RegistryQuery = {}): RegistryEntry[] {
    requireQuery(query);
    return this.#found.table?.select(this.namespace, query) ?? [];
  }

  count(query: RegistryQuery = {}): number {
    return this.select(query).length;
  }

  keys(owner: AnyActorRef): string[] {
    requireActor(owner);
    return this.select({ owner }).map(({ key }) => key);
  }

  dispatch(key: string, event: EventObject | ((entry: RegistryEntry) => EventObject)): number {
    const entries = this.lookup(key);
    if (typeof event !== 'function' && !isEvent(event)) throw invalid('event', 'an event, or a function that makes one', sortOf(event));
    // All are made before the first is sent: what a maker throws, or makes that is none, keeps nobody from what another has got.
    const events = entries.map((entry) => ({ ref: entry.ref, event: typeof event === 'function' ? event(entry) : event }));
    for (const each of events) if (!isEvent(each.event)) throw invalid('event', 'a function that makes an event', sortOf(each.event));
    for (const each of events) each.ref.send(each.event);
    return events.length;
  }

  waitFor(key: string, options: WaitForOptions = {}): Promise<WaitForOutcome> {
    return new Promise((resolve) => {
      requireKey(key);
      const deadlineMs = requireWait(options);
      const { table } = this.#found;
      if (table === undefined) resolve({ ok: false, reason: 'closed', waitedMs: 0 });
      else table.wait(this.namespace, key, deadlineMs, options.signal, resolve);
    });
  }

  meta(word: string): unknown {
    requireKey(word, 'word');
    return this.#found.table?.words.get(word);
  }

  putMeta(word: string, value: unknown): boolean {
    requireKey(word, 'word');
    return this.#found.table?.remember(word, value) ?? false;
  }

  clear(): number {
    return this.#found.table?.clearSpace(this.namespace) ?? 0;
  }

  status(): RegistryStatus {
    const { table } = this.#found;
    const { entries, waiting } = table?.counts ?? { entries: 0, waiting: 0 };
    return { entries, waiting, namespaces: table?.namespaces ?? [] };
  }

  on<Type extends RegistryEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void } {
    if (!Object.hasOwn(registryFacts, type))
      throw invalid('type', Object.keys(registryFacts).join(', '), typeof type === 'string' ? 'another fact' : sortOf(type));
    if (typeof listener !== 'function') throw invalid('listener', 'a function', sortOf(listener));
    return onFact(() => this.ref, type, listener, isRegistry);
  }

  async close(): Promise<void> {
    const { ref } = this;
    if (ref !== undefined) await ended(ref, () => ref.send({ type: 'registry.close' }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
