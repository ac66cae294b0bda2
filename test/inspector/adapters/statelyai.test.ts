/** Both directions of `@statelyai/inspect` 0.7.2 against the package itself, over a socket. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { createWebSocketInspector, createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { createActor, createMachine, SimulatedClock } from 'xstate';

import { StatelyApp } from '../../../src/inspector/adapters/stately-app.js';
import { StatelyViewer } from '../../../src/inspector/adapters/statelyai.js';
import { Scene, sceneAt } from '../../../src/recording/scene.js';
import { anyLine, headLine, type RecordedLine } from '../../../src/wire/recording/lines.js';
import { Heard } from './heard.js';
import { kettle, startKettle } from './kettle.js';

let server: WebSocketServer;
let address: string;

beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  address = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  for (const client of server.clients) client.terminate();
  await new Promise((resolve) => server.close(resolve));
});

describe('a viewer of @statelyai/inspect', () => {
  it('is told how things are, then what happens, as its own receiver reads it', async () => {
    const app = startKettle();
    app.send('kettle', { type: 'fill', litres: 2 });
    server.on('connection', (socket) => {
      const adapter = new StatelyViewer({ wallAt: 1_700_000_000_000 });
      app.onLine((line) => {
        for (const text of adapter.lines([line])) socket.send(text);
      });
      for (const text of adapter.open(sceneAt(app.lines))) socket.send(text);
    });
    const heard = new Heard<StatelyInspectionEvent>();
    createWebSocketReceiver({ server: address }).subscribe((message) => heard.push(message));
    const begun = await heard.until(({ type }) => type === '@xstate.actor');
    expect(begun).toMatchObject({ sessionId: 'kettle', rootId: 'kettle', name: 'kettle', createdAt: '1700000000000', id: null, _version: '0.7.2' });
    if (begun.type !== '@xstate.actor') throw new Error('no actor');
    expect(begun.snapshot).toMatchObject({ status: 'active', value: { water: 'cold', lid: 'open' }, context: { litres: 2 }, tags: ['wet'] });
    const drawn = createMachine(JSON.parse(begun.definition ?? 'null') as never);
    expect(drawn.resolveState({ value: begun.snapshot.value as never, context: {} }).matches({ water: 'cold' })).toBe(true);

    app.send('kettle', { type: 'boil' });
    const boiled = await heard.until((message) => message.type === '@xstate.snapshot' && (message.event as { type: string }).type === 'boil');
    expect(boiled).toMatchObject({ sessionId: 'kettle', snapshot: { value: { water: 'heating', lid: 'open' }, children: {} } });
    const sent = heard.items.find(({ type }) => type === '@xstate.event');
    expect(sent).toMatchObject({ sessionId: 'kettle', event: { type: 'boil' } });
    expect(await heard.until(({ sessionId }) => sessionId === 'kettle/whistle')).toMatchObject({
      type: '@xstate.actor',
      parentId: 'kettle',
      definition: '{"id":"whistle"}',
    });
    app.stop();
    const end = await heard.until((message) => message.type === '@xstate.snapshot' && message.snapshot.status === 'stopped');
    expect(end.rootId).toBe('kettle');
  });
});

/** An app that knows nothing of us. */
async function inspectedApp(): Promise<{ heard: Heard<RecordedLine>; adapter: StatelyApp; inspector: ReturnType<typeof createWebSocketInspector> }> {
  const heard = new Heard<RecordedLine>();
  const adapter = new StatelyApp();
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      const frame = adapter.receive((data as Buffer).toString());
      if (frame.kind === 'refused') throw new Error(frame.why);
      for (const line of frame.lines) heard.push(line);
    });
  });
  const inspector = createWebSocketInspector({ url: address });
  await once(server, 'connection');
  return { heard, adapter, inspector };
}

describe('an app with @statelyai/inspect alone', () => {
  it('is seen as a recording tells it: its machines, its actors, their states', async () => {
    const { heard, adapter, inspector } = await inspectedApp();
    const clock = new SimulatedClock();
    const actor = createActor(kettle, { id: 'kettle', clock, inspect: inspector.inspect }).start();
    actor.send({ type: 'fill', litres: 2 });
    actor.send({ type: 'boil' });
    actor.send({ type: 'fill', litres: 4 });
    await heard.until((line) => line.type === '@xstate.transition' && JSON.stringify(line.state.context ?? null).includes('4'));

    for (const line of heard.items) expect(anyLine.safeParse(line).error).toBeUndefined();
    expect(headLine.safeParse(adapter.head).error).toBeUndefined();
    expect(heard.items.map(({ seq }) => seq)).toEqual(heard.items.map((_, index) => index + 1));
    const scene = sceneAt(heard.items);
    const { value, context } = actor.getSnapshot();
    expect(scene.actors.get('kettle')).toMatchObject({ value, context, machine: 'kettle', parent: null });
    expect(scene.actors.get('kettle/whistle')).toMatchObject({ logic: 'other', parent: 'kettle', exit: null });
    expect(scene.unhandled).toEqual([]);
    actor.stop();
    await heard.until((line) => line.type === '@espalier.exit' && line.actor === 'kettle');
    inspector.stop();
  });

  it('shows the edges that were likely', async () => {
    const { heard, inspector } = await inspectedApp();
    const actor = createActor(kettle, { id: 'kettle', clock: new SimulatedClock(), inspect: inspector.inspect }).start();
    actor.send({ type: 'boil' });
    actor.send({ type: 'fill', litres: 2 });
    actor.send({ type: 'boil' });
    actor.send({ type: 'resume' });
    const last = await heard.until((line) => line.type === '@xstate.event' && JSON.stringify(line.event) === '{"type":"resume"}');
    await heard.until((line) => line.type === '@xstate.transition' && line.event === last.seq);
    const edges = heard.items.filter((line) => line.type === '@xstate.transition').map(({ taken }) => taken);
    expect(edges.slice(-4)).toEqual([
      ['kettle.water.cold --boil#1--> (stays)'],
      ['kettle.water --fill#0--> (stays)'],
      ['kettle.water.cold --boil[isFull]#0--> kettle.water.heating'],
      [],
    ]);
    const scene = new Scene();
    for (const line of heard.items) scene.take(line);
    expect(scene.unhandled).toHaveLength(1);
    actor.stop();
    inspector.stop();
  });

  it('shows who replaced whom, and letters to the dead', async () => {
    const { heard, inspector } = await inspectedApp();
    const actor = createActor(kettle, { id: 'kettle', clock: new SimulatedClock(), inspect: inspector.inspect }).start();
    actor.send({ type: 'fill', litres: 2 });
    actor.send({ type: 'boil' });
    actor.send({ type: 'break' });
    await heard.until((line) => line.type === '@espalier.exit' && line.actor === 'kettle/burn');
    actor.send({ type: 'boil' });
    const second = await heard.until((line) => line.type === '@xstate.actor' && line.actor === 'kettle/whistle#2');
    expect(second).toMatchObject({ run: 2, replaces: 'kettle/whistle' });
    actor.stop();
    actor.send({ type: 'pause' });
    expect(await heard.until((line) => line.type === '@xstate.event' && line.dead === true)).toMatchObject({ actor: 'kettle' });
    inspector.stop();
  });
});
