/** A stream as a supervised child, and as an actor that a machine invokes. */
import { describe, expect, it } from 'vitest';
import { createActor, setup } from 'xstate';
import { httpStream } from '../../src/stream/http-stream.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { Told, Wire } from './wire.js';

const url = 'http://feed.test/';

function tree(restart: 'transient' | 'temporary') {
  const [clock, wire, told] = [new VirtualClock(), new Wire(), new Told()];
  const feed = httpStream({ url, fetch: wire.fetch, target: told.tell, retry: { attempts: 1 } });
  const app = orchestrator({ actors: { feed }, children: [{ id: 'feed', src: 'feed', restart }] }).start({ clock });
  return { app, clock, told, wire };
}

describe('a supervised stream', () => {
  it('that fails is started again, and each has its end', async () => {
    const { app, clock, told, wire } = tree('transient');
    (await wire.next()).answer(404).end();
    const again = await wire.next();
    again.answer().send('data: a\n\n').end();
    await told.heard('stream.completed');
    expect(told.ends).toMatchObject([{ type: 'stream.failed', failure: { kind: 'refused' } }, { type: 'stream.completed' }]);
    expect(wire.requests).toHaveLength(2); // one that is done is not
    await app.stop();
    expect(clock.pending()).toBe(0);
  });

  it('is cancelled, and its request aborted, when its tree is stopped', async () => {
    const { app, clock, told, wire } = tree('temporary');
    const asked = (await wire.next()).answer();
    const report = await app.stop();
    expect(report).toMatchObject({ reason: 'normal', killed: [], orphans: [] });
    expect(told.ends).toMatchObject([{ type: 'stream.cancelled', cancellation: { by: 'supervisor' } }]);
    expect(asked.isCancelled).toBe(true);
    expect(clock.pending()).toBe(0);
  });
});

describe('a stream that a machine invokes', () => {
  it('tells its parent', async () => {
    const [wire, told] = [new Wire(), new Told()];
    const machine = setup({ actors: { feed: httpStream({ url, fetch: wire.fetch }) } }).createMachine({
      id: 'reader',
      invoke: { id: 'feed', src: 'feed' },
      on: { 'stream.*': { actions: ({ event }) => told.tell(event as never) } },
    });
    const root = createActor(machine).start();
    (await wire.next()).answer().send('data: a\n\n').end();
    await told.heard('end');
    expect(told.messages).toMatchObject([
      { type: 'stream.event', event: { data: 'a' }, streamId: 'feed' },
      { type: 'stream.completed', summary: { eventCount: 1 }, streamId: 'feed' },
    ]);
    root.stop();
  });
});
