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
import { apiErrorOf } from '../wire/gemini/api-error.js';
import { readResponse, type GenerateResponse } from '../wire/gemini/generate.js';
import { AnswerBuilder, type AnswerNews, type GenerateAnswer } from '../wire/gemini/generate-answer.js';
import { retryInfoMs } from '../wire/http-retry.js';
import { hideInJson, parseHidden, type Secrets } from '../wire/secrets.js';
import type { SseLimits } from '../wire/sse.js';
import { type OpenBody, truncated } from './body.js';
import { jsonBody } from './json-body.js';

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
    const body = jsonBody<GenerateEvent>(contentType, this.#limits, {
      event: ({ data, event }, give) => answer.read(data, give, event),
      bare: (text, give) => answer.read(text, give),
      whole: (text, give) => (text.trim() === '' ? truncated('the answer is empty') : (answer.read(text, give) ?? answer.end(give))),
      end: (give) => answer.end(give),
    });
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
