/** How the body of an answer becomes values: a reader is made for each answer that is a success. */
import { failureOf, type StreamFailure } from '../../machines/stream/outcome.js';
import { wordsOf } from '../../machines/live/ending.js';
import { hideIn, type Secrets } from '../wire/secrets.js';
import { isWholeJson, type SseEvent, type SseFault, type SseLimits, sseDecoder } from '../wire/sse.js';

/** The head of an answer. */
export interface AnswerHead {
  readonly status: number;
  /** Of its media type, without parameters, in lower case. */
  readonly contentType: string;
  /** Words that nothing of the answer may show: a reader blots them out of all that it gives. */
  readonly secrets: Secrets;
}

/** Reads one body. Neither of its methods throws. */
export interface BodyReader<Value> {
  /** Reads bytes and gives the values in them. @returns what ends the stream */
  feed(bytes: Uint8Array, give: (value: Value) => void): StreamFailure | null;
  /** The bytes have ended. @returns why that is no success; null where it is one */
  end(give: (value: Value) => void): StreamFailure | null;
  readonly lastEventId?: string | null;
  readonly retryMs?: number | null;
  /** What the service says that the answer has cost; null where it does not say. */
  readonly tokensUsed?: number | null;
}

export type OpenBody<Value> = (head: AnswerHead) => BodyReader<Value>;

/** Options of {@link sseBody}. */
export interface SseBodyOptions<Value> {
  /** An event as the app's value; undefined for one that is none. What it throws fails the stream, `malformed`. */
  readonly decode: (event: SseEvent) => Value | undefined;
  readonly limits: SseLimits;
  /** An event without its blank line when the body ends: a truncation, or an event where its data is whole JSON. */
  readonly unfinished: 'refuse' | 'takeJson';
}

/** A reader of server-sent events. */
export function sseBody<Value>({ decode, limits, unfinished }: SseBodyOptions<Value>): OpenBody<Value> {
  return ({ contentType, secrets }) => {
    let give: (value: Value) => void = () => undefined;
    let failure: StreamFailure | null = null;
    let isEmpty = true;
    let hasBytes = false;
    let lastEventId: string | null = null;
    let retryMs: number | null = null;
    const read = (raw: SseEvent): void => {
      if (failure !== null) return;
      isEmpty = false;
      const event = hiddenEvent(raw, secrets);
      if (event.id !== undefined) lastEventId = event.id;
      let value: Value | undefined;
      try {
        value = decode(event);
      } catch (error) {
        failure = failureOf('malformed', 'decode', `an event could not be decoded: ${wordsOf(error)}`);
        return;
      }
      if (value !== undefined) give(value);
    };
    const decoder = sseDecoder({ event: read, retry: (ms) => (retryMs = ms) }, limits);
    return {
      feed: (bytes, giveTo) => {
        give = giveTo;
        hasBytes = true;
        const fault = decoder.feed(bytes);
        return failure ?? tooLarge(fault);
      },
      end: (giveTo) => {
        give = giveTo;
        const rest = decoder.end();
        if (failure !== null || rest.fault !== null) return failure ?? tooLarge(rest.fault);
        // A page of something between, which a login or a proxy has put in the place of the stream.
        const isOther = isEmpty && hasBytes && rest.unfinished === null && !['', 'text/event-stream'].includes(contentType);
        if (isOther) return failureOf('malformed', 'noEvents', `a body of type ${contentType} without any event`);
        if (rest.unfinished === null) return null;
        if (unfinished === 'refuse' || !isWholeJson(rest.unfinished.data)) return truncated('the body ended inside an event');
        read(rest.unfinished);
        return failure;
      },
      get lastEventId() {
        return lastEventId;
      },
      get retryMs() {
        return retryMs;
      },
    };
  };
}

/** An event without the secrets. */
export function hiddenEvent<Event extends SseEvent>(event: Event, secrets: Secrets): Event {
  const { data, event: name, id } = event;
  const hidden = { data: hideIn(data, secrets), event: name && hideIn(name, secrets), id: id && hideIn(id, secrets) };
  return hidden.data === data && hidden.event === name && hidden.id === id ? event : { ...event, ...hidden };
}

export function truncated(message: string): StreamFailure {
  return failureOf('truncated', 'truncated', message);
}

/** What exceeded a limit, as a failure. */
export function tooLarge(fault: SseFault | null): StreamFailure | null {
  if (fault === null) return null;
  const what = fault.code === 'lineTooLong' ? 'a line' : 'an event';
  return failureOf('tooLarge', fault.code, `${what} of more than ${fault.limit} characters`);
}
