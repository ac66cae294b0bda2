/** Finds recorded answers of the HTTP API under folders, whatever the files are called, and takes each apart into its exchanges. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type HttpExchange, readHttpRecording } from '../../../src/testing/gemini-server/http/recording.js';
import type { Asking } from './client.js';
import { type Expected, expectedOf } from './expected.js';

/** One request and its answer, to be played. */
export interface Play {
  /** `file`, with `#2` behind it where the file holds more than one. */
  readonly name: string;
  readonly exchange: HttpExchange & { readonly request: Asking };
  readonly expected: Expected;
  /** What must not show in anything that an app is told. Default: the key. */
  readonly secret?: string;
}

/** A play, or why there is none: `broken` fails, `foreign` is skipped. */
export type Found = Play | { readonly name: string; readonly broken: string } | { readonly name: string; readonly foreign: string };

/** Files in which answers are kept. */
const endings = /\.(?:json|jsonl|ndjson|txt|sse)$/;

/**
 * All files of the folders, in the order of their names; a file may be named itself.
 * @throws Error where a path cannot be read
 */
export function readFiles(paths: readonly string[]): readonly Found[] {
  return paths.flatMap((path) =>
    statSync(path).isDirectory() ? filesIn(path).flatMap((file) => readFile(file, relative(path, file))) : readFile(path, path),
  );
}

function filesIn(folder: string): readonly string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return names.map((name) => join(folder, name)).filter((path) => statSync(path).isFile());
}

function readFile(path: string, name: string): readonly Found[] {
  if (!endings.test(path)) return [{ name, foreign: 'no JSON, text or event stream by its name' }];
  const bytes = readFileSync(path);
  let exchanges: readonly HttpExchange[];
  try {
    // One line may be the whole of a stream, or a whole answer.
    ({ exchanges } = readHttpRecording(bytes, /\.(?:chunks\.txt|jsonl|ndjson)$/.test(path) ? { format: 'chunks' } : {}));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [bytes.length > 0 && path.endsWith('.json') ? { name, broken: reason } : { name, foreign: reason }];
  }
  return exchanges.map((exchange, part): Found => {
    const own = exchanges.length === 1 ? name : `${name}#${part + 1}`;
    const { response } = exchange;
    const request = askingOf(exchange, name);
    const expected = expectedOf(name, request, response);
    return expected === undefined
      ? { name: own, foreign: `no answer of generateContent or Interactions: ${briefly(exchange)}` }
      : { name: own, exchange: { request, response }, expected };
  });
}

/** An error looks the same whatever was asked: the file's name may tell. */
function askingOf({ request, response }: HttpExchange, name: string): Asking {
  const { body, operation, query } = request;
  if (operation === 'generateContent' && body === null && /(?:^|[_/-])stream(?:ing|ed)?-/.test(name))
    return { ...request, operation: 'streamGenerateContent', isStreamed: true };
  if (operation === 'interactions.get') return { ...request, isStreamed: new URLSearchParams(query).get('stream') === 'true' };
  if (operation !== 'interactions.create') return { ...request, isStreamed: operation === 'streamGenerateContent' };
  const isAnsweredByEvents = (response.headers['content-type'] ?? '').startsWith('text/event-stream');
  return { ...request, isStreamed: body === null ? isAnsweredByEvents : (body as { readonly stream?: unknown }).stream === true };
}

function briefly({ request, response }: HttpExchange): string {
  return request.operation === 'other' ? 'another method' : new TextDecoder().decode(response.body.subarray(0, 60)).replaceAll(/\s+/g, ' ');
}
