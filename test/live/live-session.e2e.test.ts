/** Whole sessions over real sockets: ours against the local Gemini server. Deadlines run on a virtual clock, so no test waits for one. */
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { liveSessionHandle } from '../../src/live/handle.js';
import type { Step } from '../../src/testing/gemini-server/steps.js';
import { leaveNothing, prepare, serve, serving, setUp, socketsGone, start } from './talk.js';

afterEach(leaveNothing);

describe('a conversation', () => {
  it('sets up with model, instruction and tools, the key in a header only, and ends in order', async () => {
    const script: Step[] = [...setUp, { expect: 'clientContent' }, { say: ['Hello', ' there'] }, { expectClose: { code: 1000 } }];
    const server = await serve(script, { frames: 'alternating', key: 'the-key' });
    const parameters = { type: 'object', properties: { city: { type: 'string' } } };
    const weather = { description: 'the weather', parameters, execute: () => ({}) };
    const { session, fact } = start(server.url, { weather }, { systemInstruction: 'be brief', generationConfig: { responseModalities: ['TEXT'] } });
    expect(await session.ready()).toEqual({ ok: true });
    expect(server.received[0]?.message.setup).toEqual({
      model: 'models/gemini-live',
      generationConfig: { responseModalities: ['TEXT'] },
      systemInstruction: { parts: [{ text: 'be brief' }] },
      sessionResumption: {},
      tools: [{ functionDeclarations: [{ name: 'weather', description: 'the weather', parametersJsonSchema: parameters }] }],
    });
    expect(session.sendText('hi')).toEqual({ status: 'sent' });
    await fact('session.message', ({ message }) => JSON.stringify(message).includes('turnComplete'));
    expect(server.received[1]?.message).toEqual({ clientContent: { turns: [{ role: 'user', parts: [{ text: 'hi' }] }], turnComplete: true } });
    expect(await session.close()).toEqual({ ok: true, end: { by: 'client', code: 1000, reason: '' } });
    expect(await server.outcome).toEqual({ ok: true });
    expect(JSON.stringify(session.ref.getPersistedSnapshot())).not.toContain('the-key');
    expect(session.sendText('anyone?')).toEqual({ status: 'rejected', reason: 'closed' });
    expect(await session.close()).toEqual({ ok: true, end: { by: 'client', code: 1000, reason: '' } });
  });

  it('goes on after frames that are no messages', async () => {
    const server = await serve([...setUp, { garbage: '{"half' }, { garbage: '\u0000', frame: 'binary' }, { send: { brandNew: { a: 1 } } }]);
    const { session, facts, fact } = start(server.url);
    await fact('session.message', ({ message }) => 'brandNew' in message);
    expect(facts.filter(({ type }) => type === 'session.malformed')).toHaveLength(2);
    expect(session.sendRealtimeInput({ text: 'still here' })).toEqual({ status: 'sent' });
    expect((await server.next('realtimeInput')).ok).toBe(true);
  });

  it('is not harmed by a listener that throws', async () => {
    const server = await serve([...setUp, { say: 'x' }]);
    const thrown: unknown[] = [];
    const { session, fact } = start(server.url);
    const handle = liveSessionHandle(session.ref, { onListenerError: (error, type) => thrown.push([type, error]) });
    handle.on('session.ready', () => {
      throw new Error('listener');
    });
    await fact('session.message', ({ message }) => 'serverContent' in message);
    expect(thrown).toEqual([['session.ready', new Error('listener')]]);
    expect(await handle.ready()).toEqual({ ok: true });
  });
});

it('restored from a snapshot accepts nothing, before it is started too, until its new socket is set up', async () => {
  const server = await serve([...setUp, { expectClose: true }, { accept: true }, ...setUp, { expect: 'clientContent' }]);
  const former = start(server.url);
  expect(await former.session.ready()).toEqual({ ok: true });
  const snapshot: unknown = JSON.parse(JSON.stringify(former.session.ref.getPersistedSnapshot()));
  former.session.ref.stop();
  const restored = prepare(server.url, {}, {}, snapshot);
  expect(restored.session.ref.getSnapshot().hasTag('accepting')).toBe(false);
  const ready = restored.session.ready();
  restored.session.ref.start();
  expect(restored.session.sendText('early')).toEqual({ status: 'queued' });
  expect(await ready).toEqual({ ok: true });
  expect(restored.session.sendText('now')).toEqual({ status: 'sent' });
  expect(await server.outcome).toEqual({ ok: true });
});

it('terminates the socket of a peer that does not answer the close', async () => {
  const peer = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  serving({ close: () => new Promise((resolve) => peer.close(resolve)) });
  await new Promise((resolve) => peer.once('listening', resolve));
  peer.on('connection', (socket) => {
    socket.once('message', () => {
      socket.send('{"setupComplete":{}}');
      socket.pause(); // the close frame is never read
      socket.on('error', () => undefined);
    });
  });
  const { session, clock } = start(`http://127.0.0.1:${(peer.address() as AddressInfo).port}`, {}, { closeMs: 300 });
  expect(await session.ready()).toEqual({ ok: true });
  const closed = session.close();
  clock.advanceBy(300);
  expect(await closed).toEqual({ ok: true, end: { by: 'client', code: 1006, reason: 'no answer to the close within 300 ms' } });
  await socketsGone();
  for (const socket of peer.clients) socket.terminate();
});
