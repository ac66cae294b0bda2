/** What an app was told, held to what it must be told. */
import { isDeepStrictEqual } from 'node:util';
import type { Heard, HeardEnd } from './client.js';
import { fieldsOf } from './wire-body.js';
import type { Expected, ExpectedEnd, ExpectedFailure } from './expected.js';

/** @returns what differs first, in words; undefined where nothing does */
export function differenceOf(expected: Expected, heard: Heard): string | undefined {
  // What is undefined is not there.
  const { answer, end, events } = JSON.parse(JSON.stringify(heard)) as Heard;
  const due = JSON.parse(JSON.stringify(expected)) as Expected;
  return differenceInEnd(due.end, end) ?? differenceInEvents(due, events) ?? differenceInAnswer(due.answer, answer);
}

function differenceInEnd(due: ExpectedEnd, heard: HeardEnd): string | undefined {
  const { codes, kinds } = due.ok ? {} : due;
  const wanted = due.ok ? words('a success', due.outcome) : words('a failure', kinds?.join(' or '), codes?.join(' or '));
  const told = heard.ok ? words('a success', heard.outcome) : words('a failure', heard.kind, heard.code, heard.status, heard.message);
  const different = `expected ${wanted}, got ${told}`;
  if (due.ok || heard.ok) return due.ok && heard.ok && (due.outcome === '' || due.outcome === heard.outcome) ? undefined : different;
  const isSame = (kinds?.includes(heard.kind) ?? true) && (codes?.includes(heard.code) ?? true);
  return isSame ? differenceInWords(due, heard) : different;
}

function words(...all: readonly (string | number | undefined)[]): string {
  return all.filter((word) => word !== undefined && word !== '').join(' ');
}

function differenceInWords(due: ExpectedFailure, heard: Extract<HeardEnd, { ok: false }>): string | undefined {
  const { details, message, retryAfterMs, status } = due;
  if (status !== undefined && heard.status !== status) return `expected the status ${status}, got ${heard.status}`;
  if (message !== undefined && !heard.message.includes(message)) return `expected the words ${brief(message)}, got ${brief(heard.message)}`;
  if (details !== undefined && !isDeepStrictEqual(heard.details, details))
    return `expected the details ${brief(details)}, got ${brief(heard.details)}`;
  if (retryAfterMs === undefined || (heard.retryAfterMs ?? null) === retryAfterMs) return undefined;
  return `expected to be asked again after ${retryAfterMs ?? 'no known'} ms, got ${heard.retryAfterMs ?? 'no such wish'}`;
}

function differenceInEvents({ events, mayStopEarly = false }: Expected, heard: readonly unknown[]): string | undefined {
  const due = mayStopEarly ? events.slice(0, heard.length) : events;
  for (const [index, event] of due.entries()) {
    const [wanted, told] = [fieldsOf(event), fieldsOf(heard[index])];
    const isAnswer = wanted['type'] === 'answer' && told['type'] === 'answer';
    const inAnswer = isAnswer ? differenceInAnswer(fieldsOf(wanted['answer']), fieldsOf(told['answer'])) : undefined;
    if (inAnswer !== undefined) return `event ${index}: ${inAnswer}`;
    if (!isAnswer && !isDeepStrictEqual(wanted, told)) return `expected event ${index}: ${brief(event)}, got: ${brief(heard[index])}`;
  }
  return heard.length === due.length ? undefined : `expected ${due.length} events, got ${heard.length}: ${brief(heard[due.length])}`;
}

/** What the wire says nothing of, is not among the fields that are due. */
function differenceInAnswer(due: Expected['answer'], heard: Heard['answer']): string | undefined {
  if (due === undefined) return undefined;
  if (heard === null) return 'expected an answer, got none';
  const wrong = Object.keys(due).find((field) => !isDeepStrictEqual(due[field], heard[field]));
  return wrong === undefined ? undefined : `expected the answer's ${wrong}: ${brief(due[wrong])}, got: ${brief(heard[wrong])}`;
}

/** A value of JSON, so far as it fits on a line. */
export function brief(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 300);
}
