/**
 * Reads recorded answers of the API over HTTP, in any of four shapes, found out by their content:
 *
 *   exchanges  JSON with `interactions`, each a request and its response (js-genai's test-server)
 *   stream     the body of a streamed answer, server-sent events to the letter
 *   answer     the body of a whole answer: JSON with candidates, an error, or an interaction
 *   chunks     the payloads of a stream, one JSON object a line, of generateContent or of Interactions
 */
import { invalidRecording, isObject } from '../recording-frames.js';
import { sseEvent } from './framing.js';
import { prettyJson } from './google-error.js';
import { type Asked, askedBy } from './operations.js';
import type { HttpRule } from './rules.js';

/** What was asked; of a recording without its requests as far as the answer tells. */
export interface RecordedRequest extends Asked {
  readonly method: string;
  /** Without the question mark. */
  readonly query: string;
  /** Null where it was not kept. */
  readonly body: unknown;
}

/** What was answered. The body stands as it did on the wire, as far as the recorder kept it. */
export interface RecordedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** One request and its answer. */
export interface HttpExchange {
  readonly request: RecordedRequest;
  readonly response: RecordedResponse;
}

/** A recording, in the order of its requests. */
export interface HttpRecording {
  readonly format: 'exchanges' | 'stream' | 'answer' | 'chunks';
  readonly exchanges: readonly HttpExchange[];
}

/** Headers that belong to one connection, or to the length that a body had there. */
const ownHeaders = ['connection', 'content-length', 'content-encoding', 'transfer-encoding', 'keep-alive', 'date', 'alt-svc'];

const maxBytes = 256 * 1024 * 1024;
const eventStream = { 'content-type': 'text/event-stream' };
const json = { 'content-type': 'application/json; charset=UTF-8' };

/**
 * Reads one recording.
 * @param recording  the bytes of the file, or its text
 * @param options    `format: 'chunks'` where that is known: a single line might be a whole answer as well
 * @throws EspalierError `gemini-server/invalid-recording`: what it was expected to be
 */
export function readHttpRecording(recording: Uint8Array | string, { format }: { readonly format?: 'chunks' } = {}): HttpRecording {
  if (typeof recording !== 'string' && !ArrayBuffer.isView(recording)) throw invalidRecording('the bytes or the text of a recording', recording);
  const bytes = typeof recording === 'string' ? Buffer.from(recording) : Buffer.from(recording.buffer, recording.byteOffset, recording.byteLength);
  if (bytes.length > maxBytes) throw invalidRecording(`at most ${maxBytes} bytes`, `${bytes.length} bytes`);
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  const value = valueOf(text);
  if (isObject(value) && Array.isArray(value['interactions']) && value['interactions'].some((one) => isObject(one) && 'response' in one)) {
    return { format: 'exchanges', exchanges: value['interactions'].map(exchangeOf) };
  }
  const chunks = format === 'chunks' || value === undefined ? chunksOf(text) : null;
  if (chunks !== null) return { format: 'chunks', exchanges: [chunks] };
  if (value !== undefined) return { format: 'answer', exchanges: [wholeAnswer(value, bytes)] };
  if (!/^(?:data|event|id|retry)?:/m.test(text)) {
    throw invalidRecording('exchanges, server-sent events, one JSON answer, or one JSON object a line', text.slice(0, 80));
  }
  const operation = /^event: *(?:interaction|step|content)\.|^data: *\{.*"event_type" *:/m.test(text)
    ? 'interactions.create'
    : 'streamGenerateContent';
  return { format: 'stream', exchanges: [{ request: unkept(operation), response: { status: 200, headers: eventStream, body: bytes } }] };
}

/**
 * The rules that replay a recording: each exchange answers one request of its operation, in order.
 * @param cuts  how the bodies are cut, see the options of a step that writes; `cutAt` may depend on the body
 */
export function httpRules(
  { exchanges }: HttpRecording,
  cuts: { readonly chunkBytes?: number; readonly cutAt?: (body: Uint8Array) => number[] } = {},
): readonly HttpRule[] {
  return exchanges.map(({ request: { operation }, response: { status, headers, body } }) => ({
    on: operation,
    answer: [
      { head: { status, headers: { ...headers } } },
      ...(body.length === 0
        ? []
        : [
            {
              bytes: Buffer.from(body).toString('hex'),
              ...(cuts.chunkBytes === undefined ? {} : { chunkBytes: cuts.chunkBytes }),
              ...(cuts.cutAt === undefined ? {} : { cutAt: cuts.cutAt(body) }),
            },
          ]),
    ],
  }));
}

function unkept(operation: Asked['operation']): RecordedRequest {
  return { operation, service: 'developer', apiVersion: 'v1beta', model: 'not-recorded', interaction: null, method: 'POST', query: '', body: null };
}

function exchangeOf(one: unknown, index: number): HttpExchange {
  const request = isObject(one) && isObject(one['request']) ? one['request'] : {};
  const response = isObject(one) && isObject(one['response']) ? one['response'] : {};
  const { method, url } = request;
  if (typeof method !== 'string' || typeof url !== 'string' || !Number.isInteger(response['statusCode'])) {
    throw invalidRecording(`interactions.${index}: { request: { method, url }, response: { statusCode } }`, one);
  }
  const path = url.replace(/^https?:\/\/[^/]+/, '').replace(/\?.*$/s, '');
  const [said] = listOf(request['bodySegments']);
  const kept = Object.entries(isObject(response['headers']) ? response['headers'] : {}).map(
    ([name, held]) => [name.toLowerCase(), String(held)] as const,
  );
  const headers = Object.fromEntries(kept.filter(([name]) => !ownHeaders.includes(name)));
  const asked = askedBy(method, path.replace(/\/{2,}/g, '/'));
  const body = bodyOf(listOf(response['bodySegments']), asked, (headers['content-type'] ?? '').startsWith('text/event-stream'));
  return {
    request: { ...asked, method, query: /\?(.*)$/s.exec(url)?.[1] ?? '', body: said ?? null },
    response: { status: response['statusCode'] as number, headers, body: Buffer.from(body) },
  };
}

/** A recorder that knew a segment as JSON has kept the value; what it did not know stands as text. */
function bodyOf(segments: readonly unknown[], { operation }: Asked, isStream: boolean): string {
  const isInteraction = operation.startsWith('interactions.');
  const framing = isInteraction ? ({ isNamed: true, lineEnd: 'lf' } as const) : ({ isNamed: false, lineEnd: 'crlf' } as const);
  const isList = !isStream && segments.length > 1 && segments.every(isObject);
  if (isList) return `[${segments.map((segment) => JSON.stringify(segment, null, 2)).join('\r\n,\r\n')}\r\n]`;
  return segments
    .map((segment) => {
      if (typeof segment === 'string') return segment;
      return isStream && !isError(segment) ? sseEvent(segment as object, framing) : prettyJson(segment);
    })
    .join('');
}

/** Lines of JSON objects: of generateContent, or of Interactions; null for anything else. */
function chunksOf(text: string): HttpExchange | null {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const values = lines.map(valueOf);
  if (values.length === 0 || !values.every(isObject)) return null;
  if (values.some((value) => 'event_type' in value)) {
    const body = lines.map((line, index) => `event: ${String(values[index]!['event_type'])}\ndata: ${line}\n\n`).join('');
    return {
      request: unkept('interactions.create'),
      response: { status: 200, headers: eventStream, body: Buffer.from(`${body}event: done\ndata: [DONE]\n\n`) },
    };
  }
  if (!values.some((value) => 'candidates' in value || 'promptFeedback' in value || isError(value))) return null;
  const body = lines.map((line, index) => (isError(values[index]) ? `${line}\r\n\r\n` : `data: ${line}\r\n\r\n`)).join('');
  return { request: unkept('streamGenerateContent'), response: { status: 200, headers: eventStream, body: Buffer.from(body) } };
}

function wholeAnswer(value: unknown, bytes: Uint8Array): HttpExchange {
  if (Array.isArray(value)) return { request: unkept('streamGenerateContent'), response: { status: 200, headers: json, body: bytes } };
  if (!isObject(value)) throw invalidRecording('a JSON object or list', value);
  const error = isError(value) ? (value['error'] as Readonly<Record<string, unknown>>) : null;
  if (error !== null) {
    const code = Number(error['code']);
    return { request: unkept('generateContent'), response: { status: code >= 400 && code <= 599 ? code : 500, headers: json, body: bytes } };
  }
  // One that has only begun, in the background, has no steps.
  const isInteraction = 'status' in value && ('steps' in value || 'outputs' in value || value['object'] === 'interaction');
  const request = isInteraction ? unkept('interactions.create') : unkept('generateContent');
  return { request, response: { status: 200, headers: json, body: bytes } };
}

function isError(value: unknown): boolean {
  return isObject(value) && isObject(value['error']) && Object.keys(value).length === 1;
}

function listOf(value: unknown): readonly unknown[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
