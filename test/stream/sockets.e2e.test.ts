/** Over real sockets: back-pressure reaches the server, an abort closes the connection, a cut is no success. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { generateContent, streamGenerateContent } from '../../src/stream/generate.js';
import { openStream } from '../../src/stream/http-stream.js';

const servers: Server[] = [];

async function serve(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_, response) => answer(response));
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

const events = { 'content-type': 'text/event-stream' };

describe('over a socket', { timeout: 20_000 }, () => {
  it('a reader that takes one event holds the server back, while another takes all', async () => {
    const event = `data: ${'x'.repeat(65_536)}\n\n`;
    const most = 1_024;
    const saidTo: number[] = [];
    const closed: Promise<unknown>[] = [];
    const url = await serve((response) => {
      const which = saidTo.push(0) - 1;
      closed.push(once(response, 'close'));
      response.writeHead(200, events);
      const say = function* (): Generator<string> {
        for (; (saidTo[which] ?? 0) < most; saidTo[which] = (saidTo[which] ?? 0) + 1) yield event;
      };
      pipeline(Readable.from(say(), { objectMode: true, highWaterMark: 1 }), response, () => undefined);
    });
    const held = openStream({ url });
    const loop = held[Symbol.asyncIterator]();
    expect((await loop.next()).value?.data).toHaveLength(65_536);
    // As long as this takes, the first could have been read as well.
    expect(await openStream({ url }).drain()).toMatchObject({ ok: true, summary: { eventCount: most } });
    await loop.return?.();
    await Promise.all(closed);
    expect(saidTo[1]).toBe(most);
    expect(saidTo[0]).toBeLessThan(most / 4);
    expect(await held.ended()).toMatchObject({ ok: false, failure: { kind: 'cancelled' } });
  });

  it('a connection that is cut in the middle is a failure', async () => {
    const url = await serve((response) => {
      response.writeHead(200, events);
      response.write('data: {"candidates":[{"content":{"parts":[{"text":"Well"}]}}]}\n\n', () => response.destroy());
    });
    const outcome = await streamGenerateContent({ baseUrl: url, model: 'g', request: { contents: [{ parts: [{ text: 'Hi' }] }] } }).answer();
    expect(outcome).toMatchObject({ ok: false, failure: { kind: 'network' }, partial: { text: 'Well' } });
  });

  it('a server that is not there is asked again, as often as allowed', async () => {
    const url = await serve(() => undefined);
    const server = servers.pop() as Server;
    server.close();
    await once(server, 'close');
    const retry = { attempts: 2, backoff: { minMs: 1, maxMs: 1 } };
    const outcome = await generateContent({ baseUrl: url, model: 'g', request: { contents: [{ parts: [{ text: 'Hi' }] }] }, retry });
    expect(outcome).toMatchObject({ ok: false, failure: { kind: 'network', code: 'ECONNREFUSED' } });
  });

  it('a redirect is not followed: it would take the key elsewhere', async () => {
    const url = await serve((response) => response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end());
    const outcome = await generateContent({ apiKey: 'a-key', baseUrl: url, model: 'g', request: { contents: [{ parts: [{ text: 'Hi' }] }] } });
    expect(outcome).toMatchObject({ ok: false, failure: { kind: 'refused', code: 307 } });
  });
});
