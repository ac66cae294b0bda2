/**
 * What an app must see of a recorded answer, read off the bytes by a reader of its own: line by line, without any of the code under test.
 *
 * A stream of generateContent is a success when its last candidate came to an end that is none of refusal or fault; a whole answer also without one.
 */
import type { HttpExchange } from '../../../src/testing/gemini-server/http/recording.js';

/** How it must end. A failure without a code: any failure will do. */
export type ExpectedEnd = { readonly ok: true } | { readonly ok: false; readonly code?: number | string; readonly status?: string };

/** An answer of the model, put together: what an app reads off it, and what it must send back verbatim. */
export interface Answer {
  /** Without thoughts. */
  readonly text: string;
  /** The name and arguments of each call; null where they come in pieces: how those fit together is for the tests of that. */
  readonly calls: readonly unknown[] | null;
  readonly signatures: readonly string[] | null;
  readonly finishReason: string | null;
}

/** The payloads of a stream in order, the answer, and the end. Of a whole answer there are no events. */
export interface Expected {
  readonly events: readonly unknown[];
  readonly answer?: Answer;
  readonly end: ExpectedEnd;
}

/** Ends of an answer by which it is all there, or as much as was asked for. */
const goodEnds = ['STOP', 'MAX_TOKENS', 'CONTINUATION'];

interface Part {
  readonly text?: string;
  readonly thought?: boolean;
  readonly thoughtSignature?: string;
  readonly functionCall?: { readonly name?: string; readonly args?: object; readonly partialArgs?: unknown; readonly willContinue?: boolean };
}

interface Payload {
  readonly error?: { readonly code?: number; readonly status?: string };
  readonly candidates?: readonly {
    readonly index?: number;
    readonly finishReason?: string;
    readonly content?: { readonly parts?: readonly Part[] };
  }[];
  readonly promptFeedback?: { readonly blockReason?: string };
}

/**
 * @param name  of the file; where it says `success` or `failure`, so it is
 * @returns undefined for an answer that is none of a client of ours
 */
export function expectedOf(name: string, { request, response }: HttpExchange): Expected | undefined {
  const text = new TextDecoder().decode(response.body);
  const said = /(?:^|[_/-])(success|failure)-/.exec(name)?.[1];
  const payloads = payloadsIn(text);
  if (request.operation.startsWith('interactions.')) return interactionsEnd(payloads, response.status);
  if (request.operation === 'other') return undefined;
  const isKnown =
    payloads.length === 0 || payloads.some((one) => isObject(one) && ('candidates' in one || 'promptFeedback' in one || 'error' in one));
  if (!isKnown && said !== 'failure') return undefined;
  const broken = payloads.findIndex((one) => (one as Payload | null)?.error !== undefined);
  const events = broken === -1 ? payloads : payloads.slice(0, broken);
  const isStreamed = request.operation === 'streamGenerateContent';
  const end = asNamed(broken === -1 ? endOf(events as readonly Payload[], isStreamed) : failed(payloads[broken]), said);
  return { events: isStreamed ? events : [], end, ...(end.ok ? { answer: answerOf(events as readonly Payload[]) } : {}) };
}

function asNamed(end: ExpectedEnd, said: string | undefined): ExpectedEnd {
  if (said === 'success') return { ok: true };
  return said === 'failure' && end.ok ? { ok: false } : end;
}

/** The answer that chunks come to, or a whole one. */
export function answerOf(chunks: readonly object[]): Answer {
  const candidates = (chunks as readonly Payload[]).flatMap(firstOf);
  const parts = candidates.flatMap(({ content }) => content?.parts ?? []);
  const calls = parts.flatMap(({ functionCall }) => (functionCall === undefined ? [] : [functionCall]));
  const isPieced = calls.some(({ partialArgs, willContinue }) => partialArgs !== undefined || willContinue === true);
  return {
    text: parts.map(({ text, thought }) => (thought === true ? '' : (text ?? ''))).join(''),
    calls: isPieced ? null : calls.map(({ name, args }) => ({ name, args: args ?? {} })),
    signatures: isPieced ? null : parts.flatMap(({ thoughtSignature }) => thoughtSignature ?? []),
    finishReason: candidates.findLast(({ finishReason }) => finishReason !== undefined)?.finishReason ?? null,
  };
}

/** The event by which an interaction is over, by the names of today and of before. */
const lastEvents = ['interaction.completed', 'interaction.complete'];

/** Of Interactions: an `error` event ends a stream, and so does the last event; one without either was cut. A whole answer is the interaction. */
export function interactionsEnd(payloads: readonly unknown[], status: number): Expected {
  if (status >= 400) return { events: [], end: failed(payloads[0]) };
  const types = payloads.map((payload) => (payload as { event_type?: string } | null)?.event_type);
  const broken = types.indexOf('error');
  if (broken !== -1) return { events: payloads.slice(0, broken), end: failed(payloads[broken]) };
  const isStream = types.some((type) => type !== undefined);
  return { events: payloads, end: !isStream || types.some((type) => lastEvents.includes(type ?? '')) ? { ok: true } : { ok: false } };
}

/** Of several candidates the first is the answer. */
function firstOf({ candidates = [] }: Payload): NonNullable<Payload['candidates']> {
  return candidates.filter(({ index }, position) => (index ?? position) === 0);
}

function endOf(events: readonly Payload[], isStreamed: boolean): ExpectedEnd {
  const blocked = events
    .map(({ promptFeedback }) => promptFeedback?.blockReason ?? '')
    .find((reason) => !['', 'BLOCK_REASON_UNSPECIFIED'].includes(reason));
  if (blocked !== undefined) return { ok: false, code: blocked };
  const candidates = events.flatMap(firstOf);
  const reason = candidates.findLast(({ finishReason }) => finishReason !== undefined)?.finishReason;
  if (reason !== undefined) return goodEnds.includes(reason) ? { ok: true } : { ok: false, code: reason };
  return !isStreamed && candidates.some(({ content }) => content?.parts !== undefined) ? { ok: true } : { ok: false };
}

function failed(payload: unknown): ExpectedEnd {
  const { code, status } = (payload as Payload | null)?.error ?? {};
  return { ok: false, ...(code === undefined ? {} : { code }), ...(status === undefined ? {} : { status }) };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** The payloads of a body: of events, or of one JSON value, or of a list of them; and bare JSON between events. `[DONE]` is none. */
export function payloadsIn(text: string): readonly unknown[] {
  const whole = valueOf(text);
  if (whole !== undefined) return Array.isArray(whole) ? whole : [whole];
  const payloads: unknown[] = [];
  let data: string[] = [];
  let bare: string[] = [];
  const flush = (): void => {
    const joined = (data.length > 0 ? data : bare).join('\n');
    [data, bare] = [[], []];
    const value = valueOf(joined);
    if (value !== undefined) payloads.push(value);
  };
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)) {
    const field = /^(data|event|id|retry)?:(?: ?(.*))$/.exec(line);
    if (line === '' && (data.length > 0 || valueOf(bare.join('\n')) !== undefined)) flush();
    else if (field?.[1] === 'data') data.push(field[2] ?? '');
    else if (field === null && line !== '') bare.push(line);
  }
  flush();
  return payloads;
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
