/** Plays one recorded exchange through the local server and a client of ours, under one cut. */
import { isDeepStrictEqual } from 'node:util';
import { httpRules } from '../../../src/testing/gemini-server/http/recording.js';
import { geminiServer } from '../../../src/testing/gemini-server/server.js';
import { type Client, type Heard, key } from './client.js';
import type { Cut } from './cuts.js';
import type { Answer } from './expected.js';
import type { Play } from './recordings.js';

/** How long one request may take, ms. */
const deadlineMs = 20_000;

/** @returns what the app saw, and what went wrong, in words; undefined where all went well */
export async function play(
  { exchange, expected }: Play,
  { cutAt }: Cut,
  ask: Client,
): Promise<{ readonly heard: Heard; readonly problem: string | undefined }> {
  await using server = await geminiServer({ key, http: httpRules({ format: 'exchanges', exchanges: [exchange] }, { cutAt }), deadlineMs });
  const heard = await ask(exchange.request, server.url);
  const asked = server.requests[0];
  const problem =
    problemOf(heard, expected) ??
    (server.requests.length === 1 ? undefined : `asked ${server.requests.length} times`) ??
    (asked !== undefined && exchange.request.body !== null && !isDeepStrictEqual(asked.body, exchange.request.body)
      ? `asked with another body: ${brief(asked.body)}, recorded: ${brief(exchange.request.body)}`
      : undefined) ??
    (asked?.operation === exchange.request.operation && asked.service === exchange.request.service
      ? undefined
      : `asked for ${asked?.operation} of ${asked?.service}`) ??
    (JSON.stringify(heard).includes(key) ? 'the key shows in what the app saw' : undefined);
  return { heard, problem };
}

/** What the app saw, held to what it must see. */
export function problemOf(heard: Heard, { events, end, answer }: Play['expected']): string | undefined {
  const told = heard.end.ok ? 'a success' : `a failure ${heard.end.code} ${heard.end.status} ${heard.end.message}`;
  if (heard.end.ok !== end.ok) return `expected ${end.ok ? 'a success' : `a failure ${end.code ?? ''}`}, got ${told}`;
  if (!heard.end.ok && !end.ok) {
    if (end.code !== undefined && heard.end.code !== end.code) return `expected the code ${end.code}, got ${told}`;
    if (end.status !== undefined && heard.end.status !== end.status) return `expected the status ${end.status}, got ${told}`;
  }
  const wrong = answer === undefined || heard.answer === undefined ? undefined : differenceOf(answer, heard.answer);
  if (wrong !== undefined) return wrong;
  // What cannot be read is not handed on: then what was heard is the beginning.
  const isUnread = !end.ok && end.code === undefined;
  const due = isUnread ? events.slice(0, heard.events.length) : events;
  if (heard.events.length !== due.length) return `expected ${due.length} events, got ${heard.events.length}`;
  const different = due.findIndex((event, index) => !isDeepStrictEqual(event, heard.events[index]));
  return different === -1 ? undefined : `expected event ${different}: ${brief(due[different])}, got: ${brief(heard.events[different])}`;
}

/** Calls in pieces are whole in the client's answer, and in no chunk. */
function differenceOf(expected: Answer, heard: Answer): string | undefined {
  const isPieced = expected.calls === null;
  const fields = (isPieced ? ['text', 'finishReason'] : ['text', 'finishReason', 'calls', 'signatures']) as readonly (keyof Answer)[];
  const wrong = fields.find((field) => !isDeepStrictEqual(expected[field], heard[field]));
  return wrong === undefined ? undefined : `expected the answer's ${wrong}: ${brief(expected[wrong])}, got: ${brief(heard[wrong])}`;
}

function brief(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 200);
}
