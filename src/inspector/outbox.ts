/**
 * What waits for one viewer. Whole messages, in order; none above 64 kB but in parts.
 *
 * A quarter of a megabyte is on its way at most; the rest waits here. What may wait is bounded by those who write: they ask {@link Outbox.hasRoom}
 * before they add details, and drop what has none; and add no second keyframe, and listen to nobody, before most of {@link Outbox.heldBytes} was taken.
 */
import type { Clock } from '../supervision/clock.js';
import { bytesOf } from '../wire/recording/bytes.js';
import { maxFrameBytes } from './protocol.js';

/** What is on its way to the kernel at most, bytes. */
const mostInFlight = 262_144;
/** Room for what stands around the text of a part, bytes. */
const partFrame = 100;

/** What an outbox writes to: the part of a WebSocket that is needed. */
export interface Wire {
  send(text: string, done: (error?: Error | null) => void): void;
}

interface Message {
  readonly text: string;
  readonly bytes: number;
  /** Does it count against the bound? Keyframes do not: they stand for what the bound has cost. */
  readonly counts: boolean;
}

export class Outbox {
  readonly #wire: Wire;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #queue: Message[] = [];
  #first = 0;
  #inFlight = 0;
  #waiting = 0;
  #held = 0;
  #takenAt: number;

  constructor(wire: Wire, clock: Clock, maxBytes: number) {
    this.#wire = wire;
    this.#clock = clock;
    this.#maxBytes = maxBytes;
    this.#takenAt = clock.now();
  }

  /** Is everything on its way? */
  get isEmpty(): boolean {
    return this.#first === this.#queue.length && this.#inFlight === 0;
  }

  /** What counts against the bound, bytes. */
  get waitingBytes(): number {
    return this.#waiting;
  }

  /** All that was not taken yet, keyframes too, bytes. */
  get heldBytes(): number {
    return this.#held;
  }

  /** Is there room for details of this size? */
  hasRoom(bytes = 0): boolean {
    return this.#waiting + bytes <= this.#maxBytes;
  }

  /** For how long the other side has taken nothing though something waits, ms. */
  stalledMs(): number {
    return this.isEmpty ? 0 : this.#clock.now() - this.#takenAt;
  }

  /**
   * Adds a message.
   * @param counts  against the bound; default true
   * @param mayPart  whether those who read put parts together; default true
   */
  send(text: string, counts = true, mayPart = true): void {
    if (this.isEmpty) this.#takenAt = this.#clock.now();
    for (const piece of mayPart ? piecesOf(text) : [text]) {
      const bytes = bytesOf(piece);
      if (counts) this.#waiting += bytes;
      this.#held += bytes;
      this.#queue.push({ text: piece, bytes, counts });
    }
    this.#pump();
  }

  /** Nothing more will be sent, and nothing more is waited for. */
  clear(): void {
    this.#queue.length = 0;
    this.#first = 0;
    this.#waiting = 0;
    this.#held = this.#inFlight;
  }

  #pump(): void {
    while (this.#first < this.#queue.length && this.#inFlight < mostInFlight) {
      const message = this.#queue[this.#first++] as Message;
      this.#inFlight += message.bytes;
      this.#wire.send(message.text, () => this.#taken(message));
    }
    if (this.#first === this.#queue.length) {
      this.#queue.length = 0;
      this.#first = 0;
    }
  }

  #taken({ bytes, counts }: Message): void {
    this.#inFlight -= bytes;
    this.#held -= bytes;
    if (counts) this.#waiting = Math.max(0, this.#waiting - bytes);
    this.#takenAt = this.#clock.now();
    this.#pump();
  }
}

/** The message itself, or its parts. */
function piecesOf(text: string): readonly string[] {
  // No character takes more than three bytes for each of its units.
  if (text.length * 3 <= maxFrameBytes || bytesOf(text) <= maxFrameBytes) return [text];
  const pieces: string[] = [];
  for (let start = 0; start < text.length; ) {
    const end = endOfPiece(text, start);
    pieces.push(JSON.stringify({ type: 'part', index: pieces.length, last: end === text.length, text: text.slice(start, end) }));
    start = end;
  }
  return pieces;
}

/** Where a part ends that is small enough when it is quoted, between characters. */
function endOfPiece(text: string, start: number): number {
  let length = Math.min(text.length - start, maxFrameBytes - partFrame);
  while (bytesOf(JSON.stringify(text.slice(start, start + length))) > maxFrameBytes - partFrame) length = Math.floor(length * 0.7);
  const end = start + length;
  const isWithinPair = end < text.length && /[\uDC00-\uDFFF]/.test(text[end] ?? '');
  return isWithinPair && length > 1 ? end - 1 : end;
}

/** Lines joined to messages of at most 64 kB: `before` and `after` are what stands around the lines of each. One that is larger stands alone. */
export function packed(lines: readonly string[], frame: (part: number, last: boolean) => readonly [before: string, after: string]): string[] {
  const groups: string[][] = [];
  let room = 0;
  for (const line of lines) {
    const bytes = bytesOf(line) + 1;
    if (groups.length === 0 || bytes > room) {
      groups.push([]);
      // What stands around the lines is short; a group is as large as leaves it room.
      room = maxFrameBytes - 1_024;
    }
    groups.at(-1)?.push(line);
    room -= bytes;
  }
  if (groups.length === 0) groups.push([]);
  return groups.map((group, part) => {
    const [before, after] = frame(part, part === groups.length - 1);
    return `${before}${group.join(',')}${after}`;
  });
}
