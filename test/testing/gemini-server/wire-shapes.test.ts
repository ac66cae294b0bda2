import { afterEach, describe, expect, it } from 'vitest';
import { geminiServer, type Step, VirtualClock } from '../../../src/testing/index.js';
import { liveUrl } from '../../../src/wire/gemini/live.js';
import { connect, nothingIsLeft, RawClient, RawSocket } from '../raw-client.js';

const said = (text: string) => ({ serverContent: { modelTurn: { role: 'model', parts: [{ text }] } } });
const setupComplete = { setupComplete: {} };

/** Unmasked frames as they stand on the wire. */
function framesIn(bytes: Buffer): { fin: boolean; opcode: number; payload: Buffer }[] {
  const frames: { fin: boolean; opcode: number; payload: Buffer }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const short = bytes[at + 1]! & 0x7f;
    const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    frames.push({ fin: (bytes[at]! & 0x80) !== 0, opcode: bytes[at]! & 0x0f, payload: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return frames;
}

describe('what a script puts on the wire', () => {
  afterEach(nothingIsLeft);

  it('is text or binary, step by step', async () => {
    await using server = await geminiServer({
      frames: 'binary',
      script: [
        { send: setupComplete, frame: 'text' },
        { say: 'x', turnComplete: false },
        { cancel: ['a'], frame: 'text' },
        { garbage: '{', frame: 'text' },
      ],
    });
    const client = await connect(server);
    for (let count = 0; count < 4; count++) await client.next().catch(String);
    expect(client.frames.map(({ binary }) => binary)).toEqual([false, true, false, false]);
  });

  it('comes in fragments that cut characters', async () => {
    const text = '🌳'.repeat(30);
    const message = JSON.stringify(said(text));
    await using server = await geminiServer({ script: [{ send: said(text), frame: 'text', fragments: 7 }, { drop: true }] });
    const socket = new RawSocket(server.port, liveUrl({ baseUrl: server.url }));
    await socket.ended;
    const frames = framesIn(socket.bytes);
    expect(frames.map(({ fin, opcode }) => [fin, opcode])).toEqual([[false, 1], ...Array.from({ length: 5 }, () => [false, 0]), [true, 0]]);
    expect(Buffer.concat(frames.map(({ payload }) => payload)).toString()).toBe(message);
    // A character of four bytes may not begin where a fragment does.
    expect(frames.some(({ payload }) => (payload[0]! & 0xc0) === 0x80)).toBe(true);
  });

  it.each([true, false])('is one message again for a client, compressed or not (%s)', async (compression) => {
    const long = '🌳 '.repeat(20_000);
    await using server = await geminiServer({
      compression,
      script: [
        { send: [said(long), said('short')], fragments: 9 },
        { say: 'end', fragments: 2 },
      ],
    });
    const client = await connect(server);
    expect(await client.next()).toEqual(said(long));
    expect(await client.next()).toEqual(said('short'));
    expect(await client.next()).toEqual(said('end'));
  });

  it('comes in segments of a few bytes, which a reader in the same process sees one by one', async () => {
    await using server = await geminiServer({ script: [{ send: said('abc'), chunkBytes: 5 }, { drop: true }] });
    const socket = new RawSocket(server.port, liveUrl({ baseUrl: server.url }));
    await socket.ended;
    expect(socket.segments.length).toBe(Math.ceil(socket.bytes.length / 5));
    expect(new Set(socket.segments.slice(0, -1).map(({ length }) => length))).toEqual(new Set([5]));
    expect(JSON.parse(framesIn(socket.bytes)[0]?.payload.toString() ?? '')).toEqual(said('abc'));
  });

  it('stays whole when a pong is due between its segments, whatever its length', async () => {
    const texts = ['x'.repeat(50), 'x'.repeat(5_000), 'x'.repeat(70_000)];
    await using server = await geminiServer({ script: texts.map((text) => ({ send: said(text), chunkBytes: 64, fragments: 2 })) });
    const client = await connect(server);
    const pongs = Promise.all(Array.from({ length: 5 }, () => client.ping()));
    for (const text of texts) expect(await client.next()).toEqual(said(text));
    await pongs;
    expect(await server.outcome).toEqual({ ok: true });
  });

  it('is garbage, in bytes that are no UTF-8 too', async () => {
    await using server = await geminiServer({ script: [{ garbage: 'c328', encoding: 'hex', frame: 'binary' }, { send: setupComplete }] });
    const client = await connect(server);
    await expect(client.next()).rejects.toThrow('is not valid JSON');
    expect(client.frames[0]?.text).toBe('\ufffd(');
    expect(await client.next()).toEqual(setupComplete);
  });

  it.each([
    ['a text frame of half a character', '8101c3', 1007],
    ['a frame with reserved bits', 'f100', 1002],
    ['a close frame with a code that none may send', '880203ed', 1002],
  ])('is %s, which breaks the protocol: the client closes', async (_, bytes, code) => {
    await using server = await geminiServer({ script: [{ bytes }, { expectClose: { code } }] });
    const client = new RawClient(liveUrl({ baseUrl: server.url }));
    await client.closed;
    expect(await server.outcome).toEqual({ ok: true });
  });

  it('is half a frame, and then the end', async () => {
    await using server = await geminiServer({ script: [{ bytes: '8105616263' }, { drop: true }] });
    const client = await connect(server);
    expect((await client.closed).code).toBe(1006);
    expect(client.frames).toEqual([]);
  });

  it('is a close without a code', async () => {
    await using server = await geminiServer({ script: [{ close: { code: null } }] });
    const client = await connect(server);
    expect(await client.closed).toEqual({ code: 1005, reason: '' });
    expect(await server.outcome).toEqual({ ok: true });
  });

  it('is no second close where the client has closed, if the step says so', async () => {
    await using server = await geminiServer({ script: [{ expectClose: true }, { close: { unlessClosed: true } }, { close: {} }] });
    (await connect(server)).close(1001);
    expect(await server.outcome).toEqual({ ok: false, step: 2, reason: 'close: the connection is closed (1001)' });
  });

  it.each([
    ['no fragments', { say: 'x', fragments: 0 }, 'say): fragments'],
    ['chunks of nothing', { say: 'x', chunkBytes: 0 }, 'say): chunkBytes'],
    ['bytes that are no bytes', { bytes: '0g' }, 'bytes): bytes: expected bytes in hexadecimal'],
    ['half a byte of garbage', { garbage: '0', encoding: 'hex' }, 'garbage): garbage: expected bytes in hexadecimal'],
    ['a reason without a code', { close: { code: null, reason: 'x' } }, 'close): close: expected no reason'],
    ['a stall of something else', { stall: 'all' }, 'stall): stall'],
  ])('is checked before the server starts: %s', async (_, step, expected) => {
    await expect(geminiServer({ script: [step as Step] })).rejects.toMatchObject({
      code: 'gemini-server/invalid-script',
      details: { expected: expect.stringContaining(`step 0 (${expected}`) },
    });
  });
});

describe('a server that stalls', () => {
  afterEach(nothingIsLeft);

  it('reads nothing, so that what the client sends piles up at the client, and reads it all afterwards', async () => {
    await using server = await geminiServer({ compression: false, script: [{ expect: 'setup' }, { stall: 'reading' }, { send: setupComplete }] });
    const client = await connect(server);
    client.send({ setup: { model: 'm' } });
    await client.next();
    const data = 'x'.repeat(1024 * 1024);
    for (let count = 0; count < 32; count++) client.send({ realtimeInput: { text: data } });
    expect(await server.nth(1, { deadlineMs: 100 })).toEqual({ ok: false, reason: 'deadline' });
    expect(client.bufferedAmount).toBeGreaterThan(8 * 1024 * 1024);
    await server.play([{ resume: true }]);
    expect(await server.nth(32)).toMatchObject({ ok: true });
    expect(client.bufferedAmount).toBe(0);
  });

  it('writes nothing, not even a pong, and afterwards all of it in order', async () => {
    await using server = await geminiServer({
      script: [
        { stall: 'writing' },
        { say: ['one', 'x'.repeat(5_000)], turnComplete: false },
        { say: 'two', turnComplete: false, chunkBytes: 3 },
        { bytes: '8902abcd' },
        { expect: 'setup' },
      ],
    });
    const client = await connect(server);
    let pongs = 0;
    const pong = client.ping().then(() => (pongs += 1));
    // By now the ping, which came before it, has been read.
    client.send({ setup: { model: 'm' } });
    expect(await server.outcome).toEqual({ ok: true });
    expect([client.frames, pongs]).toEqual([[], 0]);
    await server.play([{ resume: true }, { say: 'three', turnComplete: false }]);
    for (const text of ['one', 'x'.repeat(5_000), 'two', 'three']) expect(await client.next()).toEqual(said(text));
    await pong;
  });

  it('lets go when its script fails, so that the client does not hang', async () => {
    await using server = await geminiServer({ script: [{ stall: 'both' }, { say: 'held' }, { expect: 'setup', deadlineMs: 20 }] });
    const client = await connect(server);
    expect((await client.closed).code).toBe(1011);
    expect(client.frames).toHaveLength(3);
  });

  it("does not answer the client's close, and may cut it later", async () => {
    const clock = new VirtualClock();
    await using server = await geminiServer({ clock, script: [{ ignoreClose: true }, { send: setupComplete }, { waitMs: 60_000 }, { drop: true }] });
    const client = await connect(server);
    await client.next();
    let isClosed = false;
    const closed = client.closed.then((how) => {
      isClosed = true;
      return how;
    });
    client.send({ setup: { model: 'm' } });
    client.close(1000);
    await server.nth(0);
    await clock.advanceToAsync(59_999);
    expect(isClosed).toBe(false);
    await clock.advanceToAsync(60_000);
    expect((await closed).code).toBe(1006);
    expect(await server.outcome).toEqual({ ok: true });
  });

  it("may answer it with a close of its own, with the script's code", async () => {
    await using server = await geminiServer({ script: [{ ignoreClose: true }, { expect: 'setup' }, { waitMs: 1 }, { close: { code: 4001 } }] });
    const client = await connect(server);
    client.send({ setup: { model: 'm' } });
    client.close(1000);
    expect((await client.closed).code).toBe(4001);
  });
});
