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
import { isActor, isPlain, type PortableWriter } from './portable.js';

/** What is told of a context: nothing where it is as it was. */
export type ContextNews = { readonly context: Portable } | { readonly patch: RecordedChange[] } | undefined;

/** How large a context may be when it is written whole: there must be room for the changes that come. */
const mostAtFirst = streamBytes.context * 0.75;
/** With more changes than this, a list is written anew. */
const mostChanges = 50;
/** What a change costs beside its path and its value: `{"op":"replace","path":"","value":}`, bytes. */
const changeBytes = 40;

type Plain = { readonly [key: string]: unknown };
type PlainPortable = { readonly [key: string]: Portable };

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

  constructor(writer: PortableWriter) {
    this.#writer = writer;
  }

  /** The context as it was told last. */
  get written(): Portable {
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
    const { written, row } = this.#writer.writeWithin(source, mostAtFirst, streamLimits, false, from);
    this.#source = source;
    this.#written = written;
    this.#row = row;
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
    this.#changes = [];
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
    return first.path === '' && first.op !== 'remove' ? { context: first.value } : { patch: this.#changes };
  }

  /** What is written of a part, where `before` stood and was written as `told`. Every difference is noted as a change. */
  #follow(before: unknown, told: Portable, now: unknown, path: string, depth: number, limits: ValueLimits): Portable {
    if (Object.is(before, now)) return told;
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
    let copy: Record<string, Portable> | undefined;
    let present = 0;
    for (const key of keys) {
      const was = before[key];
      const is = now[key];
      if (is !== undefined && Object.is(is, was)) {
        present++;
        continue;
      }
      const name = this.#writer.nameOf(key);
      // Which of two keys with one name was meant, nobody could say; a mark is no key.
      if (name !== key || key.startsWith('$')) throw lost;
      const isSecret = this.#writer.isSecret(key);
      if (is === undefined && !isSecret) continue;
      present++;
      const had = Object.hasOwn(told, key);
      if (had && isSecret) continue;
      copy ??= { ...told };
      const where = path + stepOf(key);
      if (had) put(copy, key, this.#follow(was, told[key] as Portable, is, where, depth + 1, limits));
      else {
        const value = isSecret ? { $redacted: true } : this.#write(is, where, depth + 1, limits);
        this.#changes.push({ op: 'add', path: where, value });
        put(copy, key, value);
      }
    }
    const names = Object.keys(copy ?? told);
    if (names.length === present) return copy ?? told;
    copy ??= { ...told };
    for (const name of names) {
      if (Object.hasOwn(now, name) && (now[name] !== undefined || this.#writer.isSecret(name))) continue;
      this.#changes.push({ op: 'remove', path: path + stepOf(name) });
      this.#newBytes += changeBytes + path.length + name.length;
      Reflect.deleteProperty(copy, name);
    }
    return copy;
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
    if (is > limits.items || told.length !== before.length) return this.#replace(now, path, depth, limits);
    const gone = goneFromFront(before, now);
    for (let count = 0; count < gone; count++) this.#changes.push({ op: 'remove', path: `${path}/0` });
    this.#newBytes += gone * (changeBytes + path.length);
    // What is left of the list before, and how much of it is as it was at its front and at its back.
    const was = before.length - gone;
    const shorter = Math.min(was, is);
    let start = 0;
    while (start < shorter && Object.is(before[gone + start], now[start])) start++;
    let end = 0;
    while (end < shorter - start && Object.is(before[gone + was - 1 - end], now[is - 1 - end])) end++;
    const less = was - start - end;
    const more = is - start - end;
    if (less === 0 && more === 0 && gone === 0) return told;
    if (Math.max(less, more) > mostChanges) return this.#replace(now, path, depth, limits);
    const copy = told.slice(gone);
    for (let index = start; index < start + Math.min(less, more); index++)
      copy[index] = this.#follow(before[gone + index], copy[index] as Portable, now[index], `${path}/${index}`, depth + 1, limits);
    for (let index = start + less; index < start + more; index++) {
      const value = this.#write(now[index], `${path}/${index}`, depth + 1, limits);
      this.#changes.push({ op: 'add', path: `${path}/${index}`, value });
      copy.splice(index, 0, value);
    }
    for (let count = more; count < less; count++) {
      this.#changes.push({ op: 'remove', path: `${path}/${start + more}` });
      this.#newBytes += changeBytes + path.length;
      copy.splice(start + more, 1);
    }
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

function isBranch(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Plain data, and neither an actor nor the snapshot of one. */
function isFollowed(value: object): boolean {
  return !Array.isArray(value) && isPlain(value) && !isActor(value) && !('machine' in value);
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
