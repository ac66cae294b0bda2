/** Viewers of other inspectors, at a real app: what each adapter says is tested beside the adapter, and here that it is let in, told and bounded. */
import { once } from 'node:events';
import { type AnyActorRef, createMachine } from 'xstate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { orchestrator } from '../../src/index.js';
import { inspect } from '../../src/inspector/inspector.js';
import type { InspectorOptions } from '../../src/inspector/plan.js';

const lamp = createMachine({ id: 'lamp', initial: 'off', states: { off: { on: { TURN: 'on' } }, on: { on: { TURN: 'off' } } } });

type Message = { readonly type: string; readonly [key: string]: unknown };

async function opened(path: string, options: InspectorOptions = {}, headers: Record<string, string> = {}) {
  const app = orchestrator({ actors: { lamp }, children: [{ id: 'lamp', src: 'lamp' }] }).start();
  await app.started();
  const seen = inspect(app, options);
  onTestFinished(async () => {
    socket.terminate();
    await seen.close();
    await app.stop();
  });
  const ready = await seen.ready();
  if (!ready.ok) throw new Error('it does not listen');
  const told: Message[] = [];
  const waits = new Set<() => void>();
  const socket = new WebSocket(`ws://127.0.0.1:${ready.port}/${path}/${ready.token}`, { headers });
  socket.on('error', () => undefined);
  socket.on('message', (data: Buffer) => {
    told.push(JSON.parse(data.toString()) as Message);
    for (const wait of [...waits]) wait();
  });
  const until = (find: (message: Message) => boolean): Promise<Message> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = told.find(find);
        if (found === undefined) return;
        waits.delete(look);
        resolve(found);
      };
      waits.add(look);
      look();
    });
  return { app, socket, told, until, ready, child: app.child('lamp') as AnyActorRef };
}

describe('a viewer of another inspector', () => {
  it('of @xstate/inspect is told after its handshake, and its events reach the actor where the app allows it', async () => {
    const { socket, until, child, told } = await opened('xstate-inspect', { control: true });
    await once(socket, 'open');
    expect(told).toEqual([]);
    socket.send(JSON.stringify({ type: 'xstate.inspecting' }));
    const registered = await until(({ type, id }) => type === 'service.register' && id === 'lamp');
    const origin = registered['sessionId'];
    const event = JSON.stringify({ name: 'TURN', data: { type: 'TURN' }, $$type: 'scxml', type: 'external', origin });
    socket.send(JSON.stringify({ type: 'xstate.event', event }));
    await until(({ type, sessionId, state }) => type === 'service.state' && sessionId === origin && JSON.parse(state as string).value === 'on');
    expect(child.getSnapshot()).toMatchObject({ value: 'on' });
  });

  it('sends no event that does not fit the schema which the app has given', async () => {
    const schema = { type: 'object', properties: { watts: { type: 'number' } }, required: ['watts'] };
    const { socket, until, child } = await opened('xstate-inspect', { control: true, schemas: { lamp: { TURN: schema } } });
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'xstate.inspecting' }));
    const { sessionId: origin } = await until(({ type, id }) => type === 'service.register' && id === 'lamp');
    const heard: unknown[] = [];
    onTestFinished(child.system.inspect((event) => void (event.type === '@xstate.event' && heard.push(event.event))).unsubscribe);
    const send = (data: object): void =>
      socket.send(JSON.stringify({ type: 'xstate.event', event: JSON.stringify({ name: 'TURN', data: { type: 'TURN', ...data }, origin }) }));
    send({});
    send({ watts: 40 });
    await until(({ type, sessionId, state }) => type === 'service.state' && sessionId === origin && JSON.parse(state as string).value === 'on');
    expect(heard).toEqual([{ type: 'TURN', watts: 40 }]);
  });

  it('cannot send events to an app that does not allow it', async () => {
    const { socket, told, until, child } = await opened('xstate-inspect');
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'xstate.inspecting' }));
    const { sessionId: origin } = await until(({ type, id }) => type === 'service.register' && id === 'lamp');
    told.length = 0;
    socket.send(JSON.stringify({ type: 'xstate.event', event: JSON.stringify({ name: 'TURN', data: { type: 'TURN' }, origin }) }));
    socket.send(JSON.stringify({ type: 'xstate.inspecting' }));
    const { state } = await until(({ type, id }) => type === 'service.register' && id === 'lamp');
    expect(JSON.parse(state as string)).toMatchObject({ value: 'off' });
    expect(child.getSnapshot()).toMatchObject({ value: 'off' });
  });

  it('of @statelyai/inspect is told at once', async () => {
    const { until, child } = await opened('statelyai');
    const { sessionId, createdAt } = await until(({ type, name }) => type === '@xstate.actor' && String(name).endsWith('lamp'));
    expect(Math.abs(Number(createdAt) - Date.now())).toBeLessThan(60_000);
    child.send({ type: 'TURN' });
    await until(
      (message) =>
        message.type === '@xstate.snapshot' && message['sessionId'] === sessionId && (message['snapshot'] as { value: unknown }).value === 'on',
    );
  });

  it('is let in with the token of the run only, and from a page that the app has listed', async () => {
    const { ready } = await opened('statelyai');
    const refused = async (url: string, headers: Record<string, string> = {}): Promise<number | undefined> => {
      const socket = new WebSocket(url, { headers });
      socket.on('error', () => undefined);
      const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode?: number }];
      socket.terminate();
      return response.statusCode;
    };
    const at = `ws://127.0.0.1:${ready.port}`;
    for (const path of ['xstate-inspect', 'statelyai']) {
      expect(await refused(`${at}/${path}/wrong`)).toBe(401);
      expect(await refused(`${at}/${path}/`)).toBe(401);
      expect(await refused(`${at}/${path}/${ready.token}`, { Origin: 'https://stately.ai' })).toBe(403);
    }
    expect(await refused(`${at}/other/${ready.token}`)).toBe(404);
    const { until } = await opened('statelyai', { origins: ['https://stately.ai'] }, { Origin: 'https://stately.ai' });
    await until(({ type }) => type === '@xstate.actor');
  });

  it('is hung up on at the third frame that is none', async () => {
    const { socket, ready } = await opened('xstate-inspect', { control: true });
    expect(ready.ok).toBe(true);
    await once(socket, 'open');
    for (const frame of ['{', 'null', '[']) socket.send(frame);
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(1008);
  });
});
