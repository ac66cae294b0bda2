import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { geminiServer, type GeminiServer } from '../../src/testing/gemini-server/server.js';
import type { GeminiServerOptions } from '../../src/testing/gemini-server/options.js';
import type { Step } from '../../src/testing/gemini-server/steps.js';
import { browserPath, type Bundle, bundlePage, serveFolder, startBrowser } from './stand.js';

let bundle: Bundle;

beforeAll(async () => {
  bundle = await bundlePage();
}, 120_000);

afterAll(() => bundle?.remove());

describe('a page that imports the package', () => {
  it('is bundled without anything of Node, and without ws', () => {
    expect(bundle.modules).toContain('node_modules/espalier/dist/src/live/browser-socket.js');
    expect(bundle.modules.filter((path) => /node-socket|node_modules\/ws\/|browser-external|^node:/.test(path))).toEqual([]);
    expect(bundle.imports).toEqual([]);
  });
});

describe.skipIf(browserPath === null)('in a real browser (skipped where there is none: install chromium)', { timeout: 60_000 }, () => {
  let browser: Browser;
  let site: Awaited<ReturnType<typeof serveFolder>>;
  const servers: GeminiServer[] = [];
  const errors: string[] = [];

  beforeAll(async () => {
    site = await serveFolder(bundle.folder);
    browser = await startBrowser(browserPath ?? '');
  }, 60_000);

  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
    expect(errors.splice(0), 'errors of the page').toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  async function open(host = '127.0.0.1'): Promise<Page> {
    const page = await browser.newPage();
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.goto(`http://${host}:${site.port}/`);
    return page;
  }

  async function serve(script: readonly Step[], options: GeminiServerOptions = {}): Promise<GeminiServer> {
    const server = await geminiServer({ script, deadlineMs: 20_000, ...options });
    servers.push(server);
    return server;
  }

  const setUp: Step[] = [{ expect: 'setup' }, { send: { setupComplete: {} } }];
  const conversation: Step[] = [
    ...setUp,
    { expect: 'clientContent' },
    { callTools: [{ id: 'c1', name: 'weather', args: { city: 'Oslo' } }] },
    { awaitAnswers: ['c1'] },
    { say: ['Light ', 'rain 🌧'] },
    { expectClose: { code: 1000 } },
  ];

  it.each(['binary', 'text', 'alternating'] as const)('holds a whole conversation with a tool call, in %s frames', async (frames) => {
    const server = await serve(conversation, { key: 'the-key', frames });
    const page = await open();
    const told = await page.evaluate((url) => espalierPage.converse(url), server.url);
    expect(told).toMatchObject({
      sent: { status: 'sent' },
      said: 'Light rain 🌧',
      faults: [],
      closes: [{ code: 1000, wasClean: true, failure: null }],
      ended: { ok: true, end: { by: 'client', code: 1000 } },
    });
    expect(told.facts).toEqual(
      expect.arrayContaining(['setupComplete', 'session.ready', 'toolCall', 'tool.called', 'tool.answered', 'turnComplete']),
    );
    expect(server.answers()).toMatchObject([{ id: 'c1', name: 'weather', response: { city: 'Oslo', sky: 'rain', in: 'http:' } }]);
    expect(server.connections).toMatchObject([{ credential: 'keyInQuery' }]);
    expect(await server.outcome).toEqual({ ok: true });
  });

  it('does so where the page is no secure context', async () => {
    const server = await serve(conversation);
    const page = await open('insecure.test');
    expect(await page.evaluate(() => espalierPage.isSecure)).toBe(false);
    expect(await page.evaluate((url) => espalierPage.converse(url), server.url)).toMatchObject({ said: 'Light rain 🌧', ended: { ok: true } });
  });

  it('says what it cannot do: send headers, and say why there is no connection', async () => {
    const server = await serve(setUp, { key: 'another' });
    const page = await open();
    const inHeader = await page.evaluate((baseUrl) => espalierPage.failing({ baseUrl, apiKey: 'the-key' }), server.url);
    expect(inHeader).toMatchObject({
      code: 'headersUnsupported',
      kind: 'connectFailed',
      reason: expect.stringContaining("keyIn: 'query'") as string,
    });
    const refused = await page.evaluate((baseUrl) => espalierPage.failing({ baseUrl, apiKey: 'the-key', keyIn: 'query' }), server.url);
    expect(refused).toMatchObject({ code: 1006, kind: 'connectFailed', reason: expect.stringContaining('no connection') as string });
    expect(JSON.stringify([inHeader, refused])).not.toContain('the-key');
  });

  it('rejects for a close before the setup, with code and reason, and for an abort', async () => {
    const page = await open();
    const closing = await serve([{ expect: 'setup' }, { close: { code: 1008, reason: 'not implemented' } }]);
    const closed = await page.evaluate((baseUrl) => espalierPage.failing({ baseUrl, apiKey: 'k', keyIn: 'query' }), closing.url);
    expect(closed).toMatchObject({ kind: 'closedBeforeSetup', code: 1008, reason: 'not implemented' });
    const silent = await serve([{ expect: 'setup' }]);
    const aborted = await page.evaluate((baseUrl) => espalierPage.failing({ baseUrl, apiKey: 'k', keyIn: 'query' }, true), silent.url);
    expect(aborted).toMatchObject({ kind: 'aborted' });
  });

  it('lets a slow reader know what audio it has lost, and keeps everything else', async () => {
    const part = (one: object) => ({ serverContent: { modelTurn: { parts: [one] } } });
    const audio = part({ inlineData: { mimeType: 'audio/pcm', data: 'AAAA' } });
    const flood = [part({ text: 'first' }), ...Array.from({ length: 2_000 }, () => audio), part({ text: 'last' })];
    const server = await serve([...setUp, { expect: 'clientContent' }, { send: flood }, { send: { serverContent: { turnComplete: true } } }]);
    const page = await open();
    const seen = await page.evaluate((url) => espalierPage.fallBehind(url, 100), server.url);
    expect(seen.texts).toEqual(['first', 'last']);
    expect(seen.audio + seen.dropped).toBe(2_000);
    expect(seen.dropped).toBeGreaterThanOrEqual(1_600);
  });
});
