/**
 * What an app holds of shared variables.
 *
 * Nothing throws nor rejects but for misuse; a call on variables that have ended is answered, `closed`.
 */
import { type AnyActorRef, createActor } from 'xstate';
import { variablesMachine } from '../../machines/agents/variables.js';
import type { VariablesEmitted } from '../../machines/agents/variables-events.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { isActor, isObject, shownName, sortOf } from '../option-checks.js';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import { onFact } from '../supervision/on-fact.js';
import { ended } from '../supervision/watch.js';
import { runsMachine } from '../supervision/xstate-internals.js';
import { coordinate, type CoordinateOptions, type CoordinateOutcome, type CoordinatePlan, inTurns } from './coordinate.js';
import type { Shelf, VariableNews, VariableOutcome, VariableVersion, WriteOptions } from './shelf.js';
import { shelfOf, variables, type VariablesRef } from './variables.js';
import {
  count,
  duration,
  invalid,
  requireKept,
  requireOptions,
  requireSignal,
  requireText,
  requireVariable,
  type VariableOptions,
  type VariablesOptions,
} from './variables-options.js';

type Fact<Type extends VariablesEmitted['type']> = Extract<VariablesEmitted, { type: Type }>;

export type SubscribeOutcome = { readonly ok: true; unsubscribe(): void } | { readonly ok: false; readonly reason: 'full' | 'ended' | 'closed' };

/** One of those that `coordinateAll` coordinates. */
export type CoordinateEach = CoordinateOptions & { readonly variable: string };

/** Shared variables, as an app holds them. Disposing closes them. Each call throws EspalierError `variables/invalid-options` for misuse; promises reject with it. */
export interface Variables extends AsyncDisposable {
  /** Their actor; undefined while none runs. */
  readonly ref: VariablesRef | undefined;
  /** Makes one that there is not yet. A value is JSON, and copied: nobody changes it but by `set` and `update`. */
  define(name: string, options: VariableOptions): VariableOutcome;
  get(name: string): VariableOutcome;
  /** Writes; what becomes of a writer who has not seen the last version, its `conflict` says. */
  set(name: string, value: unknown, options?: WriteOptions): VariableOutcome;
  /** Writes what a function makes of the last value; with `version`, only where that is the last one. */
  update(name: string, fn: (value: unknown) => unknown, options?: WriteOptions): VariableOutcome;
  /** @param options  `version`: only where that is the last one; a variable that refuses must be given it */
  delete(name: string, options?: { readonly version?: number }): VariableOutcome;
  /** The last versions, oldest first, the present one included; none of one that there is not. */
  history(name: string): readonly VariableVersion[];
  /** Tells of each change from now on: a function, or an actor, which is sent it and forgotten when it ends. The variable need not be there yet. */
  subscribe(name: string, listener: ((news: VariableNews) => void) | AnyActorRef): SubscribeOutcome;
  /** Asks agents for its value, and sets what their answers make. Whoever has not answered is named. */
  coordinate(name: string, options: CoordinateOptions): Promise<CoordinateOutcome>;
  /** The same for many, so many at once (default 4). @returns what came of each, in order */
  coordinateAll(each: readonly CoordinateEach[], options?: { readonly concurrency?: number }): Promise<CoordinateOutcome[]>;
  status(): { readonly state: 'open' | 'ended'; readonly variables: number; readonly subscribers: number; readonly coordinations: number };
  names(): readonly string[];
  /** Facts, of each that comes after it in its seat too. No value is among them. What a listener throws goes to `console.error`. */
  on<Type extends VariablesEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void };
  /** Ends them at once. Twice is once. */
  close(): Promise<void>;
}

/**
 * The handle of shared variables that a supervisor runs: with their reference, or with a function that finds it, which follows their restarts.
 * @throws EspalierError `variables/invalid-options` for a reference that runs none; from each call, for a function that finds one
 */
export function variablesHandle(ref: AnyActorRef | (() => AnyActorRef | undefined)): Variables {
  if (typeof ref === 'function') return new Handle(ref);
  requireVariables(ref);
  return new Handle(() => ref);
}

/**
 * Shared variables that an app starts by itself, the root of a system of its own. In an app with a tree, {@link variables} is a child of that.
 * @throws EspalierError `variables/invalid-options`; `supervision/invalid-options` for what is no clock
 */
export function createVariables(options: VariablesOptions = {}, where: { readonly clock?: Clock } = {}): Variables {
  requireOptions('where the variables are', where, ['clock']);
  const { clock = systemClock } = where;
  requireClock(clock);
  const root = createActor(variables(options), { clock, id: 'variables' });
  // Heard here, a crash is no uncaught exception: the handle answers `closed`.
  root.subscribe({ error: () => {} });
  root.start();
  return new Handle(() => root);
}

function isVariables(ref: unknown): ref is VariablesRef {
  return runsMachine(ref, variablesMachine);
}

function requireVariables(ref: unknown): asserts ref is VariablesRef {
  if (!isVariables(ref)) throw invalid('ref', 'an actor that runs variables()', sortOf(ref));
}

const factTypes = keysOf<Record<VariablesEmitted['type'], true>>({
  ...{ 'variables.defined': true, 'variables.changed': true, 'variables.deleted': true, 'variables.refused': true },
  ...{ 'variables.subscriberLost': true, 'variables.coordinated': true },
});

function requireWrite(options: WriteOptions): void {
  requireOptions('how a variable is written', options, ['version', 'by']);
  count('version', options.version, 1);
  if (options.by !== undefined) requireText('by', options.by);
}

const rules: readonly unknown[] = ['mean', 'median', 'min', 'max', 'sum', 'majority'];

function planCoordinate(options: CoordinateOptions): CoordinatePlan {
  requireOptions('how agents are asked', options, ['agents', 'withinMs', 'combine', 'atLeast', 'body', 'concurrency', 'signal']);
  const { agents, combine = 'majority', body, signal } = options;
  if (!Array.isArray(agents) || agents.length > 10_000) throw invalid('agents', 'a list of names, at most 10 000', sortOf(agents));
  for (const agent of agents) requireText('agents', agent);
  if (new Set(agents).size < agents.length) throw invalid('agents', 'each once', 'one twice');
  if (typeof combine !== 'function' && !rules.includes(combine))
    throw invalid('combine', `a function, ${rules.join(', ')}`, typeof combine === 'string' ? shownName(combine) : sortOf(combine));
  requireSignal(signal);
  return {
    ...{ agents: [...(agents as readonly string[])], combine, signal, body: body === undefined ? undefined : requireKept(body).value },
    withinMs: duration('withinMs', options.withinMs, 5_000),
    atLeast: count('atLeast', options.atLeast, 1, 10_000),
    concurrency: count('concurrency', options.concurrency, 16, 1_000),
  };
}

const closed = { ok: false, reason: 'closed' } as const;

class Handle implements Variables {
  readonly #find: () => AnyActorRef | undefined;

  constructor(find: () => AnyActorRef | undefined) {
    this.#find = find;
  }

  get ref(): VariablesRef | undefined {
    const ref = this.#find();
    if (ref !== undefined) requireVariables(ref);
    return ref;
  }

  get #shelf(): Shelf | undefined {
    const { ref } = this;
    return ref === undefined ? undefined : shelfOf(ref);
  }

  define(name: string, options: VariableOptions): VariableOutcome {
    requireText('name', name);
    requireVariable(options);
    const { value } = requireKept(options.value);
    return this.#shelf?.define(name, options, value) ?? closed;
  }

  get(name: string): VariableOutcome {
    requireText('name', name);
    return this.#shelf?.get(name) ?? closed;
  }

  set(name: string, value: unknown, options: WriteOptions = {}): VariableOutcome {
    requireText('name', name);
    requireWrite(options);
    return this.#shelf?.set(name, requireKept(value).value, options) ?? closed;
  }

  update(name: string, fn: (value: unknown) => unknown, options: WriteOptions = {}): VariableOutcome {
    requireText('name', name);
    if (typeof fn !== 'function') throw invalid('fn', 'a function', sortOf(fn));
    requireWrite(options);
    return this.#shelf?.update(name, fn, options) ?? closed;
  }

  delete(name: string, options: { readonly version?: number } = {}): VariableOutcome {
    requireText('name', name);
    requireOptions('how a variable is deleted', options, ['version']);
    count('version', options.version, 1);
    return this.#shelf?.delete(name, options.version) ?? closed;
  }

  history(name: string): readonly VariableVersion[] {
    requireText('name', name);
    return this.#shelf?.history(name) ?? [];
  }

  subscribe(name: string, listener: ((news: VariableNews) => void) | AnyActorRef): SubscribeOutcome {
    requireText('name', name);
    if (typeof listener !== 'function' && !isActor(listener)) throw invalid('listener', 'a function or an actor', sortOf(listener));
    const subscribed = this.#shelf?.subscribe(name, listener) ?? 'closed';
    return typeof subscribed === 'string' ? { ok: false, reason: subscribed } : { ok: true, unsubscribe: subscribed };
  }

  async coordinate(name: string, options: CoordinateOptions): Promise<CoordinateOutcome> {
    requireText('name', name);
    const plan = planCoordinate(options);
    const shelf = this.#shelf;
    if (shelf === undefined) return { ...closed, answered: [], failed: [] };
    const { requests } = shelf.plan;
    if (requests === null) throw invalid('requests', 'comms, given to variables() or createVariables()', 'none');
    return coordinate(shelf, requests, name, plan);
  }

  async coordinateAll(each: readonly CoordinateEach[], options: { readonly concurrency?: number } = {}): Promise<CoordinateOutcome[]> {
    requireOptions('how many at once', options, ['concurrency']);
    const concurrency = count('concurrency', options.concurrency, 4, 1_000);
    if (!Array.isArray(each) || each.length > 10_000) throw invalid('each', 'a list, at most 10 000', sortOf(each));
    const all = (each as readonly CoordinateEach[]).map((one) => {
      if (!isObject(one)) throw invalid('each', 'objects with a variable', sortOf(one));
      const { variable, ...how } = one;
      requireText('variable', variable);
      planCoordinate(how);
      return { variable, how };
    });
    return inTurns(all, concurrency, ({ variable, how }) => this.coordinate(variable, how));
  }

  status(): ReturnType<Variables['status']> {
    const shelf = this.#shelf;
    if (shelf === undefined || shelf.isOver) return { state: 'ended', variables: 0, subscribers: 0, coordinations: 0 };
    return { state: 'open', variables: shelf.size, subscribers: shelf.listening, coordinations: shelf.coordinations.size };
  }

  names(): readonly string[] {
    return this.#shelf?.names() ?? [];
  }

  on<Type extends VariablesEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void } {
    if (!factTypes.includes(type)) throw invalid('type', factTypes.join(', '), typeof type === 'string' ? 'another fact' : sortOf(type));
    if (typeof listener !== 'function') throw invalid('listener', 'a function', sortOf(listener));
    return onFact(() => this.ref, type, listener, isVariables);
  }

  async close(): Promise<void> {
    const { ref } = this;
    if (ref !== undefined) await ended(ref, () => ref.send({ type: 'variables.close' }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
