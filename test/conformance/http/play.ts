/** Plays one recorded exchange through the local server and a client of ours, under one cut. */
import { isDeepStrictEqual } from 'node:util';
import { httpRules } from '../../../src/testing/gemini-server/http/recording.js';
import { geminiServer } from '../../../src/testing/gemini-server/server.js';
import { type Client, type Heard, key } from './client.js';
import type { Cut } from './cuts.js';
import { brief, differenceOf } from './difference.js';
import type { Play } from './recordings.js';

/** How long one request may take, ms. */
const deadlineMs = 20_000;

/** @returns what the app was told, and what went wrong, in words; undefined where all went well */
export async function play(
  { exchange, expected, secret = key }: Play,
  { cutAt }: Pick<Cut, 'cutAt'>,
  ask: Client,
): Promise<{ readonly heard: Heard; readonly problem: string | undefined }> {
  const { request } = exchange;
  await using server = await geminiServer({ key, http: httpRules({ format: 'exchanges', exchanges: [exchange] }, { cutAt }), deadlineMs });
  const heard = await ask(request, server.url);
  const asked = server.requests[0];
  const problem =
    (JSON.stringify(heard).includes(secret) ? `the key shows in what the app saw: ${brief(heard)}` : undefined) ??
    differenceOf(expected, heard) ??
    (server.requests.length === 1 ? undefined : `asked ${server.requests.length} times`) ??
    (asked !== undefined && request.body !== null && !isDeepStrictEqual(asked.body, request.body)
      ? `asked with another body: ${brief(asked.body)}, recorded: ${brief(request.body)}`
      : undefined) ??
    (asked?.operation === request.operation && asked.service === request.service ? undefined : `asked for ${asked?.operation} of ${asked?.service}`);
  return { heard, problem };
}
