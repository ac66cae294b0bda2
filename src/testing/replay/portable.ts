/**
 * Values of an app as JSON and back: what a recording keeps of an input, an event, a context.
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
 * again: passed on untouched it stays equal to itself; whoever looks into it finds nothing.
 */
import { isMachineSnapshot, matchesState, type AnyActorRef } from 'xstate';

/** JSON, as it stands in a line. */
export type Portable = null | boolean | number | string | readonly Portable[] | { readonly [key: string]: Portable };

/** What is kept of one value at most. Beyond it stands `{ "$cut": … }`. */
export const valueLimits = { depth: 64, values: 100_000, textLength: 65_536, bytes: 65_536 } as const;

/** How actors and their session ids are written. */
export interface Naming {
  pathOf(actor: AnyActorRef): string;
  /** A text, or what stands for it when it is XState's session id of an actor. */
  textOf(text: string): string;
}

/** Stand-ins for what a recording does not hold, with what it says of them. */
const standIns = new WeakMap<object, Portable>();

/** Is it a reference to an actor? As XState asks it. */
export function isActor(value: object): value is AnyActorRef {
  return 'sessionId' in value && 'send' in value && 'ref' in value;
}

/** Writes values. Never throws, whatever a value does when it is read. */
export class PortableWriter {
  readonly #naming: Naming;
  readonly #secret: RegExp | null;
  #values = 0;
  readonly #above = new Set<object>();

  /** @param secret  keys whose values are written as `$redacted` */
  constructor(naming: Naming, secret: RegExp | null) {
    this.#naming = naming;
    this.#secret = secret;
  }

  write(value: unknown): Portable {
    this.#values = 0;
    this.#above.clear();
    return this.#write(value, 0);
  }

  /** An event, whatever class it is of: its type and its own fields. */
  writeEvent(event: object): Portable {
    this.#values = 0;
    this.#above.clear();
    try {
      return isPlain(event) ? this.#write(event, 0) : this.#writePlain(event, [...new Set(['type', ...Object.keys(event)])], 1);
    } catch (error) {
      return { $threw: messageOf(error) };
    }
  }

  #write(value: unknown, depth: number): Portable {
    this.#values++;
    switch (typeof value) {
      case 'string':
        return value.length > valueLimits.textLength ? { $cut: `a text of ${value.length} characters` } : this.#naming.textOf(value);
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0) ? value : { $number: Object.is(value, -0) ? '-0' : String(value) };
      case 'boolean':
        return value;
      case 'undefined':
        return { $undefined: true };
      case 'bigint':
        return { $bigint: String(value) };
      case 'symbol':
        return { $symbol: value.description ?? '' };
      default:
        return value === null ? null : this.#writeWithin(value as object, depth);
    }
  }

  #writeWithin(value: object, depth: number): Portable {
    const standsFor = standIns.get(value);
    if (standsFor !== undefined) return standsFor;
    if (this.#above.has(value)) return { $circular: true };
    if (depth > valueLimits.depth) return { $cut: `deeper than ${valueLimits.depth}` };
    this.#above.add(value);
    try {
      return this.#writeObject(value, depth + 1);
    } catch (error) {
      return { $threw: messageOf(error) };
    } finally {
      this.#above.delete(value);
    }
  }

  #writeObject(value: object, depth: number): Portable {
    if (typeof value === 'function') return { $function: nameOf(value) };
    if (Array.isArray(value) && !this.#hasRoomFor(value.length)) return { $cut: `a list of ${value.length}` };
    if (Array.isArray(value)) return Array.from({ length: value.length }, (_, index) => this.#read(value as object, index, depth));
    if (isActor(value)) return { $actor: this.#naming.pathOf(value) };
    if (isSnapshotOfMachine(value)) return { $snapshot: this.#writePlain(value, ['status', 'value', 'context', 'output', 'error'], depth) };
    if (isPlain(value)) return this.#writePlain(value, Object.keys(value), depth);
    if (value instanceof Error) return { $error: this.#writeError(value, depth) };
    if ((value instanceof Map || value instanceof Set) && !this.#hasRoomFor(value.size)) return { $cut: `a collection of ${value.size}` };
    if (value instanceof Map) return { $map: [...value].map((pair) => pair.map((part: unknown) => this.#write(part, depth))) };
    if (value instanceof Set) return { $set: [...value].map((item) => this.#write(item, depth)) };
    if (value instanceof Date) return { $date: Number.isNaN(value.getTime()) ? null : value.toISOString() };
    if (value instanceof Uint8Array)
      return value.byteLength > valueLimits.bytes
        ? { $cut: `${value.byteLength} bytes` }
        : { $bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') };
    const name = nameOf((value as { constructor?: object }).constructor) || 'Object';
    const { toJSON } = value as { toJSON?: unknown };
    return typeof toJSON === 'function' ? { $instance: name, json: this.#write(toJSON.call(value), depth) } : { $instance: name };
  }

  #hasRoomFor(count: number): boolean {
    return this.#values + count <= valueLimits.values;
  }

  #writePlain(value: object, keys: readonly string[], depth: number): Portable {
    if (!this.#hasRoomFor(keys.length)) return { $cut: `an object of ${keys.length} properties` };
    const entries: [string, Portable][] = [];
    for (const key of keys) {
      const written = this.#secret?.test(key) === true ? { $redacted: true } : this.#read(value, key, depth);
      if (!isUndefined(written)) entries.push([this.#naming.textOf(key), written]);
    }
    const plain = Object.fromEntries(entries);
    return entries.some(([key]) => key.startsWith('$')) ? { $object: plain } : plain;
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
      return { $threw: messageOf(error) };
    }
    return this.#write(inner, depth);
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** XState asks only for the keys `machine` and `value`, which an app's own data may have. */
function isSnapshotOfMachine(value: object): boolean {
  return isMachineSnapshot(value) && typeof (value as { getMeta?: unknown }).getMeta === 'function';
}

/** The name of a function or class; empty when it has none. */
function nameOf(named: { readonly name?: unknown } | undefined): string {
  return typeof named?.name === 'string' ? named.name : '';
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

const errorClasses = new Map([EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((Class) => [Class.name, Class]));

/**
 * The value that a recording holds.
 * @param actor  the reference that stands for the actor of a path
 * @param partly  told of each part that comes back as a stand-in: where it is, and what the recording says of it
 */
export function revive(written: Portable, actor: (path: string) => AnyActorRef, partly: (where: string, what: string) => void): unknown {
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
        return new Uint8Array(Buffer.from(textOf(held), 'base64'));
      case '$symbol':
        return Symbol(textOf(held));
      default: {
        partly(
          where,
          mark === '$instance' ? `an instance of ${textOf(held)}` : mark === '$function' ? 'a function' : `${mark.slice(1)} (${textOf(held)})`,
        );
        return standIn(part, mark, mark === '$snapshot' ? plain(held, where) : {}, where);
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

function standIn(part: Portable, mark: string, held: object, where: string): object {
  const stand: object =
    mark === '$function'
      ? () => {
          throw new Error(`the function at ${where || 'the top'} is not in the recording`);
        }
      : mark === '$snapshot'
        ? { ...held, matches: (value: never) => matchesState(value, (held as { value: never }).value) }
        : {};
  standIns.set(stand, part);
  return stand;
}
