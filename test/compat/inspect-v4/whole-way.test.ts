/** The whole way: an app of XState 5, the inspector's own server and socket, the receiver of `@xstate/inspect`, and back. */
import { createWebSocketReceiver, type ParsedReceiverEvent } from '@xstate/inspect';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { toSCXMLEvent } from 'xstate';

import { orchestrator } from '../../../src/index.js';
import { inspect } from '../../../src/inspector/inspector.js';
import { Heard } from '../../inspector/adapters/heard.js';
import { kettle } from '../../inspector/adapters/kettle.js';

beforeEach(() => {
  vi.stubGlobal('WebSocket', WebSocket);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe('a supervised machine of XState 5', () => {
  it.each([true, false])('is seen by the receiver of @xstate/inspect, and hears its events where the app allows it: %s', async (allowed) => {
    const app = orchestrator({ actors: { kettle }, children: [{ id: 'kettle', src: 'kettle' }] }).start();
    await app.started();
    const inspector = inspect(app, { control: allowed });
    const ready = await inspector.ready();
    if (!ready.ok) throw new Error('it does not listen');
    const heard = new Heard<ParsedReceiverEvent>();
    const receiver = createWebSocketReceiver({ server: `127.0.0.1:${ready.port}/xstate-inspect/${ready.token}`, serialize: undefined });
    receiver.subscribe((event) => heard.push(event));
    const told = await heard.until((event) => event.type === 'service.register' && event.sessionId.endsWith('/kettle'));
    const { sessionId } = told;
    const send = (event: { type: string; litres?: number }): void => {
      receiver.send({ type: 'xstate.event', event: JSON.stringify({ ...toSCXMLEvent(event), origin: sessionId }), service: sessionId });
    };
    send({ type: 'fill', litres: 7 });
    if (allowed) {
      await heard.until(
        (event) => event.type === 'service.state' && event.sessionId === sessionId && JSON.stringify(event.state.context).includes('7'),
      );
    } else {
      // Frames are dealt with in order: what came before this one has not been sent.
      receiver.send({ type: 'xstate.inspecting' });
      await heard.until((event) => event !== told && event.type === 'service.register' && event.sessionId === sessionId);
    }
    expect(app.child('kettle')?.getSnapshot()).toMatchObject({ context: { litres: allowed ? 7 : 0 } });
    await inspector.close();
    await app.stop();
  });
});
