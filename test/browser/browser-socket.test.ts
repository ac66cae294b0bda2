/** The browser's socket, over classes that look like the platform's: one that does what a test says, and that of `ws`, which is real. */
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket as WsSocket } from 'ws';
import { openWebSocket, overPlatform, type PlatformSocket } from '../../src/live/browser-socket.js';
import { connectLive } from '../../src/live/connect.js';
import type { SocketListener } from '../../src/live/socket.js';
import { liveEvents } from '../../src/live/stream.js';
import { geminiServer, type GeminiServer } from '../../src/testing/gemini-server/server.js';

const address = { url: 'wss://host/path?key=k3y', headers: {}, closeMs: 10 };

/** A platform's socket, and what it was asked for. */
class FakeSocket implements PlatformSocket {
  static last: FakeSocket;
  readonly url: string;
  readonly asked: unknown[][] = [];
  readyState = 0;
  bufferedAmount = 7;
  binaryType = 'blob';
  readonly #listeners = new Map<string, (event: never) => void>();

  constructor(url: string) {
    this.url = url;
    FakeSocket.last = this;
  }

  send(text: string): void {
    this.asked.push(['send', text]);
  }

  close(...args: unknown[]): void {
    this.asked.push(['close', ...args]);
  }

  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.set(type, listener);
  }

  tell(type: string, event: object = {}): void {
    this.#listeners.get(type)?.(event as never);
  }
}

/** Opens one; `null` is a platform without any. */
function opened(platform: typeof FakeSocket | null = FakeSocket, headers: Record<string, string> = {}) {
  const told: unknown[][] = [];
  const listener: SocketListener = {
    opened: () => void told.push(['opened']),
    frame: (data) => void told.push(['frame', data]),
    closed: (code, reason) => void told.push(['closed', code, reason]),
  };
  const socket = overPlatform(platform ?? undefined)({ ...address, headers }, listener);
  return { told, socket, platform: FakeSocket.last };
}

describe('the socket of a browser', () => {
  it('takes bytes as bytes, and tells what comes in its order', () => {
    const { told, platform } = opened();
    expect([platform.url, platform.binaryType]).toEqual([address.url, 'arraybuffer']);
    const bytes = new ArrayBuffer(2);
    platform.tell('open');
    platform.tell('message', { data: '{}' });
    platform.tell('message', { data: bytes });
    platform.tell('error');
    platform.tell('close', { code: 1011, reason: 'Internal error' });
    platform.tell('close', { code: 1011, reason: 'again' });
    expect(told).toEqual([['opened'], ['frame', '{}'], ['frame', bytes], ['closed', 1011, 'Internal error']]);
  });

  it('says so where the platform does not say why there is no connection', () => {
    const { told, platform } = opened();
    platform.tell('error');
    platform.tell('close', { code: 1006, reason: '' });
    expect(told).toEqual([['closed', 1006, expect.stringContaining('no connection')]]);
  });

  it('sends on an open socket only', () => {
    const { socket, platform } = opened();
    const written: boolean[] = [];
    socket.send('early', (ok) => written.push(ok));
    platform.readyState = 1;
    socket.send('now', (ok) => written.push(ok));
    platform.readyState = 2;
    socket.send('late', (ok) => written.push(ok));
    expect([written, platform.asked, socket.bufferedAmount()]).toEqual([[false, true, false], [['send', 'now']], 7]);
  });

  it('cannot be paused, and says so', () => {
    const { socket } = opened();
    expect(socket.pause()).toBe(false);
    expect(socket.resume()).toBeUndefined();
  });

  it('closes by what a page may say: 1000 or a code of its own, and at most 123 bytes', () => {
    const { socket, platform } = opened();
    socket.close(1000, '');
    socket.close(4001, '🌧'.repeat(100));
    socket.close(1011, 'not a page’s to say');
    expect(platform.asked).toEqual([['close', 1000, ''], ['close', 4001, '🌧'.repeat(100).slice(0, 41)], ['close']]);
  });

  it('tells nothing once it is terminated', () => {
    const { told, socket, platform } = opened();
    platform.readyState = 1;
    socket.terminate();
    platform.tell('open');
    platform.tell('message', { data: '{}' });
    platform.tell('close', { code: 1000, reason: '' });
    const written: boolean[] = [];
    socket.send('late', (ok) => written.push(ok));
    expect([told, platform.asked, written]).toEqual([[], [['close', 1000, '']], [false]]);
  });
});

describe('a socket that a browser cannot open', () => {
  const throwing = function (url: string) {
    throw new DOMException(`Failed to construct 'WebSocket': the URL '${url}' is insecure`, 'SecurityError');
  } as unknown as typeof FakeSocket;

  it.each([
    ['with headers', FakeSocket, { 'x-goog-api-key': 'k3y' }, 'headersUnsupported', /x-goog-api-key.*keyIn: 'query'/],
    ['that the platform refuses', throwing, {}, 'SecurityError', /refused to open/],
    ['on a platform without any', null, {}, 'noWebSocket', /no WebSocket/],
  ] as const)('%s, says so after the call, and never shows a key', async (_, platform, headers, code, reason) => {
    const { told, socket } = opened(platform, headers);
    expect(told).toEqual([]);
    const written: boolean[] = [];
    socket.send('x', (ok) => written.push(ok));
    expect([written, socket.bufferedAmount(), socket.pause()]).toEqual([[false], 0, false]);
    socket.resume();
    socket.close(1000, '');
    await Promise.resolve();
    expect(told).toEqual([['closed', code, expect.stringMatching(reason)]]);
    expect(JSON.stringify(told)).not.toContain('k3y');
  });

  it('says nothing where it is terminated before', async () => {
    const { told, socket } = opened(null);
    socket.terminate();
    await Promise.resolve();
    expect(told).toEqual([]);
  });

  it('is the platform’s own by default', async () => {
    const told: unknown[] = [];
    const ended = new Promise<void>((resolve) => {
      const closed = (code: unknown) => (told.push(code), resolve());
      openWebSocket({ ...address, headers: { authorization: 'Bearer x' } }, { opened: () => undefined, frame: () => undefined, closed });
    });
    await ended;
    expect(told).toEqual([typeof globalThis.WebSocket === 'function' ? 'headersUnsupported' : 'noWebSocket']);
  });
});

describe('a session over it', () => {
  let server: GeminiServer | undefined;

  afterEach(() => server?.close());

  it.each(['binary', 'text', 'alternating'] as const)('talks, in %s frames', async (frames) => {
    const setUp = [{ expect: 'setup' as const }, { send: { setupComplete: {} } }];
    server = await geminiServer({
      script: [...setUp, { expect: 'clientContent' }, { say: ['a', 'ü'] }, { expectClose: { code: 1000 } }],
      frames,
      key: 'k3y',
    });
    const openSocket = overPlatform(WsSocket as unknown as typeof FakeSocket);
    const session = await connectLive({ apiKey: 'k3y', keyIn: 'query', baseUrl: server.url, model: 'gemini-live', openSocket });
    session.sendText('hi');
    let said = '';
    for await (const event of liveEvents(session)) {
      if (event.type === 'text') said += event.text;
      if (event.type === 'turnComplete') break;
    }
    expect(said).toBe('aü');
    expect(await session.close()).toEqual({ ok: true, end: { by: 'client', code: 1000, reason: '' } });
    expect(await server.outcome).toEqual({ ok: true });
  });
});
