/**
 * The body of a generateContent answer, however the server writes it.
 *
 * | what stands on the wire                                                  | what it is                                                     |
 * |--------------------------------------------------------------------------|----------------------------------------------------------------|
 * | `data: {…}`, with LF or CRLF                                             | a chunk, or an error where it has `error`                      |
 * | bare JSON between events or instead of them, over any number of lines    | the same: services in trouble forget the `data:`               |
 * | a body of JSON, an object or a list                                      | the answer or the error; each of a list is a chunk             |
 * | a last event without its blank line                                      | a chunk where its data is whole JSON, else a truncation        |
 * | the end without any `finishReason`                                       | a truncation, whatever came before                             |
 * | `data: [DONE]`                                                           | nothing: gateways add it                                       |
 *
 * Any other line that is no field of the protocol is passed over, as its specification has it.
 */
import { failureOf, type StreamFailure } from '../../machines/stream/outcome.js';
import { apiErrorOf } from '../wire/gemini/api-error.js';
import { readResponse, type GenerateResponse } from '../wire/gemini/generate.js';
import { AnswerBuilder, type AnswerNews, type GenerateAnswer } from '../wire/gemini/generate-answer.js';
import { retryInfoMs } from '../wire/http-retry.js';
import { isWholeJson, type SseLimits, sseDecoder } from '../wire/sse.js';
import { type BodyReader, type OpenBody, tooLarge, truncated } from './body.js';

/** What a generation tells: each chunk as it came, then what it adds to the answer. */
export type GenerateEvent = { readonly type: 'chunk'; readonly response: GenerateResponse } | AnswerNews;

type Give = (event: GenerateEvent) => void;

/** Reads the answers of one request, attempt after attempt. */
export class GenerateBody {
  readonly #limits: SseLimits;
  readonly #isWhole: boolean;
  #builder: AnswerBuilder | null = null;

  /** @param isWhole  the answer is asked for as one value */
  constructor(limits: SseLimits, isWhole: boolean) {
    this.#limits = limits;
    this.#isWhole = isWhole;
  }

  readonly open: OpenBody<GenerateEvent> = ({ contentType }) => {
    const builder = new AnswerBuilder();
    this.#builder = builder;
    const answer = new AnswerReader(builder, this.#isWhole);
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
    return this.#builder?.answer() ?? null;
  }
}

/** Reads values of JSON: chunks, errors, lists of both. */
class AnswerReader {
  readonly #builder: AnswerBuilder;
  readonly #isWhole: boolean;

  constructor(builder: AnswerBuilder, isWhole: boolean) {
    this.#builder = builder;
    this.#isWhole = isWhole;
  }

  /** @returns what ends the stream */
  read(text: string, give: Give): StreamFailure | null {
    if (text.trim() === '[DONE]') return null;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return failureOf('malformed', 'notJson', 'a chunk that is no JSON');
    }
    return this.#readValue(value, give);
  }

  end(give: Give): StreamFailure | null {
    for (const news of this.#builder.end()) give(news);
    const fault = this.#builder.fault(this.#isWhole);
    return fault === null ? null : { kind: fault.kind, code: fault.code, status: '', message: fault.message };
  }

  #readValue(value: unknown, give: Give): StreamFailure | null {
    if (Array.isArray(value)) {
      for (const one of value as unknown[]) {
        const failure = this.#readValue(one, give);
        if (failure !== null) return failure;
      }
      return null;
    }
    const error = apiErrorOf(value);
    if (error !== null) {
      const again = retryInfoMs(error.details);
      return { kind: 'serverError', ...error, ...(again === null ? {} : { retryAfterMs: again }) };
    }
    const read = readResponse(value);
    if (!read.ok) return failureOf('malformed', 'shape', `a chunk that is no response: ${read.fault}`);
    give({ type: 'chunk', response: read.response });
    for (const news of this.#builder.add(read.response)) give(news);
    return null;
  }
}

/** Server-sent events, with bare JSON among them. */
class EventBody implements BodyReader<GenerateEvent> {
  readonly #answer: AnswerReader;
  readonly #decoder: ReturnType<typeof sseDecoder>;
  readonly #limits: SseLimits;
  #give: Give = () => undefined;
  #failure: StreamFailure | null = null;
  /** Bare JSON, as far as it came. */
  #bare = '';

  constructor(answer: AnswerReader, limits: SseLimits) {
    this.#answer = answer;
    this.#limits = limits;
    this.#decoder = sseDecoder({ event: ({ data }) => this.#readEvent(data), stray: (line) => this.#readStray(line) }, limits);
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
    if (this.#bare !== '') return truncated('the body ended inside an object');
    if (unfinished !== null) {
      if (!isWholeJson(unfinished.data) && unfinished.data.trim() !== '[DONE]') return truncated('the body ended inside an event');
      this.#readEvent(unfinished.data);
    }
    return this.#failure ?? this.#answer.end(give);
  }

  #readEvent(data: string): void {
    // Lines that came to nothing.
    this.#bare = '';
    this.#failure ??= this.#answer.read(data, this.#give);
  }

  #readStray(line: string): void {
    if (this.#failure !== null || (this.#bare === '' && !/^[{[]/.test(line))) return;
    this.#bare += `${line}\n`;
    if (this.#bare.length > this.#limits.maxEventLength) {
      this.#failure = tooLarge({ code: 'eventTooLong', limit: this.#limits.maxEventLength });
      return;
    }
    // It can be whole with the line that closes its first bracket, which as a rule is not indented. The others are not tried: that would be quadratic.
    if (!/^\S.*[}\]]\s*$|^[}\]]/.test(line) || !isWholeJson(this.#bare)) return;
    const text = this.#bare;
    this.#bare = '';
    this.#failure = this.#answer.read(text, this.#give);
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
