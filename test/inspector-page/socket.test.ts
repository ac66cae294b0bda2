/** The way to a living app, with a socket that the test holds in its hand. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { recordingVersion } from '../../src/wire/recording/lines.js';
import { protocolVersion, type ServerMessage, type ViewerMessage } from '../../src/inspector/protocol.js';
import { LiveSource, type SocketListener } from '../../visualizations/inspector/sources/socket.js';
import { fullUpTo, type Plan } from '../../visualizations/inspector/sources/watch-plan.js';
import { numbered, start } from './lines.js';

class FakeSocket extends EventTarget {
  static readonly OPEN = 1;
  static readonly made: FakeSocket[] = [];
  readonly sent: ViewerMessage[] = [];
  readyState = 0;

  constructor() {
    super();
    FakeSocket.made.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as ViewerMessage);
  }

  close(): void {
    this.lose();
  }

  open(): void {
    this.readyState = FakeSocket.OPEN;
  }

  say(...messages: readonly ServerMessage[]): void {
    for (const message of messages) this.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify(message) }));
  }

  lose(): void {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event('close'), { reason: '' }));
  }
}

const welcome: ServerMessage = {
  type: 'welcome',
  v: protocolVersion,
  control: true,
  replay: true,
  app: { title: 'app', root: 'app', pid: 1, runtime: 'Node', version: '0' },
  head: { type: 'recording', v: recordingVersion, secret: null, contexts: 'patches' },
  wallAt: 0,
  at: 0,
  seq: 0,
};

/** Everybody, in brief: more than are told in full by themselves. */
const crowd: ServerMessage = {
  type: 'keyframe',
  ...{ branch: '', detail: 'summary', part: 0, last: true, seq: fullUpTo + 1, at: 0 },
  lines: numbered(...Array.from({ length: fullUpTo + 1 }, (_, index) => start(`app${index}`, 0, { from: 'joined' }))),
};

const plan = (actor: string): Plan => ({ full: actor, brief: [] });

describe('the way to a living app', () => {
  let source: LiveSource;
  const notices: string[] = [];

  beforeEach(() => {
    FakeSocket.made.length = 0;
    notices.length = 0;
    vi.useFakeTimers();
    vi.stubGlobal('WebSocket', FakeSocket);
    const nothing = (): void => undefined;
    const listener: SocketListener = { connection: nothing, welcome: nothing, entries: nothing, notice: (words) => void notices.push(words) };
    source = new LiveSource('http://127.0.0.1:1', 'token', listener);
    source.start();
  });

  afterEach(() => {
    source.stop();
    const left = vi.getTimerCount();
    vi.useRealTimers();
    vi.unstubAllGlobals();
    expect(left, 'timers that nobody owns').toBe(0);
  });

  function socket(): FakeSocket {
    return FakeSocket.made.at(-1) as FakeSocket;
  }

  it('is tried once at a time, also where a person was quicker than the pause', () => {
    socket().lose();
    vi.advanceTimersByTime(400);
    source.retryNow();
    expect([FakeSocket.made.length, vi.getTimerCount()]).toEqual([2, 0]);
    // Lost again: the pause is a second, and begins now, not with the first loss.
    socket().lose();
    vi.advanceTimersByTime(999);
    expect(FakeSocket.made).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(FakeSocket.made).toHaveLength(3);
  });

  it('is not tried again by one who has stopped', () => {
    socket().lose();
    source.stop();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.made).toHaveLength(1);
  });

  it('asks nothing of a new conversation for what was known of the one before', () => {
    socket().open();
    socket().say(welcome, crowd);
    source.lookAt('app1', plan);
    expect(socket().sent.map((one) => one.type === 'watch' && [one.branch, one.detail])).toEqual([
      ['', 'summary'],
      ['app1', 'full'],
    ]);
    socket().lose();
    vi.advanceTimersByTime(500);
    socket().open();
    source.lookAt('app2', plan);
    expect(socket().sent).toEqual([]);
    socket().say(welcome, crowd);
    expect(socket().sent.map((one) => one.type === 'watch' && [one.branch, one.detail])).toEqual([
      ['', 'summary'],
      ['app2', 'full'],
    ]);
  });

  /** The request for earlier lines that was sent last. */
  const asked = () => socket().sent.findLast((one) => one.type === 'history');

  it('gives up earlier lines that do not come in time, and takes no answer that comes later', async () => {
    socket().open();
    socket().say(welcome);
    const before = source.history(7).catch(String);
    vi.advanceTimersByTime(30_000);
    expect(await before).toBe('Error: the app does not answer');
    const id = asked()?.id ?? 0;
    socket().say({ type: 'lines', history: id, lines: numbered(start('app', 0)) }, { type: 'result', id, ok: true, count: 1, next: null });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('refuses earlier lines with the words of the server, and when the connection is lost', async () => {
    socket().open();
    socket().say(welcome);
    const refused = source.history(7).catch(String);
    socket().say({ type: 'result', id: asked()?.id ?? 0, ok: false, error: { code: 'unavailable', words: 'not now' } });
    expect(await refused).toBe('Error: not now');
    const lost = source.history(7).catch(String);
    socket().lose();
    expect(await lost).toBe('Error: the connection was lost');
  });

  it('says in the words of the server what it may not watch, and nothing of what it has asked when the connection is lost', async () => {
    const settled = async (): Promise<void> => {
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    };
    socket().open();
    socket().say(welcome);
    const [watch] = socket().sent;
    socket().say({ type: 'result', id: watch?.id ?? 0, ok: false, error: { code: 'too-many', words: 'too many are watched' } });
    await settled();
    expect(notices).toEqual(['too many are watched']);
    socket().say(welcome, { type: 'bye', why: 'the inspector is closing' });
    socket().lose();
    await settled();
    expect(notices).toEqual(['too many are watched']);
  });

  it('says how many lines are left out where there are more earlier ones than it asks for', async () => {
    socket().open();
    socket().say(welcome);
    const many = 60_000;
    const before = source.history(many + 11);
    const id = asked()?.id ?? 0;
    const lines = Array.from({ length: many }, (_, index) => ({ ...start(`app${index}`, index), seq: index + 1 }));
    socket().say({ type: 'lines', history: id, lines }, { type: 'result', id, ok: true, count: many, next: many + 1 });
    const got = await before;
    expect(got).toHaveLength(many + 1);
    expect(got.at(-1)).toMatchObject({ type: '@espalier.dropped', seq: many + 11, at: many - 1, count: 11 });
  });
});
