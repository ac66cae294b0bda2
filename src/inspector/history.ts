/**
 * The lines that a recorder keeps, within bounds.
 *
 * While somebody watches: all of them, in pieces, each begun with all that there was at that moment. When there is no more room the oldest piece goes,
 * so that what is left can always be understood from its beginning. While nobody watches: the latest births and deaths.
 */
import { briefly } from '../recording/actor-line.js';
import type { RecordedGap, RecordedLine } from '../wire/recording/lines.js';

/** Lines, and how long they are in JSON. */
export interface Frame {
  readonly lines: readonly RecordedLine[];
  readonly bytes: number;
}

export interface HistoryBounds {
  readonly maxBytes: number;
  readonly maxLines: number;
}

/** Of how many pieces the history is. */
const pieces = 4;
/** How many births and deaths are kept while nobody watches. */
const mostFacts = 2_000;

/** Is it told also while nobody watches? */
export function isFact({ type }: RecordedLine): boolean {
  return type === '@xstate.actor' || type === '@espalier.exit' || type === '@espalier.machine';
}

interface Piece {
  /** Null where all that there was would have been too much: then what is before it is lost to it. */
  readonly frame: Frame | null;
  readonly lines: RecordedLine[];
  /** How many of the lines tell again what was told. */
  retold: number;
  bytes: number;
  /** With so many lines, or so many bytes of lines, the next begins. */
  readonly mostLines: number;
  readonly mostBytes: number;
}

export class History {
  readonly #bounds: HistoryBounds;
  readonly #frame: () => Frame;
  #pieces: Piece[] = [];
  /** The one that is filled, the last of the pieces; undefined while nobody watches. */
  #filled: Piece | undefined;
  #facts: RecordedLine[] = [];
  #oldestFact = 0;
  #dropped = 0;

  /** @param frame  all that there is now */
  constructor(bounds: HistoryBounds, frame: () => Frame) {
    this.#bounds = bounds;
    this.#frame = frame;
  }

  /** How many lines it holds, those of its frames included. */
  get lineCount(): number {
    return this.#facts.length + this.#pieces.reduce((sum, { frame, lines }) => sum + lines.length + (frame?.lines.length ?? 0), 0);
  }

  /** How long they are, bytes of JSON. */
  get bytes(): number {
    return this.#pieces.reduce((sum, { frame, bytes }) => sum + bytes + (frame?.bytes ?? 0), 0);
  }

  /** Somebody watches. @returns all that there is now */
  open(): Frame {
    this.#pieces = [];
    this.#filled = undefined;
    this.#dropped = 0;
    return this.#begin();
  }

  /** Somebody has come or gone whom no line tells of: all that there is, in the midst of the lines. */
  retell({ lines, bytes }: Frame): void {
    const piece = this.#filled;
    if (piece === undefined) return;
    for (const line of lines) piece.lines.push(line);
    piece.retold += lines.length;
    piece.bytes += bytes;
    if (isFull(piece)) this.#begin();
  }

  /** Nobody watches any more: what was kept of the details goes, and births and deaths stay. */
  close(): void {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#filled = undefined;
    for (const { lines } of pieces) {
      for (let index = 0; index < lines.length; index++) {
        const line = lines[index] as RecordedLine;
        // What was told again is no birth.
        if (line.type === '@espalier.keyframe') index += line.lines;
        else this.#addIfFact(line);
      }
    }
  }

  add(line: RecordedLine, bytes: number): void {
    const piece = this.#filled;
    if (piece === undefined) {
      this.#addIfFact(line);
      return;
    }
    piece.lines.push(line);
    piece.bytes += bytes;
    if (isFull(piece)) this.#begin();
  }

  /** What was, from as far back as can be told, up to now: births and deaths of when nobody watched, a frame, the lines since. */
  lines(): readonly RecordedLine[] {
    const { frame, told } = this.#told();
    const facts = [...this.#facts.slice(this.#oldestFact), ...this.#facts.slice(0, this.#oldestFact)];
    const lines = [...machinesFor(facts, frame.lines)];
    let seq = lines[0]?.seq ?? 0;
    for (const fact of facts) {
      if (fact.seq > seq + 1) lines.push(gap(fact.seq - 1, fact.at, seq, 'of when nobody watched, the latest births and deaths are kept'));
      lines.push(fact);
      ({ seq } = fact);
    }
    return [...lines, ...this.#since(frame, told, seq)];
  }

  /** The part of it that is a recording by itself: all that there was at a moment, and the lines since. */
  whole(): readonly RecordedLine[] {
    const { frame, told } = this.#told();
    return this.#since(frame, told, 0).slice(1);
  }

  /** The oldest moment of which it knows all, and the pieces since. */
  #told(): { readonly frame: Frame; readonly told: readonly Piece[] } {
    const first = this.#pieces.findIndex(({ frame }) => frame !== null);
    const told = first < 0 ? [] : this.#pieces.slice(first);
    return { frame: told[0]?.frame ?? this.#frame(), told };
  }

  /** @param seq  the last number before */
  #since(frame: Frame, told: readonly Piece[], seq: number): readonly RecordedLine[] {
    const [{ seq: from, at } = { seq: 0, at: 0 }] = frame.lines;
    const missing = gap(from, at, seq, this.#dropped > 0 ? 'the history is bounded: the oldest lines go' : 'nobody watched');
    return [missing, ...frame.lines, ...told.flatMap(({ lines }) => lines)];
  }

  #begin(): Frame {
    const frame = this.#frame();
    const { maxBytes, maxLines } = this.#bounds;
    const isTooLarge = frame.bytes > maxBytes / pieces;
    // A history that could hold nothing but frames is none.
    if (isTooLarge) this.#drop(this.#pieces.length);
    const kept = isTooLarge ? null : frame;
    // A piece is longer than what it begins with, so that to begin costs little for each line.
    const mostLines = Math.max(maxLines / pieces, 2 * (kept?.lines.length ?? 0));
    this.#filled = { frame: kept, lines: [], retold: 0, bytes: 0, mostLines, mostBytes: maxBytes / pieces - (kept?.bytes ?? 0) };
    this.#pieces.push(this.#filled);
    while (this.#pieces.length > 1 && (this.bytes > maxBytes * (1 - 1 / pieces) || this.#pieces.length > pieces)) this.#drop(1);
    return frame;
  }

  #drop(count: number): void {
    for (const { lines, retold } of this.#pieces.splice(0, count)) this.#dropped += lines.length - retold;
  }

  #addIfFact(line: RecordedLine): void {
    if (line.type === '@xstate.actor') this.#addFact(briefly(line));
    else if (isFact(line)) this.#addFact(line);
  }

  #addFact(line: RecordedLine): void {
    if (this.#facts.length < mostFacts) {
      this.#facts.push(line);
      return;
    }
    this.#facts[this.#oldestFact] = line;
    this.#oldestFact = (this.#oldestFact + 1) % mostFacts;
  }
}

function isFull({ lines, bytes, mostLines, mostBytes }: Piece): boolean {
  return lines.length >= mostLines || bytes >= mostBytes;
}

/** What is not there before the line that follows. */
function gap(seq: number, at: number, before: number, why: string): RecordedGap {
  return { type: '@espalier.dropped', seq, at, count: seq - before, why };
}

/** A keyframe of the machines that births name, and that were told of elsewhere. */
function machinesFor(facts: readonly RecordedLine[], frame: readonly RecordedLine[]): readonly RecordedLine[] {
  const told = new Set<string | null>([null]);
  const wanted = new Set<string | null>();
  for (const fact of facts) {
    if (fact.type === '@espalier.machine') told.add(fact.machine);
    else if (fact.type === '@xstate.actor' && !told.has(fact.machine)) wanted.add(fact.machine);
  }
  const [first] = facts;
  if (first === undefined || wanted.size === 0) return [];
  const now = { seq: first.seq - 1, at: first.at };
  const machines = frame.flatMap((line) => (line.type === '@espalier.machine' && wanted.has(line.machine) ? [{ ...line, ...now }] : []));
  return [{ type: '@espalier.keyframe', ...now, lines: machines.length }, ...machines];
}
