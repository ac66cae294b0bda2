/**
 * The body of a generateContent answer, however the server writes it.
 *
 * | what stands on the wire                                                  | what it is                                                     |
 * |--------------------------------------------------------------------------|----------------------------------------------------------------|
 * | `data: {…}`, with LF or CRLF                                             | a chunk, or an error where it has `error`                      |
 * | `event: error` with the error itself as its data, or with words          | an error                                                       |
 * | bare JSON between events or instead of them, over any number of lines    | the same: services in trouble forget the `data:`               |
 * | a body of JSON, an object or a list                                      | the answer or the error; each of a list is a chunk             |
 * | a last event without its blank line                                      | a chunk where its data is whole JSON, else a truncation        |
 * | the end without any `finishReason`                                       | a truncation, whatever came before                             |
 * | `data: [DONE]`                                                           | nothing: gateways add it                                       |
 *
 * Any other line that is no field of the protocol is passed over, as its specification has it.
 */
import { failureOf, type StreamFailure } from '../../machines/stream/outcome.js';
import { BareJson } from '../wire/bare-json.js';
import { apiErrorOf } from '../wire/gemini/api-error.js';
import { readResponse, type GenerateResponse } from '../wire/gemini/generate.js';
import { AnswerBuilder, type AnswerNews, type GenerateAnswer } from '../wire/gemini/generate-answer.js';
import { retryInfoMs } from '../wire/http-retry.js';
import { hideInJson, parseHidden, type Secrets } from '../wire/secrets.js';
import { isWholeJson, type SseEvent, type SseLimits, sseDecoder } from '../wire/sse.js';
import { type BodyReader, type OpenBody, tooLarge, truncated } from './body.js';

/** What a generation tells: each chunk as it came, then what it adds to the answer. */
export type GenerateEvent = { readonly type: 'chunk'; readonly response: GenerateResponse } | AnswerNews;

type Give = (event: GenerateEvent) => void;

/** Reads the answers of one request, attempt after attempt. */
export class GenerateBody {
  readonly #limits: SseLimits;
  readonly #isWhole: boolean;
  #builder: AnswerBuilder | null = null;
  #secrets: Secrets = [];

  /** @param isWhole  the answer is asked for as one value */
  constructor(limits: SseLimits, isWhole: boolean) {
    this.#limits = limits;
    this.#isWhole = isWhole;
  }

  readonly open: OpenBody<GenerateEvent> = ({ contentType, secrets }) => {
    const builder = new AnswerBuilder();
    this.#builder = builder;
    this.#secrets = secrets;
    const answer = new AnswerReader(builder, { isWhole: this.#isWhole, secrets });
    const body = contentType === 'text/event-stream' ? new EventBody(answer, this.#limits) : new SniffedBody(answer, this.#limits);
    return {
      feed: (bytes, give) => body.feed(bytes, give),
      end: (give) => body.end(give),
      get tokensUsed() {
        return builder.tokensUsed;
      },
    };
  };

  /** The answer as far as it came; null before there was one. */
  answer(): GenerateAnswer | null {
    // Once more: what came in pieces is whole here.
    return hideInJson(this.#builder?.answer() ?? null, this.#secrets);
  }
}

/** Reads values of JSON: chunks, errors, lists of both. */
class AnswerReader {
  readonly #builder: AnswerBuilder;
  readonly #isWhole: boolean;
  readonly #secrets: Secrets;

  constructor(builder: AnswerBuilder, { isWhole, secrets }: { readonly isWhole: boolean; readonly secrets: Secrets }) {
    this.#builder = builder;
    this.#isWhole = isWhole;
    this.#secrets = secrets;
  }

  /** @param name  of the server-sent event that it is the data of. @returns what ends the stream */
  read(text: string, give: Give, name?: string): StreamFailure | null {
    if (text.trim() === '[DONE]') return null;
    let value: unknown;
    try {
      value = parseHidden(text, this.#secrets);
    } catch {
      return name === 'error' ? failureIn({ error: text }) : failureOf('malformed', 'notJson', 'a chunk that is no JSON');
    }
    if (name === 'error') return failureIn(value) ?? failureIn({ error: typeof value === 'object' && value !== null ? value : text });
    return this.#readValue(value, give);
  }

  end(give: Give): StreamFailure | null {
    this.#tell(this.#builder.end(), give);
    const fault = this.#builder.fault(this.#isWhole);
    return fault === null ? null : { kind: fault.kind, code: fault.code, status: '', message: fault.message };
  }

  #tell(all: readonly AnswerNews[], give: Give): void {
    // A call that came in pieces may hold what none of them did.
    for (const news of all) give(news.type === 'call' ? hideInJson(news, this.#secrets) : news);
  }

  #readValue(value: unknown, give: Give): StreamFailure | null {
    if (Array.isArray(value)) {
      for (const one of value as unknown[]) {
        const failure = this.#readValue(one, give);
        if (failure !== null) return failure;
      }
      return null;
    }
    const error = failureIn(value);
    if (error !== null) return error;
    const read = readResponse(value);
    if (!read.ok) return failureOf('malformed', 'shape', `a chunk that is no response: ${read.fault}`);
    give({ type: 'chunk', response: read.response });
    this.#tell(this.#builder.add(read.response), give);
    return null;
  }
}

/** The error that a value is, if it is one. */
function failureIn(value: unknown): StreamFailure | null {
  const error = apiErrorOf(value);
  if (error === null) return null;
  const again = retryInfoMs(error.details);
  return { kind: 'serverError', ...error, ...(again === null ? {} : { retryAfterMs: again }) };
}

/** Server-sent events, with bare JSON among them. */
class EventBody implements BodyReader<GenerateEvent> {
  readonly #answer: AnswerReader;
  readonly #decoder: ReturnType<typeof sseDecoder>;
  readonly #limits: SseLimits;
  readonly #bare: BareJson;
  #give: Give = () => undefined;
  #failure: StreamFailure | null = null;

  constructor(answer: AnswerReader, limits: SseLimits) {
    this.#answer = answer;
    this.#limits = limits;
    this.#bare = new BareJson(limits.maxEventLength);
    this.#decoder = sseDecoder({ event: (event) => this.#readEvent(event), stray: (line) => this.#readStray(line) }, limits);
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
    if (this.#bare.isPending) return truncated('the body ended inside an object');
    if (unfinished !== null) {
      if (!isWholeJson(unfinished.data) && unfinished.data.trim() !== '[DONE]') return truncated('the body ended inside an event');
      this.#readEvent(unfinished);
    }
    return this.#failure ?? this.#answer.end(give);
  }

  #readEvent({ data, event }: SseEvent): void {
    this.#bare.forget();
    this.#failure ??= this.#answer.read(data, this.#give, event);
  }

  #readStray(line: string): void {
    // What stands before it is an event, though its blank line was forgotten, too.
    if (this.#failure === null && this.#bare.begins(line)) this.#decoder.settle();
    if (this.#failure !== null) return;
    const news = this.#bare.add(line);
    if (news.kind === 'tooLong') this.#failure = tooLarge({ code: 'eventTooLong', limit: this.#limits.maxEventLength });
    else if (news.kind === 'whole') this.#failure = this.#answer.read(news.text, this.#give);
  }
}

/** A body of JSON, read when it is whole; or events under another name. */
class SniffedBody implements BodyReader<GenerateEvent> {
  readonly #answer: AnswerReader;
  readonly #limits: SseLimits;
  readonly #text = new TextDecoder();
  #json: string[] | null = null;
  #length = 0;
  #events: EventBody | null = null;

  constructor(answer: AnswerReader, limits: SseLimits) {
    this.#answer = answer;
    this.#limits = limits;
  }

  feed(bytes: Uint8Array, give: Give): StreamFailure | null {
    if (this.#json === null && this.#events === null) {
      const first = bytes.find((byte) => !isBlank(byte));
      if (first === undefined) return null;
      if (first === 0x7b || first === 0x5b) this.#json = [];
      else this.#events = new EventBody(this.#answer, this.#limits);
    }
    if (this.#events !== null) return this.#events.feed(bytes, give);
    const text = this.#text.decode(bytes, { stream: true });
    this.#length += text.length;
    if (this.#length > this.#limits.maxEventLength) return tooLarge({ code: 'eventTooLong', limit: this.#limits.maxEventLength });
    this.#json?.push(text);
    return null;
  }

  end(give: Give): StreamFailure | null {
    if (this.#events !== null) return this.#events.end(give);
    const text = `${this.#json?.join('') ?? ''}${this.#text.decode()}`;
    if (text.trim() === '') return truncated('the answer is empty');
    if (!isWholeJson(text)) return truncated('the body ended inside an object');
    return this.#answer.read(text, give) ?? this.#answer.end(give);
  }
}

/** A blank, a tab, the end of a line, or a byte of the byte order mark. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || byte === 0xef || byte === 0xbb || byte === 0xbf;
}
