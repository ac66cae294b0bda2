import { afterEach, describe, expect, it } from 'vitest';
import { geminiServer, type Step } from '../../src/testing/index.js';
import { liveEndpoint, liveUrl } from '../../src/wire/gemini/live.js';
import { connect, nothingIsLeft, RawClient } from './raw-client.js';

const setup = { setup: { model: 'models/m' } };
const setupComplete = { setupComplete: {} };
const opening: Step[] = [{ expect: 'setup' }, { send: setupComplete }];

describe('the wire of the local Gemini Live server', () => {
  afterEach(nothingIsLeft);

  describe('letting clients in', () => {
    const developer = 'google.ai.generativelanguage';
    it.each([
      [`//ws/${developer}.v1.GenerativeService.BidiGenerateContent?key=k`, {}, { service: 'developer', apiVersion: 'v1', credential: 'keyInQuery' }],
      [
        `/proxy//gemini/ws/${developer}.v1beta.GenerativeService.BidiGenerateContent`,
        { 'x-goog-api-key': 'k' },
        { service: 'developer', apiVersion: 'v1beta', credential: 'keyInHeader' },
      ],
      [
        `/ws/${developer}.v1alpha.GenerativeService.BidiGenerateContentConstrained?access_token=k`,
        {},
        { service: 'constrained', apiVersion: 'v1alpha', credential: 'token' },
      ],
      [
        `/ws/${developer}.v1alpha.GenerativeService.BidiGenerateContentConstrained`,
        { authorization: 'Token k' },
        { service: 'constrained', apiVersion: 'v1alpha', credential: 'token' },
      ],
      [
        '/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent',
        { authorization: 'Bearer k' },
        { service: 'vertex', apiVersion: 'v1beta1', credential: 'bearer' },
      ],
    ])('the door opens for %s', async (path, headers, admission) => {
      await using server = await geminiServer({ key: 'k', script: opening });
      const client = new RawClient(`ws://127.0.0.1:${server.port}${path}`, headers);
      await client.opened;
      client.send(setup);
      expect(await client.next()).toEqual(setupComplete);
      expect(server.connections).toEqual([{ ...admission, compressed: true }]);
    });

    it.each([
      ['no key', liveEndpoint(), 'HTTP 401'],
      ['another key', liveEndpoint({ apiKey: 'wrong' }), 'HTTP 401'],
      ['an unknown version', liveEndpoint({ apiKey: 'k', apiVersion: 'v9' }), 'HTTP 404'],
    ])('the door stays shut for %s', async (_, endpoint, status) => {
      await using server = await geminiServer({ key: 'k' });
      const { pathname, search } = new URL(endpoint.url);
      const client = new RawClient(`ws://127.0.0.1:${server.port}${pathname}${search}`, endpoint.headers);
      await expect(client.opened).rejects.toThrow(status);
      expect(server.connections).toEqual([]);
    });

    it('needs no key when told so, and answers 503 above its bound', async () => {
      await using server = await geminiServer({ key: null, maxConnections: 1 });
      await new RawClient(liveUrl({ baseUrl: server.url }), {}).opened;
      await expect(new RawClient(liveUrl({ baseUrl: server.url }), {}).opened).rejects.toThrow('HTTP 503');
    });

    it('answers plain HTTP with a Google error body', async () => {
      await using server = await geminiServer();
      const response = await fetch(server.url, { headers: { connection: 'close' } });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: { code: 404, status: 'NOT_FOUND' } });
    });
  });

  describe('framing', () => {
    it.each([
      ['binary', [true, true, true], '{\n  "setupComplete": {}\n}\n'],
      ['text', [false, false, false], '{"setupComplete":{}}'],
      ['alternating', [true, false, true], '{\n  "setupComplete": {}\n}\n'],
    ] as const)('is %s when asked to be', async (frames, binary, text) => {
      await using server = await geminiServer({ frames, script: [{ send: setupComplete }, { send: setupComplete }, { send: setupComplete }] });
      const client = await connect(server);
      for (let count = 0; count < 3; count++) expect(await client.next()).toEqual(setupComplete);
      expect(client.frames.map((frame) => frame.binary)).toEqual(binary);
      expect(client.frames[0]?.text).toBe(text);
    });

    it('is compressed when the client offers it and the server grants it', async () => {
      const long = 'x'.repeat(100_000);
      for (const compression of [true, false]) {
        await using server = await geminiServer({ compression, script: [...opening, { say: long }] });
        const client = await connect(server);
        client.send({ setup: { model: long } });
        await client.next();
        expect((await client.next()).serverContent?.modelTurn?.parts).toEqual([{ text: long }]);
        expect(client.extensions.includes('permessage-deflate')).toBe(compression);
        expect(server.connections).toMatchObject([{ compressed: compression }]);
        expect(server.received[0]?.message.setup?.model).toBe(long);
      }
    });

    it.each([
      ['no JSON', 1007],
      ['{"toolResponse":{"functionResponses":[{"id":"a","name":"n","response":["10 C"]}]}}', 1007],
      ['{"setup":{"model":"m"},"clientContent":{}}', 1007],
    ])('closes a client that sends %s with %d and fails the script', async (frame, code) => {
      await using server = await geminiServer({ script: [{ expect: 'setup' }] });
      const client = await connect(server);
      client.send(frame);
      expect((await client.closed).code).toBe(code);
      expect(await server.outcome).toMatchObject({ ok: false, step: 0, reason: expect.stringContaining('the server refused a frame') });
      expect(server.received).toEqual([]);
    });

    it('bounds what it keeps: too many messages close with 1008, too large a one with 1009', async () => {
      await using few = await geminiServer({ maxReceived: 2 });
      const chatty = await connect(few);
      for (let count = 0; count < 3; count++) chatty.send({ realtimeInput: { text: 'x' } });
      expect(await chatty.closed).toEqual({ code: 1008, reason: 'too many messages' });
      expect(few.received).toHaveLength(2);

      await using small = await geminiServer({ maxMessageBytes: 1_000, compression: false });
      const large = await connect(small);
      large.send({ realtimeInput: { text: 'x'.repeat(1_000) } });
      expect((await large.closed).code).toBe(1009);
    });
  });
});
