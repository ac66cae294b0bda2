/** An inspector over a feed under the test's hand, on a port of its own; closed at the end of the test, and nothing left. */
import { type AnyActorRef, createActor } from 'xstate';
import { expect, onTestFinished } from 'vitest';
import { inspectorMachine } from '../../machines/inspector/inspector.js';
import { inspectorHandle } from '../../src/inspector/inspector.js';
import { type InspectorOptions, planInspector } from '../../src/inspector/plan.js';
import { server, type ServerMakings } from '../../src/inspector/server.js';
import type { Clock } from '../../src/supervision/clock.js';
import { FakeFeed } from './fake-feed.js';
import { Look } from './look.js';

export interface Opened {
  readonly ref: AnyActorRef;
  readonly feed: FakeFeed;
  readonly port: number;
  readonly token: string;
  look(): Promise<Look>;
}

/** What a test has in hand beside the options. */
export interface Stand extends Pick<ServerMakings, 'handshakes' | 'connections'> {
  readonly feed?: FakeFeed;
  readonly clock?: Clock;
}

/** Lets in whoever comes, as often as he comes: for who is fuzzed, and hung up on at every third frame. */
export const openDoors: Stand = { handshakes: { allows: () => true }, connections: { allows: () => true } };

export async function open(options: InspectorOptions = {}, { feed = new FakeFeed(), clock, ...makings }: Stand = {}): Promise<Opened> {
  const facts = { title: 'a test', pid: 1, runtime: 'Node', version: '0' };
  const actor = server({ plan: planInspector(options), facts, open: () => feed, ...makings });
  const ref = createActor(inspectorMachine.provide({ actors: { server: actor } }), {
    ...(clock === undefined ? {} : { clock }),
    input: { listenMs: 5_000, closeMs: 1_000 },
  }) as unknown as AnyActorRef;
  ref.subscribe({ error: () => undefined });
  ref.start();
  const handle = inspectorHandle(ref);
  const ready = await handle.ready();
  if (!ready.ok) throw new Error(`it does not listen: ${JSON.stringify(ready.reason)}`);
  onTestFinished(async () => {
    await handle.close();
    expect(feed.isDisposed).toBe(true);
    expect(feed.followed).toEqual([]);
  });
  const { port, token } = ready;
  return { ref, feed, port, token, look: () => Look.at(port, token) };
}
