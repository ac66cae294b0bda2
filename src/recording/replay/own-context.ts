/**
 * A context that is nobody else's: what a replay begins from is a copy, so that an assign that changes what it was given, in place, changes no actor that
 * lives. XState takes a machine's static context as it is, and a factory may give what it has from outside.
 *
 * Plain data, maps, sets, dates, bytes and the language's own errors are copied. References to actors and functions stay what they are. An instance of a class
 * cannot be copied, frozen or not, and be it made anew for each actor: what it holds inside may be somebody else's, and may change all the same. Nor can an
 * accessor, a snapshot of a machine, or bytes that are shared.
 */
import { type AnyStateMachine, type AnyStateNode, isMachineSnapshot, StateMachine } from 'xstate';

import { isPlain, looksLikeActor } from '../portable.js';
import { standsFor } from '../revive.js';

/** Deeper, and more, is not copied. */
const most = { depth: 200, parts: 200_000 } as const;

/** Contexts as they stand in files, by the machines that begin with copies of them. */
const statics = new WeakMap<AnyStateMachine, unknown>();

/** Why a machine cannot be begun beside the actors that live. */
export class SharedContext extends Error {
  override readonly name = 'SharedContext';
}

/**
 * The machine, beginning with a context of its own.
 * @param isBeside  actors of it live in this process: where its factory gives what cannot be copied, it throws {@link SharedContext}
 */
export function withOwnContext(machine: AnyStateMachine, isBeside: boolean): AnyStateMachine {
  const { config, implementations } = machine;
  const { context } = config as { context?: unknown };
  const make = isFactory(context) ? (given: object) => madeBy(context, given, isBeside) : () => copyOf(context).copy;
  const own = (action: unknown): unknown => ownAction(action, isBeside);
  const begun = context === undefined ? config : { ...config, context: make };
  const actions = Object.fromEntries(Object.entries(implementations.actions as object).map(([name, action]) => [name, own(action)]));
  const made = new StateMachine(begun as never, { ...implementations, actions } as never) as unknown as AnyStateMachine;
  ownActionsIn(made.root, own);
  if (context !== undefined && !isFactory(context)) statics.set(made, context);
  return made;
}

/** The nodes are this machine's own; the lists of actions in them may be the config's. */
function ownActionsIn(node: AnyStateNode, own: (action: unknown) => unknown): void {
  node.entry = node.entry.map(own) as never;
  node.exit = node.exit.map(own) as never;
  const {
    initial,
    always = [],
    transitions,
  } = node as { initial?: unknown; always?: readonly unknown[]; transitions: ReadonlyMap<string, readonly unknown[]> };
  const edges = [...transitions.values()].flat().concat(always, initial ?? []) as { actions: readonly unknown[] }[];
  for (const edge of edges) edge.actions = edge.actions.map(own);
  for (const child of Object.values(node.states)) ownActionsIn(child, own);
}

/** What stands in an action as a value, which each step would put into its context, is copied each time that it is read: `assign({ items: [] })`. */
function ownAction(action: unknown, isBeside: boolean): unknown {
  if (typeof action === 'object' && action !== null) return withCopies({ ...action }, ['params'], isBeside);
  if (typeof action !== 'function' || !('resolve' in action)) return action;
  const { resolve } = action as unknown as { resolve: (...given: unknown[]) => readonly [unknown, unknown, (readonly unknown[])?] };
  const own = Object.assign(() => undefined, action, {
    resolve: (...given: unknown[]) => {
      const [next, params, more] = resolve(...given);
      return [next, params, more?.map((one) => ownAction(one, isBeside))];
    },
  });
  return withCopies(own, ['assignment', 'event'], isBeside);
}

function withCopies<Holder extends object>(holder: Holder, keys: readonly string[], isBeside: boolean): Holder {
  for (const key of keys) {
    const held = (holder as Record<string, unknown>)[key];
    if (typeof held === 'object' && held !== null)
      Object.defineProperty(holder, key, { enumerable: true, get: () => madeBy(() => held, {}, isBeside) });
  }
  return holder;
}

type ContextFactory = (given: object) => unknown;

function isFactory(context: unknown): context is ContextFactory {
  return typeof context === 'function';
}

function madeBy(factory: ContextFactory, given: object, isBeside: boolean): unknown {
  const { copy, held } = copyOf(factory(given));
  if (isBeside && held !== null) throw new SharedContext(held);
  return copy;
}

/** What of a machine's static context cannot be copied, so that to replay it may change actors that live; null: nothing. */
export function sharedBy(machine: AnyStateMachine): string | null {
  return statics.has(machine) ? copyOf(statics.get(machine)).shared : null;
}

export interface ContextCopy<Value> {
  readonly copy: Value;
  /** The first thing in it that is no copy: `an instance of Cart at cart`. */
  readonly shared: string | null;
  /** The same, but no stand-in for what a recording does not hold: that is nobody's. */
  readonly held: string | null;
}

const unreadable = 'what cannot be read';
const hidden = { enumerable: false, configurable: true, writable: true } as const;
const errors = new Set<object>(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, AggregateError].map((Class) => Class.prototype as object),
);

/** Copies as much as can be copied. Never throws. */
export function copyOf<Value>(value: Value): ContextCopy<Value> {
  const known = new Map<object, unknown>();
  let shared: string | null = null;
  let held: string | null = null;
  const share = (what: string, where: string): string => (shared ??= `${what} at ${where || 'the top'}`);
  const hold = (inner: object, what: string, where: string): object => {
    held ??= `${what} at ${where || 'the top'}`;
    share(what, where);
    return inner;
  };
  const inside = (inner: unknown, where: string, depth: number): unknown => {
    if (typeof inner !== 'object' || inner === null) return inner;
    const before = known.get(inner);
    if (before !== undefined) return before;
    const made = copied(inner, where, depth + 1);
    known.set(inner, made);
    return made;
  };
  const fill = (into: object, from: object, where: string, depth: number): object => {
    known.set(from, into);
    for (const key of Reflect.ownKeys(from)) {
      const property = Object.getOwnPropertyDescriptor(from, key) as PropertyDescriptor;
      const place = where === '' ? String(key) : `${where}.${String(key)}`;
      if (key === 'length' && Array.isArray(from)) (into as unknown[]).length = from.length;
      else if (key === 'stack' && from instanceof Error) Object.defineProperty(into, key, { ...hidden, value: from.stack });
      else if ('value' in property) Object.defineProperty(into, key, { ...property, value: inside(property.value, place, depth) });
      else {
        hold(from, 'an accessor', place);
        Object.defineProperty(into, key, property);
      }
    }
    return Object.isFrozen(from) ? Object.freeze(into) : into;
  };
  const copied = (from: object, where: string, depth: number): object => {
    const stands = standsFor(from);
    if (stands !== undefined) {
      const { $instance: name } = stands as { readonly $instance?: unknown };
      if (typeof name === 'string') share(`an instance of ${name}`, where);
      return from;
    }
    if (looksLikeActor(from)) return from;
    if (depth > most.depth || known.size > most.parts) return hold(from, 'more than a replay copies', where);
    const prototype = Object.getPrototypeOf(from) as object | null;
    // The prototype of lists is one.
    if (Array.isArray(from) && Array.isArray(prototype)) return fill([], from, where, depth);
    if (isMachineSnapshot(from) && typeof (from as { getMeta?: unknown }).getMeta === 'function') return hold(from, 'a snapshot', where);
    if (isPlain(from) && isNobodys(prototype)) return fill(Object.create(prototype) as object, from, where, depth);
    if (prototype !== null && errors.has(prototype)) return fill(Object.setPrototypeOf(new Error(), prototype) as object, from, where, depth);
    switch (prototype as unknown) {
      case Map.prototype: {
        const map = new Map<unknown, unknown>();
        known.set(from, map);
        for (const [key, inner] of from as Map<unknown, unknown>) map.set(inside(key, where, depth), inside(inner, where, depth));
        return map;
      }
      case Set.prototype: {
        const set = new Set<unknown>();
        known.set(from, set);
        for (const inner of from as Set<unknown>) set.add(inside(inner, where, depth));
        return set;
      }
      case Date.prototype:
        return new Date((from as Date).getTime());
    }
    // A clone of a Buffer is a plain array of bytes.
    if (ArrayBuffer.isView(from) && !isShared(from.buffer)) return Object.setPrototypeOf(structuredClone(from), prototype) as object;
    return hold(from, `an instance of ${nameOf(from)}`, where);
  };
  try {
    return { copy: inside(value, '', 0) as Value, shared, held };
  } catch {
    return { copy: value, shared: unreadable, held: unreadable };
  }
}

/** Is it a prototype that holds nothing of the app's own? That of another realm is known by what each has. */
function isNobodys(prototype: object | null): boolean {
  return prototype === null || prototype === Object.prototype || Object.hasOwn(prototype, 'hasOwnProperty');
}

/** Browsers show the class of such memory only to pages that ask for it. */
function isShared(buffer: object): boolean {
  return Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]';
}

function nameOf({ constructor: made }: object): string {
  return typeof made === 'function' && made.name !== '' ? made.name : 'a class';
}
