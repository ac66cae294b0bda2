/** Viewers that ask and do not read: what is held for them is bounded, and what they have asked is answered when they read. */
import { EventEmitter } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import type { WebSocket } from 'ws';
import { XStateInspect } from '../../src/inspector/adapters/xstate-inspect.js';
import { ForeignConnection } from '../../src/inspector/foreign-connection.js';
import { sharedTurns } from '../../src/inspector/respite.js';
import { Viewer } from '../../src/inspector/viewer.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { FakeFeed } from './fake-feed.js';

const maxQueueBytes = 200_000;

/** A socket whose other side takes what it is sent when the test says so. */
class SlowSocket extends EventEmitter {
  readonly written: string[] = [];
  readonly closed: { readonly code: number; readonly reason: string }[] = [];
  isPaused = false;
  readonly #untaken: (() => void)[] = [];

  send(text: string, done: () => void): void {
    this.written.push(text);
    this.#untaken.push(done);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  terminate(): void {}

  close(code: number, reason: string): void {
    this.closed.push({ code, reason });
  }

  says(message: object): void {
    this.emit('message', Buffer.from(JSON.stringify(message)), false);
  }

  /** @returns whether there was anything to take */
  takes(): boolean {
    const taken = this.#untaken.splice(0);
    for (const done of taken) done();
    return taken.length > 0;
  }
}

/** A clock that goes when the test says so. */
class HandClock extends VirtualClock {
  spent = 0;

  override now(): number {
    return super.now() + this.spent;
  }
}

/** A tree that is told in a megabyte or so, how often it was, and what that has cost, ms. */
function crowd({ actors = 500, cost = 0 } = {}) {
  const feed = new FakeFeed();
  onTestFinished(() => feed.dispose());
  for (let index = 0; index < actors; index++) feed.actors.set(`app/${'x'.repeat(1_000)}${index}`, feed.root);
  const ask = feed.keyframe.bind(feed);
  const told = { frames: 0 };
  feed.keyframe = (...about) => {
    told.frames++;
    clock.spent += cost;
    return ask(...about);
  };
  const socket = new SlowSocket();
  const clock = new HandClock();
  const nothing = { watchesChanged: () => undefined, wake: () => undefined, left: () => undefined };
  const hooks = { feed, clock, maxQueueBytes, stallMs: 10_000, turns: sharedTurns(clock), ...nothing };
  return { feed, socket, told, clock, hooks };
}

it('a viewer that asks for everything again is listened to when it has read, and answered each time', () => {
  const { socket, told, hooks } = crowd();
  const viewer = new Viewer(socket as unknown as WebSocket, { ...hooks, answer: () => undefined });
  // All in one piece, as a socket may read it: some come after it was paused.
  for (let id = 0; id < 20; id++) socket.says({ type: 'watch', id, branch: '', detail: 'full' });
  expect(socket.isPaused).toBe(true);
  expect(viewer.isIdle).toBe(false);
  viewer.flush();
  expect(told.frames).toBe(1);
  for (let round = 2; round <= 20; round++) {
    while (socket.takes());
    viewer.flush();
    expect(told.frames).toBe(round);
  }
  while (socket.takes());
  viewer.flush();
  expect(socket.isPaused).toBe(false);
  expect(viewer.isIdle).toBe(true);
  const results = socket.written.flatMap((text) => (text.startsWith('{"type":"result"') ? [(JSON.parse(text) as { id: number }).id] : []));
  expect(results).toEqual(Array.from({ length: 20 }, (_, id) => id));
});

it('a viewer that falls behind again and again is told everything anew only when it has read that', () => {
  const { feed, socket, told, hooks } = crowd();
  const viewer = new Viewer(socket as unknown as WebSocket, { ...hooks, answer: () => undefined });
  const unfollow = feed.follow('', 'full', (line) => viewer.line(line));
  onTestFinished(unfollow);
  socket.says({ type: 'watch', id: 1, branch: '', detail: 'full' });
  for (let round = 0; round < 10; round++) {
    for (let index = 0; index < 30; index++) feed.event('app', 10_000);
    viewer.flush();
  }
  expect(told.frames).toBe(1);
  while (socket.takes());
  viewer.flush();
  expect(told.frames).toBe(2);
});

it('a viewer of another inspector that asks again is told again when it has read', () => {
  const { socket, told, hooks } = crowd();
  const viewer = new ForeignConnection(socket as unknown as WebSocket, new XStateInspect(), { ...hooks, send: () => undefined });
  viewer.welcome();
  for (let round = 0; round < 20; round++) {
    socket.says({ type: 'xstate.inspecting' });
    viewer.flush();
  }
  expect(told.frames).toBe(1);
  while (socket.takes());
  viewer.flush();
  expect(told.frames).toBe(2);
  while (socket.takes());
  viewer.flush();
  expect(told.frames).toBe(2);
  expect(viewer.isIdle).toBe(true);
});

it('a viewer that reads and asks for everything again and again is told it for a tenth of the time, and answered each time', () => {
  const { socket, told, clock, hooks } = crowd({ actors: 1, cost: 50 });
  const viewer = new Viewer(socket as unknown as WebSocket, { ...hooks, answer: () => undefined });
  const flush = (ms: number): void => {
    clock.spent += ms;
    while (socket.takes());
    viewer.flush();
  };
  socket.says({ type: 'watch', id: 0, branch: '', detail: 'full' });
  expect(told.frames).toBe(1);
  for (let id = 1; id < 15; id++) {
    socket.says({ type: 'watch', id, branch: '', detail: id % 2 === 0 ? 'summary' : 'full' });
    flush(33);
  }
  expect(told.frames).toBe(1);
  expect(viewer.isIdle).toBe(false);
  flush(500 - 14 * 33);
  expect(told.frames).toBe(2);
  expect(viewer.watches.detailOf('app')).toBe('summary');
  while (socket.takes());
  expect(viewer.isIdle).toBe(true);
  const results = socket.written.flatMap((text) => (text.startsWith('{"type":"result"') ? [(JSON.parse(text) as { id: number }).id] : []));
  expect(results).toEqual(Array.from({ length: 15 }, (_, id) => id));
});

it('a viewer is told a branch again at the next flush, however little it costs; what it asks last of one counts', () => {
  const { socket, told, hooks } = crowd({ actors: 1 });
  const viewer = new Viewer(socket as unknown as WebSocket, { ...hooks, answer: () => undefined });
  socket.says({ type: 'watch', id: 1, branch: 'app', detail: 'full' });
  socket.says({ type: 'watch', id: 2, branch: 'app', detail: 'summary' });
  socket.says({ type: 'unwatch', id: 3, branch: 'app' });
  socket.says({ type: 'unwatch', id: 4, branch: 'app' });
  expect(told.frames).toBe(1);
  expect(viewer.watches.detailOf('app')).toBe('full');
  viewer.flush();
  expect(told.frames).toBe(1);
  expect(viewer.watches.isEmpty).toBe(true);
  while (socket.takes());
  const results = socket.written.flatMap((text) => (text.startsWith('{"type":"result"') ? [JSON.parse(text) as { id: number; ok: boolean }] : []));
  expect(results.map(({ id, ok }) => [id, ok])).toEqual([
    [1, true],
    [4, false],
    [2, true],
    [3, true],
  ]);
});

it('a viewer that asks for values and the past without end has a tenth of the time; one that asks now and then waits for nothing', () => {
  const { socket, clock, hooks } = crowd({ actors: 1 });
  const answered: number[] = [];
  const viewer = new Viewer(socket as unknown as WebSocket, {
    ...hooks,
    answer: ({ id, type }) => {
      answered.push(id);
      if (type !== 'control') clock.spent += 100;
    },
  });
  const ask = (id: number): void =>
    socket.says(id % 2 === 0 ? { type: 'value', id, actor: 'app', pointer: '/nope' } : { type: 'history', id, from: 0, to: 9 });
  for (let id = 0; id < 4; id++) ask(id);
  expect(answered).toEqual([0]);
  expect(socket.isPaused).toBe(true);
  expect(viewer.isIdle).toBe(false);
  for (let past = 33; past < 1_000; past += 33) {
    clock.spent += 33;
    viewer.flush();
  }
  expect(answered).toEqual([0]);
  for (let round = 1; round < 4; round++) {
    clock.spent += 1_000;
    viewer.flush();
  }
  expect(answered).toEqual([0, 1, 2, 3]);
  expect(socket.isPaused).toBe(false);
  clock.spent += 1_000;
  ask(4);
  expect(answered).toEqual([0, 1, 2, 3, 4]);
  expect(viewer.isIdle).toBe(true);
});

it('a viewer of another inspector whose adapter fails is hung up on, and that is all', () => {
  const { socket, hooks } = crowd({ actors: 1 });
  const left: string[] = [];
  const adapter = new XStateInspect();
  adapter.receive = () => {
    throw new Error('漢'.repeat(200));
  };
  const viewer = new ForeignConnection(socket as unknown as WebSocket, adapter, {
    ...hooks,
    left: (_viewer, why) => left.push(why),
    send: () => undefined,
  });
  socket.says({ type: 'xstate.inspecting' });
  expect(socket.closed).toMatchObject([{ code: 1011, reason: expect.stringContaining('the inspector failed: Error: 漢') }]);
  expect(Buffer.byteLength(socket.closed[0]?.reason ?? '')).toBeLessThanOrEqual(123);
  expect(left).toHaveLength(1);
  expect(viewer.isIdle).toBe(true);
});

it('a viewer that is not listened to is hung up on, and heard when it hangs up', () => {
  const { socket, clock, hooks } = crowd({ actors: 1 });
  const viewer = new Viewer(socket as unknown as WebSocket, { ...hooks, answer: () => (clock.spent += 100) });
  for (let id = 0; id < 2; id++) socket.says({ type: 'value', id, actor: 'app' });
  expect(socket.isPaused).toBe(true);
  viewer.bye(1001, 'the end');
  expect(socket.isPaused).toBe(false);
  expect(socket.closed).toEqual([{ code: 1001, reason: 'the end' }]);
});

it('a viewer of another inspector that reads and asks again is told for a tenth of the time', () => {
  const { socket, told, clock, hooks } = crowd({ actors: 1, cost: 50 });
  const viewer = new ForeignConnection(socket as unknown as WebSocket, new XStateInspect(), { ...hooks, send: () => undefined });
  viewer.welcome();
  for (let round = 0; round <= 15; round++) {
    socket.says({ type: 'xstate.inspecting' });
    while (socket.takes());
    viewer.flush();
    clock.spent += 33;
  }
  expect(told.frames).toBe(1);
  viewer.flush();
  expect(told.frames).toBe(2);
});
