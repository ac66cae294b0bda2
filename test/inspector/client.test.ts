/** One who looks from a terminal: what it makes of an inspector that says no, or too much. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { lookAt } from '../../src/inspector/client.js';
import { maxFrameBytes, subprotocol } from '../../src/inspector/protocol.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { open } from './open.js';

it('ends, and says why, when one of its requests could not be read', async () => {
  const { port, token } = await open();
  const client = await lookAt({ host: `127.0.0.1:${port}`, token }, () => undefined);
  const asked = client.ask({ type: 'watch', branch: 'x'.repeat(4_097), detail: 'full' });
  await expect(asked).rejects.toThrow(/inspector\/unreachable: expected an answer, got: "it refused a request: branch: /);
  await expect(client.ended).resolves.toMatch(/^it refused a request: branch: /);
});

it('gives up on one that lets it in and says no welcome', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => subprotocol });
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  await once(server, 'listening');
  const clock = new VirtualClock();
  const isArmed = new Promise<void>((resolve) => {
    const { setTimeout } = clock;
    clock.setTimeout = (fn, ms) => {
      resolve();
      return setTimeout.call(clock, fn, ms);
    };
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const refused = lookAt({ host, token: 'a'.repeat(43) }, () => undefined, undefined, clock).catch(String);
  await isArmed;
  clock.advanceBy(10_000);
  expect(await refused).toMatch(/inspector\/unreachable: .* got: "no welcome within 10 s"/);
  expect(clock.pending()).toBe(0);
});

it('takes no frame that is larger than the protocol has', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  await once(server, 'listening');
  server.on('connection', (socket) => socket.on('error', () => undefined).send('x'.repeat(maxFrameBytes + 1)));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  await expect(lookAt({ host, token: 'a'.repeat(43) }, () => undefined)).rejects.toThrow(/Max payload size exceeded/);
});
