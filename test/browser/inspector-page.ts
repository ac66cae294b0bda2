/** The inspector's page in a real browser: built into a file, opened from it, and watched for whatever it asks of the world. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';

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
}

/** Opens an address. @param own  what the addresses that it may ask for begin with */
export async function openPage(browser: Browser, url: string, own: string, { width = 1280, scheme = 'light' }: Look = {}): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme: scheme, acceptDownloads: true });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(own) && !/^(?:blob|data):/.test(request.url())) problems.push(`asked for ${request.url()}`);
  });
  await page.goto(url);
  return { page, problems };
}

/** Opens the page from its file, with no server anywhere. */
export async function openFromFile(browser: Browser, { file }: BuiltPage, look?: Look): Promise<OpenPage> {
  const url = pathToFileURL(file).href;
  return openPage(browser, url, url, look);
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
