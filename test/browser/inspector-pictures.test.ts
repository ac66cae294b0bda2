/** The pictures of the guide, taken from the real page: `npm run pictures` takes them again. Without being asked it takes none. */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { inspectorStand, type Look } from './inspector-page.js';
import { browserPath } from './stand.js';

const folder = process.env['PICTURES'];

describe.skipIf(browserPath === null || folder === undefined)('the pictures of the guide', { timeout: 120_000 }, () => {
  const { open } = inspectorStand();

  it.each<[name: string, recording: string, look: Look, show: (page: Page) => Promise<unknown>]>([
    ['inspector-tree', 'crashing-tree', { width: 400, scheme: 'dark' }, (page) => page.keyboard.press('1')],
    ['inspector-actor', 'live-conversation', { scheme: 'light' }, session],
    ['inspector-actor-dark', 'crashing-tree', { scheme: 'dark' }, (page) => page.waitForSelector('.chart .active', { timeout: 60_000 })],
    ['inspector-sequence', 'crashing-tree', { scheme: 'light' }, causes],
  ])('%s', async (name, recording, look, show) => {
    const page = await open(recording, look);
    await show(page);
    const path = join(import.meta.dirname, '../..', folder ?? '', `${name}.png`);
    const picture = await page.screenshot({ path });
    expect(picture.length).toBeGreaterThan(10_000);
  });
});

/** The sequence, with what led to a restart. */
async function causes(page: Page): Promise<void> {
  await page.keyboard.press('3');
  await page.focus('.messages');
  await page.keyboard.press('Home');
  const isTold = async (): Promise<boolean> =>
    (await page.$('.message[data-role=cause]')) !== null && (await page.$('.message[data-kind=message][data-role=chosen]')) !== null;
  for (let step = 0; step < 60 && !(step > 20 && (await isTold())); step++) await page.keyboard.press('ArrowDown');
  await page.waitForSelector('.message[data-role=cause]');
}

/** The session, at its last moment with a connection. */
async function session(page: Page): Promise<void> {
  await page.click('.row[data-path="app/pool/voice#2"]');
  await page.waitForSelector('.chart [data-state="liveSession.closed"].active', { timeout: 60_000 });
  for (let step = 0; step < 60 && (await page.$('.chart [data-state="liveSession.open"].active')) === null; step++) await page.keyboard.press('[');
  await page.waitForSelector('.chart [data-state="liveSession.open"].active');
}
