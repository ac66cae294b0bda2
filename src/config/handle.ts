/**
 * What an app holds of a configuration.
 *
 * Reads are answered at once, by the last good version, also while nothing serves it. Changes are promises that never reject but for misuse: they wait for
 * their turn, and for the next actor where the present one has crashed, until their deadline.
 */
import { type AnyActorRef, createActor } from 'xstate';
import { configMachine } from '../../machines/config/config.js';
import { type Causes, causesOf, type ConfigEmitted, configFacts, isWhole, type Override } from '../../machines/config/config-events.js';
import type { ExitReason } from '../../machines/supervision/exit.js';
import { EspalierError } from '../errors.js';
import { isActor, isPlainObject, sortOf } from '../option-checks.js';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import { onFact } from '../supervision/on-fact.js';
import { ended, exitReason, onExit } from '../supervision/watch.js';
import { runsMachine } from '../supervision/xstate-internals.js';
import { cellOf, config as configLogic, type ConfigLogic, type ConfigRef, keepOf } from './config.js';
import type { Keep } from './keep.js';
import type { ConfigOptions } from './options.js';
import { copied, isData, isWithin, leavesOf, type Path, textOf, valueAt } from './paths.js';
import { count, duration, invalid, requireOptions, requirePath } from './refusal.js';
import { type ChangeOutcome, refused, type Wish } from './requests.js';
import type { Version } from './trial.js';

/** The facts of a type. */
type Fact<Type extends ConfigEmitted['type']> = Extract<ConfigEmitted, { type: Type }>;

/** The type of what is at a path; unknown where it cannot be told. */
export type ValueAt<Value, At extends string> = At extends `${infer Name}.${infer Rest}`
  ? Name extends keyof Value
    ? ValueAt<NonNullable<Value[Name]>, Rest>
    : unknown
  : At extends keyof Value
    ? Value[At]
    : unknown;

export interface ChangeOptions {
  /** How long it may take, waiting included, ms. Default the configuration's. */
  readonly waitMs?: number;
  /** Refused, `conflict`, where another version is there at its turn. */
  readonly expectedVersion?: number;
}

/** A version without its values. */
export type VersionNote = Pick<Version, 'version' | 'at' | 'because' | 'paths'>;

export interface ConfigStatus extends Causes {
  /** `unavailable`: no version yet. `degraded`: the last good one, but nothing serves it, or for {@link Causes}. */
  readonly status: 'healthy' | 'degraded' | 'unavailable';
  /** Does it run? What is asked for meanwhile waits. */
  readonly isServed: boolean;
  /** How its last actor ended, such as `{ crash: 'sourceFailed: app.json: ENOENT' }`; null while one runs, and where none has. */
  readonly exit: ExitReason | null;
  /** 0: none yet. */
  readonly version: number;
  readonly pending: number;
  readonly subscribers: number;
}

/** What anybody may see: secrets are `…`. */
export interface ConfigView {
  readonly version: number;
  readonly value: unknown;
  /** By the path of each leaf: the source that has said it last, or `updates`. */
  readonly origins: Readonly<Record<string, string>>;
}

/** A configuration, as an app holds it. Disposing of it closes it. */
export interface Config<Value = unknown> extends AsyncDisposable {
  /** Its actor; undefined while none runs. */
  readonly ref: ConfigRef | undefined;
  /** 0: none yet. */
  readonly version: number;
  /** The last good value, frozen. @throws EspalierError `config/not-loaded` before there is one, `config/invalid-options` */
  get(): Value;
  get<const At extends string>(path: At): ValueAt<Value, At>;
  get(path: string | readonly string[]): unknown;
  /** Waits for the first version. @returns its number; null after `waitMs` (default 10 000), and as soon as none can come: it is closed, or has ended with nobody to start another */
  ready(options?: { readonly waitMs?: number }): Promise<number | null>;
  /** Changes one path. The value is data: what JSON has. @throws (by rejection) EspalierError `config/invalid-options` */
  update(path: string | readonly string[], value: unknown, options?: ChangeOptions): Promise<ChangeOutcome>;
  /** Changes several paths, all or none: path → value, in this order. */
  updateAll(changes: Readonly<Record<string, unknown>>, options?: ChangeOptions): Promise<ChangeOutcome>;
  /** Takes back what was updated at a path and beneath, or all: the sources have their way again. */
  reset(path?: string | readonly string[] | null, options?: ChangeOptions): Promise<ChangeOutcome>;
  /** Has the content of an earlier version again, under a new number. It stays until it is changed, or a source says something new. */
  rollback(version: number, options?: ChangeOptions): Promise<ChangeOutcome>;
  /** Reads all sources again. @returns false where nothing runs */
  reload(): boolean;
  /**
   * Has an actor told of each change at or beneath a path, or above it: a `config.changed`. It is forgotten when it ends.
   * @returns what ends it; null where the actor has ended, the configuration is closed, or has as many subscribers as it may
   */
  subscribe(actor: AnyActorRef, path?: string | readonly string[]): (() => boolean) | null;
  /** Facts, as its actor emits them, and each that comes after it in its seat, until unsubscribed. What a listener throws goes to `console.error`. @throws EspalierError `config/invalid-options` */
  on<Type extends ConfigEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void };
  status(): ConfigStatus;
  /** The versions that one can roll back to, the present one last. */
  versions(): readonly VersionNote[];
  /** What may be shown, logged, sent. */
  inspect(): ConfigView;
  /** Ends it, also where nothing runs: who waits hears `closed`, subscribers are let go, updates are forgotten. `get` still answers. Twice is once. */
  close(): Promise<void>;
}

/**
 * The handle of a configuration: with the logic that config() has made, before, while and between it runs; with the reference of one that runs; or with a
 * function that finds it.
 * @throws EspalierError `config/invalid-options` for what runs no configuration
 */
export function configHandle<Value = unknown>(of: ConfigLogic<Value> | AnyActorRef | (() => AnyActorRef | undefined)): Config<Value> {
  if (typeof of === 'function') return new Handle<Value>(finder(of));
  const cell = typeof of === 'object' && of !== null ? cellOf(of) : undefined;
  if (cell !== undefined) return new Handle<Value>(() => cell.keep);
  requireConfig(of);
  return new Handle<Value>(() => keepOf(of));
}

/**
 * A configuration that an app starts by itself, the root of a system of its own. In an app with a tree, `config()` is a child of that.
 * @throws EspalierError `config/invalid-options`; `supervision/invalid-options` for what is no clock
 */
export function createConfig<Value>(options: ConfigOptions<Value>, where: { readonly clock?: Clock } = {}): Config<Value> {
  requireOptions('where the configuration runs', where, ['clock']);
  const { clock = systemClock } = where;
  requireClock(clock);
  const logic = configLogic(options);
  const root = createActor(logic, { clock, id: 'config' });
  // Heard here, a crash is no uncaught exception: the handle's status tells.
  root.subscribe({ error: () => {} });
  root.start();
  // However it ends, nobody starts another: who waits for one is answered.
  onExit(root, () => cellOf(logic)?.keep.close());
  return configHandle(logic);
}

function isConfig(ref: unknown): ref is ConfigRef {
  return runsMachine(ref, configMachine);
}

function requireConfig(ref: unknown): asserts ref is AnyActorRef {
  if (!isConfig(ref)) throw invalid('ref', 'an actor that runs config(), or what config() has made', sortOf(ref));
}

/** Of one that is gone for the moment, what is known of it stays. */
function finder(find: () => AnyActorRef | undefined): () => Keep | undefined {
  let last: Keep | undefined;
  return () => {
    const ref = find();
    if (ref !== undefined) {
      requireConfig(ref);
      last = keepOf(ref) ?? last;
    }
    return last;
  };
}

class Handle<Value> implements Config<Value> {
  readonly #find: () => Keep | undefined;

  constructor(find: () => Keep | undefined) {
    this.#find = find;
  }

  get ref(): ConfigRef | undefined {
    const keep = this.#find();
    return keep?.isServed === true ? (keep.owner as ConfigRef) : undefined;
  }

  get version(): number {
    return this.#find()?.current?.version ?? 0;
  }

  get(path?: string | readonly string[]): never {
    const names = path === undefined ? [] : requirePath(path);
    const current = this.#find()?.current;
    if (current === undefined)
      throw new EspalierError('config/not-loaded', { expected: 'a configuration that is loaded: await ready() first', got: 'none' });
    return valueAt(current.value, names) as never;
  }

  async ready(options: { readonly waitMs?: number } = {}): Promise<number | null> {
    requireOptions('the options of a wait', options, ['waitMs']);
    const waitMs = duration('waitMs', options.waitMs, 10_000);
    const keep = this.#find();
    if (keep?.current !== undefined) return keep.current.version;
    if (keep === undefined || keep.isClosed) return null;
    return new Promise((resolve) => {
      const { clock } = keep;
      const heard = (version: number | null): void => {
        drop();
        clock.clearTimeout(timer);
        resolve(version);
      };
      const drop = keep.whenReady(heard);
      const timer = clock.setTimeout(() => heard(null), waitMs);
    });
  }

  async update(path: string | readonly string[], value: unknown, options: ChangeOptions = {}): Promise<ChangeOutcome> {
    return this.#change({ kind: 'update', changes: [changeOf(requirePath(path), value)] }, options);
  }

  async updateAll(changes: Readonly<Record<string, unknown>>, options: ChangeOptions = {}): Promise<ChangeOutcome> {
    const pairs = seen(() => (isPlainObject(changes) ? Object.entries(changes) : [])) ?? [];
    if (pairs.length === 0) throw invalid('changes', 'an object: path → value', seen(() => sortOf(changes)) ?? hostile);
    return this.#change({ kind: 'update', changes: pairs.map(([path, value]) => changeOf(requirePath(path), value)) }, options);
  }

  async reset(path: string | readonly string[] | null = null, options: ChangeOptions = {}): Promise<ChangeOutcome> {
    return this.#change({ kind: 'reset', path: path === null ? null : requirePath(path) }, options);
  }

  async rollback(version: number, options: ChangeOptions = {}): Promise<ChangeOutcome> {
    return this.#change({ kind: 'rollback', version: count('version', version, 1) }, options);
  }

  #change(wish: Wish, options: ChangeOptions): Promise<ChangeOutcome> | ChangeOutcome {
    requireOptions('the options of a change', options, ['waitMs', 'expectedVersion']);
    const { expectedVersion } = options;
    if (expectedVersion !== undefined) count('expectedVersion', expectedVersion, 1);
    const keep = this.#find();
    const waitMs = duration('waitMs', options.waitMs, keep?.plan.waitMs ?? 10_000);
    if (keep === undefined) return refused('closed');
    const allowed = keep.plan.updatable;
    if (wish.kind === 'update' && allowed !== null) {
      const isForbidden = ({ path }: Override): boolean => !allowed.some((each) => isWithin(path, each));
      const refusedPaths = wish.changes.filter(isForbidden).map(({ path }) => ({ path: textOf(path), message: 'may not be updated' }));
      if (refusedPaths.length > 0) return refused('notUpdatable', refusedPaths);
    }
    return keep.request(wish, expectedVersion ?? null, waitMs);
  }

  reload(): boolean {
    const { ref } = this;
    ref?.send({ type: 'config.reload' });
    return ref !== undefined;
  }

  subscribe(actor: AnyActorRef, path: string | readonly string[] = []): (() => boolean) | null {
    if (!isActor(actor)) throw invalid('actor', 'an actor', sortOf(actor));
    const names: Path = path.length === 0 && typeof path !== 'string' ? [] : requirePath(path);
    const keep = this.#find();
    return keep === undefined || keep.isClosed || keep.subscribers.isFull ? null : keep.subscribers.add(actor, names);
  }

  on<Type extends ConfigEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void } {
    const types = Object.keys(configFacts);
    if (!types.includes(type)) throw invalid('type', types.join(', '), typeof type === 'string' ? 'another fact' : sortOf(type));
    if (typeof listener !== 'function') throw invalid('listener', 'a function', sortOf(listener));
    return onFact(() => this.ref, type, listener, isConfig);
  }

  status(): ConfigStatus {
    const keep = this.#find();
    const { ref } = this;
    const context = ref?.getSnapshot().context;
    const causes: Causes = context === undefined ? { failing: {}, isRefused: false, lost: keep?.lost ?? [] } : causesOf(context);
    const isServed = ref !== undefined;
    const isGood = keep?.current !== undefined;
    return {
      status: isGood ? (isServed && isWhole(causes) ? 'healthy' : 'degraded') : 'unavailable',
      isServed,
      exit: keep?.owner === undefined ? null : exitReason(keep.owner),
      version: this.version,
      ...causes,
      pending: keep?.requests.size ?? 0,
      subscribers: keep?.subscribers.size ?? 0,
    };
  }

  versions(): readonly VersionNote[] {
    return (this.#find()?.versions ?? []).map(({ version, at, because, paths }) => ({ version, at, because, paths }));
  }

  inspect(): ConfigView {
    const keep = this.#find();
    const current = keep?.current;
    if (keep === undefined || current === undefined) return { version: 0, value: null, origins: {} };
    const texts = keep.secretTexts();
    const said: (readonly [name: string, path: Path])[] = [];
    for (const { name } of keep.plan.sources) for (const [path] of leavesOf(current.layers.get(name) ?? {})) said.push([name, path]);
    for (const { path, value } of current.overrides) for (const [leaf] of leavesOf(value, path)) said.push(['updates', leaf]);
    // The last to have said it has its way; what is not there any more, something above it has replaced.
    const origins = said
      .filter(([, path]) => path.length > 0 && valueAt(current.input, path) !== undefined)
      .map(([name, path]) => [textOf(path), name]);
    return {
      version: current.version,
      value: keep.plan.secrets.shown(current.value, texts),
      origins: Object.fromEntries(origins) as ConfigView['origins'],
    };
  }

  async close(): Promise<void> {
    const { ref } = this;
    if (ref === undefined) this.#find()?.close();
    else await ended(ref, () => ref.send({ type: 'config.close' }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** @throws EspalierError `config/invalid-options`; of the value it shows its sort alone */
function changeOf(path: Path, value: unknown): Override {
  // First the copy, so that a getter is asked once.
  const copy = seen(() => ({ of: copied(value) }));
  const of = copy?.of ?? null;
  if (of !== null && isData(of.value)) return { path, value: of.value };
  const expected = 'data as JSON has it: text, number, true, false, null, lists and plain objects of these';
  throw invalid('the value of an update', expected, copy === null ? hostile : (seen(() => sortOf(value)) ?? hostile));
}

const hostile = 'what throws when it is looked at';

/** What a look at something comes to; null where a getter or a proxy throws. What it threw is not told: it may quote a secret. */
function seen<Found>(look: () => Found): Found | null {
  try {
    return look();
  } catch {
    return null;
  }
}
