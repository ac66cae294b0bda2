/** The connection actor on a socket that does what a test says. */
import { describe, expect, it } from 'vitest';
import { type AnyEventObject, createActor, createMachine } from 'xstate';
import type { ConnectionCommand } from '../../machines/live/session.js';
import { connection } from '../../src/live/connection.js';
import type { SocketListener } from '../../src/live/socket.js';

function connectionWorld(options: { canSend?: boolean; throws?: string } = {}) {
  const events: AnyEventObject[] = [];
  const calls: unknown[][] = [];
  let listener: SocketListener | undefined;
  const logic = connection({
    url: 'ws://host/path',
    headers: { 'x-goog-api-key': 'k3y' },
    secrets: ['k3y'],
    openSocket: (address, told) => {
      calls.push(['open', address]);
      listener = told;
      return {
        send: (text, written) => {
          calls.push(['send', text]);
          if (options.throws !== undefined) throw new Error(options.throws);
          written(options.canSend ?? true);
        },
        close: (code, reason) => calls.push(['close', code, reason]),
        terminate: () => calls.push(['terminate']),
      };
    },
  });
  const parent = createActor(
    createMachine({ invoke: { id: 'connection', src: logic, input: { closeMs: 7 } }, on: { '*': { actions: ({ event }) => events.push(event) } } }),
  );
  parent.start();
  const began = events.splice(0);
  const tell = (command: ConnectionCommand) =>
    (parent.getSnapshot().children as Record<string, { send(event: ConnectionCommand): void }>)['connection']?.send(command);
  const socket = listener as unknown as SocketListener;
  const open = () => {
    socket.opened();
    events.length = 0;
  };
  return { began, events, calls, tell, open, stop: () => parent.stop(), socket };
}

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value, null, 2));

describe('the connection', () => {
  it('opens one socket, with the credentials in its headers', () => {
    const { began, calls, socket, events } = connectionWorld();
    expect(calls).toEqual([['open', { url: 'ws://host/path', headers: { 'x-goog-api-key': 'k3y' }, closeMs: 7 }]]);
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

  it('sends JSON, and says when it is written', () => {
    const { calls, events, tell, open } = connectionWorld();
    open();
    tell({ type: 'connection.send', message: { a: 1 }, receipt: { of: 'app', ref: 'r' } });
    tell({ type: 'connection.send', message: { a: 2 }, receipt: null });
    expect(calls.slice(1)).toEqual([
      ['send', '{"a":1}'],
      ['send', '{"a":2}'],
    ]);
    expect(events).toEqual([{ type: 'socket.sent', receipt: { of: 'app', ref: 'r' } }]);
  });

  it('sends nothing before the socket is open', () => {
    const { calls, events, tell } = connectionWorld();
    tell({ type: 'connection.send', message: {}, receipt: { of: 'app', ref: 'r' } });
    expect(calls).toHaveLength(1);
    expect(events).toEqual([{ type: 'socket.unsent', receipt: { of: 'app', ref: 'r' }, reason: 'connecting' }]);
  });

  it('says what it could not send, and why', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const { events, tell, open } = connectionWorld({ canSend: false });
    open();
    tell({ type: 'connection.send', message: {}, receipt: { of: 'call', id: 'a' } });
    tell({ type: 'connection.send', message: circle, receipt: { of: 'app', ref: 'r' } });
    tell({ type: 'connection.send', message: circle, receipt: null });
    expect(events).toEqual([
      { type: 'socket.unsent', receipt: { of: 'call', id: 'a' }, reason: 'closing' },
      { type: 'socket.unsent', receipt: { of: 'app', ref: 'r' }, reason: 'notJson' },
    ]);
  });

  it('reports a socket that throws as failed, so that it is terminated with its session', () => {
    const { events, calls, tell, stop, open } = connectionWorld({ throws: 'k3y went wrong' });
    open();
    tell({ type: 'connection.send', message: {}, receipt: null });
    expect(events).toEqual([{ type: 'socket.failed', code: 'crash', reason: '[hidden] went wrong' }]);
    stop();
    expect(calls.at(-1)).toEqual(['terminate']);
  });

  it('blots out the key where the peer repeats it', () => {
    const { socket, events } = connectionWorld();
    socket.failed(400, 'HTTP 400: no such key: k3y');
    socket.closed(1007, 'key k3y is bad');
    socket.frame('{"k3y');
    expect(JSON.stringify(events)).not.toContain('k3y');
    expect(events).toMatchObject([
      { reason: 'HTTP 400: no such key: [hidden]' },
      { code: 1007, reason: 'key [hidden] is bad' },
      { excerpt: '{"[hidden]' },
    ]);
  });

  it('closes on command, and terminates the socket when it is stopped; nothing of that socket is heard again', () => {
    const { calls, events, socket, tell, stop } = connectionWorld();
    tell({ type: 'connection.close', code: 1000, reason: '' });
    stop();
    expect(calls.slice(1)).toEqual([['close', 1000, ''], ['close', 1000, ''], ['terminate']]);
    socket.frame('{}');
    socket.closed(1006, '');
    expect(events).toEqual([]);
  });
});
