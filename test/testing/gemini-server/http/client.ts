/** A client of HTTP without any knowledge of Gemini: whole answers, and streams piece by piece as they come. */
import { type IncomingMessage, request as ask } from 'node:http';
import type { GeminiServer } from '../../../../src/testing/index.js';

/** What a request may say. */
export interface Said {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

/** An answer as it comes. */
export interface Heard {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  /** The next piece of the body, as one chunk of HTTP; null at its end. Rejects where the socket is cut. */
  piece(): Promise<Buffer | null>;
  /** All that is left of it. */
  rest(): Promise<string>;
  /** Goes, as a client that aborts. */
  leave(): void;
}

/** Asks, and resolves with the head of the answer. Rejects where the socket is cut before. */
export function call(server: GeminiServer, path: string, { method = 'POST', headers = { 'x-goog-api-key': 'k' }, body }: Said = {}): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const request = ask(server.url + path, { method, headers: { 'content-type': 'application/json', ...headers }, agent: false });
    request.once('error', reject);
    request.once('response', (response) => {
      const piece = piecesOf(response);
      const rest = async (): Promise<string> => {
        const parts: Buffer[] = [];
        for (let part = await piece(); part !== null; part = await piece()) parts.push(part);
        return Buffer.concat(parts).toString('utf8');
      };
      const leave = (): void => void request.destroy();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, piece, rest, leave });
    });
    request.end(text);
  });
}

/** The pieces of a body as they arrive, one for each chunk of HTTP; nothing is read before the first is asked for. */
function piecesOf(response: IncomingMessage): () => Promise<Buffer | null> {
  const come: Buffer[] = [];
  const state: { end: Error | 'end' | null; isReading: boolean; tell: () => void } = { end: null, isReading: false, tell: () => undefined };
  const note = (how: Error | 'end' | null): void => {
    state.end ??= how;
    state.tell();
  };
  response.once('error', note);
  return async () => {
    if (!state.isReading) {
      state.isReading = true;
      response.on('data', (data: Buffer) => {
        come.push(data);
        note(null);
      });
      response.once('end', () => note('end'));
    }
    while (come.length === 0 && state.end === null) await new Promise<void>((resolve) => (state.tell = resolve));
    const next = come.shift();
    if (next !== undefined) return next;
    if (state.end instanceof Error) throw state.end;
    return null;
  };
}

/** The payloads of a stream of server-sent events, `[DONE]` as text. */
export function payloads(text: string): unknown[] {
  const data = text.split(/\r\n\r\n|\n\n|\r\r/).flatMap((event) => /^data: (.*)$/m.exec(event)?.[1] ?? []);
  return data.map((one) => (one === '[DONE]' ? one : (JSON.parse(one) as unknown)));
}

export const unary = '/v1beta/models/m:generateContent';
export const streamed = '/v1beta/models/m:streamGenerateContent?alt=sse';

/** An answer of the model, as a payload. */
export function candidate(text: string, finishReason?: string): object {
  return { candidates: [{ content: { parts: [{ text }], role: 'model' }, ...(finishReason === undefined ? {} : { finishReason }), index: 0 }] };
}
