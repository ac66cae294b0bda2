/**
 * Server-sent events out of bytes: eventsource-parser with bounds, and with an end.
 *
 * What is added to the parser: bytes that are cut anywhere, inside a character too; limits for a line and for an event that hold whatever the cuts are;
 * lines that are no field of the protocol, which a server in trouble writes (bare JSON in mid-stream); and what was left when the bytes ended.
 *
 * An event ends with a blank line. Bytes that end without one leave an *unfinished* event, and the specification has it discarded. Servers that omit the
 * last blank line are common, connections that are cut inside an event are too, and only who knows what the data should be can tell the two apart. So
 * the decoder hands it over as unfinished, never as an event, and takes it for an event nowhere: {@link isWholeJson} is for those whose data is JSON.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
import { createParser, type EventSourceParser } from 'eventsource-parser';

/** One event, as it stands on the wire. */
export interface SseEvent {
  /** Its `event:`; absent where it has none. */
  readonly event?: string | undefined;
  /** Its own `id:`; ids of earlier events are not repeated. */
  readonly id?: string | undefined;
  /** Its `data:` lines, joined by line feeds. */
  readonly data: string;
}

/** Bounds, in characters as JavaScript counts them: what is held in memory is no more than both together, and one chunk. */
export interface SseLimits {
  /** Of one line, with its field's name. Default 8 388 608. */
  readonly maxLineLength: number;
  /** Of one event's data, and of the lines in a row that are no fields. Default 16 777 216. */
  readonly maxEventLength: number;
}

/** What exceeded its limit. The decoder reads nothing more. */
export interface SseFault {
  readonly code: 'lineTooLong' | 'eventTooLong';
  /** The limit, characters. */
  readonly limit: number;
}

/** What was left when the bytes ended. */
export interface SseEnd {
  readonly fault: SseFault | null;
  /** An event without its blank line, see above. */
  readonly unfinished: SseEvent | null;
}

/** Whom a decoder tells. What one of them throws is thrown by `feed`. */
export interface SseListener {
  event(event: SseEvent): void;
  /** A line that is no field. */
  stray?(line: string): void;
  /** `retry:`, ms. */
  retry?(ms: number): void;
}

/** Made by {@link sseDecoder}. */
export interface SseDecoder {
  /** Reads bytes and tells of the events in them. @returns what exceeded its limit; then, and ever after, nothing more is read */
  feed(bytes: Uint8Array): SseFault | null;
  /** To be called while a stray line is told: the lines before it are an event by themselves, though no blank line has ended it. It is told at once. */
  settle(): void;
  /** The bytes have ended. */
  end(): SseEnd;
}

export const defaultSseLimits: SseLimits = { maxLineLength: 8_388_608, maxEventLength: 16_777_216 };

/** A decoder for one body. @throws never */
export function sseDecoder(listener: SseListener, limits: SseLimits = defaultSseLimits): SseDecoder {
  return new Decoder(listener, limits);
}

/** Is the text an object or a list of JSON that is whole? A number or a word that was cut looks whole, so neither counts. @throws never */
export function isWholeJson(text: string): boolean {
  if (!/^\s*[{[]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

class Decoder implements SseDecoder {
  readonly #text = new TextDecoder();
  readonly #limits: SseLimits;
  readonly #parser: EventSourceParser;
  /** Characters since the last end of a line. */
  #lineLength = 0;
  #endsWithCr = false;
  #fault: SseFault | null = null;
  #isEnding = false;
  #unfinished: SseEvent | null = null;

  constructor(listener: SseListener, limits: SseLimits) {
    this.#limits = limits;
    this.#parser = createParser({
      // An event grows by lines, each of which is bounded; beyond both it is too long by itself.
      maxBufferSize: limits.maxLineLength + limits.maxEventLength,
      onEvent: (event) => {
        if (this.#fault !== null) return;
        if (event.data.length > limits.maxEventLength) this.#fault = this.#tooLong('eventTooLong');
        else if (this.#isEnding) this.#unfinished = event;
        else listener.event(event);
      },
      onRetry: (ms) => {
        // One that was cut may have been longer.
        if (this.#fault === null && !this.#isEnding) listener.retry?.(ms);
      },
      onError: (error) => {
        if (error.type === 'max-buffer-size-exceeded') this.#fault ??= this.#tooLong('eventTooLong');
        else if (error.type === 'unknown-field' && this.#fault === null) listener.stray?.(error.line ?? '');
      },
    });
    // The parser takes three characters for a byte order mark at its first chunk; TextDecoder has taken the mark away by then.
    this.#parser.feed('');
  }

  feed(bytes: Uint8Array): SseFault | null {
    if (this.#fault === null) this.#read(this.#text.decode(bytes, { stream: true }));
    return this.#fault;
  }

  settle(): void {
    const isEnding = this.#isEnding;
    this.#isEnding = false;
    // The parser tells of a stray line between two of its steps: a blank line may be put in there.
    this.#parser.feed('\n');
    this.#isEnding = isEnding;
  }

  end(): SseEnd {
    if (this.#fault === null) {
      this.#read(this.#text.decode());
      this.#isEnding = true;
      if (this.#fault === null) this.#parser.feed('\n\n');
    }
    return { fault: this.#fault, unfinished: this.#fault === null ? this.#unfinished : null };
  }

  #tooLong(code: SseFault['code']): SseFault {
    return { code, limit: code === 'lineTooLong' ? this.#limits.maxLineLength : this.#limits.maxEventLength };
  }

  #read(bytes: string): void {
    const text = this.#withoutHalf(bytes);
    if (text === '') return;
    const { maxLineLength } = this.#limits;
    // No line can be longer than what is pending and this text together: all but the longest lines cost nothing.
    const isShort = this.#lineLength + text.length <= maxLineLength;
    const start = isShort ? null : startOfLongLine(text, this.#lineLength, maxLineLength);
    if (start === null) {
      this.#parser.feed(text);
      this.#lineLength = lengthAfter(text, this.#lineLength);
      return;
    }
    // What came before it is read all the same.
    const before = text.slice(0, start);
    this.#parser.feed(before.endsWith('\r') ? `${before}\n` : before);
    this.#fault ??= this.#tooLong('lineTooLong');
  }

  /** A last CR, which may be half of CRLF, as CRLF: the parser would hold it back, and all that comes until the next end of a line with it. */
  #withoutHalf(text: string): string {
    if (text === '') return text;
    const own = this.#endsWithCr && text.startsWith('\n') ? text.slice(1) : text;
    this.#endsWithCr = own.endsWith('\r');
    return this.#endsWithCr ? `${own}\n` : own;
  }
}

/** How far an end of a line is looked for character by character: most chunks end with one. */
const nearby = 256;

/** Characters after the last end of a line, where `before` were pending. */
function lengthAfter(text: string, before: number): number {
  for (let index = text.length - 1; index >= Math.max(0, text.length - nearby); index--) {
    const code = text.charCodeAt(index);
    if (code === 10 || code === 13) return text.length - 1 - index;
  }
  // Long lines: forward in leaps, which the engine makes a hundred times faster than steps back.
  let last = lastOf(text, '\n', -1);
  last = lastOf(text, '\r', last);
  return last === -1 ? before + text.length : text.length - 1 - last;
}

/** The last place of a character behind `last`; `last` where there is none. */
function lastOf(text: string, character: string, last: number): number {
  for (let next = text.indexOf(character, last + 1); next !== -1; next = text.indexOf(character, last + 1)) last = next;
  return last;
}

/** Where the first line begins that is longer than the limit; 0 for the one that is pending, null where there is none. */
function startOfLongLine(text: string, before: number, limit: number): number | null {
  let start = 0;
  let length = before;
  for (const line of text.split(/\r\n|\r|\n/)) {
    length += line.length;
    if (length > limit) return start;
    start += line.length + (text.startsWith('\r\n', start + line.length) ? 2 : 1);
    length = 0;
  }
  return null;
}
