/**
 * What a session tells, as typed events: what the server said, taken apart, and what the session has made of it.
 *
 * The type of what the server said has no dot (`audio`, `turnComplete`); what the session tells of itself keeps the name of its fact (`session.ready`,
 * `tool.answered`). A call is told twice, therefore: `toolCall` says what came, `tool.called` that a tool is on its way.
 *
 * Nothing of a message is dropped: what has no event of its own comes as `part` or `other`, as it was. Only the role of the model's turn is left out.
 *
 * @see Gemini API, Live API: WebSockets API reference: BidiGenerateContentServerMessage
 */
import { fieldOf, isObject, type JsonObject } from '../../machines/live/calls.js';
import { durationMs } from '../../machines/live/duration.js';
import type { SessionEmitted } from '../../machines/live/session-events.js';
import type { FunctionCall, ServerMessage } from '../wire/gemini/live.js';

/**
 * What the server said. Events whose wire object has further fields bear those too.
 *
 * | type                         | what it is                                                                                       |
 * |------------------------------|--------------------------------------------------------------------------------------------------|
 * | `setupComplete`              | the setup is accepted                                                                            |
 * | `audio` · `media`            | sound, or media of another type, base64; `mimeType` is empty where the server gave none          |
 * | `text`                       | of the answer, or of the model's thoughts                                                        |
 * | `part`                       | any other part of an answer (code, a signature), and a part that says more than its other events |
 * | `transcription`              | what was heard (`input`; `interimInput`: for now, a later one replaces it) or said (`output`)    |
 * | `voiceActivity`              | the user began to speak, or ended; `signal` in the server's word                                 |
 * | `toolCall`                   | calls as they came; `id` is absent on Vertex                                                     |
 * | `toolCallCancellation`       | calls that the server takes back                                                                 |
 * | `grounding` · `urlContext`   | where an answer comes from                                                                       |
 * | `usage`                      | tokens, as counted so far                                                                        |
 * | `resumption`                 | a handle to resume with, null where none is to be had now                                        |
 * | `goAway`                     | the server will end this socket; null where it does not say when                                 |
 * | `interactionStatus`          | `IN_PROGRESS`, `IDLE` and others                                                                 |
 * | `other`                      | what nobody knows, in its place in the message; a message that says nothing                      |
 * | `interrupted`                | the user spoke: drop what is not played yet                                                      |
 * | `generationComplete`         | all of the answer has come; it may still be playing                                              |
 * | `turnComplete`               | the model's turn is over                                                                         |
 * | `waitingForInput`            | the model goes on once it has heard more                                                         |
 */
export type WireEvent =
  | { readonly type: 'setupComplete'; readonly sessionId?: string }
  | { readonly type: 'audio' | 'media'; readonly data: string; readonly mimeType: string }
  | { readonly type: 'text'; readonly text: string; readonly thought: boolean }
  | { readonly type: 'part'; readonly part: JsonObject }
  | {
      readonly type: 'transcription';
      readonly of: 'input' | 'output' | 'interimInput';
      readonly text: string;
      readonly finished?: boolean;
      readonly languageCode?: string;
    }
  | { readonly type: 'voiceActivity'; readonly phase: 'start' | 'end' | 'unknown'; readonly signal: string; readonly audioOffset?: string }
  | { readonly type: 'toolCall'; readonly calls: readonly FunctionCall[] }
  | { readonly type: 'toolCallCancellation'; readonly ids: readonly string[] }
  | { readonly type: 'grounding'; readonly grounding: JsonObject }
  | { readonly type: 'urlContext'; readonly urlContext: JsonObject }
  | ({ readonly type: 'usage' } & Readonly<NonNullable<ServerMessage['usageMetadata']>>)
  | { readonly type: 'resumption'; readonly handle: string | null; readonly resumable: boolean }
  | { readonly type: 'goAway'; readonly timeLeftMs: number | null }
  | { readonly type: 'interactionStatus'; readonly status: string }
  | { readonly type: 'other'; readonly message: JsonObject }
  | { readonly type: 'interrupted' | 'generationComplete' | 'waitingForInput' }
  | { readonly type: 'turnComplete'; readonly reason?: string };

/** Events that an iteration had to let go, since its reader was too slow and the socket cannot be paused: oldest first, audio before all else. */
export interface EventsDropped {
  readonly type: 'stream.dropped';
  readonly audioCount: number;
  /** Of any other type. */
  readonly otherCount: number;
}

/** What a session tells: what the server said, the session's own facts (see `SessionEmitted`), and what an iteration has missed. */
export type LiveEvent = WireEvent | Exclude<SessionEmitted, { type: 'session.message' }> | EventsDropped;

/** The event of this type. */
export type LiveEventOf<Type extends LiveEvent['type']> = Of<LiveEvent, Type>;

/** Members of one shape may have several types: `Extract` finds none of those. */
type Of<Union extends { readonly type: string }, Type> = Union extends unknown
  ? Type extends Union['type']
    ? Union & { readonly type: Type }
    : never
  : never;

/** The events of one fact of a session: a message is taken apart, any other fact is an event. @throws never */
export function eventsOfFact(fact: SessionEmitted): readonly LiveEvent[] {
  return fact.type === 'session.message' ? eventsOf(fact.message) : [fact];
}

/**
 * The events of one server message, at least one. What ends a turn or hands it on comes last, so that whoever stops reading there has seen all of the
 * message.
 * @param message  as `readServerFrame` reads it; of any other shape, what is not understood comes as `other`
 * @throws never
 */
export function eventsOf(message: JsonObject): readonly WireEvent[] {
  const events: WireEvent[] = [];
  const endings: WireEvent[] = [];
  const rest: Record<string, unknown> = {};
  let hasRest = false;
  // Known kinds in an order of ours, whatever the server's is; a frame of audio has a single key, and is not to be asked for each of them.
  const keys = Object.keys(message);
  for (const kind of keys.length === 1
    ? keys
    : [...kindOrder.filter((known) => keys.includes(known)), ...keys.filter((key) => !kindOrder.includes(key))]) {
    const left = readKind(kind, message[kind], events, endings);
    if (left === undefined) continue;
    rest[kind] = left;
    hasRest = true;
  }
  if (hasRest) events.push({ type: 'other', message: rest });
  if (endings.length > 0) events.push(...endings);
  return events.length === 0 ? [{ type: 'other', message }] : events;
}

const kindOrder = [
  ...['setupComplete', 'voiceActivity', 'voiceActivityDetectionSignal', 'serverContent', 'toolCall', 'toolCallCancellation'],
  ...['usageMetadata', 'sessionResumptionUpdate', 'goAway'],
];

/** Reads one kind of a message. @returns what of it has no event, undefined where nothing is left */
function readKind(kind: string, value: unknown, events: WireEvent[], endings: WireEvent[]): unknown {
  if (value === undefined || value === null) return undefined; // absent, as in protobuf's JSON
  if (!isObject(value)) return value;
  switch (kind) {
    case 'serverContent':
      return readContent(value, events, endings);
    case 'setupComplete':
      events.push({ ...value, type: 'setupComplete' });
      return undefined;
    case 'voiceActivity':
      return readVoiceActivity(value, 'voiceActivityType', events);
    case 'voiceActivityDetectionSignal':
      return readVoiceActivity(value, 'vadSignalType', events);
    case 'toolCall': {
      const { functionCalls, ...more } = value;
      if (!Array.isArray(functionCalls)) return value;
      events.push({ ...more, type: 'toolCall', calls: functionCalls as FunctionCall[] });
      return undefined;
    }
    case 'toolCallCancellation': {
      if (!Array.isArray(value['ids'])) return value;
      events.push({ ...value, type: 'toolCallCancellation', ids: value['ids'] as string[] });
      return undefined;
    }
    case 'usageMetadata':
      events.push({ ...value, type: 'usage' });
      return undefined;
    case 'sessionResumptionUpdate': {
      const { newHandle, resumable, ...more } = value;
      const isShaped = isAbsentOr('string', newHandle) && isAbsentOr('boolean', resumable);
      if (!isShaped) return value;
      events.push({ ...more, type: 'resumption', handle: (newHandle as string | null | undefined) || null, resumable: resumable === true });
      return undefined;
    }
    case 'goAway':
      events.push({ ...value, type: 'goAway', timeLeftMs: durationMs(value['timeLeft']) });
      return undefined;
    default:
      return value;
  }
}

function readVoiceActivity(value: JsonObject, field: string, events: WireEvent[]): JsonObject | undefined {
  const { [field]: said, ...more } = value;
  if (!isAbsentOr('string', said)) return value;
  const signal = (said as string | null | undefined) ?? '';
  const phase = /START|SOS/.test(signal) ? 'start' : /END|EOS/.test(signal) ? 'end' : 'unknown';
  events.push({ ...more, type: 'voiceActivity', phase, signal });
  return undefined;
}

function isAbsentOr(type: 'string' | 'boolean', value: unknown): boolean {
  return value === undefined || value === null || typeof value === type;
}

/** @returns what of the content has no event, undefined where nothing is left */
function readContent(content: JsonObject, events: WireEvent[], endings: WireEvent[]): JsonObject | undefined {
  let rest: Record<string, unknown> | undefined;
  for (const field of orderOf(content)) {
    const value = content[field];
    if (value === undefined || value === null || value === false) continue; // not set, as in protobuf's JSON
    const left = readField(field, value, content, events, endings);
    if (left !== undefined) (rest ??= {})[field] = left;
  }
  return rest;
}

/** What was heard comes before what was answered, and the ends come in the order of the protocol. */
const fieldOrder = [
  ...['inputTranscription', 'interimInputTranscription', 'modelTurn', 'outputTranscription', 'groundingMetadata', 'urlContextMetadata'],
  ...['interactionStatus', 'interrupted', 'generationComplete', 'turnComplete', 'waitingForInput'],
];

function orderOf(content: JsonObject): readonly string[] {
  const fields = Object.keys(content);
  if (fields.length < 2) return fields;
  return [...fieldOrder.filter((known) => fields.includes(known)), ...fields.filter((field) => !fieldOrder.includes(field))];
}

const transcripts = { inputTranscription: 'input', interimInputTranscription: 'interimInput', outputTranscription: 'output' } as const;

/** @returns what of the field has no event, undefined where nothing is left */
function readField(field: string, value: unknown, content: JsonObject, events: WireEvent[], endings: WireEvent[]): unknown {
  switch (field) {
    case 'modelTurn':
      return isObject(value) ? readTurn(value, events) : value;
    case 'inputTranscription':
    case 'interimInputTranscription':
    case 'outputTranscription': {
      if (!isObject(value) || !isAbsentOr('string', value['text'])) return value;
      const text = (value['text'] as string | null | undefined) ?? '';
      events.push({ ...value, type: 'transcription', of: transcripts[field], text });
      return undefined;
    }
    case 'groundingMetadata':
      if (!isObject(value)) return value;
      events.push({ type: 'grounding', grounding: value });
      return undefined;
    case 'urlContextMetadata':
      if (!isObject(value)) return value;
      events.push({ type: 'urlContext', urlContext: value });
      return undefined;
    case 'interactionStatus':
      if (typeof value !== 'string') return value;
      events.push({ type: 'interactionStatus', status: value });
      return undefined;
    case 'interrupted':
    case 'generationComplete':
    case 'waitingForInput':
      if (value !== true) return value;
      endings.push({ type: field });
      return undefined;
    case 'turnComplete': {
      if (value !== true) return value;
      const reason = fieldOf(content, 'turnCompleteReason');
      endings.push({ type: 'turnComplete', ...(typeof reason === 'string' ? { reason } : {}) });
      return undefined;
    }
    case 'turnCompleteReason':
      return typeof value === 'string' && content['turnComplete'] === true ? undefined : value;
    default:
      return value;
  }
}

/** @returns what of the turn has no event, undefined where nothing is left */
function readTurn(turn: JsonObject, events: WireEvent[]): JsonObject | undefined {
  const { parts, role: _role, ...more } = turn;
  if (Array.isArray(parts)) for (const part of parts as readonly unknown[]) readPart(part, events);
  else if (parts !== undefined && parts !== null) return { ...more, parts };
  return Object.keys(more).length === 0 ? undefined : more;
}

/** Mostly one event; the whole part as well where those do not say all that is in it. */
function readPart(part: unknown, events: WireEvent[]): void {
  if (!isObject(part)) {
    if (part !== undefined && part !== null) events.push({ type: 'other', message: { serverContent: { modelTurn: { parts: [part] } } } });
    return;
  }
  let isSaid = true;
  let isEmpty = true;
  for (const field in part) {
    const value = part[field];
    if (value === undefined || value === null) continue;
    isEmpty = false;
    if (field === 'text' && typeof value === 'string') events.push({ type: 'text', text: value, thought: part['thought'] === true });
    else if (field === 'inlineData' && isObject(value)) isSaid = readMedia(value, events) && isSaid;
    else if (field === 'functionCall' && isObject(value)) events.push({ type: 'toolCall', calls: [value as FunctionCall] });
    else if (!(field === 'thought' && typeof value === 'boolean' && typeof part['text'] === 'string')) isSaid = false;
  }
  if (!isSaid || isEmpty) events.push({ type: 'part', part });
}

/** @returns whether the event says it all */
function readMedia(blob: JsonObject, events: WireEvent[]): boolean {
  const { data, mimeType } = blob;
  const type = typeof mimeType === 'string' ? mimeType : '';
  events.push({ type: type.startsWith('audio/') ? 'audio' : 'media', data: typeof data === 'string' ? data : '', mimeType: type });
  for (const field in blob) if (field !== 'data' && field !== 'mimeType') return false;
  return typeof data === 'string' && isAbsentOr('string', mimeType);
}
