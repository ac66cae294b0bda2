/** What a local server tells whoever runs it, and what becomes of clients that come when its script is over. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ServerNews } from '../../../src/testing/gemini-server/options.js';
import { geminiServer, type Step } from '../../../src/testing/index.js';
import { liveUrl } from '../../../src/wire/gemini/live.js';
import { connect, nothingIsLeft, RawClient } from '../raw-client.js';

const setup = { setup: { model: 'models/m' } };
const script: Step[] = [{ expect: 'setup' }, { close: { code: 1000 } }];
const over = 'the script is over';

describe('a local server whose script is over', () => {
  afterEach(nothingIsLeft);

  it('refuses further clients with 410, until it plays again, and tells of both', async () => {
    const news: ServerNews[] = [];
    await using server = await geminiServer({ script, afterScript: 'refuse', tell: (one) => news.push(one) });
    const first = await connect(server);
    first.send(setup);
    await first.closed;
    expect(await server.outcome).toEqual({ ok: true });
    await expect(new RawClient(liveUrl({ baseUrl: server.url })).opened).rejects.toThrow('HTTP 410');
    expect(news).toEqual([
      { type: 'script.ended', connection: null, outcome: { ok: true } },
      { type: 'client.refused', reason: over },
    ]);
    const again = server.play([{ accept: true }, ...script]);
    const second = await connect(server);
    second.send(setup);
    expect(await again).toEqual({ ok: true });
  });

  it.each(['atOnce', 'byScript'] as const)('turns away whoever waits when it ends (handshakes %s)', async (handshakes) => {
    await using server = await geminiServer({ script, afterScript: 'refuse', handshakes });
    const first = await connect(server);
    const waiting = new RawClient(liveUrl({ baseUrl: server.url }));
    const turnedAway = waiting.opened.then(() => waiting.closed, String);
    if (handshakes === 'byScript') await server.held();
    else await waiting.opened;
    first.send(setup);
    expect(await turnedAway).toEqual(handshakes === 'byScript' ? 'Error: HTTP 410' : { code: 1011, reason: over });
  });

  it('lets them wait for the next script by default', async () => {
    await using server = await geminiServer({ script });
    const first = await connect(server);
    first.send(setup);
    expect(await server.outcome).toEqual({ ok: true });
    const second = await connect(server);
    second.send(setup);
    expect(await server.play([{ accept: true }, ...script])).toEqual({ ok: true });
    expect((await second.closed).code).toBe(1000);
  });

  it('tells of the script of each connection, and of no client that every connection has one for', async () => {
    const news: ServerNews[] = [];
    await using server = await geminiServer({ script, plays: 'perConnection', afterScript: 'refuse', tell: (one) => news.push(one) });
    for (let connection = 0; connection < 2; connection++) {
      const client = await connect(server);
      client.send(connection === 0 ? setup : { clientContent: { turnComplete: true } });
      client.close(1000);
      await client.closed;
      await server.idle();
    }
    expect(news).toMatchObject([
      { connection: 0 },
      { connection: 1, outcome: { ok: false, step: 0, reason: expect.stringContaining("no 'setup'") as string } },
    ]);
  });
});
