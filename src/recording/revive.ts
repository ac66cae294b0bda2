/** Values of an app, made of what a recording holds of them. */
import { matchesState, type AnyActorRef } from 'xstate';

import type { Portable } from '../wire/recording/portable-shape.js';
import { blackHole, Touches } from './black-hole.js';

/** Stand-ins for what a recording does not hold, with what it says of them: black holes, and what comes out of them. */
const standIns = new WeakMap<object, Portable>();
/** Most processes revive nothing, and should not look up every value that they write. */
let isAnyStandIn = false;

/** What the recording says of a value that stands in for another; undefined for a value of the app's own. */
export function standsFor(value: object): Portable | undefined {
  return isAnyStandIn ? standIns.get(value) : undefined;
}

const errorClasses = new Map([EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((Class) => [Class.name, Class]));

/**
 * The value that a recording holds.
 * @param actor  the reference that stands for the actor of a path
 * @param partly  told of each part that comes back as a stand-in: where it is, and what the recording says of it
 * @param touches  takes note of each stand-in that is asked for more than the recording says of it
 * @param of  what the value is: `context`
 */
export function revive(
  written: Portable,
  actor: (path: string) => AnyActorRef,
  partly: (where: string, what: string) => void,
  touches = new Touches(),
  of = '',
): unknown {
  const inside = (part: Portable, where: string): unknown => {
    if (typeof part !== 'object' || part === null) return part;
    if (Array.isArray(part)) return (part as readonly Portable[]).map((item, index) => inside(item, `${where}[${index}]`));
    const entries = Object.entries(part);
    const [mark = '', held = null] = entries[0] ?? [];
    if (!mark.startsWith('$')) return plain(part, where);
    switch (mark) {
      case '$object':
        return plain(held, where);
      case '$actor':
        return actor(textOf(held));
      case '$error':
        return error(held as { [key: string]: Portable }, where);
      case '$map':
        return new Map(inside(held, where) as [unknown, unknown][]);
      case '$set':
        return new Set(inside(held, where) as unknown[]);
      case '$date':
        return new Date(held === null ? NaN : textOf(held));
      case '$bigint':
        return BigInt(textOf(held));
      case '$number':
        return Number(held);
      case '$undefined':
        return undefined;
      case '$bytes':
        return Uint8Array.from(atob(textOf(held)), (byte) => byte.charCodeAt(0));
      case '$symbol':
        return Symbol(textOf(held));
      default: {
        const what = mark === '$instance' ? `an instance of ${textOf(held)}` : mark === '$function' ? 'a function' : wordsOf(mark, held);
        partly(where, what);
        const place = [of, where].filter((text) => text !== '').join('.') || 'all of it';
        const words = `${place} is ${mark === '$snapshot' ? 'a snapshot' : what.replace(' (true)', '')} in the recording`;
        return standIn(part, mark, mark === '$snapshot' ? plain(held, where) : {}, words, touches);
      }
    }
  };
  const plain = (part: Portable, where: string): object =>
    Object.fromEntries(
      Object.entries(part as object).map(([key, value]) => [key, inside(value as Portable, where === '' ? key : `${where}.${key}`)]),
    );
  const error = (held: { readonly [key: string]: Portable }, where: string): Error => {
    const name = textOf(held.name ?? 'Error');
    const revived = new (errorClasses.get(name) ?? Error)(String(inside(held.message ?? '', where)));
    if (revived.name !== name) Object.defineProperty(revived, 'name', { value: name, configurable: true, writable: true });
    for (const [key, value] of Object.entries(inside(held.rest ?? {}, where) as Record<string, unknown>))
      Object.defineProperty(revived, key, { value, enumerable: key !== 'cause', configurable: true, writable: true });
    return revived;
  };
  return inside(written, '');
}

function textOf(held: Portable): string {
  return typeof held === 'string' ? held : JSON.stringify(held);
}

function wordsOf(mark: string, held: Portable): string {
  return `${mark.slice(1)} (${textOf(held)})`;
}

/** What is recorded of a machine's snapshot: what of it is not there was undefined. */
const recordedOfSnapshot = ['status', 'value', 'context', 'output', 'error', 'then'];

function standIn(part: Portable, mark: string, held: object, words: string, touches: Touches): object {
  const isSnapshot = mark === '$snapshot';
  const matches = (value: never): boolean => matchesState(value, (held as { value: never }).value);
  const beginning = isSnapshot ? { held: { ...held, matches }, known: recordedOfSnapshot } : { isFunction: mark === '$function' };
  isAnyStandIn = true;
  return blackHole(beginning, words, touches, (value) => standIns.set(value, part));
}
