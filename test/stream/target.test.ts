/** Who is told: callbacks, loops. And that no byte is read before it is wanted. */
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { httpStream, openStream } from '../../src/stream/http-stream.js';
import { StreamError } from '../../src/stream/stream-error.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import type { StreamMessage } from '../../src/stream/target.js';
import { fact, Told, Wire } from './wire.js';

const url = 'http://feed.test/';

function opened(options: object = {}) {
  const [clock, wire] = [new VirtualClock(), new Wire()];
  const stream = openStream({ url, fetch: wire.fetch, clock, ...options });
  return { clock, wire, stream };
}

describe('a callback', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('oops');
      },
    ],
    ['rejects', () => Promise.reject(new Error('oops'))],
  ])('that %s fails the stream, is told so once, and the request is aborted', async (_, fault) => {
    const [clock, wire, told] = [new VirtualClock(), new Wire(), new Told()];
    const target = (message: StreamMessage<unknown>): unknown => {
      told.tell(message);
      return message.type === 'stream.event' ? fault() : undefined;
    };
    const root = createActor(httpStream({ url, fetch: wire.fetch, target }), { clock });
    root.subscribe({ error: () => undefined });
    root.start();
    const asked = (await wire.next()).answer();
    asked.send('data: one\n\ndata: two\n\n');
    await told.heard('end');
    expect(told.events).toHaveLength(1);
    expect(told.ends).toMatchObject([{ type: 'stream.failed', failure: { kind: 'targetThrew', message: 'oops' } }]);
    expect(asked.isCancelled).toBe(true);
    expect(clock.pending()).toBe(0);
  });

  it('that takes its time is not told the next event before, and nothing is read meanwhile', async () => {
    const [clock, wire, told] = [new VirtualClock(), new Wire(), new Told()];
    const releases: (() => void)[] = [];
    const target = (message: StreamMessage<unknown>): unknown => {
      told.tell(message);
      return message.type === 'stream.event' ? new Promise<void>((resolve) => releases.push(resolve)) : undefined;
    };
    const root = createActor(httpStream({ url, fetch: wire.fetch, target }), { clock }).start();
    const asked = (await wire.next()).answer();
    await asked.wanted();
    asked.send('data: one\n\ndata: two\n\n');
    await told.heard('stream.event');
    clock.advanceBy(500_000); // the target's time is no silence of the server's
    expect([told.events.length, asked.readCount, root.getSnapshot().status]).toEqual([1, 1, 'active']);
    const wanted = asked.wanted();
    releases.shift()?.();
    await Promise.resolve();
    expect([told.events.length, asked.readCount]).toEqual([2, 1]);
    releases.shift()?.();
    await wanted;
    asked.end();
    await told.heard('end');
    expect(told.ends).toMatchObject([{ type: 'stream.completed' }]);
  });
});

describe('a loop', () => {
  it('has every event, and ends with the stream', async () => {
    const { clock, stream, wire } = opened();
    void wire.next().then((asked) => asked.answer().send('data: a\n\n').send('data: b\n\nevent: x\ndata: c\n\n').end());
    const read: unknown[] = [];
    for await (const { data, event } of stream) read.push([event, data]);
    expect(read).toEqual([
      [undefined, 'a'],
      [undefined, 'b'],
      ['x', 'c'],
    ]);
    expect(await stream.ended()).toMatchObject({ ok: true, summary: { eventCount: 3 } });
    expect(clock.pending()).toBe(0);
  });

  it('asks for bytes only when it has used up those it has', async () => {
    const { stream, wire } = opened();
    const openedNow = fact(stream.ref, 'stream.opened');
    const asked = (await wire.next()).answer();
    await openedNow;
    expect(asked.readCount).toBe(0);
    const loop = stream[Symbol.asyncIterator]();
    const first = loop.next();
    await asked.wanted();
    asked.send('data: a\n\ndata: b\n\n');
    expect((await first).value).toMatchObject({ data: 'a' });
    expect((await loop.next()).value).toMatchObject({ data: 'b' });
    expect(asked.readCount).toBe(1);
    await loop.return?.();
    expect(asked.isCancelled).toBe(true);
    expect(await stream.ended()).toMatchObject({ ok: false, failure: { kind: 'cancelled', code: 'app' } });
  });

  it('that is left cancels the request', async () => {
    const { clock, stream, wire } = opened();
    const asking = wire.next();
    void asking.then((asked) => asked.answer().send('data: a\n\n'));
    for await (const event of stream) {
      expect(event.data).toBe('a');
      break;
    }
    expect((await asking).isCancelled).toBe(true);
    expect(await stream.ended()).toMatchObject({ ok: false, failure: { kind: 'cancelled' } });
    expect(clock.pending()).toBe(0);
  });

  it('over a stream that fails throws after the last event, once', async () => {
    const { stream, wire } = opened();
    void wire.next().then((asked) => asked.answer().send('data: a\n\ndata: cut').end());
    const loop = stream[Symbol.asyncIterator]();
    expect((await loop.next()).value).toMatchObject({ data: 'a' });
    const error: unknown = await loop.next().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StreamError);
    expect(error).toMatchObject({ code: 'stream/ended', details: { kind: 'truncated' } });
    expect(await loop.next()).toEqual({ done: true, value: undefined });
  });

  it('that somebody else cancels throws', async () => {
    const { stream, wire } = opened();
    (await wire.next()).answer();
    const next = stream[Symbol.asyncIterator]().next();
    const outcome = await stream.cancel('enough');
    expect(outcome).toMatchObject({ ok: false, failure: { kind: 'cancelled', code: 'app', message: 'enough' } });
    await expect(next).rejects.toMatchObject({ details: { kind: 'cancelled', message: 'enough' } });
  });

  it('over a stream that is killed has what had come, then throws', async () => {
    const { stream, wire } = opened();
    const asked = (await wire.next()).answer();
    const loop = stream[Symbol.asyncIterator]();
    const first = loop.next();
    await asked.wanted();
    asked.send('data: a\n\ndata: b\n\n');
    await first;
    stream.ref.stop();
    expect((await loop.next()).value).toMatchObject({ data: 'b' });
    await expect(loop.next()).rejects.toMatchObject({ details: { kind: 'cancelled', code: 'supervisor' } });
    expect(asked.isCancelled).toBe(true);
  });

  it('of its own shares the events with others', async () => {
    const { stream, wire } = opened();
    const [one, other] = [stream[Symbol.asyncIterator](), stream[Symbol.asyncIterator]()];
    const both = Promise.all([one.next(), other.next()]);
    (await wire.next()).answer().send('data: a\n\ndata: b\n\n').end();
    expect((await both).map(({ value }) => value?.data)).toEqual(['a', 'b']);
    expect(await one.next()).toEqual({ done: true, value: undefined });
  });
});

describe('a signal', () => {
  it('that is aborted before the start lets no request be made', async () => {
    const { clock, stream, wire } = opened({ signal: AbortSignal.abort(new Error('never mind')) });
    expect(await stream.ended()).toMatchObject({ ok: false, failure: { kind: 'cancelled', code: 'signal', message: 'never mind' } });
    expect(wire.requests).toHaveLength(0);
    expect(clock.pending()).toBe(0);
  });

  it('that is aborted later cancels the request', async () => {
    const abort = new AbortController();
    const { stream, wire } = opened({ signal: abort.signal });
    const asked = (await wire.next()).answer();
    abort.abort();
    expect(await stream.ended()).toMatchObject({ ok: false, failure: { kind: 'cancelled', code: 'signal' } });
    expect(asked.isCancelled).toBe(true);
  });
});

describe('decode', () => {
  it("makes an event the app's value, and leaves out what is none", async () => {
    const decode = ({ data, event }: { data: string; event?: string | undefined }) =>
      event === 'ping' ? undefined : (JSON.parse(data) as { n: number });
    const { stream, wire } = opened({ decode });
    void wire.next().then((asked) => asked.answer().send('event: ping\ndata\n\ndata: {"n":1}\n\n').end());
    const read: unknown[] = [];
    for await (const value of stream) read.push(value);
    expect(read).toEqual([{ n: 1 }]);
  });

  it('that throws fails the stream', async () => {
    const { stream, wire } = opened({ decode: ({ data }: { data: string }) => JSON.parse(data) as unknown });
    const drained = stream.drain();
    (await wire.next()).answer().send('data: {"n"\n\n').end();
    expect(await drained).toMatchObject({ ok: false, failure: { kind: 'malformed', code: 'decode' } });
  });

  it('is given an unfinished event that is whole JSON, where that is wanted', async () => {
    const { stream, wire } = opened({ unfinished: 'takeJson' });
    const drained = stream.drain();
    (await wire.next()).answer().send('data: {"n":1}').end();
    expect(await drained).toMatchObject({ ok: true, summary: { eventCount: 1 } });
    const cut = opened({ unfinished: 'takeJson' });
    const drainedToo = cut.stream.drain();
    (await cut.wire.next()).answer().send('data: {"n":').end();
    expect(await drainedToo).toMatchObject({ ok: false, failure: { kind: 'truncated' } });
  });
});

describe('a stream that is restored from a snapshot', () => {
  it('has failed, and makes no request', async () => {
    const [clock, wire, told] = [new VirtualClock(), new Wire(), new Told()];
    const logic = httpStream({ url, fetch: wire.fetch, target: told.tell });
    const first = createActor(logic, { clock }).start();
    (await wire.next()).answer();
    await fact(first, 'stream.opened');
    const snapshot: unknown = JSON.parse(JSON.stringify(first.getPersistedSnapshot()));
    first.stop();
    const again = createActor(logic, { clock, snapshot: snapshot as never });
    again.subscribe({ error: () => undefined });
    again.start();
    expect(wire.requests).toHaveLength(1);
    expect(told.ends).toMatchObject([{ type: 'stream.cancelled' }, { type: 'stream.failed', failure: { kind: 'interrupted' } }]);
    expect(clock.pending()).toBe(0);
  });
});
