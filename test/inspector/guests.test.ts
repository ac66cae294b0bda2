/** Apps of other processes that have only `@statelyai/inspect`: the package itself connects, and our viewers are shown them beside our own. */
import { EventEmitter, once } from 'node:events';
import { createWebSocketInspector } from '@statelyai/inspect';
import { createActor, createMachine, SimulatedClock } from 'xstate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { orchestrator } from '../../src/index.js';
import { Guests, mostGuests } from '../../src/inspector/guest-connection.js';
import type { Guest } from '../../src/inspector/guest.js';
import { inspect } from '../../src/inspector/inspector.js';
import type { InspectorOptions } from '../../src/inspector/plan.js';
import { recorder } from '../../src/inspector/recorder.js';
import { lookAt } from '../../src/inspector/client.js';
import { Scene, sceneAt, type SceneActor } from '../../src/recording/scene.js';
import { anyLine, type RecordedLine } from '../../src/wire/recording/lines.js';
import { parseRecording } from '../../src/wire/recording/parse.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { kettle } from './adapters/kettle.js';
import { Heard } from './adapters/heard.js';
import { leastHeap } from './garbage.js';
import { open } from './open.js';

const lamp = createMachine({ id: 'lamp', initial: 'off', states: { off: { on: { TURN: 'on' } }, on: { on: { TURN: 'off' } } } });

async function inspected(options: InspectorOptions = {}) {
  const app = orchestrator({ actors: { lamp }, children: [{ id: 'lamp', src: 'lamp' }] }).start();
  await app.started();
  const eye = inspect(app, options);
  onTestFinished(async () => {
    await eye.close();
    await app.stop();
  });
  const ready = await eye.ready();
  if (!ready.ok) throw new Error('it does not listen');
  return { app, eye, ...ready };
}

/** What our own viewer in the terminal makes of it. */
async function lookedAt({ port, token }: { readonly port: number; readonly token: string }, detail: 'summary' | 'full') {
  const scene = new Scene();
  const scenes = new Heard<Scene>();
  const lines: RecordedLine[] = [];
  const client = await lookAt({ host: `127.0.0.1:${port}`, token }, (message) => {
    if (message.type !== 'keyframe' && message.type !== 'lines') return;
    for (const line of message.lines) {
      lines.push(line);
      scene.take(line);
    }
    scenes.push(scene.copy());
  });
  onTestFinished(() => client.close());
  await client.ask({ type: 'watch', branch: '', detail });
  const until = async (path: string, holds: (actor: SceneActor) => boolean): Promise<SceneActor> => {
    const found = await scenes.until(({ actors }) => [actors.get(path)].some((actor) => actor !== undefined && holds(actor)));
    return found.actors.get(path) as SceneActor;
  };
  return { client, lines, until };
}

/** An app that knows nothing of us. */
function guestApp({ port, token }: { readonly port: number; readonly token: string }) {
  const inspector = createWebSocketInspector({ url: `ws://127.0.0.1:${port}/statelyai-app/${token}` });
  const actor = createActor(kettle, { id: 'kettle', clock: new SimulatedClock(), inspect: inspector.inspect }).start();
  const stop = (): void => {
    actor.stop();
    inspector.stop();
  };
  onTestFinished(stop);
  return { actor, stop };
}

describe('an app with @statelyai/inspect alone', () => {
  it.each(['full', 'summary'] as const)('is shown to our viewers beside the app itself, also to one that watches as a %s', async (detail) => {
    const eye = await inspected();
    const { until, lines } = await lookedAt(eye, detail);
    const { actor, stop } = guestApp(eye);
    actor.send({ type: 'fill', litres: 2 });
    actor.send({ type: 'boil' });
    const path = '~statelyai-1/kettle';
    const shown = await until(path, ({ value }) => JSON.stringify(value ?? null).includes('heating'));
    expect(shown).toMatchObject({ value: actor.getSnapshot().value, machine: path, parent: '~statelyai-1', context: { litres: 2 }, isBrief: false });
    expect(await until(`${path}/whistle`, () => true)).toMatchObject({ parent: path, logic: 'other' });
    expect(await until('app', () => true)).toMatchObject({ parent: null, exit: null });
    for (const line of lines) expect(anyLine.safeParse(line).error).toBeUndefined();
    stop();
    expect(await until(path, ({ exit }) => exit !== null)).toMatchObject({ status: 'stopped' });
  });

  it('is in the keyframe of one who comes later, and in the recording, which opens', async () => {
    const eye = await inspected();
    const early = await lookedAt(eye, 'full');
    const { actor } = guestApp(eye);
    actor.send({ type: 'fill', litres: 3 });
    const path = '~statelyai-1/kettle';
    const filled = ({ context }: SceneActor): boolean => JSON.stringify(context ?? null).includes('3');
    await early.until(path, filled);
    const late = await lookedAt(eye, 'full');
    expect(await late.until(path, filled)).toMatchObject({ status: 'active' });
    const response = await fetch(`http://127.0.0.1:${eye.port}/recording`, { headers: { Authorization: `Bearer ${eye.token}` } });
    const scene = sceneAt(parseRecording(await response.text()).lines);
    expect(scene.actors.get(path)).toMatchObject({ context: { litres: 3 } });
    expect(scene.actors.get('app')).toMatchObject({ exit: null });
  });

  it('is followed while nobody watches, and can be controlled by nobody', async () => {
    const eye = await inspected({ control: true });
    const { actor } = guestApp(eye);
    actor.send({ type: 'fill', litres: 4 });
    const { client, until } = await lookedAt(eye, 'full');
    const path = '~statelyai-1/kettle';
    await until(path, ({ context }) => JSON.stringify(context ?? null).includes('4'));
    for (const action of ['kill', 'stop', 'restart'] as const)
      expect(await client.ask({ type: 'control', action, actor: path })).toMatchObject({ ok: false, error: { code: 'unknown-actor' } });
    const sent = await client.ask({ type: 'control', action: 'send', actor: path, event: { type: 'fill', litres: 9 } });
    expect(sent).toMatchObject({ ok: false, error: { code: 'unknown-actor' } });
    expect(actor.getSnapshot().context.litres).toBe(4);
  });

  it('hides what the app that shows it hides', async () => {
    await using seen = recorder({ redact: /litres/, secrets: ['heard-only'] });
    const guest = seen.takeIn();
    const told: RecordedLine[] = [];
    seen.subscribe({ lines: (lines) => told.push(...lines) });
    const about = { sessionId: 'x:0', createdAt: '1', rootId: 'x:0' };
    const snapshot = { status: 'active', value: 'on', context: { litres: 2, words: ['say heard-only'] } };
    guest.receive(JSON.stringify({ type: '@xstate.actor', name: 'k', definition: '{"id":"k","states":{"on":{}}}', snapshot, ...about }));
    const text = JSON.stringify(told);
    expect(text).toContain('"litres":{"$redacted":true}');
    expect(text).not.toContain('heard-only');
  });

  it('makes a recording that opens of a machine whose definition cannot be read', async () => {
    await using seen = recorder({ details: 'always' });
    const guest = seen.takeIn();
    const about = { sessionId: 'x:0', createdAt: '1', rootId: 'x:0' };
    const snapshot = { status: 'active', value: 'on', context: {} };
    guest.receive(JSON.stringify({ type: '@xstate.actor', name: 'k', definition: '{"id":"k"', snapshot, ...about }));
    guest.receive(JSON.stringify({ type: '@xstate.snapshot', event: { type: 'go' }, snapshot: { ...snapshot, value: 'off' }, ...about }));
    const lines = seen.keyframe();
    const end = { type: 'end', lines: lines.length, cut: null };
    const text = [seen.head, ...lines, end].map((line) => JSON.stringify(line)).join('\n');
    expect(sceneAt(parseRecording(text).lines).actors.get('~statelyai-1/k')).toMatchObject({ value: 'off', status: 'active' });
  });

  it('is let in with the token only, from no page that the app has not listed, and not without end', async () => {
    const { port, token } = await inspected();
    const at = `ws://127.0.0.1:${port}/statelyai-app`;
    const answer = async (url: string, headers: Record<string, string> = {}): Promise<number | undefined> => {
      const socket = new WebSocket(url, { headers });
      onTestFinished(() => socket.terminate());
      socket.on('error', () => undefined);
      return Promise.race([
        once(socket, 'unexpected-response').then(([, response]) => (response as { statusCode?: number }).statusCode),
        once(socket, 'open').then(() => 101),
      ]);
    };
    expect(await answer(`${at}/wrong`)).toBe(401);
    expect(await answer(`${at}/${token}`, { Origin: 'https://stately.ai' })).toBe(403);
    for (let count = 0; count < mostGuests; count++) expect(await answer(`${at}/${token}`)).toBe(101);
    expect(await answer(`${at}/${token}`)).toBe(503);
  });

  it('is hung up on at the third frame that is none, and at one that is too long', async () => {
    const { port, token } = await inspected();
    const closing = async (frames: readonly string[]): Promise<number> => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/statelyai-app/${token}`);
      socket.on('error', () => undefined);
      await once(socket, 'open');
      for (const frame of frames) socket.send(frame);
      const [code] = (await once(socket, 'close')) as [number];
      return code;
    };
    expect(await closing(['{', 'null', '{"type":"@xstate.actor"}'])).toBe(1008);
    expect(await closing([`"${'x'.repeat(1_100_000)}"`])).toBe(1009);
  });

  it('is read as fast as is good for the app that shows it: what it says at once is all told', { timeout: 60_000 }, async () => {
    const { port, token, look, feed } = await open();
    await look();
    const gone = new Promise<void>((resolve) => {
      onTestFinished(feed.follow('', 'full', ({ line }) => void (line.type === '@espalier.exit' && line.actor === '~statelyai-1' && resolve())));
    });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/statelyai-app/${token}`);
    await once(socket, 'open');
    onTestFinished(() => socket.terminate());
    const about = { sessionId: 'x:0', createdAt: '1', rootId: 'x:0' };
    const state = (value: number): object => ({ status: 'active', value: 'on', context: { value, pad: 'x'.repeat(1_000) } });
    socket.send(JSON.stringify({ type: '@xstate.actor', name: 'k', definition: '{"id":"k","states":{"on":{}}}', snapshot: state(0), ...about }));
    const before = leastHeap();
    for (let value = 1; value <= 5_000; value++)
      socket.send(JSON.stringify({ type: '@xstate.snapshot', event: { type: 'go' }, snapshot: state(value), ...about }));
    socket.close();
    await once(socket, 'close');
    await gone;
    expect(feed.kept.at(-2)?.line).toMatchObject({ type: '@espalier.exit', actor: '~statelyai-1/k' });
    expect(feed.kept.filter(({ line }) => line.type === '@xstate.transition')).toHaveLength(5_000);
    feed.kept.length = 0;
    expect(leastHeap() - before).toBeLessThan(20_000_000);
  });

  it('is read for ten milliseconds of a turn, then in the next', () => {
    const clock = new VirtualClock();
    let spent = 0;
    class Socket extends EventEmitter {
      isPaused = false;
      pause = (): void => void (this.isPaused = true);
      resume = (): void => void (this.isPaused = false);
      close = (): void => undefined;
    }
    const socket = new Socket();
    const guest = { receive: () => ((spent += 4), null), leave: () => undefined };
    const slow = { now: () => clock.now() + spent, setTimeout: clock.setTimeout.bind(clock), clearTimeout: clock.clearTimeout.bind(clock) };
    const guests = new Guests({ takeIn: () => guest as unknown as Guest }, slow);
    guests.join(socket as unknown as WebSocket);
    const say = (): boolean => socket.emit('message', Buffer.from('{}'), false);
    for (let turn = 0; turn < 3; turn++) {
      say();
      say();
      expect(socket.isPaused).toBe(false);
      say();
      expect(socket.isPaused).toBe(true);
      clock.advanceBy(50);
      expect(socket.isPaused).toBe(false);
    }
    guests.close('the end');
    socket.emit('close');
    expect(clock.pending()).toBe(0);
  });
});
