/**
 * Our side of the protocol against the real thing: the receiver of `@xstate/inspect` 0.8.0, with the XState 4 that it needs and that only this private
 * workspace has. The app is one of XState 5.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { createWebSocketReceiver, type ParsedReceiverEvent } from '@xstate/inspect';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { toSCXMLEvent, type AnyState, type AnyStateMachine } from 'xstate';

import { XStateInspect } from '../../../src/inspector/adapters/xstate-inspect.js';
import { sceneAt } from '../../../src/recording/scene.js';
import { Heard } from '../../inspector/adapters/heard.js';
import { startKettle, type KettleAtWork, type KettleEvent } from '../../inspector/adapters/kettle.js';

type Of<Type extends ParsedReceiverEvent['type']> = Extract<ParsedReceiverEvent, { type: Type }>;

class Viewer {
  readonly heard = new Heard<ParsedReceiverEvent>();
  readonly receiver: ReturnType<typeof createWebSocketReceiver>;

  constructor(server: WebSocketServer) {
    this.receiver = createWebSocketReceiver({ server: `127.0.0.1:${(server.address() as AddressInfo).port}`, serialize: undefined });
    this.receiver.subscribe((event) => this.heard.push(event));
  }

  until<Type extends ParsedReceiverEvent['type']>(
    type: Type,
    sessionId: string,
    holds: (event: Of<Type>) => boolean = () => true,
  ): Promise<Of<Type>> {
    return this.heard.until((event) => event.type === type && event.sessionId === sessionId && holds(event as Of<Type>)) as Promise<Of<Type>>;
  }

  send(sessionId: string, event: KettleEvent | { readonly type: 'xstate.stop' }): void {
    const scxml = { ...toSCXMLEvent(event), origin: sessionId };
    this.receiver.send({ type: 'xstate.event', event: JSON.stringify(scxml), service: sessionId });
  }
}

/** As a viewer of XState 4 shows a state. */
function resolved(machine: AnyStateMachine, state: AnyState): AnyState {
  return machine.resolveState(state);
}

let server: WebSocketServer;
let app: KettleAtWork;

/** What the inspector's server does with the adapter, without its guards. */
function mount(): void {
  server.on('connection', (socket) => {
    const adapter = new XStateInspect();
    app.onLine((line) => {
      if (adapter.isOpen) for (const text of adapter.lines([line])) socket.send(text);
    });
    socket.on('message', (data) => {
      const inbound = adapter.receive((data as Buffer).toString());
      if (inbound.kind === 'open') for (const text of adapter.open(sceneAt(app.lines))) socket.send(text);
      if (inbound.kind === 'send') app.send(inbound.actor, inbound.event);
    });
  });
}

beforeEach(async () => {
  // The receiver takes the global one, which Node 20 has not.
  vi.stubGlobal('WebSocket', WebSocket);
  app = startKettle();
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  mount();
});

afterEach(async () => {
  app.stop();
  for (const client of server.clients) client.terminate();
  await new Promise((resolve) => server.close(resolve));
  vi.unstubAllGlobals();
});

describe('a viewer of @xstate/inspect', () => {
  it('is told of a machine that runs, and makes a machine of XState 4 of it', async () => {
    const viewer = new Viewer(server);
    const { machine, state, id } = await viewer.until('service.register', 'kettle');
    expect(id).toBe('kettle');
    expect(machine.id).toBe('kettle');
    expect(resolved(machine, state).value).toEqual({ water: 'cold', lid: 'seen' });
    expect([...resolved(machine, state).tags]).toEqual(['wet']);
    expect(resolved(machine, state).nextEvents).toEqual(expect.arrayContaining(['', 'boil', 'done.state.kettle.water', 'fill']));
    expect(machine.stateIds).toContain('kettle.water.last');
  });

  it('is told of events and states as they come', async () => {
    const viewer = new Viewer(server);
    const { machine } = await viewer.until('service.register', 'kettle');
    app.send('kettle', { type: 'fill', litres: 2 });
    const { event } = await viewer.until('service.event', 'kettle');
    expect(event).toMatchObject({ name: 'fill', data: { type: 'fill', litres: 2 }, $$type: 'scxml' });
    app.send('kettle', { type: 'boil' });
    const { state } = await viewer.until('service.state', 'kettle', (told) => told.state.matches('water.heating'));
    expect(state.context).toEqual({ litres: 2, heard: [] });
    expect(state.event).toEqual({ type: 'boil' });
    const shown = resolved(machine, state);
    expect(shown.matches('lid.open')).toBe(true);
    expect(shown.nextEvents).toEqual(
      expect.arrayContaining(['xstate.after(toBoil)#kettle.water.heating', 'xstate.after(30000)#kettle.water.heating']),
    );
  });

  it('reads delays, ends of actors and errors under the names of XState 4', async () => {
    const viewer = new Viewer(server);
    await viewer.until('service.register', 'kettle');
    app.send('kettle', { type: 'fill', litres: 2 });
    app.send('kettle', { type: 'boil' });
    app.send('kettle', { type: 'break' });
    const failed = await viewer.until('service.event', 'kettle', ({ event }) => event.name === 'error.platform.burn');
    expect(failed.event.data).toMatchObject({ type: 'error.platform.burn', data: { $error: { message: 'burnt' } } });
    app.send('kettle', { type: 'boil' });
    app.pass(1_000);
    await viewer.until('service.event', 'kettle', ({ event }) => event.name === 'xstate.after(toBoil)#kettle.water.heating');
    const done = await viewer.until('service.event', 'kettle', ({ event }) => event.name === 'done.invoke.cool');
    expect(done.event.data).toEqual({ type: 'done.invoke.cool', data: 'cool' });
    await viewer.until('service.state', 'kettle', ({ state }) => state.matches('water.done'));
  });

  it('sees actors that are no machine, under their parent, from their start to their end', async () => {
    const viewer = new Viewer(server);
    await viewer.until('service.register', 'kettle');
    app.send('kettle', { type: 'fill', litres: 2 });
    app.send('kettle', { type: 'boil' });
    const { machine, state, parent } = await viewer.until('service.register', 'kettle/whistle');
    expect(parent).toBe('kettle');
    expect(resolved(machine, state).value).toBe('active');
    app.send('kettle', { type: 'break' });
    await viewer.until('service.stop', 'kettle/whistle');
    const burnt = await viewer.until('service.register', 'kettle/burn');
    const end = await viewer.until('service.state', 'kettle/burn');
    expect(resolved(burnt.machine, end.state)).toMatchObject({ value: 'error', done: true });
    await viewer.until('service.stop', 'kettle/burn');
  });

  it('sends events that reach the actor', async () => {
    const viewer = new Viewer(server);
    await viewer.until('service.register', 'kettle');
    viewer.send('kettle', { type: 'fill', litres: 3 });
    await viewer.until('service.state', 'kettle', ({ state }) => (state.context as { litres: number }).litres === 3);
    expect(app.snapshot().context.litres).toBe(3);
    viewer.send('kettle', { type: 'boil' });
    await viewer.until('service.state', 'kettle', ({ state }) => state.matches('water.heating'));
    expect(app.snapshot().matches({ water: 'heating' })).toBe(true);
  });

  it('cannot stop an actor by a word that is XState’s own', async () => {
    const viewer = new Viewer(server);
    await viewer.until('service.register', 'kettle');
    viewer.send('kettle', { type: 'xstate.stop' });
    viewer.send('kettle', { type: 'fill', litres: 1 });
    await viewer.until('service.state', 'kettle', ({ state }) => (state.context as { litres: number }).litres === 1);
    expect(app.snapshot().status).toBe('active');
  });

  it('is told of the end', async () => {
    const viewer = new Viewer(server);
    await viewer.until('service.register', 'kettle');
    app.stop();
    await viewer.until('service.stop', 'kettle');
  });

  it('that comes late is told how things are, and whose children they are', async () => {
    app.send('kettle', { type: 'fill', litres: 2 });
    app.send('kettle', { type: 'boil' });
    const viewer = new Viewer(server);
    const { parent } = await viewer.until('service.register', 'kettle/whistle');
    expect(parent).toBe('kettle');
    const { machine, state } = await viewer.until('service.register', 'kettle');
    expect(resolved(machine, state).value).toEqual({ water: 'heating', lid: 'open' });
    expect(state.context).toEqual({ litres: 2, heard: [] });
    expect(viewer.heard.items.map(({ type }) => type)).toEqual(['service.register', 'service.register']);
  });
});
