/**
 * Values of an app as JSON: what a recording keeps of an input, an event, a context. revive.ts is the way back.
 *
 * Plain data stays as it is. What JSON has no word for becomes an object with one key that begins with `$`:
 *
 * | kept whole                                       | kept by name only, not revived                                  |
 * |--------------------------------------------------|-----------------------------------------------------------------|
 * | `$actor` path · `$error` · `$map` · `$set` ·     | `$function` name · `$instance` class (and its `toJSON()`) ·     |
 * | `$date` · `$bigint` · `$number` (NaN, Infinity,  | `$symbol` · `$circular` · `$threw` message of a getter ·        |
 * | -0) · `$undefined` (in lists) · `$bytes` base64 · | `$cut` at a limit · `$redacted` · `$snapshot` of a machine      |
 * | `$object`: plain data with a key `$…`            |                                                                 |
 *
 * A property that is `undefined` is left out, as in JSON. What is kept by name only comes back as a stand-in, which is written as the same name
 * again: passed on untouched it stays equal to itself; whoever looks into it finds nothing (black-hole.ts).
 *
 * Redacted here, before anything is kept: the values of keys that look like a secret, also of pairs (`['authorization', …]`), passwords and such values in URLs,
 * and given texts wherever they stand.
 */
import { isMachineSnapshot, type AnyActorRef } from 'xstate';

import { jsonBytesOf } from '../wire/recording/bytes.js';
import { put, stepOf } from '../wire/recording/patch.js';
import type { Portable } from '../wire/recording/portable-shape.js';
import { isSecretPair } from '../wire/secret-keys.js';
import { hideIn, hideInQueries, type Secrets } from '../wire/secrets.js';
import { wholeLimits, type ValueLimits } from './limits.js';
import { standsFor } from './revive.js';
import { Shapes, type KnownKey } from './shapes.js';

/** How actors and their session ids are written. */
export interface Naming {
  pathOf(actor: AnyActorRef): string;
  /** A text, or what stands for it when it is XState's session id of an actor. */
  textOf(text: string): string;
}

/** What is not to be read. */
export interface Redaction {
  /** Keys whose values are written as `$redacted`; null: none. */
  readonly secret: RegExp | null;
  /** Texts that are blotted out wherever they stand. */
  readonly secrets?: Secrets;
}

export { keyRule, secretKeys } from '../wire/secret-keys.js';

const mostKnownKeys = 5_000;
/** Shorter texts are written faster than looked up, characters. */
const shortText = 16;
const redacted: Portable = { $redacted: true };
/** A text in a mark: the name of a class, the message of what a getter threw. */
const mostTextOfMark = 1_000;
const largestBigInt = 4_096;

/** Is it a reference to an actor? As XState asks it. */
export function looksLikeActor(value: object): value is AnyActorRef {
  return 'sessionId' in value && 'send' in value && 'ref' in value;
}

/** Writes values. Never throws, whatever a value does when it is read. */
export class PortableWriter {
  readonly #naming: Naming;
  readonly #secret: RegExp | null;
  readonly #secrets: Secrets;
  readonly #keys = new Map<string, KnownKey>();
  #limits = wholeLimits;
  #most = Infinity;
  #row = 0;
  #values = 0;
  #bytes = 0;
  readonly #above: object[] = [];
  readonly #shapes = new Shapes((key) => this.keyOf(key));
  /** The text that was written last, and is often written again: from an event into a context. */
  #lastText = '';
  #lastTold = '';
  #lastBytes = 2;

  constructor(naming: Naming, { secret, secrets = [] }: Redaction) {
    this.#naming = naming;
    this.#secret = secret;
    this.#secrets = secrets;
  }

  /** How long what was written last is, bytes of JSON; never less than it is. */
  get bytes(): number {
    return this.#bytes;
  }

  /** By which row of limits {@link writeWithin} has written last; as many as there are where nothing would do, and only `$cut` is left. */
  get row(): number {
    return this.#row;
  }

  write(value: unknown, limits: ValueLimits = wholeLimits): Portable {
    this.#begin(limits, Infinity);
    return this.#write(value, 0);
  }

  /** An event, whatever class it is of: its type and its own fields. */
  writeEvent(event: object, limits: ValueLimits = wholeLimits): Portable {
    this.#begin(limits, Infinity);
    return this.#writeEvent(event);
  }

  /**
   * As much of a value as has room.
   * @param most  bytes of JSON
   * @param rows  limits to try, each narrower than the one before
   * @param from  the row to begin with
   * @returns what was written; {@link row} says by which row
   */
  writeWithin(value: unknown, most: number, rows: readonly ValueLimits[], isEvent = false, from = 0): Portable {
    for (let row = from; row < rows.length; row++) {
      this.#begin(rows[row] as ValueLimits, most);
      const written = isEvent ? this.#writeEvent(value as object) : this.#write(value, 0);
      this.#row = row;
      if (this.#bytes <= most) return written;
    }
    this.#row = rows.length;
    this.#bytes = 40;
    const type = isEvent ? this.#typeOf(value as object) : undefined;
    return type === undefined ? { $cut: 'too large' } : { type, rest: { $cut: 'too large' } };
  }

  /** A part of a value that was written before, as it would stand `depth` levels down in it. */
  writePart(value: unknown, depth: number, limits: ValueLimits, most: number): Portable {
    this.#begin(limits, most);
    return this.#write(value, depth);
  }

  /** A text as it may be read. */
  text(text: string): string {
    const named = this.#naming.textOf(text);
    const told = this.#secret === null ? named : hideInQueries(named);
    return this.#secrets.length === 0 ? told : hideIn(told, this.#secrets);
  }

  #begin(limits: ValueLimits, most: number): void {
    this.#limits = limits;
    this.#most = most;
    this.#values = 0;
    this.#bytes = 0;
    if (this.#above.length > 0) this.#above.length = 0;
  }

  #typeOf(event: object): string | undefined {
    try {
      const { type } = event as { type?: unknown };
      return typeof type === 'string' ? this.text(type).slice(0, mostTextOfMark) : undefined;
    } catch {
      return undefined;
    }
  }

  #writeEvent(event: object): Portable {
    try {
      return isPlain(event) ? this.#write(event, 0) : this.#writePlain(event, [...new Set(['type', ...Object.keys(event)])], 1);
    } catch (error) {
      return this.#threw(error);
    }
  }

  #write(value: unknown, depth: number): Portable {
    this.#values++;
    switch (typeof value) {
      case 'string':
        return this.#writeText(value);
      case 'number':
        this.#bytes += Number.isInteger(value) && value < 1e6 && value > -1e5 ? 7 : 25;
        return Number.isFinite(value) && !Object.is(value, -0) ? value : this.#mark('$number', Object.is(value, -0) ? '-0' : String(value));
      case 'boolean':
        this.#bytes += 6;
        return value;
      case 'undefined':
        return this.#mark('$undefined', true);
      case 'bigint':
        return BigInt.asIntN(largestBigInt, value) === value ? this.#mark('$bigint', String(value)) : this.#mark('$cut', 'a large BigInt');
      case 'symbol':
        return this.#mark('$symbol', value.description ?? '');
      default:
        this.#bytes += 5;
        return value === null ? null : this.#writeBelow(value as object, depth);
    }
  }

  #writeText(value: string): Portable {
    if (value.length > this.#limits.textLength) return this.#mark('$cut', `a text of ${value.length} characters`);
    if (value.length < shortText) {
      const text = this.text(value);
      this.#bytes += jsonBytesOf(text) + 1;
      return text;
    }
    // What a session id stands for may change; it begins with an x.
    if (value !== this.#lastText || value.charCodeAt(0) === 0x78) {
      this.#lastTold = this.text(value);
      this.#lastBytes = jsonBytesOf(this.#lastTold);
      this.#lastText = value;
    }
    this.#bytes += this.#lastBytes + 1;
    return this.#lastTold;
  }

  /** A mark with what belongs to it; a text of any length is cut, and may be read. */
  #mark(mark: string, held: string | true): Portable {
    const text = held === true ? held : shortened(this.text(held), mark === '$bigint' ? largestBigInt : mostTextOfMark);
    this.#bytes += mark.length + 8 + (text === true ? 4 : jsonBytesOf(text));
    return { [mark]: text };
  }

  #threw(error: unknown): Portable {
    return this.#mark('$threw', messageOf(error));
  }

  #writeBelow(value: object, depth: number): Portable {
    const known = standsFor(value);
    if (known !== undefined) return known;
    if (this.#above.includes(value)) return this.#mark('$circular', true);
    const { depth: deepest } = this.#limits;
    if (depth > deepest) return this.#mark('$cut', `deeper than ${deepest}`);
    this.#above.push(value);
    try {
      return this.#writeObject(value, depth + 1);
    } catch (error) {
      return this.#threw(error);
    } finally {
      this.#above.pop();
    }
  }

  #writeObject(value: object, depth: number): Portable {
    if (typeof value === 'function') return this.#mark('$function', nameOf(value));
    if (Array.isArray(value)) return this.#writeList(value, depth);
    if (looksLikeActor(value)) return this.#mark('$actor', this.#naming.pathOf(value));
    if (isSnapshotOfMachine(value)) return { $snapshot: this.#writePlain(value, ['status', 'value', 'context', 'output', 'error'], depth) };
    if (isPlain(value)) return this.#writePlain(value, Object.keys(value), depth);
    if (value instanceof Error) return { $error: this.#writeError(value, depth) };
    if (value instanceof Map) return this.#writeMap(value as Map<unknown, unknown>, depth);
    if (value instanceof Set) return this.#writeSet(value as Set<unknown>, depth);
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? { $date: null } : this.#mark('$date', value.toISOString());
    if (value instanceof Uint8Array) return this.#writeBytes(value);
    const name = nameOf((value as { constructor?: object }).constructor) || 'Object';
    const { toJSON } = value as { toJSON?: unknown };
    const mark = this.#mark('$instance', name) as { readonly [key: string]: Portable };
    return typeof toJSON === 'function' ? { ...mark, json: this.#write(toJSON.call(value), depth) } : mark;
  }

  #hasRoomFor(count: number): boolean {
    // Once it is too large, it is not worth going on: nobody will read it.
    return count <= this.#limits.items && this.#values + count <= this.#limits.values && this.#bytes <= this.#most;
  }

  #writeList(value: readonly unknown[], depth: number): Portable {
    const { length } = value;
    if (!this.#hasRoomFor(length)) return this.#mark('$cut', `a list of ${length}`);
    if (this.isSecretPair(value)) return [this.#write(value[0], depth), redacted];
    const list: Portable[] = [];
    for (let index = 0; index < length; index++) list.push(this.#read(value, index, depth));
    return list;
  }

  /** Is it a name and its value, as lists of headers have them, and the value not to be told? */
  isSecretPair(list: readonly unknown[]): boolean {
    return isSecretPair(list, this.#secret);
  }

  #writeMap(value: Map<unknown, unknown>, depth: number): Portable {
    if (!this.#hasRoomFor(value.size)) return this.#mark('$cut', `a collection of ${value.size}`);
    const pairs: Portable[] = [];
    // Of the class itself: one beneath may go on for ever.
    for (const [key, inner] of Map.prototype.entries.call(value) as Iterable<[unknown, unknown]>) {
      const name = this.#write(key, depth);
      pairs.push([name, typeof key === 'string' && this.keyOf(key).isSecret ? redacted : this.#write(inner, depth)]);
      this.#bytes += 4;
      if (!this.#hasRoomFor(pairs.length)) return this.#mark('$cut', 'a collection');
    }
    return { $map: pairs };
  }

  #writeSet(value: Set<unknown>, depth: number): Portable {
    if (!this.#hasRoomFor(value.size)) return this.#mark('$cut', `a collection of ${value.size}`);
    const items: Portable[] = [];
    for (const item of Set.prototype.values.call(value) as Iterable<unknown>) {
      items.push(this.#write(item, depth));
      if (!this.#hasRoomFor(items.length)) return this.#mark('$cut', 'a collection');
    }
    return { $set: items };
  }

  #writeBytes(value: Uint8Array): Portable {
    const { byteLength } = value;
    if (byteLength > this.#limits.bytes) return this.#mark('$cut', `${byteLength} bytes`);
    let text = '';
    for (let index = 0; index < byteLength; index++) text += String.fromCharCode(value[index] ?? 0);
    const $bytes = btoa(text);
    this.#bytes += $bytes.length + 12;
    return { $bytes };
  }

  #writePlain(value: object, keys: readonly string[], depth: number): Portable {
    if (!this.#hasRoomFor(keys.length)) return this.#mark('$cut', `an object of ${keys.length} properties`);
    const shape = this.#shapes.of(keys);
    let plain: Record<string, Portable> = shape === undefined ? {} : { ...shape.blank };
    let index = 0;
    if (shape !== undefined) {
      for (; index < keys.length; index++) {
        const { name, bytes, isSecret } = shape.known[index] as KnownKey;
        const written = isSecret ? redacted : this.#read(value, name, depth);
        if (isUndefined(written)) break;
        this.#bytes += bytes;
        plain[name] = written;
      }
      if (index === keys.length) return plain;
      // It lacks something that those before it had.
      plain = Object.fromEntries(Object.entries(plain).slice(0, index++));
    }
    let hasMark = false;
    for (; index < keys.length; index++) {
      const key = keys[index] as string;
      const { name, bytes, isSecret, isMark } = this.keyOf(key);
      const written = isSecret ? redacted : this.#read(value, key, depth);
      if (isUndefined(written)) continue;
      this.#bytes += bytes;
      if (isMark) hasMark = true;
      put(plain, name, written);
    }
    return hasMark ? { $object: plain } : plain;
  }

  /** What is known of a key. */
  keyOf(key: string): KnownKey {
    const known = this.#keys.get(key);
    if (known !== undefined) return known;
    const name = shortened(this.text(key), this.#limits.textLength);
    const isSecret = this.#secret?.test(key) === true;
    const found = { name, bytes: jsonBytesOf(name) + 2, isSecret, isMark: name.startsWith('$'), step: stepOf(key) };
    // What ends with a session id may mean another actor tomorrow, and is never the same key again.
    if (key.length > 100 || key.startsWith('x:') || key.startsWith('xstate.')) return found;
    if (this.#keys.size >= mostKnownKeys) this.#keys.clear();
    this.#keys.set(key, found);
    return found;
  }

  #writeError(error: Error, depth: number): Portable {
    const keys = Object.keys(error).filter((key) => key !== 'name' && key !== 'message' && key !== 'stack' && key !== 'cause');
    const rest = this.#writePlain(error, Object.hasOwn(error, 'cause') ? [...keys, 'cause'] : keys, depth);
    return {
      name: this.#read(error, 'name', depth),
      message: this.#read(error, 'message', depth),
      ...(Object.keys(rest as object).length > 0 ? { rest } : {}),
    };
  }

  /** One property; a getter that throws costs only itself. */
  #read(of: object, key: string | number, depth: number): Portable {
    let inner: unknown;
    try {
      inner = (of as Record<string | number, unknown>)[key];
    } catch (error) {
      return this.#threw(error);
    }
    return this.#write(inner, depth);
  }
}

/** Data without a class. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** XState asks only for the keys `machine` and `value`, which an app's own data may have. */
function isSnapshotOfMachine(value: object): boolean {
  return 'machine' in value && isMachineSnapshot(value) && typeof (value as { getMeta?: unknown }).getMeta === 'function';
}

/** The name of a function or class; empty when it has none. */
function nameOf(named: { readonly name?: unknown } | undefined): string {
  return typeof named?.name === 'string' ? named.name : '';
}

function shortened(text: string, most: number): string {
  return text.length > most ? text.slice(0, most) : text;
}

function isUndefined(written: Portable): boolean {
  return typeof written === 'object' && written !== null && '$undefined' in written;
}

function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return 'an error that cannot be read';
  }
}
