/**
 * The lines that a recorder keeps, within bounds.
 *
 * While somebody watches: all of them, in pieces, each begun with all that there was at that moment. When there is no more room the oldest piece goes,
 * so that what is left can always be understood from its beginning. While nobody watches: the latest births and deaths.
 */
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

interface Piece {
  /** Null where all that there was would have been too much: then what is before it is lost to it. */
  readonly frame: Frame | null;
  readonly lines: RecordedLine[];
  bytes: number;
}

export class History {
  readonly #bounds: HistoryBounds;
  readonly #frame: () => Frame;
  #pieces: Piece[] = [];
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

  /** Somebody watches. */
  open(): void {
    this.#pieces = [];
    this.#dropped = 0;
    this.#begin();
  }

  /** Nobody watches any more: what was kept of the details goes. */
  close(): void {
    this.#pieces = [];
  }

  add(line: RecordedLine, bytes: number): void {
    const piece = this.#pieces.at(-1);
    if (piece === undefined) {
      this.#addFact(line);
      return;
    }
    piece.lines.push(line);
    piece.bytes += bytes;
    const { maxBytes, maxLines } = this.#bounds;
    const { frame } = piece;
    // A piece is longer than what it begins with, so that to begin costs little for each line.
    const isLong = piece.lines.length >= Math.max(maxLines / pieces, 2 * (frame?.lines.length ?? 0));
    if (isLong || piece.bytes + (frame?.bytes ?? 0) >= maxBytes / pieces) this.#begin();
  }

  /** What was, from as far back as can be told, up to now: facts of when nobody watched, a frame, the lines since. */
  lines(): readonly RecordedLine[] {
    const facts = [...this.#facts.slice(this.#oldestFact), ...this.#facts.slice(0, this.#oldestFact)];
    const first = this.#pieces.findIndex(({ frame }) => frame !== null);
    const told = first < 0 ? [] : this.#pieces.slice(first);
    const [piece] = told;
    if (piece === undefined || piece.frame === null) return [...facts, ...this.#frame().lines];
    const [keyframe] = piece.frame.lines;
    const gap: RecordedGap = {
      type: '@espalier.dropped',
      seq: keyframe?.seq ?? 0,
      at: keyframe?.at ?? 0,
      count: this.#dropped,
      why: gapWhy(this.#dropped),
    };
    return [...facts, gap, ...piece.frame.lines, ...told.flatMap(({ lines }) => lines)];
  }

  #begin(): void {
    const frame = this.#frame();
    const { maxBytes } = this.#bounds;
    const isTooLarge = frame.bytes > maxBytes / pieces;
    // A history that could hold nothing but frames is none.
    if (isTooLarge) this.#drop(this.#pieces.length);
    this.#pieces.push({ frame: isTooLarge ? null : frame, lines: [], bytes: 0 });
    while (this.#pieces.length > 1 && (this.bytes > maxBytes * (1 - 1 / pieces) || this.#pieces.length > pieces)) this.#drop(1);
  }

  #drop(count: number): void {
    for (const { lines } of this.#pieces.splice(0, count)) this.#dropped += lines.length;
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

function gapWhy(dropped: number): string {
  return dropped > 0 ? 'the history is bounded: the oldest lines go' : 'nobody watched';
}
