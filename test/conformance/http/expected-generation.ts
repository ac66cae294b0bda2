/**
 * What an app must be told of an answer of generateContent, streamed or whole: each chunk, then what it adds, `text`, `call` and `callPart`; the answer; the
 * end.
 *
 * A stream is a success when its first candidate came to an end that is none of refusal or fault; a whole answer also without one, where it has content.
 */
import type { RecordedResponse } from '../../../src/testing/gemini-server/http/recording.js';
import type { Asking } from './client.js';
import type { Expected, ExpectedEnd, ExpectedFailure } from './expected.js';
import { ExpectedCandidate } from './expected-candidate.js';
import { errorIn, failureBy, isRefused, refusalBy } from './said-error.js';
import { fieldsOf, isFields, type Item, listOf, readBody, textOrNull } from './wire-body.js';

/** Ends of an answer by which it is all there, or as much as was asked for. */
const goodEnds = ['STOP', 'MAX_TOKENS', 'CONTINUATION'];

const cutOrMalformed: ExpectedFailure = { ok: false, kinds: ['truncated', 'malformed'] };
const cut: ExpectedFailure = { ok: false, kinds: ['truncated'] };
const malformed: ExpectedFailure = { ok: false, kinds: ['malformed'] };

/** @returns 'foreign' for an answer that is another method's */
export function expectedGeneration({ isStreamed }: Asking, response: RecordedResponse): Expected | 'foreign' {
  if (isRefused(response)) return { events: [], end: refusalBy(response) };
  const { isCut, isJson, items } = readBody(response.body, response.headers['content-type'] ?? '');
  const payloads = flat(items);
  const isKnown = payloads.some(
    ({ kind, value }) => kind === 'payload' && isFields(value) && ('candidates' in value || 'promptFeedback' in value || 'error' in value),
  );
  if (isJson && !isKnown && payloads.length > 0) return 'foreign';
  const reading = new Reading();
  let end: ExpectedEnd | null = null;
  for (const item of payloads) {
    end = reading.take(item);
    if (end !== null) break;
  }
  if (end === null && isCut) end = cut;
  if (end === null) end = reading.end(isStreamed);
  const answer = reading.answer(end.ok);
  return { events: isStreamed ? reading.events : [], end, ...(answer === null ? {} : { answer }) };
}

interface Said {
  readonly kind: Item['kind'];
  /** Of a payload. */
  readonly value: unknown;
  readonly event: string;
}

/** Of a list each element is a payload. */
function flat(items: readonly Item[]): readonly Said[] {
  return items.flatMap((item): readonly Said[] => {
    if (item.kind !== 'payload') return [{ kind: item.kind, value: null, event: '' }];
    const { event, kind, value } = item;
    return (Array.isArray(value) ? listOf(value) : [value]).map((one) => ({ kind, value: one, event }));
  });
}

class Reading {
  readonly events: unknown[] = [];
  readonly #candidates = new Map<number, ExpectedCandidate>();
  #blockReason: string | null = null;
  #latest: { readonly [field: string]: unknown } = { usageMetadata: null, modelVersion: null, responseId: null };

  /** @returns the failure that it is */
  take({ event, kind, value }: Said): ExpectedFailure | null {
    if (kind === 'done') return null;
    if (kind === 'unreadable') return malformed;
    const error = errorIn(value, event);
    if (error !== null) return failureBy(error);
    if (!isResponse(value)) return malformed;
    this.events.push({ type: 'chunk', response: value });
    for (const field of Object.keys(this.#latest)) {
      const said = value[field];
      if (said !== undefined && said !== null) this.#latest = { ...this.#latest, [field]: said };
    }
    const reason = textOrNull(fieldsOf(value['promptFeedback'])['blockReason']) ?? '';
    if (reason !== '' && reason !== 'BLOCK_REASON_UNSPECIFIED') this.#blockReason ??= reason;
    for (const [position, one] of listOf(value['candidates']).entries()) {
      const { index } = fieldsOf(one);
      const place = typeof index === 'number' ? index : position;
      const candidate = this.#candidates.get(place) ?? new ExpectedCandidate(place);
      this.#candidates.set(place, candidate);
      candidate.add(fieldsOf(one), this.events);
    }
    return null;
  }

  end(isStreamed: boolean): ExpectedEnd {
    for (const candidate of this.#candidates.values()) candidate.end(this.events);
    if (this.#blockReason !== null) return { ok: false, kinds: ['blocked'], codes: [this.#blockReason] };
    const [first] = this.#sorted();
    if (first === undefined) return cutOrMalformed;
    const { finishReason } = first;
    if (finishReason === null && (isStreamed || first.isEmpty)) return isStreamed ? cut : malformed;
    if (finishReason !== null && !goodEnds.includes(finishReason)) return { ok: false, kinds: ['finish'], codes: [finishReason] };
    return first.isOpen ? cutOrMalformed : { ok: true, outcome: '' };
  }

  /** Null where nothing came. A call that is still open stands somewhere among the parts. */
  answer(isWhole: boolean): NonNullable<Expected['answer']> | null {
    const [first, ...others] = this.#sorted();
    if (first === undefined) return null;
    const { content, ...own } = first.answer();
    const next = own.calls.length > 0 ? 'calls' : own.finishReason === 'CONTINUATION' ? 'continue' : 'nothing';
    const rest = { ...own, ...this.#latest, others: others.map((one) => one.answer()) };
    return isWhole || !first.isOpen ? { ...rest, content, next } : rest;
  }

  #sorted(): readonly ExpectedCandidate[] {
    return [...this.#candidates].sort(([a], [b]) => a - b).map(([, candidate]) => candidate);
  }
}

/** Has it the shape of a response, as far as it says anything? */
function isResponse(value: unknown): value is { readonly [field: string]: unknown } {
  if (!isFields(value) || !isAbsent(value['candidates'], Array.isArray) || !isAbsent(value['promptFeedback'], isFields)) return false;
  return listOf(value['candidates']).every((candidate) => {
    if (!isFields(candidate) || !isAbsent(candidate['content'], isFields) || !isAbsent(candidate['finishReason'], isText)) return false;
    const { parts } = fieldsOf(candidate['content']);
    return isAbsent(parts, Array.isArray) && listOf(parts).every((part) => isFields(part) && isAbsent(part['text'], isText));
  });
}

function isAbsent(value: unknown, is: (value: unknown) => boolean): boolean {
  return value === undefined || value === null || is(value);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}
