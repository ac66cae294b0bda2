/** The inspector's page in a real browser: built into a file, opened from it, and watched for whatever it asks of the world. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { Result, ViewerMessage } from '../../src/inspector/protocol.js';
import { browserPath, startBrowser } from './stand.js';

/** Of the browser: what a drag carries. */
declare class DataTransfer {
  readonly items: { add(file: object): void };
}
declare const File: new (parts: readonly string[], name: string) => object;

const root = join(import.meta.dirname, '../..');

/** The committed recordings. */
export function recordingPath(name: string): string {
  return join(root, 'test/testing/replay/recordings', `${name}.ndjson`);
}

export interface BuiltPage {
  readonly folder: string;
  readonly file: string;
  remove(): void;
}

export async function buildInspectorPage(): Promise<BuiltPage> {
  mkdirSync(join(root, '.build'), { recursive: true });
  const folder = mkdtempSync(join(root, '.build', 'inspector-'));
  const file = join(folder, 'index.html');
  await promisify(execFile)(process.execPath, [join(root, 'visualizations/inspector/build.mjs'), '--out', file, '--quiet']);
  return { folder, file, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface OpenPage {
  readonly page: Page;
  /** What went wrong in it, and what it has asked for beyond itself. */
  readonly problems: string[];
}

export interface Look {
  readonly width?: number;
  readonly scheme?: 'light' | 'dark';
  /** Done before the page asks for anything. */
  readonly before?: (page: Page) => Promise<void>;
}

/** Opens an address. @param own  what the addresses that it may ask for begin with */
export async function openPage(browser: Browser, url: string, own: string, { width = 1280, scheme = 'light', before }: Look = {}): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme: scheme, acceptDownloads: true });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  const isOwn = (asked: string): boolean => asked.startsWith(own) || /^(?:blob|data):/.test(asked);
  context.on('request', (request) => {
    if (!isOwn(request.url())) problems.push(`asked for ${request.url()}`);
  });
  page.on('websocket', (socket) => {
    if (!isOwn(socket.url().replace(/^ws/, 'http'))) problems.push(`opened ${socket.url()}`);
  });
  await before?.(page);
  await page.goto(url);
  return { page, problems };
}

/** Opens the page from its file, with no server anywhere. */
export async function openFromFile(browser: Browser, { file }: BuiltPage, look?: Look): Promise<OpenPage> {
  const url = pathToFileURL(file).href;
  return openPage(browser, url, url, look);
}

export interface InspectorStand {
  /** The built page. */
  readonly file: string;
  /** Opens the page from its file. @param recording  the name of a committed one, to begin with */
  open(recording?: string, look?: Look): Promise<Page>;
}

/** Builds the page and starts a browser, for the tests of a `describe`; whatever goes wrong in a page, or is asked for beyond it, fails its test. */
export function inspectorStand(): InspectorStand {
  let built: BuiltPage;
  let browser: Browser;
  const opened: OpenPage[] = [];

  beforeAll(async () => {
    built = await buildInspectorPage();
    browser = await startBrowser(browserPath ?? '');
  }, 120_000);

  afterEach(async () => {
    const all = opened.splice(0);
    for (const { page } of all) await page.context().close();
    expect(
      all.flatMap(({ problems }) => problems),
      'problems of the page',
    ).toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
    built?.remove();
  });

  return {
    get file() {
      return built.file;
    },
    async open(recording, look) {
      const one = await openFromFile(browser, built, look);
      opened.push(one);
      if (recording !== undefined) {
        await one.page.setInputFiles('.chooser', recordingPath(recording));
        await one.page.waitForSelector('.connection[data-kind=file]');
      }
      return one.page;
    },
  };
}

/** Stands between a page and its inspector: the first request for what was before is refused, everything else goes on. */
export class RefusesHistoryOnce {
  refused = 0;

  standBefore(page: Page): Promise<void> {
    return page.routeWebSocket(/\/socket$/, (viewer) => {
      const server = viewer.connectToServer();
      viewer.onMessage((text) => {
        const { type, id } = JSON.parse(String(text)) as ViewerMessage;
        if (type !== 'history' || this.refused > 0) return server.send(text);
        this.refused++;
        viewer.send(JSON.stringify({ type: 'result', id, ok: false, error: { code: 'unavailable', words: 'not now' } } satisfies Result));
      });
    });
  }
}

/** Drops a file with this text on the page, as a hand would. */
export async function drop(page: Page, name: string, text: string): Promise<void> {
  const data = await page.evaluateHandle(
    ([fileName, content]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([content], fileName));
      return transfer;
    },
    [name, text] as const,
  );
  await page.dispatchEvent('#inspector', 'dragover', { dataTransfer: data });
  await page.dispatchEvent('#inspector', 'drop', { dataTransfer: data });
}

/** The tree as it is seen: `name state` of each row, from top to bottom. */
export async function treeOf(page: Page): Promise<string[]> {
  return page.$$eval('.rows .row:not([hidden])', (rows) =>
    rows
      .map((row) => ({
        top: row.getBoundingClientRect().top,
        text: [...row.querySelectorAll('.name, .chip:not([hidden])')].map((one) => one.textContent).join(' '),
      }))
      .sort((a, b) => a.top - b.top)
      .map(({ text }) => text),
  );
}
