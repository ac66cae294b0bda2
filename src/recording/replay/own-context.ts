/**
 * A context that is nobody else's: what a replay begins from is a copy, so that an assign that changes what it was given, in place, changes no actor that
 * lives. XState takes a machine's static context as it is, and a factory may give what it has from outside.
 *
 * Plain data, maps, sets, dates and bytes are copied. References to actors, functions, errors, snapshots and what is frozen stay what they are.
 */
import { type AnyStateMachine, isMachineSnapshot, StateMachine } from 'xstate';

import { isPlain, looksLikeActor } from '../portable.js';
import { standsFor } from '../revive.js';

/** Deeper, and more, is not copied. */
const most = { depth: 200, parts: 200_000 } as const;

/** Contexts as they stand in files, by the machines that begin with copies of them. */
const statics = new WeakMap<AnyStateMachine, unknown>();

/** The machine, beginning with a context of its own. */
export function withOwnContext(machine: AnyStateMachine): AnyStateMachine {
  const { config } = machine;
  const { context } = config as { context?: unknown };
  if (context === undefined) return machine;
  const own = typeof context === 'function' ? (given: unknown) => copyOf(context(given)).copy : () => copyOf(context).copy;
  const made = new StateMachine({ ...config, context: own } as never, machine.implementations as never) as unknown as AnyStateMachine;
  if (typeof context !== 'function') statics.set(made, context);
  return made;
}

/** What of a machine's static context cannot be copied, so that to replay it may change actors that live; null: nothing. */
export function sharedBy(machine: AnyStateMachine): string | null {
  return statics.has(machine) ? copyOf(statics.get(machine)).shared : null;
}

/** A copy, and the first thing in it that is none: `an instance of Cart at cart`. Never throws. */
export function copyOf<Value>(value: Value): { readonly copy: Value; readonly shared: string | null } {
  const known = new Map<object, unknown>();
  let shared: string | null = null;
  const held = (inner: object, what: string, where: string): object => {
    shared ??= `${what} at ${where || 'the top'}`;
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
      return typeof name === 'string' ? held(from, `an instance of ${name}`, where) : from;
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
    if (ArrayBuffer.isView(from)) return structuredClone(from);
    return Object.isFrozen(from) ? from : held(from, `an instance of ${nameOf(from)}`, where);
  };
  try {
    return { copy: inside(value, '', 0) as Value, shared };
  } catch {
    return { copy: value, shared: 'what cannot be read' };
  }
}

function nameOf({ constructor: made }: object): string {
  return typeof made === 'function' && made.name !== '' ? made.name : 'a class';
}
