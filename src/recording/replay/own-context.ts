/**
 * A context that is nobody else's: what a replay begins from is a copy, so that an assign that changes what it was given, in place, changes no actor that
 * lives. XState takes a machine's static context as it is, and a factory may give what it has from outside.
 *
 * Plain data, maps, sets, dates and bytes are copied. References to actors, functions, errors and snapshots stay what they are. An instance of a class cannot be
 * copied, frozen or not: what it holds inside may change all the same.
 */
import { type AnyStateMachine, createActor, fromCallback, isMachineSnapshot, StateMachine } from 'xstate';

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
 * @param isBeside  actors of it live in this process: a factory that gives each of them the same instance, which cannot be copied, throws
 * {@link SharedContext}. It is called a second time to find out
 */
export function withOwnContext(machine: AnyStateMachine, isBeside: boolean): AnyStateMachine {
  const { config } = machine;
  const { context } = config as { context?: unknown };
  if (context === undefined) return machine;
  const make = isFactory(context) ? (given: object) => madeBy(context, given, isBeside) : () => copyOf(context).copy;
  const made = new StateMachine({ ...config, context: make } as never, machine.implementations as never) as unknown as AnyStateMachine;
  if (!isFactory(context)) statics.set(made, context);
  return made;
}

type ContextFactory = (given: object) => unknown;

function isFactory(context: unknown): context is ContextFactory {
  return typeof context === 'function';
}

function madeBy(factory: ContextFactory, given: object, isBeside: boolean): unknown {
  const { copy, shared, instances } = copyOf(factory(given));
  if (!isBeside || shared === null) return copy;
  if (instances === null) throw new SharedContext(shared);
  if (instances.size === 0) return copy;
  // Nobody's child: what is spawned here is compared with nothing.
  const again = copyOf(factory({ ...given, spawn: () => createActor(nothing) }));
  for (const [instance, words] of instances) if (again.instances?.has(instance) ?? true) throw new SharedContext(words);
  return copy;
}

/** Logic of an actor that stands for one. */
const nothing = fromCallback(() => undefined);

/** What of a machine's static context cannot be copied, so that to replay it may change actors that live; null: nothing. */
export function sharedBy(machine: AnyStateMachine): string | null {
  return statics.has(machine) ? copyOf(statics.get(machine)).shared : null;
}

export interface ContextCopy<Value> {
  readonly copy: Value;
  /** The first thing in it that is no copy: `an instance of Cart at cart`. */
  readonly shared: string | null;
  /** What is in it as it was, with the words for it; null where it cannot be read. Not what stands for an instance of a recording: that is nobody's. */
  readonly instances: ReadonlyMap<object, string> | null;
}

/** Copies as much as can be copied. Never throws. */
export function copyOf<Value>(value: Value): ContextCopy<Value> {
  const known = new Map<object, unknown>();
  const instances = new Map<object, string>();
  let shared: string | null = null;
  const share = (what: string, where: string): string => {
    const words = `${what} at ${where || 'the top'}`;
    shared ??= words;
    return words;
  };
  const held = (inner: object, what: string, where: string): object => {
    instances.set(inner, share(what, where));
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
      if (key === 'length' && Array.isArray(from)) (into as unknown[]).length = from.length;
      else if (!('value' in property)) Object.defineProperty(into, key, property);
      else
        Object.defineProperty(into, key, {
          ...property,
          value: inside(property.value, where === '' ? String(key) : `${where}.${String(key)}`, depth),
        });
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
    if (looksLikeActor(from) || from instanceof Error || isMachineSnapshot(from)) return from;
    if (depth > most.depth || known.size > most.parts) return held(from, 'more than a replay copies', where);
    if (Array.isArray(from)) return fill([], from, where, depth);
    if (isPlain(from)) return fill(Object.create(Object.getPrototypeOf(from) as object | null) as object, from, where, depth);
    switch (Object.getPrototypeOf(from)) {
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
    if (ArrayBuffer.isView(from)) return Object.setPrototypeOf(structuredClone(from), Object.getPrototypeOf(from) as object) as object;
    return held(from, `an instance of ${nameOf(from)}`, where);
  };
  try {
    return { copy: inside(value, '', 0) as Value, shared, instances };
  } catch {
    return { copy: value, shared: 'what cannot be read', instances: null };
  }
}

function nameOf({ constructor: made }: object): string {
  return typeof made === 'function' && made.name !== '' ? made.name : 'a class';
}
