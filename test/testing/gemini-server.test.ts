import { request } from 'node:http';
import { createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../src/supervision/clock.js';
import { geminiServer, type Step, VirtualClock } from '../../src/testing/index.js';
import { liveUrl, type ServerMessage } from '../../src/wire/gemini/live.js';
import { connect, nothingIsLeft, RawClient } from './raw-client.js';

const setup = { setup: { model: 'models/m' } };
const setupComplete = { setupComplete: {} };
const opening: Step[] = [{ expect: 'setup' }, { send: setupComplete }];
const answer = (...ids: string[]) => ({ toolResponse: { functionResponses: ids.map((id) => ({ id, name: 'n', response: { output: id } })) } });

describe('the local Gemini Live server', () => {
  afterEach(nothingIsLeft);

  describe('playing a script', () => {
    it('holds a conversation with tool calls and reports that it ended well', async () => {
      await using server = await geminiServer({
        script: [
          { expect: 'setup', match: { model: 'models/m' } },
          { send: setupComplete },
          { expect: 'clientContent', match: { turns: [{ parts: [{ text: 'weather?' }] }] } },
          {
            callTools: [
              { id: 'a', name: 'weather', args: { city: 'Oslo' } },
              { id: 'b', name: 'time' },
            ],
          },
          { awaitAnswers: ['a', 'b'] },
          { say: ['10 C ', 'at noon'] },
          { expectClose: { code: 1000 } },
        ],
      });
      const client = await connect(server);
      client.send(setup);
      expect(await client.next()).toEqual(setupComplete);
      client.send({ clientContent: { turns: [{ role: 'user', parts: [{ text: 'weather?' }] }], turnComplete: true } });
      expect((await client.next()).toolCall?.functionCalls).toEqual([
        { id: 'a', name: 'weather', args: { city: 'Oslo' } },
        { id: 'b', name: 'time', args: {} },
      ]);
      client.send(answer('b'));
      client.send(answer('a'));
      expect((await client.next()).serverContent?.modelTurn?.parts).toEqual([{ text: '10 C ' }]);
      expect((await client.next()).serverContent?.modelTurn?.parts).toEqual([{ text: 'at noon' }]);
      expect(await client.next()).toEqual({ serverContent: { generationComplete: true } });
      expect(await client.next()).toEqual({ serverContent: { turnComplete: true } });
      client.close(1000);
      expect(await server.outcome).toEqual({ ok: true });
      expect(server.received.map(({ kind }) => kind)).toEqual(['setup', 'clientContent', 'toolResponse', 'toolResponse']);
      expect(server.answers().map(({ id }) => id)).toEqual(['b', 'a']);
    });

    it('speaks every kind that a session must understand', async () => {
      await using server = await geminiServer({
        script: [
          { cancel: ['a', 'b'] },
          { interrupt: true },
          { goAway: { timeLeftMs: 1_500 } },
          { resumption: { handle: 'h1' } },
          { resumption: { handle: null } },
          { say: 'no end', turnComplete: false },
          { send: [{ usageMetadata: { totalTokenCount: 1 } }, { futureKind: {} }] },
        ],
      });
      const client = await connect(server);
      expect(await server.outcome).toEqual({ ok: true });
      const messages: ServerMessage[] = [];
      for (let count = 0; count < 8; count++) messages.push(await client.next());
      expect(messages).toEqual([
        { toolCallCancellation: { ids: ['a', 'b'] } },
        { serverContent: { interrupted: true } },
        { serverContent: { turnComplete: true } },
        { goAway: { timeLeft: '1.5s' } },
        { sessionResumptionUpdate: { newHandle: 'h1', resumable: true } },
        { sessionResumptionUpdate: { newHandle: '', resumable: false } },
        { serverContent: { modelTurn: { role: 'model', parts: [{ text: 'no end' }] } } },
        { usageMetadata: { totalTokenCount: 1 } },
      ]);
      expect(await client.next()).toEqual({ futureKind: {} });
    });

    it('receives selectively: what it does not expect stays unread', async () => {
      await using server = await geminiServer({
        script: [...opening, { expect: 'clientContent' }, { expect: 'realtimeInput', match: { text: 'two' } }],
      });
      const client = await connect(server);
      client.send(setup);
      client.send({ realtimeInput: { text: 'one' } });
      client.send({ realtimeInput: { text: 'two' } });
      client.send({ client_content: { turns: [], turn_complete: true } });
      expect(await server.outcome).toEqual({ ok: true });
    });

    it('does not take an interim answer, or the answer to an earlier call of the same id, for the final one', async () => {
      await using server = await geminiServer({
        script: [
          { callTools: [{ id: 'a', name: 'n' }] },
          { awaitAnswers: ['a'] },
          { callTools: [{ id: 'a', name: 'n' }] },
          { awaitAnswers: ['a'] },
          { say: 'done' },
        ],
      });
      const client = await connect(server);
      await client.next();
      client.send({ toolResponse: { functionResponses: [{ id: 'a', name: 'n', response: {}, willContinue: true }] } });
      await server.nth(0);
      expect(client.frames).toHaveLength(1);
      client.send(answer('a'));
      await client.next();
      expect(client.frames).toHaveLength(2);
      client.send(answer('a'));
      expect(await server.outcome).toEqual({ ok: true });
      expect(server.answers()).toHaveLength(3);
    });

    it('goes from one connection to the next', async () => {
      await using server = await geminiServer({
        script: [
          ...opening,
          { resumption: { handle: 'h' } },
          { close: { code: 1011, reason: 'moved' } },
          { accept: true },
          { expect: 'setup', match: { sessionResumption: { handle: 'h' } } },
        ],
      });
      const first = await connect(server);
      first.send(setup);
      expect(await first.closed).toEqual({ code: 1011, reason: 'moved' });
      const second = await connect(server);
      second.send({ setup: { model: 'models/m', sessionResumption: { handle: 'h' } } });
      expect(await server.outcome).toEqual({ ok: true });
      expect(server.received.map(({ connection }) => connection)).toEqual([0, 1]);
    });

    it('plays further steps when the test says so', async () => {
      await using server = await geminiServer({ script: opening });
      const client = await connect(server);
      client.send(setup);
      await client.next();
      const [cancelled, dropped] = [server.play([{ cancel: ['a'] }]), server.play([{ drop: true }])];
      expect(await client.next()).toEqual({ toolCallCancellation: { ids: ['a'] } });
      expect((await client.closed).code).toBe(1006);
      expect(await Promise.all([cancelled, dropped])).toEqual([{ ok: true }, { ok: true }]);
    });

    it('gives every connection its own script when it plays per connection', async () => {
      await using server = await geminiServer({
        plays: 'perConnection',
        script: [...opening, { callTools: [{ id: 'a', name: 'n' }] }, { awaitAnswers: ['a'] }, { close: {} }],
      });
      const clients = await Promise.all(Array.from({ length: 20 }, () => connect(server)));
      for (const client of clients) client.send(setup);
      for (const client of clients) {
        expect(await client.next()).toEqual(setupComplete);
        await client.next();
        client.send(answer('a'));
      }
      const codes = await Promise.all(clients.map(({ closed }) => closed));
      expect(new Set(codes.map(({ code }) => code))).toEqual(new Set([1000]));
      expect(await server.idle()).toEqual({ ok: true, value: true });
      await server.close();
      expect(await server.outcome).toEqual({ ok: true });
    });

    it('sends garbage in either opcode', async () => {
      await using server = await geminiServer({
        script: [
          { garbage: '{"half":', frame: 'text' },
          { garbage: 'no JSON', frame: 'binary' },
        ],
      });
      const client = await connect(server);
      await server.outcome;
      await client.next().catch(String);
      await client.next().catch(String);
      expect(client.frames).toEqual([
        { text: '{"half":', binary: false },
        { text: 'no JSON', binary: true },
      ]);
    });
  });

  describe('when the script fails', () => {
    it('says which step waited in vain, with what is unread, and closes the client with 1011', async () => {
      await using server = await geminiServer({ script: [{ expect: 'setup' }, { expect: 'toolResponse', deadlineMs: 20 }] });
      const client = await connect(server);
      client.send(setup);
      client.send({ realtimeInput: { text: 'hm' } });
      const failure = { ok: false, step: 1, reason: "expect: no 'toolResponse' within 20 ms; unread: realtimeInput ×1" };
      expect(await server.outcome).toEqual(failure);
      expect(await client.closed).toEqual({ code: 1011, reason: `script failed at step 1: ${failure.reason}` });
    });

    it('does not wait for the deadline when the client has gone', async () => {
      await using server = await geminiServer({
        script: [...opening, { callTools: [{ id: 'a', name: 'n' }] }, { awaitAnswers: ['a'], deadlineMs: 86_400_000 }],
      });
      const client = await connect(server);
      client.send(setup);
      await client.next();
      await client.next();
      client.terminate();
      expect(await server.outcome).toEqual({ ok: false, step: 3, reason: 'awaitAnswers: no answer to a: the connection is closed (1006)' });
    });

    it.each([
      ['no client came', [{ accept: true, deadlineMs: 10 }], 'accept: no client connected within 10 ms'],
      ['the close code is another', [{ expectClose: { code: 1000 } }], 'expectClose: expected close code 1000, got 1005'],
      ['it sends to a client that has gone', [{ expectClose: true }, { say: 'hello?' }], 'say: the connection is closed (1005)'],
    ] as [string, Step[], string][])('because %s, it says so', async (_, script, reason) => {
      await using server = await geminiServer({ script });
      if (!reason.startsWith('accept')) (await connect(server)).close();
      expect(await server.outcome).toEqual({ ok: false, step: script.length - 1, reason });
    });

    it('keeps the virtual time that it was given', async () => {
      const clock = new VirtualClock();
      await using server = await geminiServer({ clock, script: [{ send: setupComplete }, { waitMs: 60_000 }, { goAway: { timeLeftMs: 1_000 } }] });
      const client = await connect(server);
      await client.next();
      await clock.advanceToAsync(60_000);
      expect(await client.next()).toEqual({ goAway: { timeLeft: '1s' } });
      expect(await server.outcome).toEqual({ ok: true });
      expect(clock.pending()).toBe(0);
    });
  });

  describe('before it starts', () => {
    it.each([
      ['no list', 'setup', 'a list of steps'],
      ['a step that is no object', ['setup'], 'step 0: an object with exactly one of accept, refuse, expect'],
      ['a step without a verb', [{ deadlineMs: 5 }], 'step 0: an object with exactly one of'],
      ['a step with two verbs', [{ say: 'x', cancel: ['a'] }], 'step 0: an object with exactly one of'],
      ['an unknown kind', [...opening, { expect: 'setUp' }], 'step 2 (expect): expect'],
      ['a field of another verb', [{ say: 'x', match: {} }], 'step 0 (say): say'],
      ['a close code that must not be sent', [{ close: { code: 1006 } }], 'step 0 (close): close.code'],
      ['a reason longer than a close frame', [{ close: { reason: 'x'.repeat(124) } }], 'step 0 (close): close.reason'],
      ['a deadline of zero', [{ expect: 'setup', deadlineMs: 0 }], 'step 0 (expect): deadlineMs'],
    ])('a script with %s is refused', async (_, script, expected) => {
      await expect(geminiServer({ script: script as Step[] })).rejects.toMatchObject({
        code: 'gemini-server/invalid-script',
        details: { expected: expect.stringContaining(expected) },
      });
    });

    it.each([
      ['script and replay together', { script: [], replay: 'x' }, 'script or replay'],
      ['an unknown option', { scripts: [] }, 'options: the keys script, replay'],
      ['no options', null, 'options: an object'],
      ['a key alone', 'secret', 'options: an object'],
      ['a list', [], 'options: an object'],
      ['a Map, which would pass for none', new Map([['port', 1]]), 'options: an object'],
      ['a key of the wrong type', { key: ['secret'] }, 'key'],
      ['a misspelt key', { apiKey: 'secret' }, 'options: the keys'],
      ['a clock that is none', { clock: {} }, 'clock: expected a clock'],
      ['unknown framing', { frames: 'blob' }, 'frames'],
      ['a port that is none', { port: 70_000 }, 'port'],
    ])('%s are refused', async (_, options, expected) => {
      const refused = geminiServer(options as object);
      await expect(refused).rejects.toMatchObject({
        code: 'gemini-server/invalid-options',
        details: { expected: expect.stringContaining(expected) },
      });
      const error: unknown = await refused.catch((thrown: unknown) => thrown);
      expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('secret');
    });

    it('a port that is taken is refused with its cause', async () => {
      const other = createServer();
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const { port } = other.address() as { port: number };
      await expect(geminiServer({ port })).rejects.toMatchObject({ code: 'gemini-server/invalid-options', cause: { code: 'EADDRINUSE' } });
      await new Promise((resolve) => other.close(resolve));
    });
  });

  describe('what was received', () => {
    it('can be awaited by index and by kind, before and after it came', async () => {
      await using server = await geminiServer();
      const [second, content] = [server.nth(1), server.next('clientContent')];
      const client = await connect(server);
      client.send(setup);
      client.send({ clientContent: { turnComplete: true } });
      client.send({ somethingNew: 1 });
      expect(await second).toMatchObject({ ok: true, value: { index: 1, kind: 'clientContent', frame: 'text' } });
      expect(await content).toEqual(await second);
      expect(await server.next()).toMatchObject({ ok: true, value: { index: 0, kind: 'setup' } });
      expect(await server.next()).toMatchObject({ ok: true, value: { index: 2, kind: 'unknown', message: { somethingNew: 1 } } });
      expect(await server.next(undefined, { deadlineMs: 10 })).toEqual({ ok: false, reason: 'deadline' });
    });
  });

  describe('closing', () => {
    it('cuts every socket, ends every wait and clears every timer', async () => {
      const timers = new Set<unknown>();
      const clock: Clock = {
        ...systemClock,
        setTimeout: (fn, ms) => {
          const id = systemClock.setTimeout(() => {
            timers.delete(id);
            fn();
          }, ms);
          timers.add(id);
          return id;
        },
        clearTimeout: (id) => {
          timers.delete(id);
          systemClock.clearTimeout(id);
        },
      };
      const server = await geminiServer({ clock, script: [...opening, { waitMs: 86_400_000 }] });
      const url = liveUrl({ baseUrl: server.url });
      const client = await connect(server);
      client.send(setup);
      await client.next();
      const [nth, next, later] = [server.nth(99), server.next('toolResponse'), server.play([{ say: 'never' }])];
      expect(timers.size).toBe(3);
      expect(server.close()).toBe(server.close());
      await server.close();
      expect(timers.size).toBe(0);
      expect(await server.outcome).toEqual({ ok: false, step: 2, reason: 'waitMs: the server was closed' });
      expect([await nth, await next]).toEqual([
        { ok: false, reason: 'closed' },
        { ok: false, reason: 'closed' },
      ]);
      expect(await later).toMatchObject({ ok: false });
      expect((await client.closed).code).toBe(1006);
      expect(await server.nth(0)).toEqual({ ok: false, reason: 'closed' });
      await expect(new RawClient(url).opened).rejects.toThrow('ECONNREFUSED');
    });

    it('does not wait for a client that never answers a close frame', async () => {
      await using server = await geminiServer({ script: [{ close: { code: 1001 }, deadlineMs: 20 }] });
      const headers = {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        'x-goog-api-key': 'k',
      };
      const url = liveUrl({ baseUrl: server.url }).replace(/^ws/, 'http');
      const socket = await new Promise<Duplex>((resolve, reject) => {
        const upgrade = request(url, { headers }).once('error', reject).end();
        upgrade.once('upgrade', (_, duplex, head) => {
          if (head.length > 0) duplex.unshift(head);
          resolve(duplex);
        });
      });
      const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      const first = new Promise<Buffer>((resolve) => socket.once('data', resolve));
      // FIN and close opcode, two bytes: 1001. The client reads it and says nothing.
      expect([...(await first)]).toEqual([0x88, 0x02, 0x03, 0xe9]);
      await ended;
      expect(await server.outcome).toEqual({ ok: true });
    });
  });
});
