/** Whole sessions over real sockets: ours against the local Gemini server. Deadlines run on a virtual clock, so no test waits for one. */
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import type { AnyActorRef } from 'xstate';
import { liveSessionHandle } from '../../src/live/handle.js';
import { exit } from '../../src/supervision/watch.js';
import { geminiServer } from '../../src/testing/gemini-server/server.js';
import type { Step } from '../../src/testing/gemini-server/steps.js';
import { latch, leaveNothing, prepare, serve, serving, setUp, socketsGone, start, tool } from './talk.js';

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
      tools: [{ functionDeclarations: [{ name: 'weather', description: 'the weather', parametersJsonSchema: parameters }] }],
    });
    expect(await session.sendText('hi')).toEqual({ ok: true });
    await fact('session.message', ({ message }) => JSON.stringify(message).includes('turnComplete'));
    expect(server.received[1]?.message).toEqual({ clientContent: { turns: [{ role: 'user', parts: [{ text: 'hi' }] }], turnComplete: true } });
    expect(await session.close()).toEqual({ ok: true, end: { by: 'client', code: 1000, reason: '' } });
    expect(await server.outcome).toEqual({ ok: true });
    expect(JSON.stringify(session.ref.getPersistedSnapshot())).not.toContain('the-key');
    expect(await session.sendText('anyone?')).toEqual({ ok: false, reason: 'closed' });
    expect(await session.close()).toEqual({ ok: true, end: { by: 'client', code: 1000, reason: '' } });
  });

  it('goes on after frames that are no messages', async () => {
    const server = await serve([...setUp, { garbage: '{"half' }, { garbage: '\u0000', frame: 'binary' }, { send: { brandNew: { a: 1 } } }]);
    const { session, facts, fact } = start(server.url);
    await fact('session.message', ({ message }) => 'brandNew' in message);
    expect(facts.filter(({ type }) => type === 'session.malformed')).toHaveLength(2);
    expect(await session.sendRealtimeInput({ text: 'still here' })).toEqual({ ok: true });
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

describe('tools', () => {
  const calls = (...names: string[]): Step => ({ callTools: names.map((name) => ({ id: `call-${name}`, name, args: { for: name } })) });

  it('run in parallel, and both answers reach the wire', async () => {
    const server = await serve([...setUp, calls('one', 'two'), { awaitAnswers: ['call-one', 'call-two'] }]);
    const one = latch();
    const two = latch();
    // Each ends only after the other has begun.
    const tools = {
      one: tool(async (args) => (one.open(), await two.opened, { got: args })),
      two: tool(async () => (two.open(), await one.opened, 'plain text')),
    };
    const { fact } = start(server.url, tools);
    expect(await server.outcome).toEqual({ ok: true });
    expect([...server.answers()].sort((a, b) => String(a.name).localeCompare(String(b.name)))).toEqual([
      { id: 'call-one', name: 'one', response: { got: { for: 'one' } } },
      { id: 'call-two', name: 'two', response: { output: 'plain text' } },
    ]);
    await Promise.all([fact('tool.answered', ({ name }) => name === 'one'), fact('tool.answered', ({ name }) => name === 'two')]);
  });

  it('that throw, time out, or are unknown are answered with an error', async () => {
    const server = await serve([...setUp, calls('throws', 'hangs', 'nobody'), { awaitAnswers: ['call-throws', 'call-hangs', 'call-nobody'] }]);
    const hanging = latch<AbortSignal>();
    const tools = {
      throws: tool(() => {
        throw new Error('out of order');
      }),
      hangs: tool((_args, { signal }) => (hanging.open(signal), new Promise(() => undefined)), { timeoutMs: 700 }),
    };
    const { clock, fact } = start(server.url, tools);
    const signal = await hanging.opened;
    await fact('tool.answered', ({ name }) => name === 'throws');
    clock.advanceBy(699);
    expect(signal.aborted).toBe(false);
    clock.advanceBy(1);
    expect(signal.aborted).toBe(true);
    expect(await server.outcome).toEqual({ ok: true });
    expect(Object.fromEntries(server.answers().map(({ name, response }) => [name, response]))).toEqual({
      throws: { error: 'out of order' },
      hangs: { error: "tool 'hangs' did not end within 700 ms" },
      nobody: { error: "unknown tool 'nobody'; there are: throws, hangs" },
    });
  });

  it('that are cancelled are aborted, and not answered however late they end', async () => {
    const server = await serve([...setUp, calls('slow', 'kept')]);
    const begun = latch<AbortSignal>();
    const late = latch<object>();
    const kept = latch<object>();
    const tools = { slow: tool((_args, { signal }) => (begun.open(signal), late.opened)), kept: tool(() => kept.opened) };
    const { session, fact } = start(server.url, tools);
    const signal = await begun.opened;
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
    void server.play([{ cancel: ['call-slow'] }]);
    await aborted;
    await fact('tool.cancelled');
    late.open({ too: 'late' });
    kept.open({ in: 'time' });
    await fact('tool.answered');
    // What the session sends after the late result arrives after whatever it made of it.
    await session.sendText('fence');
    expect((await server.next('clientContent')).ok).toBe(true);
    expect(server.answers()).toEqual([{ id: 'call-kept', name: 'kept', response: { in: 'time' } }]);
  });

  it('that are slow delay no other frame', async () => {
    const server = await serve([
      ...setUp,
      calls('slow'),
      { say: 'meanwhile' },
      { interrupt: true },
      calls('quick'),
      { awaitAnswers: ['call-quick'] },
    ]);
    const slow = latch<object>();
    const { fact, facts } = start(server.url, { slow: tool(() => slow.opened), quick: tool(() => 1) });
    expect(await server.outcome).toEqual({ ok: true });
    await fact('session.message', ({ message }) => JSON.stringify(message).includes('interrupted'));
    const ends = facts.filter(({ type }) => type === 'tool.answered' || type === 'tool.abandoned');
    expect(ends).toMatchObject([{ type: 'tool.answered', name: 'quick' }]);
    slow.open({ at: 'last' });
    await fact('tool.answered', ({ name }) => name === 'slow');
  });

  it('whose id comes again after a cancellation, or with other arguments, run again and are answered', async () => {
    const again = (city: string): Step => ({ callTools: [{ id: 'call-weather', name: 'weather', args: { city } }] });
    const server = await serve([...setUp, again('Oslo')]);
    const cities: unknown[] = [];
    const begun = latch();
    const tools = {
      weather: tool(({ city }) => (cities.push(city), begun.open(), cities.length === 1 ? new Promise(() => undefined) : { sun: city })),
    };
    const { fact } = start(server.url, tools);
    await begun.opened;
    await server.play([
      { cancel: ['call-weather'] },
      again('Oslo'),
      { awaitAnswers: ['call-weather'] },
      again('Bern'),
      { awaitAnswers: ['call-weather'] },
    ]);
    await fact('tool.answered');
    expect(cities).toEqual(['Oslo', 'Oslo', 'Bern']);
    expect(server.answers().map(({ response }) => response)).toEqual([{ sun: 'Oslo' }, { sun: 'Bern' }]);
  });

  it('that are delivered again after their answer get it again, and run once', async () => {
    const server = await serve([...setUp, calls('once'), { awaitAnswers: ['call-once'] }]);
    let runs = 0;
    const { fact } = start(server.url, { once: tool(() => ++runs) });
    await fact('tool.answered');
    expect(await server.play([calls('once'), { awaitAnswers: ['call-once'] }])).toEqual({ ok: true });
    expect(server.answers().map(({ response }) => response)).toEqual([{ output: 1 }, { output: 1 }]);
    expect(runs).toBe(1);
  });

  it('that are called before setupComplete run and are answered after it', async () => {
    const server = await serve([{ expect: 'setup' }, calls('early'), { send: { setupComplete: {} } }, { awaitAnswers: ['call-early'] }]);
    const { facts } = start(server.url, { early: tool((_args, { id }) => ({ id, ready: facts.some(({ type }) => type === 'session.ready') })) });
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual([{ id: 'call-early', name: 'early', response: { id: 'call-early', ready: true } }]);
  });

  it('whose abort listeners throw harm nobody, and are told', async () => {
    const server = await serve([...setUp, calls('careless')]);
    const begun = latch();
    const careless = tool((_args, { signal }) => {
      signal.addEventListener('abort', () => {
        throw new Error('not my day');
      });
      begun.open();
      return new Promise(() => undefined);
    });
    const { session, fact } = start(server.url, { careless });
    await begun.opened;
    void server.play([{ cancel: ['call-careless'] }]);
    expect(await fact('tool.listenerThrew')).toEqual({ type: 'tool.listenerThrew', id: 'call-careless', name: 'careless', reason: 'not my day' });
    await fact('tool.cancelled');
    expect(await session.sendText('alive')).toEqual({ ok: true });
  });

  it('that were delivered twice run once', async () => {
    const server = await serve([...setUp, calls('once'), calls('once'), { awaitAnswers: ['call-once'] }]);
    let runs = 0;
    const { session, fact } = start(server.url, { once: tool(() => ++runs) });
    await fact('tool.repeated');
    expect(await server.outcome).toEqual({ ok: true });
    await session.sendText('fence');
    await server.next('clientContent');
    expect(server.answers()).toHaveLength(1);
    expect(runs).toBe(1);
  });

  it('beyond maxCalls are answered with an error', async () => {
    const server = await serve([
      ...setUp,
      {
        callTools: [
          { id: '1', name: 'slow' },
          { id: '2', name: 'slow' },
        ],
      },
      { awaitAnswers: ['2'] },
    ]);
    const { fact } = start(server.url, { slow: tool(() => new Promise(() => undefined)) }, { maxCalls: 1 });
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual([{ id: '2', name: 'slow', response: { error: "tool 'slow' could not start: maxChildren" } }]);
    await fact('tool.answered');
  });

  it('that run when the session is closed are aborted and abandoned', async () => {
    const server = await serve([...setUp, calls('slow'), { expectClose: { code: 1000 } }]);
    const begun = latch<AbortSignal>();
    const { session, facts } = start(server.url, { slow: tool((_args, { signal }) => (begun.open(signal), new Promise(() => undefined))) });
    const signal = await begun.opened;
    expect(await session.close()).toMatchObject({ ok: true, end: { by: 'client' } });
    expect(signal.aborted).toBe(true);
    expect(facts.slice(-2)).toEqual([
      { type: 'tool.abandoned', id: 'call-slow', name: 'slow', reason: 'closed' },
      { type: 'session.closed', by: 'client', code: 1000, reason: '' },
    ]);
    expect(await server.outcome).toEqual({ ok: true });
    expect(server.answers()).toEqual([]);
  });

  it('that run when the socket drops are aborted and abandoned, and the session crashes', async () => {
    const server = await serve([...setUp, calls('slow')]);
    const begun = latch<AbortSignal>();
    const { session, facts } = start(server.url, { slow: tool((_args, { signal }) => (begun.open(signal), new Promise(() => undefined))) });
    const signal = await begun.opened;
    const ended = session.ended();
    void server.play([{ drop: true }]);
    expect(await ended).toEqual({ ok: false, failure: { kind: 'connectionLost', code: 1006, reason: '' } });
    expect(signal.aborted).toBe(true);
    expect(facts.slice(-2).map(({ type }) => type)).toEqual(['tool.abandoned', 'session.failed']);
  });
});

it('crashes when the supervisor of its tools is killed, and aborts them', async () => {
  const server = await serve([...setUp, { callTools: [{ id: 'c', name: 'slow' }] }]);
  const begun = latch<AbortSignal>();
  const { session, actors, facts } = start(server.url, { slow: tool((_args, { signal }) => (begun.open(signal), new Promise(() => undefined))) });
  const signal = await begun.opened;
  const supervisor = actors.find((actor) => actor.id === 'tasks') as AnyActorRef;
  exit(supervisor, 'kill');
  expect(await session.ended()).toEqual({ ok: false, failure: { kind: 'toolsCrashed', code: 'ended', reason: 'killed' } });
  expect(signal.aborted).toBe(true);
  expect(facts.slice(-2).map(({ type }) => type)).toEqual(['tool.abandoned', 'session.failed']);
});

describe('a session that cannot be', () => {
  const silent = async (onConnection: () => void): Promise<string> => {
    const open = new Set<{ destroy(): void }>();
    const server: Server = createServer((socket) => {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.once('data', onConnection);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    serving({
      close: () => {
        for (const socket of open) socket.destroy();
        return new Promise((resolve) => server.close(resolve));
      },
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it('fails typed when the connection is refused', async () => {
    const server = await geminiServer();
    await server.close();
    const { session } = start(server.url);
    const failure = { kind: 'connectFailed', code: 'ECONNREFUSED', reason: expect.stringContaining('ECONNREFUSED') as string };
    expect(await session.ready()).toEqual({ ok: false, failure });
  });

  it('fails typed on 401, with the server’s words and without the key', async () => {
    const server = await serve([], { key: 'another-key' });
    const { session } = start(server.url);
    const ready = await session.ready();
    expect(ready).toEqual({ ok: false, failure: { kind: 'connectFailed', code: 401, reason: expect.stringMatching(/^HTTP 401 Unauthorized: ./) } });
    expect(JSON.stringify(ready)).not.toContain('the-key');
  });

  it('fails typed when the server closes before the setup', async () => {
    const server = await serve([{ expect: 'setup' }, { close: { code: 1007, reason: 'no such model' } }]);
    const { session } = start(server.url);
    expect(await session.ready()).toEqual({ ok: false, failure: { kind: 'closedBeforeSetup', code: 1007, reason: 'no such model' } });
    expect(await session.ended()).toMatchObject({ ok: false, failure: { code: 1007 } });
  });

  it('fails typed when the server never accepts the setup, and cuts the socket', async () => {
    const server = await serve([{ expect: 'setup' }]);
    const { session, clock } = start(server.url, {}, { setupMs: 5_000 });
    await server.next('setup');
    clock.advanceBy(5_000);
    const failure = { kind: 'setupTimeout', code: 'timeout', reason: 'no setupComplete within 5000 ms' };
    expect(await session.ready()).toEqual({ ok: false, failure });
    await socketsGone();
  });

  it('fails typed when nothing answers the handshake, and cuts the socket', async () => {
    const asked = latch();
    const url = await silent(asked.open);
    const { session, clock } = start(url, {}, { connectMs: 1_000 });
    await asked.opened;
    clock.advanceBy(1_000);
    const failure = { kind: 'connectTimeout', code: 'timeout', reason: 'no connection within 1000 ms' };
    expect(await session.ready()).toEqual({ ok: false, failure });
    await socketsGone();
  });

  it('says so when it is closed while it starts, and cuts the socket', async () => {
    const asked = latch();
    const { session } = start(await silent(asked.open));
    const ready = session.ready();
    await asked.opened;
    expect(await session.close()).toEqual({ ok: true, end: { by: 'client', code: 1000, reason: '' } });
    expect(await ready).toEqual({ ok: false, failure: { kind: 'closed', by: 'client', code: 1000, reason: '' } });
    await socketsGone();
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
  expect(await restored.session.sendText('too early')).toEqual({ ok: false, reason: 'connecting' });
  expect(await ready).toEqual({ ok: true });
  expect(await restored.session.sendText('now')).toEqual({ ok: true });
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
