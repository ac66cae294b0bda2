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
import { hiddenEvent, type OpenBody } from '../stream/body.js';
import { jsonBody } from '../stream/json-body.js';
import { apiErrorOf } from '../wire/gemini/api-error.js';
import { type InteractionWireEvent, nameOfInteractionEvent, readInteractionEvent } from '../wire/gemini/interactions.js';
import { retryInfoMs } from '../wire/http-retry.js';
import { parseHidden, type Secrets } from '../wire/secrets.js';
import type { SseEvent, SseLimits } from '../wire/sse.js';

/** What a body gives. */
export type BodyNews =
  | { readonly kind: 'event'; readonly event: InteractionWireEvent }
  | { readonly kind: 'done' }
  | { readonly kind: 'whole'; readonly value: unknown };

type Give = (news: BodyNews) => void;

/** A reader for each answer: of events or of JSON, by what comes. */
export function interactionBody(limits: SseLimits): OpenBody<BodyNews> {
  return ({ contentType, secrets }) =>
    jsonBody<BodyNews>(contentType, limits, {
      event: (event, give) => readEvent(event, secrets, give),
      bare: (text) => errorIn(parseHidden(text, secrets), undefined),
      whole: (text, give) => readWhole(text, secrets, give),
      end: () => null,
    });
}

function readEvent(raw: SseEvent, secrets: Secrets, give: Give): StreamFailure | null {
  const { data } = raw;
  if (data.trim() === '[DONE]' || raw.event === 'done') {
    give({ kind: 'done' });
    return null;
  }
  const sse = hiddenEvent(raw, secrets);
  let payload: unknown;
  try {
    payload = parseHidden(data, secrets);
  } catch {
    return sse.event === 'error' ? errorIn({ error: sse.data }, 'error') : failureOf('malformed', 'notJson', 'an event that is no JSON');
  }
  const failure = errorIn(payload, sse.event);
  if (failure !== null) return failure;
  const event = readInteractionEvent(payload, sse);
  if (event === null) return failureOf('malformed', 'shape', 'an event that is no object');
  give({ kind: 'event', event });
  return null;
}

/** Of an empty body the value is null. */
function readWhole(text: string, secrets: Secrets, give: Give): StreamFailure | null {
  const value = text.trim() === '' ? null : parseHidden(text, secrets);
  const failure = errorIn(value, undefined);
  if (failure === null) give({ kind: 'whole', value });
  return failure;
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
