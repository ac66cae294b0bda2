/**
 * The body of an answer of Interactions: server-sent events, or one value of JSON.
 *
 * | what stands on the wire                              | what it is                                                  |
 * |------------------------------------------------------|-------------------------------------------------------------|
 * | `data: {…}`                                          | an event; an error where it is called `error` or has `error` |
 * | `data: [DONE]`, or `event: done` with any data       | the end                                                     |
 * | bare JSON with `error` between events                | an error                                                    |
 * | a body of JSON                                       | the interaction, or an error                                |
 * | a last event without its blank line                  | an event where its data is whole, else a truncation         |
 *
 * That the bytes end is no end by itself: whoever reads knows what came before.
 */
import { failureOf, type StreamFailure } from '../../machines/stream/outcome.js';
import { type BodyReader, hiddenEvent, type OpenBody, tooLarge, truncated } from '../stream/body.js';
import { BareJson } from '../wire/bare-json.js';
import { apiErrorOf } from '../wire/gemini/api-error.js';
import { type InteractionWireEvent, nameOfInteractionEvent, readInteractionEvent } from '../wire/gemini/interactions.js';
import { retryInfoMs } from '../wire/http-retry.js';
import { parseHidden, type Secrets } from '../wire/secrets.js';
import { isWholeJson, type SseEvent, type SseLimits, sseDecoder } from '../wire/sse.js';

/** What a body gives. */
export type BodyNews =
  | { readonly kind: 'event'; readonly event: InteractionWireEvent }
  | { readonly kind: 'done' }
  | { readonly kind: 'whole'; readonly value: unknown };

type Give = (news: BodyNews) => void;

/** A reader for each answer: of events or of JSON, by what comes. */
export function interactionBody(limits: SseLimits): OpenBody<BodyNews> {
  return ({ contentType, secrets }) => (contentType === 'text/event-stream' ? new EventBody(limits, secrets) : new SniffedBody(limits, secrets));
}

class EventBody implements BodyReader<BodyNews> {
  readonly #decoder: ReturnType<typeof sseDecoder>;
  readonly #limits: SseLimits;
  readonly #secrets: Secrets;
  readonly #bare: BareJson;
  #give: Give = () => undefined;
  #failure: StreamFailure | null = null;

  constructor(limits: SseLimits, secrets: Secrets) {
    this.#limits = limits;
    this.#secrets = secrets;
    this.#bare = new BareJson(limits.maxEventLength);
    this.#decoder = sseDecoder({ event: (event) => this.#read(event), stray: (line) => this.#readStray(line) }, limits);
  }

  feed(bytes: Uint8Array, give: Give): StreamFailure | null {
    this.#give = give;
    const fault = this.#decoder.feed(bytes);
    return this.#failure ?? tooLarge(fault);
  }

  end(give: Give): StreamFailure | null {
    this.#give = give;
    const { fault, unfinished } = this.#decoder.end();
    if (this.#failure !== null || fault !== null) return this.#failure ?? tooLarge(fault);
    if (unfinished === null) return null;
    if (!isWholeJson(unfinished.data) && unfinished.data.trim() !== '[DONE]') return truncated('the body ended inside an event');
    this.#read(unfinished);
    return this.#failure;
  }

  #read(raw: SseEvent): void {
    this.#bare.forget();
    if (this.#failure !== null) return;
    const { data } = raw;
    if (data.trim() === '[DONE]' || raw.event === 'done') return this.#give({ kind: 'done' });
    const sse = hiddenEvent(raw, this.#secrets);
    let payload: unknown;
    try {
      payload = parseHidden(data, this.#secrets);
    } catch {
      this.#failure = sse.event === 'error' ? errorIn({ error: sse.data }, 'error') : failureOf('malformed', 'notJson', 'an event that is no JSON');
      return;
    }
    this.#failure = errorIn(payload, sse.event);
    if (this.#failure !== null) return;
    const event = readInteractionEvent(payload, sse);
    if (event === null) this.#failure = failureOf('malformed', 'shape', 'an event that is no object');
    else this.#give({ kind: 'event', event });
  }

  /** A service in trouble forgets the `data:`; a line that begins no JSON is passed over. */
  #readStray(line: string): void {
    // What stands before it is an event, though its blank line was forgotten, too.
    if (this.#failure === null && this.#bare.begins(line)) this.#decoder.settle();
    if (this.#failure !== null) return;
    const news = this.#bare.add(line);
    if (news.kind === 'tooLong') this.#failure = tooLarge({ code: 'eventTooLong', limit: this.#limits.maxEventLength });
    else if (news.kind === 'whole') this.#failure = errorIn(parseHidden(news.text, this.#secrets), undefined);
  }
}

/** A body of JSON, or events under another name. */
class SniffedBody implements BodyReader<BodyNews> {
  readonly #limits: SseLimits;
  readonly #secrets: Secrets;
  readonly #text = new TextDecoder();
  readonly #parts: string[] = [];
  #length = 0;
  #events: EventBody | null = null;

  constructor(limits: SseLimits, secrets: Secrets) {
    this.#limits = limits;
    this.#secrets = secrets;
  }

  feed(bytes: Uint8Array, give: Give): StreamFailure | null {
    if (this.#parts.length === 0 && this.#events === null) {
      const first = bytes.find((byte) => !isBlank(byte));
      if (first === undefined) return null;
      if (first !== 0x7b && first !== 0x5b) this.#events = new EventBody(this.#limits, this.#secrets);
    }
    if (this.#events !== null) return this.#events.feed(bytes, give);
    const text = this.#text.decode(bytes, { stream: true });
    this.#parts.push(text);
    this.#length += text.length;
    return this.#length > this.#limits.maxEventLength ? tooLarge({ code: 'eventTooLong', limit: this.#limits.maxEventLength }) : null;
  }

  end(give: Give): StreamFailure | null {
    if (this.#events !== null) return this.#events.end(give);
    const text = `${this.#parts.join('')}${this.#text.decode()}`;
    if (text.trim() === '') {
      give({ kind: 'whole', value: null });
      return null;
    }
    if (!isWholeJson(text)) return truncated('the body ended inside an object');
    const value = parseHidden(text, this.#secrets);
    const failure = errorIn(value, undefined);
    if (failure === null) give({ kind: 'whole', value });
    return failure;
  }
}

/** A blank, a tab, the end of a line, or a byte of the byte order mark. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || byte === 0xef || byte === 0xbb || byte === 0xbf;
}

/** The error that a payload is. An interaction that failed may hold one, and is none. */
function errorIn(payload: unknown, sseEvent: string | undefined): StreamFailure | null {
  const fields = (typeof payload === 'object' && payload !== null ? payload : {}) as { readonly [field: string]: unknown };
  const name = nameOfInteractionEvent(fields, sseEvent);
  const isBare = name === '' && fields['status'] === undefined && fields['id'] === undefined;
  if (name !== 'error' && !isBare) return null;
  // An event that is called an error may be the error itself.
  const isItself = name === 'error' && fields['error'] === undefined && (fields['code'] !== undefined || fields['message'] !== undefined);
  const error = apiErrorOf(isItself ? { error: fields } : payload);
  if (error === null) return name === 'error' ? failureOf('serverError', 'error', 'the server said no more than that it failed') : null;
  const again = retryInfoMs(error.details);
  const { code: given } = (isItself ? fields : (fields['error'] ?? {})) as { readonly code?: unknown };
  // Interactions have names for codes, too.
  const code = typeof given === 'string' && !/^\d+$/.test(given) ? given : error.code;
  return { kind: 'serverError', ...error, code, ...(again === null ? {} : { retryAfterMs: again }) };
}
