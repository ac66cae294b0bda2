/** How the payloads of a stream stand on the wire: server-sent events, or the elements of a JSON array. Pure but for the place in the array. */
import type { Asked } from './operations.js';

/** The ends of lines, by name. */
export const lineEnds = { crlf: '\r\n', lf: '\n', cr: '\r' } as const;

/** How a stream is framed, and what its answer says it is. */
export interface Framing {
  readonly contentType: string;
  /** Whether it is a stream of server-sent events. */
  readonly isEvents: boolean;
  readonly isNamed: boolean;
  readonly lineEnd: keyof typeof lineEnds;
}

/** The framing that a request asks for. */
export function framingOf({ operation }: Asked, query: URLSearchParams, body: unknown): Framing {
  const json = { contentType: 'application/json; charset=UTF-8', isEvents: false, isNamed: false, lineEnd: 'crlf' } as const;
  if (operation === 'streamGenerateContent') {
    return query.get('alt') === 'sse' ? { contentType: 'text/event-stream', isEvents: true, isNamed: false, lineEnd: 'crlf' } : json;
  }
  if (isStreamed(operation, query, body)) return { contentType: 'text/event-stream', isEvents: true, isNamed: true, lineEnd: 'lf' };
  return operation === 'other' ? { contentType: 'text/event-stream', isEvents: true, isNamed: false, lineEnd: 'lf' } : json;
}

function isStreamed(operation: Asked['operation'], query: URLSearchParams, body: unknown): boolean {
  if (operation === 'interactions.get') return query.get('stream') === 'true';
  return operation === 'interactions.create' && (body as { stream?: unknown } | null)?.stream === true;
}

/** One server-sent event. A payload that says its type gives the `event:` line its name. */
export function sseEvent(payload: object | string, { isNamed, lineEnd }: Pick<Framing, 'isNamed' | 'lineEnd'>): string {
  const end = lineEnds[lineEnd];
  const type = typeof payload === 'string' ? undefined : (payload as { event_type?: unknown }).event_type;
  const data = typeof payload === 'string' ? payload.split('\n') : [JSON.stringify(payload)];
  const name = isNamed && typeof type === 'string' ? `event: ${type}${end}` : '';
  return `${name}${data.map((line) => `data: ${line}${end}`).join('')}${end}`;
}

/** The elements of a JSON array, as they come, and its end. */
export class JsonArray {
  #count = 0;

  element(payload: object | string): string {
    const value = typeof payload === 'string' ? payload : JSON.stringify(payload, null, 2);
    return `${this.#count++ === 0 ? '[' : '\r\n,\r\n'}${value}`;
  }

  /** What is still to be written, nothing where the array has no element. */
  end(): string {
    return this.#count === 0 ? '' : '\r\n]';
  }
}
