import { afterEach, describe, expect, it } from 'vitest';
import { geminiServer, type Step, VirtualClock } from '../../../src/testing/index.js';
import { liveUrl } from '../../../src/wire/gemini/live.js';
import { connect, nothingIsLeft, RawClient, RawSocket } from '../raw-client.js';

const setup = { setup: { model: 'models/m' } };
const resuming = (handle: string) => ({ setup: { model: 'models/m', sessionResumption: { handle } } });
const setupComplete = { setupComplete: {} };
const opening: Step[] = [{ expect: 'setup' }, { send: setupComplete }];

describe('handshakes that a script answers', () => {
  afterEach(nothingIsLeft);

  it('are refused with the status it names, and let in after that', async () => {
    await using server = await geminiServer({
      script: [{ refuse: { status: 503, message: 'overloaded' } }, { refuse: { status: 429 } }, { refuse: 'cut' }, ...opening],
    });
    const url = liveUrl({ baseUrl: server.url });
    await expect(new RawClient(url).opened).rejects.toThrow('HTTP 503');
    await expect(new RawClient(url).opened).rejects.toThrow('HTTP 429');
    await expect(new RawClient(url).opened).rejects.toThrow('socket hang up');
    const client = await connect(server);
    client.send(setup);
    expect(await client.next()).toEqual(setupComplete);
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.connections).toHaveLength(1);
  });

  it('are taken in the order in which they came', async () => {
    await using server = await geminiServer({ handshakes: 'byScript' });
    const url = liveUrl({ baseUrl: server.url });
    const first = new RawClient(url);
    expect(await server.held()).toEqual({ ok: true, value: true });
    const second = new RawClient(url);
    await server.held(2);
    const [accepted, refused] = [server.play([{ accept: true }]), server.play([{ refuse: { status: 500 } }])];
    await first.opened;
    await expect(second.opened).rejects.toThrow('HTTP 500');
    expect([await accepted, await refused]).toEqual([{ ok: true }, { ok: true }]);
  });

  it('wait for as long as the script waits', async () => {
    const clock = new VirtualClock();
    await using server = await geminiServer({ clock, handshakes: 'byScript', script: [{ waitMs: 60_000 }, { accept: true }] });
    const client = new RawClient(liveUrl({ baseUrl: server.url }));
    await server.held();
    expect(server.connections).toEqual([]);
    await clock.advanceToAsync(60_000);
    await client.opened;
    expect(server.connections).toHaveLength(1);
  });

  it('that wait count as connections', async () => {
    await using server = await geminiServer({ handshakes: 'byScript', maxConnections: 1 });
    const url = liveUrl({ baseUrl: server.url });
    const patient = new RawClient(url);
    await server.held();
    await expect(new RawClient(url).opened).rejects.toThrow('HTTP 503');
    await server.play([{ accept: true }]);
    await patient.opened;
  });

  it('can be awaited, and are forgotten when the client goes', async () => {
    await using server = await geminiServer({ handshakes: 'byScript' });
    expect(await server.held(1, { deadlineMs: 10 })).toEqual({ ok: false, reason: 'deadline' });
    const client = new RawSocket(server.port, liveUrl({ baseUrl: server.url }));
    expect(await server.held()).toEqual({ ok: true, value: true });
    client.destroy();
    await client.ended;
    const next = new RawClient(liveUrl({ baseUrl: server.url }));
    await server.held(2, { deadlineMs: 50 });
    expect(await server.play([{ accept: true }, ...opening.slice(1)])).toEqual({ ok: true });
    expect(await next.next()).toEqual(setupComplete);
  });

  it('that nobody makes fail the step at its deadline', async () => {
    await using server = await geminiServer({ script: [{ refuse: { status: 500 }, deadlineMs: 10 }] });
    expect(await server.outcome).toEqual({ ok: false, step: 0, reason: 'refuse: no handshake within 10 ms' });
  });

  it.each([
    ['a status that refuses nothing', { script: [{ refuse: { status: 200 } }] }, 'gemini-server/invalid-script', 'step 0 (refuse): refuse'],
    [
      'a refusal where handshakes are answered at once',
      { handshakes: 'atOnce', script: [...opening, { refuse: 'cut' }] },
      'gemini-server/invalid-script',
      'step 2 (refuse): a server with handshakes',
    ],
    [
      'handshakes by scripts that are one for each connection',
      { plays: 'perConnection', script: [{ refuse: 'cut' }] },
      'gemini-server/invalid-options',
      "handshakes: 'atOnce'",
    ],
  ])('refuses %s before it starts', async (_, options, code, expected) => {
    await expect(geminiServer(options as object)).rejects.toMatchObject({ code, details: { expected: expect.stringContaining(expected) } });
  });

  it('refuses such a step later too', async () => {
    await using server = await geminiServer();
    expect(() => server.play([{ refuse: 'cut' }])).toThrow("refuse: a server with handshakes: 'byScript'");
  });
});

describe('resumption handles', () => {
  afterEach(nothingIsLeft);

  it.each([
    ['the handle that the script expects', resuming('h1'), { handle: 'h1' }, { ok: true }],
    ['no handle, as the script expects', setup, { handle: null }, { ok: true }],
    [
      'another handle',
      resuming('h2'),
      { handle: 'h1' },
      { ok: false, step: 0, reason: 'accept: expected a setup with the handle of this step, got one with another' },
    ],
    [
      'no handle where the script expects one',
      setup,
      { handle: 'h1' },
      { ok: false, step: 0, reason: 'accept: expected a setup with the handle of this step, got one without a handle' },
    ],
    [
      'a handle where the script expects none',
      resuming('h1'),
      { handle: null },
      { ok: false, step: 0, reason: 'accept: expected a setup without a handle, got one with another' },
    ],
  ])('%s: the step is judged by the setup, which stays unread', async (_, message, accept, outcome) => {
    await using server = await geminiServer({ script: [{ accept }, ...opening] });
    const client = await connect(server);
    client.send(message);
    expect(await server.outcome).toEqual(outcome);
  });

  it('refuse a client before setupComplete, with the code of the script', async () => {
    await using server = await geminiServer({
      script: [{ accept: { handle: 'old' } }, { close: { code: 1008, reason: 'Requested entity was not found.' } }],
    });
    const client = await connect(server);
    client.send(resuming('old'));
    expect(await client.closed).toEqual({ code: 1008, reason: 'Requested entity was not found.' });
    expect(client.frames).toEqual([]);
  });

  it('that are known are refused with 1011 while the socket that gave them is open, and the script does not notice', async () => {
    await using server = await geminiServer({
      handles: 'known',
      script: [
        ...opening,
        { resumption: { handle: 'h1' } },
        { expectClose: { code: 1000 } },
        { accept: { handle: 'h1' } },
        ...opening,
        { say: 'again' },
      ],
    });
    const first = await connect(server);
    first.send(setup);
    await first.next();
    await first.next();
    const hasty = await connect(server);
    hasty.send(resuming('h1'));
    expect(await hasty.closed).toEqual({ code: 1011, reason: 'The session has a connection that is still open.' });
    first.close(1000);
    await first.closed;
    const second = await connect(server);
    second.send(resuming('h1'));
    expect(await second.next()).toEqual(setupComplete);
    expect(await server.outcome).toEqual({ ok: true });
  });

  it('that nobody gave are refused with 1008 where handles must be known, and taken where not', async () => {
    await using strict = await geminiServer({ handles: 'known', plays: 'perConnection', script: opening });
    const refused = await connect(strict);
    refused.send(resuming('never-given'));
    expect(await refused.closed).toEqual({ code: 1008, reason: 'Requested entity was not found.' });
    await using lenient = await geminiServer({ script: opening });
    const client = await connect(lenient);
    client.send(resuming('never-given'));
    expect(await client.next()).toEqual(setupComplete);
  });

  it('that a recording gives are known too; an empty one of `resumable: false` is none', async () => {
    const update = (newHandle: string, resumable: boolean): Step => ({ send: { sessionResumptionUpdate: { newHandle, resumable } } });
    await using server = await geminiServer({ handles: 'known', script: [...opening, update('h1', true), update('h2', false), { drop: true }] });
    const first = await connect(server);
    first.send(setup);
    await first.closed;
    const [good, bad] = [await connect(server), await connect(server)];
    good.send(resuming('h1'));
    bad.send(resuming('h2'));
    expect((await bad.closed).code).toBe(1008);
    expect(await server.play([{ accept: { handle: 'h1' } }])).toEqual({ ok: true });
  });
});
