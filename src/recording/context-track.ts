/**
 * The context of one actor from event to event, as changes: what is the same object as before is not looked at again.
 *
 * XState's contexts are replaced and not changed, so a part that is identical to what stood there is the same part: an event that adds one message to
 * five hundred costs one message. A context that is changed in place, against XState's rule, is not seen to change.
 */
import type { RecordedChange } from '../wire/recording/lines.js';
import { put, stepOf } from '../wire/recording/patch.js';
import type { Portable } from '../wire/recording/portable-shape.js';
import { streamBytes, streamLimits, type ValueLimits } from './limits.js';
import { isPlain, looksLikeActor, type PortableWriter } from './portable.js';

/** What is told of a context: nothing where it is as it was. */
export type ContextNews = { readonly context: Portable } | { readonly patch: RecordedChange[] } | undefined;

/** How large a context may be when it is written whole: there must be room for the changes that come. */
const mostAtFirst = streamBytes.context * 0.75;
/** With more changes than this, a list is written anew. */
const mostChanges = 50;
/** More parts than this are not kept apart as its own: then all are copied once more. */
const mostOwn = 1_000;
/** What a change costs beside its path and its value: `{"op":"replace","path":"","value":}`, bytes. */
const changeBytes = 40;

type Plain = { readonly [key: string]: unknown };
type PlainPortable = { readonly [key: string]: Portable };

const none: readonly string[] = [];

/** Thrown inside, where a value cannot be followed change by change. */
const lost = new Error('to be written whole');

export class ContextTrack {
  readonly #writer: PortableWriter;
  #source: unknown = undefined;
  #written: Portable = null;
  /** The row of limits under which all of it is written. */
  #row = 0;
  /** Never less than what it takes in JSON. */
  #bytes = 0;
  #newBytes = 0;
  #changes: RecordedChange[] = [];
  /** Parts of what is written that nobody else has: they are changed where they stand. All others are copied when they change. */
  readonly #own = new Set<object>();
  /** Of the context that was told last, where it was followed; and of the one before, while it is. */
  #keys: readonly string[] = none;
  #former: readonly string[] = none;
  readonly #steps = new ListSteps();

  constructor(writer: PortableWriter) {
    this.#writer = writer;
  }

  /** The context as it was told last. It stays as it is: what comes after is written to a copy. */
  get written(): Portable {
    this.#own.clear();
    return this.#written;
  }

  /** How long it is, bytes of JSON; never less. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How long the news are that were told last. */
  get newBytes(): number {
    return this.#newBytes;
  }

  /** Writes it whole, and begins anew with it. */
  begin(source: unknown): Portable {
    const from = Math.min(this.#row, streamLimits.length - 1);
    const written = this.#writer.writeWithin(source, mostAtFirst, streamLimits, false, from);
    this.#own.clear();
    this.#source = source;
    this.#written = written;
    this.#row = this.#writer.row;
    this.#keys = none;
    this.#bytes = this.#writer.bytes;
    this.#newBytes = this.#bytes;
    return written;
  }

  /** What is to be told of the context after an event. */
  next(source: unknown): ContextNews {
    this.#newBytes = 0;
    if (source === this.#source) return undefined;
    const limits = streamLimits[this.#row];
    if (limits === undefined || !isBranch(source) || !isBranch(this.#source) || !isBranch(this.#written)) return { context: this.begin(source) };
    this.#changes.length = 0;
    this.#former = this.#keys;
    this.#keys = none;
    if (this.#own.size > mostOwn) this.#own.clear();
    try {
      const written = this.#follow(this.#source, this.#written, source, '', 0, limits);
      if (this.#bytes + this.#newBytes > streamBytes.context) return { context: this.begin(source) };
      this.#source = source;
      this.#written = written;
      this.#bytes += this.#newBytes;
    } catch {
      return { context: this.begin(source) };
    }
    const [first] = this.#changes;
    if (first === undefined) return undefined;
    return first.path === '' && first.op !== 'remove' ? { context: first.value } : { patch: this.#changes.slice() };
  }

  /** What is written of a part, where `before` stood and was written as `told`. Every difference is noted as a change. */
  #follow(before: unknown, told: Portable, now: unknown, path: string, depth: number, limits: ValueLimits): Portable {
    if (isSame(before, now)) return told;
    if (isBranch(before) && isBranch(now) && isBranch(told)) {
      if (Array.isArray(now)) {
        if (Array.isArray(before) && Array.isArray(told)) return this.#followList(before, told as readonly Portable[], now, path, depth, limits);
      } else if (isFollowed(before) && isFollowed(now) && isUnmarked(told)) {
        return this.#followPlain(before as Plain, told as PlainPortable, now as Plain, path, depth, limits);
      }
    }
    const value = this.#write(now, path, depth, limits);
    this.#changes.push({ op: 'replace', path, value });
    return value;
  }

  #followPlain(before: Plain, told: PlainPortable, now: Plain, path: string, depth: number, limits: ValueLimits): Portable {
    const keys = Object.keys(now);
    if (keys.length > limits.items) return this.#replace(now, path, depth, limits);
    // Most events change what keys hold, and not which there are: then nobody asks what went, nor what stands for what.
    const areKept = depth === 0 && areSame(keys, this.#former);
    if (depth === 0) this.#keys = keys;
    let isLess = !areKept;
    let copy: Record<string, Portable> | undefined;
    let present = 0;
    let isRenamed = false;
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index] as string;
      const was = before[key];
      const is = now[key];
      if (is !== undefined && isSame(is, was)) {
        present++;
        if (!areKept && !Object.hasOwn(told, key)) isRenamed = true;
        continue;
      }
      const { name, isMark, isSecret, step } = this.#writer.keyOf(key);
      // Which of two keys with one name was meant, nobody could say; a mark is no key.
      if (name !== key || isMark) throw lost;
      if (is === undefined && !isSecret) {
        if (was !== undefined) isLess = true;
        continue;
      }
      present++;
      const had = Object.hasOwn(told, key);
      if (had && isSecret) continue;
      const where = path + step;
      if (had) {
        const inner = told[key] as Portable;
        const followed = this.#follow(was, inner, is, where, depth + 1, limits);
        if (followed !== inner) put((copy ??= this.#ownPlain(told)), key, followed);
      } else {
        const value = isSecret ? { $redacted: true } : this.#write(is, where, depth + 1, limits);
        this.#changes.push({ op: 'add', path: where, value });
        put((copy ??= this.#ownPlain(told)), key, value);
      }
    }
    if (!isLess) return copy ?? told;
    const names = Object.keys(copy ?? told);
    if (isRenamed && !this.#areNames(names, keys, now)) throw lost;
    if (names.length === present) return copy ?? told;
    copy ??= this.#ownPlain(told);
    for (const name of names) {
      if (Object.hasOwn(now, name) && (now[name] !== undefined || this.#writer.keyOf(name).isSecret)) continue;
      this.#changes.push({ op: 'remove', path: path + stepOf(name) });
      this.#newBytes += changeBytes + path.length + name.length;
      Reflect.deleteProperty(copy, name);
    }
    return copy;
  }

  /** Are these the names under which the keys are written, each of them one? */
  #areNames(names: readonly string[], keys: readonly string[], now: Plain): boolean {
    const present = keys.map((key) => ({ ...this.#writer.keyOf(key), key })).filter(({ key, isSecret }) => now[key] !== undefined || isSecret);
    const written = new Set(present.map(({ name }) => name));
    return written.size === present.length && names.length === present.length && names.every((name) => written.has(name));
  }

  #followList(
    before: readonly unknown[],
    told: readonly Portable[],
    now: readonly unknown[],
    path: string,
    depth: number,
    limits: ValueLimits,
  ): Portable {
    const is = now.length;
    if (is > limits.items || told.length !== before.length || this.#writer.isSecretPair(now)) return this.#replace(now, path, depth, limits);
    const gone = goneFromFront(before, now);
    for (let count = 0; count < gone; count++) this.#changes.push(this.#steps.removed(path, 0));
    this.#newBytes += gone * (changeBytes + path.length);
    // What is left of the list before, and how much of it is as it was at its front and at its back.
    const was = before.length - gone;
    const shorter = Math.min(was, is);
    let start = 0;
    while (start < shorter && isSame(before[gone + start], now[start])) start++;
    let end = 0;
    while (end < shorter - start && isSame(before[gone + was - 1 - end], now[is - 1 - end])) end++;
    const less = was - start - end;
    const more = is - start - end;
    if (less === 0 && more === 0 && gone === 0) return told;
    if (Math.max(less, more) > mostChanges) return this.#replace(now, path, depth, limits);
    const copy = this.#ownList(told, gone);
    for (let index = start; index < start + Math.min(less, more); index++)
      copy[index] = this.#follow(before[gone + index], copy[index] as Portable, now[index], this.#steps.at(path, index), depth + 1, limits);
    for (let index = start + less; index < start + more; index++) {
      const where = this.#steps.at(path, index);
      const value = this.#write(now[index], where, depth + 1, limits);
      this.#changes.push({ op: 'add', path: where, value });
      if (index === copy.length) copy.push(value);
      else copy.splice(index, 0, value);
    }
    for (let count = more; count < less; count++) {
      this.#changes.push(this.#steps.removed(path, start + more));
      this.#newBytes += changeBytes + path.length;
      copy.splice(start + more, 1);
    }
    return copy;
  }

  #ownPlain(told: PlainPortable): Record<string, Portable> {
    if (this.#own.has(told)) return told;
    const copy = { ...told };
    this.#own.add(copy);
    return copy;
  }

  /** @param gone  how many are left out at its front */
  #ownList(told: readonly Portable[], gone: number): Portable[] {
    if (this.#own.has(told)) {
      const own = told as Portable[];
      if (gone === 1) own.shift();
      else if (gone > 1) own.splice(0, gone);
      return own;
    }
    const copy = told.slice(gone);
    this.#own.add(copy);
    return copy;
  }

  #replace(now: unknown, path: string, depth: number, limits: ValueLimits): Portable {
    const value = this.#write(now, path, depth, limits);
    this.#changes.push({ op: 'replace', path, value });
    return value;
  }

  #write(value: unknown, path: string, depth: number, limits: ValueLimits): Portable {
    const written = this.#writer.writePart(value, depth, limits, streamBytes.context);
    this.#newBytes += this.#writer.bytes + changeBytes + path.length;
    if (this.#newBytes > streamBytes.context) throw lost;
    return written;
  }
}

/** Pointers into lists. The last ones are kept: of a list that goes on in the same way, all lines then hold the same text, and the same removal. */
class ListSteps {
  #list = '';
  #index = -1;
  #path = '';
  #removal: RecordedChange | undefined;

  at(list: string, index: number): string {
    if (index !== this.#index || list !== this.#list) {
      this.#list = list;
      this.#index = index;
      this.#path = `${list}/${index}`;
    }
    return this.#path;
  }

  removed(list: string, index: number): RecordedChange {
    const path = `${list}/${index}`;
    if (this.#removal?.path !== path) this.#removal = { op: 'remove', path };
    return this.#removal;
  }
}

function areSame(left: readonly string[], right: readonly string[]): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}

/** As `Object.is`, and faster. */
function isSame(left: unknown, right: unknown): boolean {
  return left === right ? left !== 0 || Object.is(left, right) : typeof left === 'number' && Object.is(left, right);
}

function isBranch(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Plain data, and neither an actor nor the snapshot of one. */
function isFollowed(value: object): boolean {
  return !Array.isArray(value) && isPlain(value) && !looksLikeActor(value) && !('machine' in value);
}

/** How many were taken from the front of a list that goes on as it was: a window that slides. */
function goneFromFront(before: readonly unknown[], now: readonly unknown[]): number {
  const [first] = now;
  if (!isBranch(first) || first === before[0]) return 0;
  const gone = before.indexOf(first);
  return gone > 0 && gone <= mostChanges && before[before.length - 1] === now[before.length - 1 - gone] ? gone : 0;
}

/** Is it written as it is, without a mark? */
function isUnmarked(told: object): boolean {
  if (Array.isArray(told)) return false;
  for (const key in told) return !key.startsWith('$');
  return true;
}
