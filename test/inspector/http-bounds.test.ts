/** Who asks over HTTP for more than he takes: he costs the app one answer, and that not for long. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { FakeFeed } from './fake-feed.js';
import { open } from './open.js';
import { answered, knock } from './raw.js';

/** The inspector's side of the next connection that asks for something. */
function served(): Promise<Socket> {
  return new Promise((resolve) => {
    const take = (message: unknown): void => resolve((message as { socket: Socket }).socket);
    subscribe('http.server.request.start', take);
    onTestFinished(() => void unsubscribe('http.server.request.start', take));
  });
}

const get = (port: number, path: string, more: readonly string[] = []): string =>
  `${[`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...more].join('\r\n')}\r\n\r\n`;

const statuses = (answer: string): readonly string[] => answer.match(/HTTP\/1\.1 \d+/g) ?? [];

describe('a connection over HTTP', () => {
  it('is answered once, and hung up', async () => {
    const { port } = await open();
    const answer = await answered(port, get(port, '/'));
    expect(statuses(answer)).toEqual(['HTTP/1.1 200']);
    expect(answer).toMatch(/\r\nConnection: close\r\n/);
  });

  it.each(['/', '/recording'])('that asks for %s again before it is answered is hung up on', async (path) => {
    const feed = new FakeFeed();
    let made = 0;
    feed.recording = () => {
      made++;
      return '{}\n';
    };
    const { port, token } = await open({}, { feed });
    const answer = await answered(port, get(port, path, [`Authorization: Bearer ${token}`]).repeat(1_000));
    expect(statuses(answer)).toEqual([]);
    expect(made).toBe(0);
  });

  it('that does not take its answer is cut', async () => {
    const feed = new FakeFeed();
    feed.recording = () => 'x'.repeat(50_000_000);
    const { port, token } = await open({ stallMs: 100 }, { feed });
    const socket = await knock(port);
    onTestFinished(() => void socket.destroy());
    socket.pause();
    const other = served();
    socket.write(get(port, '/recording', [`Authorization: Bearer ${token}`]));
    const side = await other;
    await once(side, 'close');
    expect(side.bytesWritten).toBeGreaterThan(0);
    expect(side.destroyed).toBe(true);
  });

  it('that is one too many is hung up on without a word, and so is whoever comes until the door is opened again', async () => {
    const clock = new VirtualClock();
    const allowed = [true, false];
    const { port } = await open({}, { clock, connections: { allows: () => allowed.shift() ?? true } });
    const first = await knock(port);
    onTestFinished(() => void first.destroy());
    expect(await answered(port, get(port, '/health'))).toBe('');
    expect(await answered(port, get(port, '/health'))).toBe('');
    clock.advanceBy(100);
    expect(statuses(await answered(port, get(port, '/health')))).toEqual(['HTTP/1.1 200']);
    expect(allowed).toEqual([]);
  });

  it('of a person is let in, who opens the page anew a hundred times', async () => {
    const { port } = await open({}, { clock: new VirtualClock() });
    for (let time = 0; time < 100; time++) expect(statuses(await answered(port, get(port, '/health')))).toEqual(['HTTP/1.1 200']);
  });

  it('of a page of another site gets nothing but where its user goes himself', async () => {
    const { port } = await open();
    const status = async (site: string, mode: string): Promise<readonly string[]> =>
      statuses(await answered(port, get(port, '/', [`Sec-Fetch-Site: ${site}`, `Sec-Fetch-Mode: ${mode}`])));
    for (const site of ['cross-site', 'same-site']) {
      expect(await status(site, 'no-cors')).toEqual(['HTTP/1.1 403']);
      expect(await status(site, 'navigate')).toEqual(['HTTP/1.1 200']);
    }
    for (const site of ['same-origin', 'none']) expect(await status(site, 'cors')).toEqual(['HTTP/1.1 200']);
  });
});
