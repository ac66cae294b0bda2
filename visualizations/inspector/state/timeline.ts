/**
 * All that the page was told, in order, and how the app was after each line of it. Going back is quick: a moment is kept every so many lines, and what
 * lies between is followed again.
 */
import type { RecordingHead } from '../../../src/wire/recording/lines.js';
import { firstIndex, TimeScale } from '../layout/time-scale.js';
import { isCrash } from '../../../src/recording/exports/story.js';
import { eventType } from './actor-view.js';
import type { Entry } from './entry.js';
import { Moment } from './moment.js';

/** Lines between two kept moments, at least; with many actors a copy costs more, and there are fewer. */
const keptEvery = 1_000;
/** Lines that are kept at most of what a living app tells; a quarter is let go at a time. */
const mostLines = 240_000;

/** What is marked on the time bar. */
export interface Mark {
  readonly index: number;
  readonly kind: 'crash' | 'restart' | 'dead' | 'gap';
}

export class Timeline {
  head: RecordingHead | null = null;
  /** Grows with each line. */
  version = 0;
  /** Another one: indexes mean other lines than before. */
  generation = 0;
  readonly #lines: Entry[] = [];
  #marks: Mark[] = [];
  #scale = new TimeScale();
  #newest = new Moment();
  #kept: { readonly index: number; readonly moment: Moment }[] = [{ index: -1, moment: new Moment() }];
  /** The moment that was asked for last, and where it is. */
  #seen: { index: number; moment: Moment } | null = null;
  /** Numbers of the lines, which need not lie side by side: `summary` has none, and takes that of the line before. */
  readonly #seqs: number[] = [];

  get length(): number {
    return this.#lines.length;
  }

  get last(): number {
    return this.#lines.length - 1;
  }

  get scale(): TimeScale {
    return this.#scale;
  }

  get marks(): readonly Mark[] {
    return this.#marks;
  }

  get newest(): Moment {
    return this.#newest;
  }

  line(index: number): Entry | undefined {
    return this.#lines[index];
  }

  seqOf(index: number): number {
    return this.#seqs[index] ?? 0;
  }

  /** The index of the line with this number; -1 where it is not known. */
  indexOf(seq: number): number {
    const index = firstIndex(this.#seqs.length, (one) => (this.#seqs[one] ?? 0) >= seq);
    return this.#seqs[index] === seq ? index : -1;
  }

  /**
   * How many lines lie between a line and the next, or the one before, that tells news: keyframes are passed over. Where there is none: one
   * step beyond the last line, or all the way to the first.
   */
  stepFrom(index: number, direction: 1 | -1): number {
    for (let at = index + direction; at >= 0 && at < this.length; at += direction) if (isNews(this.#lines[at] as Entry)) return at - index;
    return direction === 1 ? 1 : -index;
  }

  clear(head: RecordingHead | null): void {
    this.head = head;
    this.version++;
    this.generation++;
    this.#lines.length = 0;
    this.#marks = [];
    this.#seqs.length = 0;
    this.#scale = new TimeScale();
    this.#newest = new Moment();
    this.#kept = [{ index: -1, moment: new Moment() }];
    this.#seen = null;
  }

  /** Takes the lines of a file, all of them: how large it may be has been looked at. */
  load(lines: readonly Entry[]): void {
    for (const line of lines) this.#add(line);
    this.version += lines.length;
  }

  /** Takes what a living app tells, and lets the oldest lines go when they are too many. @returns how many had to go */
  append(lines: readonly Entry[]): number {
    this.load(lines);
    return this.#lines.length > mostLines ? this.#forget(Math.floor(mostLines / 4)) : 0;
  }

  /**
   * Puts lines before all that there are, where there is room for all of them.
   * @returns how many places every line that was known has moved on
   */
  prepend(lines: readonly Entry[]): number {
    const known = this.#lines.slice();
    const room = Math.max(0, mostLines - known.length);
    const earlier = lines.length > room ? [] : lines;
    if (earlier.length === 0) return 0;
    this.clear(this.head);
    for (const line of [...earlier, ...known]) this.#add(line);
    return earlier.length;
  }

  /** How the app was after a line; null: after the newest. What is returned changes with the next call. */
  momentAt(index: number | null): Moment {
    if (index === null || index >= this.last) return this.#newest;
    const seen = this.#seen;
    if (seen !== null && seen.index <= index && index - seen.index < keptEvery) return this.#followed(seen, index);
    const after = firstIndex(this.#kept.length, (one) => (this.#kept[one]?.index ?? 0) > index);
    const from = this.#kept[after - 1] ?? { index: -1, moment: new Moment() };
    return this.#followed({ index: from.index, moment: from.moment.copy() }, index);
  }

  #followed(from: { index: number; moment: Moment }, index: number): Moment {
    for (let next = from.index + 1; next <= index; next++) from.moment.follow(this.#lines[next] as Entry, this.#typeOf);
    from.index = index;
    this.#seen = from;
    return from.moment;
  }

  readonly #typeOf = (seq: number): string => {
    const line = this.#lines[this.indexOf(seq)];
    return line?.type === '@xstate.event' ? eventType(line.event) : '?';
  };

  #add(line: Entry): void {
    const index = this.#lines.push(line) - 1;
    this.#seqs.push('seq' in line ? line.seq : (this.#seqs.at(-1) ?? 0));
    this.#scale.add(line.at, isNews(line));
    this.#newest.follow(line, this.#typeOf);
    const kind = markOf(line);
    if (kind !== null) this.#marks.push({ index, kind });
    const lately = this.#kept.at(-1)?.index ?? -1;
    if (index - lately >= Math.max(keptEvery, this.#newest.actors.size)) this.#kept.push({ index, moment: this.#newest.copy() });
  }

  #forget(count: number): number {
    const base = this.momentAt(count - 1).copy();
    this.#lines.splice(0, count);
    this.#seqs.splice(0, count);
    this.#scale.drop(count);
    const kept = this.#kept.filter(({ index }) => index >= count).map(({ index, moment }) => ({ index: index - count, moment }));
    this.#kept = [{ index: -1, moment: base }, ...kept];
    this.#marks = this.#marks.filter(({ index }) => index >= count).map(({ index, kind }) => ({ index: index - count, kind }));
    this.#seen = null;
    this.generation++;
    return count;
  }
}

/** Does something happen in it, or is it only told how things were already? */
function isNews(line: Entry): boolean {
  if (line.type === '@xstate.actor') return line.from !== 'joined';
  return line.type !== '@espalier.machine' && line.type !== '@espalier.keyframe' && line.type !== 'branch';
}

function markOf(line: Entry): Mark['kind'] | null {
  if (line.type === '@espalier.exit') return isCrash(line.reason) ? 'crash' : null;
  if (line.type === '@xstate.actor') return line.replaces === null || line.from === 'joined' ? null : 'restart';
  if (line.type === '@xstate.event') return line.dead === true ? 'dead' : null;
  return line.type === '@espalier.dropped' ? 'gap' : null;
}
