/** `npm start -- --inspect` as somebody has it who tries it: the command as a process, the page that it prints, a real browser. */
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { maxFrameBytes, ServerFrames, type ServerMessage, subprotocolsOf } from '../../src/inspector/protocol.js';
import { endAll, run, type Running } from '../cli/built.js';
import { buildInspectorPage, type BuiltPage, openFromFile, openPage, treeOf } from './inspector-page.js';
import { buildPackage } from './package.js';
import { browserPath, startBrowser } from './stand.js';

const root = join(import.meta.dirname, '../..');

describe.skipIf(browserPath === null)('the inspector of the demo (skipped where there is no browser)', { timeout: 60_000 }, () => {
  let built: BuiltPage;
  let main: string;
  let browser: Browser;
  let trap: Awaited<ReturnType<typeof trapOf>>;
  let demo: Running;
  let url: string;
  const opened: { readonly page: Page; readonly problems: readonly string[] }[] = [];

  beforeAll(async () => {
    built = await buildInspectorPage();
    const folder = join(built.folder, 'node_modules/espalier');
    buildPackage(folder, [join(root, 'src/cli/main.ts')]);
    mkdirSync(join(folder, 'dist/inspector'), { recursive: true });
    cpSync(built.file, join(folder, 'dist/inspector/index.html'));
    main = join(folder, 'dist/src/cli/main.js');
    trap = await trapOf();
    // Whatever the browser asks of anybody but this machine comes to the trap.
    browser = await startBrowser(browserPath ?? '', [`--proxy-server=${trap.address}`]);
    demo = run(process.execPath, [main, 'demo', '--inspect'], { cwd: built.folder });
    [, url = ''] = await demo.printed(/open (http:\S+)/);
  }, 120_000);

  afterEach(async () => {
    const all = opened.splice(0);
    for (const { page } of all) await page.context().close();
    expect(all.flatMap(({ problems }) => problems)).toEqual([]);
    expect(trap.asked).toEqual([]);
  });

  afterAll(async () => {
    demo?.child.kill('SIGINT');
    await browser?.close();
    await demo?.ended;
    await trap?.close();
    endAll();
    built?.remove();
  });

  async function look(): Promise<Page> {
    const one = await openPage(browser, url, new URL(url).origin);
    opened.push(one);
    return one.page;
  }

  const row = (path: string) => `.row[data-path="${path}"]`;
  const prices = 'app/pool/workers/pool/prices';

  it('shows the tree, a crash and its restart, a tool call in its chart, and goes back in time', async () => {
    const page = await look();
    await demo.printed(/Ctrl-C ends it/);
    await page.waitForSelector(row(`${prices}#2`));
    await page.waitForSelector(row('app/pool/tasks'));

    // What ran for a moment only is looked at in that moment, held.
    await page.focus('.track');
    await page.keyboard.press('Home');
    await onUntil(page, async () => {
      const tree = await treeOf(page);
      return [/^app running\.idle$/, /^gemini promise$/, /^voice ready\.idle/, /^workers running\.idle$/, /^prices promise$/].every((one) =>
        tree.some((name) => one.test(name)),
      );
    });
    // The last call of a tool, as it runs: of the first the page may know no more than that they were, since it was told in brief until it had come.
    await onUntil(page, () => page.isVisible(row('app/pool/voice/call.4')));
    await page.click(row('app/pool/voice/call.4'));
    await page.waitForSelector('.chart [data-state="toolCall"]');
    await onUntil(page, async () => (await page.$('.chart [data-state="toolCall"].active')) !== null);
    const running = await page.$$eval('.chart .active', (states) => states.map((state) => state.getAttribute('data-state')));
    expect(running.filter((state) => state !== 'toolCall')).not.toEqual([]);
    await onUntil(page, async () => (await page.$(`${row('app/pool/workers')} .restarts:has-text("1/3")`)) !== null);
    await page.keyboard.press(' ');

    // Back to the crash: every page shows that moment.
    await page.keyboard.press('{');
    await page.keyboard.press('{');
    await page.waitForSelector(`${row(prices)}[data-mood=failed]`);
    await page.waitForSelector(row(`${prices}#2`), { state: 'hidden' });
    const past = await treeOf(page);
    await page.click(row(prices));
    await page.waitForSelector('.actor[data-mood=failed]');
    await page.keyboard.press('3');
    await page.waitForSelector('.message[data-kind=crash]');
    // A call that ran then, and had ended long before now.
    await page.keyboard.press('2');
    await page.click(row('app/pool/voice/call.4'));
    await page.waitForSelector('.chart [data-state="toolCall.running"].active');
    await page.keyboard.press(' ');
    await page.waitForSelector(row(`${prices}#2`));
    expect(await treeOf(page)).not.toEqual(past);
  });

  it('gives a recording away that opens without a server, and shows the same', async () => {
    const page = await look();
    await demo.printed(/Ctrl-C ends it/);
    await page.waitForSelector(row(`${prices}#2`));
    await page.keyboard.press('4');
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('.export:has-text("Recording")')]);
    await page.keyboard.press('2');
    await page.click(row('app/pool/voice'));
    await page.waitForSelector('.chart [data-state="liveSession.open"].active');
    const lit = (one: Page) => one.$$eval('.chart .active', (states) => states.map((state) => state.getAttribute('data-state')));
    const file = await openFromFile(browser, built);
    opened.push(file);
    await file.page.setInputFiles('.chooser', await download.path());
    await file.page.waitForSelector('.connection[data-kind=file]');
    await file.page.waitForSelector(row(`${prices}#2`));
    expect(await treeOf(file.page)).toEqual(await treeOf(page));
    await file.page.click(row('app/pool/voice'));
    await file.page.waitForSelector('.chart [data-state="liveSession.open"].active');
    expect(await lit(file.page)).toEqual(await lit(page));
    expect(readFileSync(await download.path(), 'utf8')).toContain(`"actor":"${prices}#2"`);
  });

  it('is read-only: the page offers nothing, and the server takes nothing', async () => {
    const page = await look();
    await page.click(row('app/pool/voice'));
    await page.waitForSelector('.hint:has-text("Read-only")');
    expect(await page.isVisible('.orders')).toBe(false);
    expect(await page.$$('button.event-chip')).toEqual([]);
    for (const order of [
      { action: 'send', actor: 'app/pool/voice', event: { type: 'session.close' } },
      { action: 'kill', actor: prices },
      { action: 'stop', actor: 'app/pool/gemini' },
      { action: 'restart', actor: 'app/pool/gemini' },
    ])
      expect(await ordered(url, order)).toMatchObject({ type: 'result', id: 7, ok: false, error: { code: 'read-only' } });
  });

  it.each([
    ['a page of elsewhere', { origin: 'https://elsewhere.example' }, 403],
    ['another name for this machine', { host: 'rebound.example' }, 403],
    ['a token of another run', { token: 'x'.repeat(43) }, 401],
  ])('refuses %s', async (_who, given, status) => {
    expect(await handshake(url, given)).toBe(status);
  });

  it('gives its page to no other name, and its recording to nobody without the token', async () => {
    const { host } = new URL(url);
    expect(await statusOf(url, '/', { host: 'rebound.example' })).toBe(403);
    expect(await statusOf(url, '/recording', { host })).toBe(401);
    expect(await statusOf(url, '/recording', { host, authorization: `Bearer ${'x'.repeat(43)}` })).toBe(401);
  });
});

/** More lines than the demo has. */
const mostSteps = 2_000;

/** Goes on, line by line, to the first moment at which something holds. */
async function onUntil(page: Page, holds: () => Promise<boolean>): Promise<void> {
  for (let step = 0; step < mostSteps && !(await holds()); step++) {
    expect(await page.textContent('.live-button'), 'no such moment').toBe('paused');
    const line = await page.textContent('.what');
    await page.keyboard.press(']');
    await page.waitForSelector(`.what:not(:has-text("${line}"))`);
  }
}

/** Whom the browser asks by itself, whatever page it shows: its maker, also without TLS where it had no answer with it. */
const ofTheBrowser = /^(?:accounts|[\w.]+\.clients)\.google\.com(?::443)?$|\.googleapis\.com(?::443)?$/;

/** A proxy that leads nowhere, and who has asked it for what. */
async function trapOf() {
  const asked: string[] = [];
  const server = createServer((wanted, answer) => {
    const { url: whole = '' } = wanted;
    if (!ofTheBrowser.test(URL.canParse(whole) ? new URL(whole).host : '')) asked.push(whole);
    answer.writeHead(403).end();
  });
  server.on('connect', (wanted, socket) => {
    if (!ofTheBrowser.test(wanted.url ?? '')) asked.push(wanted.url ?? '');
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    asked,
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function tokenOf(url: string): string {
  return new URLSearchParams(new URL(url).hash.slice(1)).get('token') ?? '';
}

/** What the server answers to an order that no page has written. */
function ordered(url: string, order: object): Promise<ServerMessage> {
  const { host } = new URL(url);
  const socket = new WebSocket(`ws://${host}/socket`, subprotocolsOf(tokenOf(url)), { maxPayload: maxFrameBytes });
  const frames = new ServerFrames();
  return new Promise<ServerMessage>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => socket.send(JSON.stringify({ type: 'control', id: 7, ...order })));
    socket.on('message', (data: Buffer) => {
      const read = frames.read(data.toString());
      if (read?.ok === true && read.message.type === 'result') resolve(read.message);
    });
  }).finally(() => socket.terminate());
}

/** The status with which a handshake is refused. */
function handshake(url: string, { origin, host = new URL(url).host, token = tokenOf(url) }: { origin?: string; host?: string; token?: string }) {
  const socket = new WebSocket(`ws://${new URL(url).host}/socket`, subprotocolsOf(token), {
    headers: { host, ...(origin === undefined ? {} : { origin }) },
  });
  return new Promise<number | undefined>((resolve, reject) => {
    socket.on('open', () => reject(new Error('it was let in')));
    socket.on('unexpected-response', (_request, { statusCode }) => resolve(statusCode));
    socket.on('error', () => undefined);
  }).finally(() => socket.terminate());
}

function statusOf(url: string, path: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(new URL(path, url), { headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on('error', reject)
      .end();
  });
}
