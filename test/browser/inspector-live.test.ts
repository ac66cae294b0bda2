/** The inspector as its users have it: the built package serves the page, and a real browser lives with a real app. */
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import type * as espalierModule from '../../src/index.js';
import type * as inspectorModule from '../../src/inspector/index.js';
import { buildInspectorPage, type BuiltPage, openPage, treeOf } from './inspector-page.js';
import { buildPackage } from './package.js';
import { browserPath, startBrowser } from './stand.js';

type Espalier = typeof espalierModule;
type InspectorDoor = typeof inspectorModule;

const root = join(import.meta.dirname, '../..');

const worker = setup({
  types: {
    context: {} as { jobs: readonly string[]; apiKey: string },
    events: {} as { type: 'job.add'; name: string } | { type: 'job.done' } | { type: 'fail' },
  },
  actions: {
    fail: () => {
      throw new Error('worn out');
    },
  },
}).createMachine({
  id: 'worker',
  initial: 'idle',
  context: { jobs: [], apiKey: 'sk-do-not-show' },
  on: { fail: { actions: 'fail' } },
  states: {
    idle: { on: { 'job.add': { target: 'busy', actions: assign({ jobs: ({ context, event }) => [...context.jobs, event.name] }) } } },
    busy: { on: { 'job.done': 'idle' } },
  },
});

describe.skipIf(browserPath === null)('the inspector of a living app (skipped where there is no browser)', { timeout: 60_000 }, () => {
  let built: BuiltPage;
  let browser: Browser;
  let espalier: Espalier;
  let door: InspectorDoor;
  const ends: (() => unknown)[] = [];

  beforeAll(async () => {
    built = await buildInspectorPage();
    const folder = join(built.folder, 'node_modules/espalier');
    buildPackage(folder, [join(root, 'src/index.ts'), join(root, 'src/inspector/index.ts')]);
    mkdirSync(join(folder, 'dist/inspector'), { recursive: true });
    cpSync(built.file, join(folder, 'dist/inspector/index.html'));
    espalier = (await import(pathToFileURL(join(folder, 'dist/src/index.js')).href)) as Espalier;
    door = (await import(pathToFileURL(join(folder, 'dist/src/inspector/index.js')).href)) as InspectorDoor;
    browser = await startBrowser(browserPath ?? '');
  }, 120_000);

  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  afterAll(async () => {
    await browser?.close();
    built?.remove();
  });

  async function startApp(options: { control?: boolean } = {}) {
    const app = espalier.orchestrator({ actors: { worker }, children: ['first', 'second'].map((id) => ({ id, src: 'worker' as const })) }).start();
    ends.push(() => app.stop());
    await app.started();
    const eye = door.inspect(app, { title: 'two workers', ...options });
    ends.push(() => eye.close());
    const ready = await eye.ready();
    if (!ready.ok) throw new Error('it does not listen');
    return { app, eye, ready };
  }

  /** Opens the page; whatever it asks for beyond the inspector, and whatever fails in it, fails the test, unless it is expected. */
  async function look(url: string, expected: RegExp | null = null): Promise<Page> {
    const { page, problems } = await openPage(browser, url, new URL(url).origin);
    ends.push(async () => {
      await page.context().close();
      expect(
        problems.filter((problem) => expected?.test(problem) !== true),
        'problems of the page',
      ).toEqual([]);
    });
    return page;
  }

  const row = (path: string) => `.row[data-path="${path}"]`;

  it('shows the tree, a crash and its restart, and how it was before', async () => {
    const { app, ready } = await startApp();
    const page = await look(ready.url);
    await page.waitForSelector(row('app/pool/second'));
    expect(await page.textContent('.connection-words')).toBe('two workers · read-only');
    expect(await treeOf(page)).toEqual(['app running.idle', 'first idle', 'second idle']);
    app.child('first')?.send({ type: 'job.add', name: 'dig' });
    await page.waitForSelector(`${row('app/pool/first')}:has-text("busy")`);
    app.child('first')?.send({ type: 'fail' });
    await page.waitForSelector(`${row('app/pool/first#2')}:has-text("idle")`);
    await page.waitForSelector(`${row('app')} .restarts:has-text("1/3")`);
    await page.keyboard.press('{');
    await page.keyboard.press('{');
    await page.waitForSelector(`${row('app/pool/first')}[data-mood=failed], ${row('app/pool/first')}:has-text("busy")`);
    await page.keyboard.press(' ');
    await page.waitForSelector(row('app/pool/first#2'));
  });

  it('lights the states of an actor as it runs, shows what has changed, and nothing that is secret', async () => {
    const { app, ready } = await startApp();
    const page = await look(ready.url);
    await page.click(row('app/pool/first'));
    await page.waitForSelector('.chart [data-state="worker.idle"].active');
    app.child('first')?.send({ type: 'job.add', name: 'dig' });
    await page.waitForSelector('.chart [data-state="worker.busy"].active');
    await page.waitForSelector('.value-line.is-changed:has-text("jobs")');
    await page.waitForSelector('.value-line:has-text("redacted")');
    expect(await page.content()).not.toContain('sk-do-not-show');
    expect(await page.$$('button.event-chip')).toEqual([]);
    expect(await page.textContent('.hint')).toBe('Read-only: the app allows no control.');
  });

  it('sends an event and kills, where the app allows it', async () => {
    const { app, ready } = await startApp({ control: true });
    const page = await look(ready.url);
    await page.click(row('app/pool/first'));
    await page.click('button.event-chip:has-text("job.add")');
    await page.fill('.event-text', '{ "type": "job.add", "name": 7 ');
    await page.click('.event-form .primary');
    await page.waitForSelector('.problem:has-text("no JSON")');
    await page.fill('.event-text', '{ "type": "job.add", "name": "sweep" }');
    await page.click('.event-form .primary');
    await page.waitForSelector('.notice.good:has-text("job.add was sent")');
    expect(app.child('first')?.getSnapshot()).toMatchObject({ value: 'busy', context: { jobs: ['sweep'] } });
    await page.click('.orders button:has-text("kill")');
    await page.click('.orders button:has-text("kill: sure?")');
    await page.waitForSelector(row('app/pool/first#2'));
  });

  it('saves what the ring of the app holds, and opens it again', async () => {
    const { ready } = await startApp();
    const page = await look(ready.url);
    await page.waitForSelector(row('app/pool/first'));
    await page.keyboard.press('4');
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('.export:has-text("Recording")')]);
    await page.setInputFiles('.chooser', await download.path());
    await page.waitForSelector('.connection[data-kind=file]');
    await page.waitForSelector(row('app/pool/first'));
  });

  it('says that the token is wrong, and shows nothing', async () => {
    const { ready } = await startApp();
    const page = await look(`${new URL(ready.url).origin}/#token=${'x'.repeat(43)}`, /WebSocket|401|403/);
    await page.waitForSelector('.banner:has-text("does not let this page in")', { timeout: 20_000 });
    expect(await treeOf(page)).toEqual([]);
  });

  it('says that the connection was lost, keeps what it knows, and tries again', async () => {
    const { eye, ready } = await startApp();
    const page = await look(ready.url, /WebSocket|ERR_CONNECTION/);
    await page.waitForSelector(row('app/pool/second'));
    await eye.close();
    await page.waitForSelector('.connection[data-kind=lost]');
    expect(await page.textContent('.connection-words')).toMatch(/^lost \d+ m?s ago · again in/);
    expect(await treeOf(page)).toHaveLength(3);
    await page.waitForSelector('.banner:has-text("The app does not answer")', { timeout: 20_000 });
  });
});
