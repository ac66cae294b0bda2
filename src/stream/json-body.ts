/**
 * A body that is made of JSON, as Google's services write it: server-sent events with bare JSON among them, or one value.
 *
 * By its media type it is of events; else its first character says: a body that begins as JSON does is one value, and read when it is whole. A last event
 * without its blank line is one where its data is whole. A line that begins no JSON, and is no field of the protocol, is passed over.
 */
import type { StreamFailure } from '../../machines/stream/outcome.js';
import { BareJson } from '../wire/bare-json.js';
import { isWholeJson, type SseEvent, type SseLimits, sseDecoder } from '../wire/sse.js';
import { type BodyReader, tooLarge, truncated } from './body.js';

/** What the pieces of a body are, to whom it concerns. Each method returns what ends the stream; none throws. */
export interface JsonReader<Value> {
  event(event: SseEvent, give: (value: Value) => void): StreamFailure | null;
  /** JSON between events: services in trouble forget the `data:`. */
  bare(text: string, give: (value: Value) => void): StreamFailure | null;
  /** A body that is one value: JSON, or nothing but blanks. */
  whole(text: string, give: (value: Value) => void): StreamFailure | null;
  /** The events have ended. */
  end(give: (value: Value) => void): StreamFailure | null;
}

/** A reader of one body. */
export function jsonBody<Value>(contentType: string, limits: SseLimits, reader: JsonReader<Value>): BodyReader<Value> {
  return contentType === 'text/event-stream' ? new EventBody(reader, limits) : new SniffedBody(reader, limits);
}

class EventBody<Value> implements BodyReader<Value> {
  readonly #reader: JsonReader<Value>;
  readonly #decoder: ReturnType<typeof sseDecoder>;
  readonly #limits: SseLimits;
  readonly #bare: BareJson;
  #give: (value: Value) => void = () => undefined;
  #failure: StreamFailure | null = null;

  constructor(reader: JsonReader<Value>, limits: SseLimits) {
    this.#reader = reader;
    this.#limits = limits;
    this.#bare = new BareJson(limits.maxEventLength);
    this.#decoder = sseDecoder({ event: (event) => this.#readEvent(event), stray: (line) => this.#readStray(line) }, limits);
  }

  feed(bytes: Uint8Array, give: (value: Value) => void): StreamFailure | null {
    this.#give = give;
    const fault = this.#decoder.feed(bytes);
    return this.#failure ?? tooLarge(fault);
  }

  end(give: (value: Value) => void): StreamFailure | null {
    this.#give = give;
    const { fault, unfinished } = this.#decoder.end();
    if (this.#failure !== null || fault !== null) return this.#failure ?? tooLarge(fault);
    if (this.#bare.isPending) return truncated('the body ended inside an object');
    if (unfinished !== null) {
      if (!isWholeJson(unfinished.data) && unfinished.data.trim() !== '[DONE]') return truncated('the body ended inside an event');
      this.#readEvent(unfinished);
    }
    return this.#failure ?? this.#reader.end(give);
  }

  #readEvent(event: SseEvent): void {
    this.#bare.forget();
    this.#failure ??= this.#reader.event(event, this.#give);
  }

  #readStray(line: string): void {
    // What stands before it is an event, though its blank line was forgotten, too.
    if (this.#failure === null && this.#bare.begins(line)) this.#decoder.settle();
    if (this.#failure !== null) return;
    const news = this.#bare.add(line);
    if (news.kind === 'tooLong') this.#failure = tooLarge({ code: 'eventTooLong', limit: this.#limits.maxEventLength });
    else if (news.kind === 'whole') this.#failure = this.#reader.bare(news.text, this.#give);
  }
}

class SniffedBody<Value> implements BodyReader<Value> {
  readonly #reader: JsonReader<Value>;
  readonly #limits: SseLimits;
  readonly #text = new TextDecoder();
  readonly #parts: string[] = [];
  #length = 0;
  #events: EventBody<Value> | null = null;

  constructor(reader: JsonReader<Value>, limits: SseLimits) {
    this.#reader = reader;
    this.#limits = limits;
  }

  feed(bytes: Uint8Array, give: (value: Value) => void): StreamFailure | null {
    if (this.#parts.length === 0 && this.#events === null) {
      const first = bytes.find((byte) => !isBlank(byte));
      if (first === undefined) return null;
      if (first !== 0x7b && first !== 0x5b) this.#events = new EventBody(this.#reader, this.#limits);
    }
    if (this.#events !== null) return this.#events.feed(bytes, give);
    const text = this.#text.decode(bytes, { stream: true });
    this.#parts.push(text);
    this.#length += text.length;
    return this.#length > this.#limits.maxEventLength ? tooLarge({ code: 'eventTooLong', limit: this.#limits.maxEventLength }) : null;
  }

  end(give: (value: Value) => void): StreamFailure | null {
    if (this.#events !== null) return this.#events.end(give);
    const text = `${this.#parts.join('')}${this.#text.decode()}`;
    if (text.trim() !== '' && !isWholeJson(text)) return truncated('the body ended inside an object');
    return this.#reader.whole(text, give);
  }
}

/** A blank, a tab, the end of a line, or a byte of the byte order mark. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || byte === 0xef || byte === 0xbb || byte === 0xbf;
}
