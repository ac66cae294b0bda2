/** The connection actor on a socket that does what a test says. */
import { describe, expect, it } from 'vitest';
import { type AnyEventObject, createActor, createMachine } from 'xstate';
import type { ConnectionCommand } from '../../machines/live/session-events.js';
import { connection, type ConnectionOptions } from '../../src/live/connection.js';
import { pauseIntake } from '../../src/live/intake.js';
import type { SocketListener } from '../../src/live/socket.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const endpoint = { url: 'ws://host/path', headers: { 'x-goog-api-key': 'k3y' } };

function connectionWorld(options: { endpoint?: ConnectionOptions['endpoint']; throws?: string; secrets?: readonly string[] } = {}) {
  const clock = new VirtualClock();
  const events: AnyEventObject[] = [];
  const facts: AnyEventObject[] = [];
  const calls: unknown[][] = [];
  let listener: SocketListener | undefined;
  const logic = connection({
    endpoint: options.endpoint ?? (() => endpoint),
    secrets: options.secrets ?? ['k3y'],
    openSocket: (address, told) => {
      calls.push(['open', address]);
      listener = told;
      return {
        send: (text, written) => {
          calls.push(['send', text]);
          if (options.throws !== undefined) throw new Error(options.throws);
          written(true);
        },
        bufferedAmount: () => 0,
        pause: () => (calls.push(['pause']), true),
        resume: () => calls.push(['resume']),
        close: (code, reason) => calls.push(['close', code, reason]),
        terminate: () => calls.push(['terminate']),
      };
    },
  });
  const parent = createActor(
    createMachine({ invoke: { id: 'connection', src: logic, input: { closeMs: 7 } }, on: { '*': { actions: ({ event }) => events.push(event) } } }),
    { clock },
  );
  parent.on('*', (fact) => facts.push(fact));
  parent.start();
  const tell = (command: ConnectionCommand) =>
    (parent.getSnapshot().children as Record<string, { send(event: ConnectionCommand): void }>)['connection']?.send(command);
  const socket: SocketListener = {
    opened: () => listener?.opened(),
    frame: (data) => listener?.frame(data),
    closed: (code, reason) => listener?.closed(code, reason),
  };
  const began = events.splice(0);
  const open = () => {
    socket.opened();
    events.length = 0;
  };
  return { clock, parent, began, events, facts, calls, tell, open, stop: () => parent.stop(), socket };
}

it('a secret that stands where a long reason is cut is hidden whole', () => {
  const { socket, events, stop } = connectionWorld({ secrets: ['auth_tokens/abcdef123456'] });
  socket.closed(404, `${'.'.repeat(2_040)}auth_tokens/abcdef123456 and on`);
  expect(events).toMatchObject([{ reason: `${'.'.repeat(2_040)}[hidden]` }]);
  stop();
});

it('a secret that stands where an excerpt of an odd frame is cut is hidden whole', () => {
  const { socket, events, stop } = connectionWorld({ secrets: ['auth_tokens/abcdef123456'] });
  for (let before = 90; before < 125; before++) socket.frame(`${'.'.repeat(before)}auth_tokens/abcdef123456 and on`);
  expect(events.filter(({ type }) => type === 'socket.malformed')).toHaveLength(35);
  expect(JSON.stringify(events)).not.toMatch(/\.auth/);
  stop();
});

it('half a secret is in no reason of an end, and in no excerpt', () => {
  const { socket, events, stop } = connectionWorld({ secrets: ['auth_tokens/abcdef123456'] });
  socket.frame('no such token: auth_tokens/abcdef12');
  socket.closed(401, 'HTTP 401 Unauthorized: no such token: auth_tokens/abcdef12');
  expect(events).toMatchObject([{ excerpt: 'no such token: [hidden]' }, { reason: 'HTTP 401 Unauthorized: no such token: [hidden]' }]);
  stop();
});

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value, null, 2));

describe('the connection', () => {
  it('opens one socket, with the credentials in its headers', () => {
    const { began, calls, socket, events } = connectionWorld();
    expect(calls).toEqual([['open', { ...endpoint, closeMs: 7 }]]);
    socket.opened();
    expect([...began, ...events]).toEqual([{ type: 'socket.opening' }, { type: 'socket.opened' }]);
  });

  it('reads text and binary frames alike', () => {
    const { socket, events } = connectionWorld();
    socket.frame('{"setupComplete":{}}');
    socket.frame(bytes({ toolCall: { functionCalls: [{ name: 'x' }] }, brandNew: 1 }));
    expect(events).toEqual([
      { type: 'server.message', message: { setupComplete: {} } },
      { type: 'server.message', message: { toolCall: { functionCalls: [{ name: 'x', args: {} }] }, brandNew: 1 } },
    ]);
  });

  it.each([
    ['no JSON', '{"a":', 'not-json'],
    ['no object', '[1]', 'not-an-object'],
    ['no text', new Uint8Array([0xff, 0xfe]), 'not-utf8'],
    ['one kind, misshapen', '{"goAway":7}', 'invalid-shape'],
  ])('reports a frame that is %s, and goes on', (_, frame, reason) => {
    const { socket, events } = connectionWorld();
    socket.frame(frame);
    expect(events).toMatchObject([{ type: 'socket.malformed', reason }]);
    socket.frame('{}');
    expect(events.at(-1)).toEqual({ type: 'server.message', message: {} });
  });

  it('reports the part of a frame that is misshapen, and passes on the rest', () => {
    const { socket, events } = connectionWorld();
    socket.frame('{"goAway":7,"setupComplete":{}}');
    expect(events).toEqual([
      { type: 'socket.malformed', reason: 'invalid-shape', detail: expect.stringContaining('goAway'), excerpt: '7' },
      { type: 'server.message', message: { setupComplete: {} } },
    ]);
  });

  it('sends the setup as JSON, not before the socket is open', () => {
    const { calls, tell, open } = connectionWorld();
    tell({ type: 'connection.setup', message: { setup: { too: 'early' } } });
    open();
    tell({ type: 'connection.setup', message: { setup: { model: 'm' } } });
    expect(calls.slice(1)).toEqual([['send', '{"setup":{"model":"m"}}']]);
  });

  it('reports a socket that throws as ended, so that it is terminated with its session', () => {
    const { events, calls, tell, stop, open } = connectionWorld({ throws: 'k3y went wrong' });
    open();
    tell({ type: 'connection.setup', message: {} });
    expect(events).toEqual([{ type: 'socket.closed', code: 'crash', reason: '[hidden] went wrong', at: 0 }]);
    stop();
    expect(calls.at(-1)).toEqual(['terminate']);
  });

  it('blots out the key where the peer repeats it', () => {
    const { socket, events, clock } = connectionWorld();
    clock.advanceBy(5);
    socket.closed(400, 'HTTP 400: no such key: k3y');
    socket.frame('{"k3y');
    expect(JSON.stringify(events)).not.toContain('k3y');
    expect(events).toMatchObject([{ code: 400, reason: 'HTTP 400: no such key: [hidden]', at: 5 }, { excerpt: '{"[hidden]' }]);
  });

  it('blots out a key that travelled in the query, as the URL has it', () => {
    const { socket, events } = connectionWorld({ secrets: ['auth_tokens/abc123'] });
    socket.frame('{"url":"?access_token=auth_tokens%2Fabc123"');
    socket.closed(404, 'HTTP 404: cannot get /ws?access_token=auth_tokens%2Fabc123');
    expect(JSON.stringify(events)).not.toContain('abc123');
    expect(events).toMatchObject([{ excerpt: '{"url":"?access_token=[hidden]"' }, { reason: 'HTTP 404: cannot get /ws?access_token=[hidden]' }]);
  });

  it('closes on command, and terminates the socket when it is stopped; nothing of that socket is heard again', () => {
    const { calls, events, socket, tell, stop } = connectionWorld();
    tell({ type: 'connection.close', code: 1000, reason: '' });
    stop();
    expect(calls.slice(1)).toEqual([['close', 1000, ''], ['close', 1000, ''], ['terminate']]);
    socket.opened();
    socket.frame('{}');
    socket.closed(1006, '');
    expect(events).toEqual([]);
  });
});

describe('the lane beside the chart', () => {
  const data = { serverContent: { modelTurn: { parts: [{ inlineData: { mimeType: 'audio/pcm', data: 'AAAA' } }] } } };

  it('passes data to those who listen to the session, and to no chart', () => {
    const { socket, tell, events, facts } = connectionWorld();
    socket.frame(bytes(data));
    tell({ type: 'connection.lane', open: true });
    socket.frame(bytes(data));
    expect(events).toEqual([{ type: 'server.message', message: data }]);
    expect(facts).toEqual([{ type: 'session.message', message: data }]);
  });

  it.each([
    ['the end of a turn', { serverContent: { ...data.serverContent, turnComplete: true } }],
    ['an interruption', { serverContent: { interrupted: true } }],
    ['a call', { toolCall: { functionCalls: [{ id: '1', name: 't', args: {} }] } }],
    ['a call in a turn', { serverContent: { modelTurn: { parts: [{ functionCall: { id: '1', name: 't', args: {} } }] } } }],
    ['a goAway', { goAway: { timeLeft: '5s' } }],
  ])('never passes %s', (_, message) => {
    const { socket, tell, events, facts } = connectionWorld();
    tell({ type: 'connection.lane', open: true });
    socket.frame(bytes(message));
    expect([events.length, facts.length]).toEqual([1, 0]);
  });

  it('leaves to the chart what is said first after a handle: it makes that old', () => {
    const { socket, tell, events, facts } = connectionWorld();
    tell({ type: 'connection.lane', open: true });
    const usage = { usageMetadata: { totalTokenCount: 1 } };
    const update = { sessionResumptionUpdate: { newHandle: 'h1', resumable: true } };
    for (const message of [data, update, usage, data, data]) socket.frame(bytes(message));
    expect(events).toMatchObject([update, data].map((message) => ({ type: 'server.message', message })));
    expect(facts).toMatchObject([data, usage, data].map((message) => ({ type: 'session.message', message })));
  });

  it('passes nothing of a socket that was stopped', () => {
    const { socket, tell, stop, facts } = connectionWorld();
    tell({ type: 'connection.lane', open: true });
    stop();
    socket.frame(bytes(data));
    expect(facts).toEqual([]);
  });
});

describe('an address that must be fetched', () => {
  it('opens its socket once it is there, and blots out the token that came with it', async () => {
    let give: (value: typeof endpoint) => void = () => undefined;
    const { calls, socket, events, clock } = connectionWorld({ endpoint: () => new Promise((resolve) => (give = resolve)) });
    expect(calls).toEqual([]);
    give({ url: 'wss://host', headers: { 'x-goog-api-key': '', authorization: 'Bearer fetched' } as never });
    await clock.flush();
    expect(calls).toMatchObject([['open', { url: 'wss://host' }]]);
    socket.closed(401, 'no such token: fetched');
    expect(events).toMatchObject([{ type: 'socket.closed', reason: 'no such token: [hidden]' }]);
  });

  it('that cannot be had ends the attempt in words, and without a socket', async () => {
    const { calls, events, clock } = connectionWorld({ endpoint: () => Promise.reject(new Error('signed out')) });
    await clock.flush();
    expect(events).toEqual([{ type: 'socket.closed', code: 'noCredentials', reason: 'signed out', at: 0 }]);
    expect(calls).toEqual([]);
  });

  it('and comes after the attempt was given up, opens nothing', async () => {
    let give: (value: typeof endpoint) => void = () => undefined;
    const { calls, events, clock, stop } = connectionWorld({ endpoint: () => new Promise((resolve) => (give = resolve)) });
    stop();
    give(endpoint);
    await clock.flush();
    expect([calls, events]).toEqual([[], []]);
  });
});

describe('a paused intake', () => {
  it('is that of the present socket, from the moment its setup is accepted: until then it must be heard', () => {
    const { parent, calls, socket, open } = connectionWorld();
    const resume = pauseIntake(parent);
    open();
    socket.frame('{"usageMetadata":{}}');
    expect(calls.flat()).not.toContain('pause');
    socket.frame('{"setupComplete":{}}');
    expect(calls.at(-1)).toEqual(['pause']);
    resume();
    expect(calls.at(-1)).toEqual(['resume']);
  });
});
