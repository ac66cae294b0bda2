/** What the inspector answers over HTTP: the page, which holds no data; the recording, to who shows the token; and whether it lives. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import { type Door, rebuffOf, showsBearer } from './access.js';
import type { Feed } from './feed.js';
import type { Page } from './page.js';
import { protocolVersion } from './protocol.js';
import type { Respite } from './respite.js';

/** Said with every answer. */
const careful = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
} as const;

/** A page as it is sent. */
export interface ServedPage extends Page {
  readonly bytes: Buffer;
}

/** Made once: a page that was asked for a thousand times is in memory once. */
export function servedPage(page: Page): ServedPage {
  return { ...page, bytes: Buffer.from(page.html) };
}

export interface HttpSide {
  readonly door: Door;
  readonly page: ServedPage;
  readonly feed: Pick<Feed, 'recording'>;
  /** Between the recordings that are made. */
  readonly recordings: Respite;
}

/** Answers one request. Never throws. */
export function answerHttp(request: IncomingMessage, response: ServerResponse, { door, page, feed, recordings }: HttpSide): void {
  const refuse = (status: number, words: string, more: Readonly<Record<string, string>> = {}): void => {
    // Nothing of a refused request is read.
    response.writeHead(status, { ...careful, ...more, 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' }).end(`${words}\n`);
  };
  const rebuff = rebuffOf(request, door);
  if (rebuff !== null) return refuse(rebuff.status, rebuff.words);
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'GET only', { Allow: 'GET, HEAD' });
  // What a page of another site has its user's browser fetch shows nobody anything, and costs the app.
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode } = request.headers;
  if ((site === 'cross-site' || site === 'same-site') && mode !== 'navigate') return refuse(403, 'asked for by a page that may not');
  const answer = (type: string, bytes: Buffer, more: Readonly<Record<string, string>> = {}): void => {
    response.writeHead(200, { ...careful, ...more, 'Content-Type': type, 'Content-Length': bytes.length, Connection: 'close' });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  };
  const [path] = (request.url ?? '').split('?', 1);
  switch (path) {
    case '/':
      return answer('text/html; charset=utf-8', page.bytes, { 'Content-Security-Policy': page.policy });
    case '/health':
      return answer('application/json', Buffer.from(`${JSON.stringify({ inspector: 'espalier', v: protocolVersion })}\n`));
    case '/recording': {
      if (!showsBearer(request, door)) return refuse(401, 'the token of this run is wanted', { 'WWW-Authenticate': 'Bearer' });
      if (!recordings.isOver) return refuse(429, 'one was made a moment ago: ask again', { 'Retry-After': '1' });
      let text = '';
      try {
        recordings.spend(() => (text = feed.recording()));
      } catch (error) {
        return refuse(500, `there is no recording: ${String(error).slice(0, 200)}`);
      }
      return answer('application/x-ndjson', Buffer.from(text), { 'Content-Disposition': 'attachment; filename="espalier.ndjson"' });
    }
    default:
      return refuse(404, 'there is nothing here');
  }
}
