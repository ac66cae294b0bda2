/** The replay in the page: asked for at a moment, told in words, and led to where it differs. */
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import type * as espalierModule from '../../src/index.js';
import type * as inspectorModule from '../../src/inspector/index.js';
import type { InspectorOptions } from '../../src/inspector/plan.js';
import { parseRecording } from '../../src/wire/recording/parse.js';
import { buildInspectorPage, type BuiltPage, drop, openFromFile, openPage, recordingPath, type Look } from './inspector-page.js';
import { buildPackage } from './package.js';
import { browserPath, startBrowser } from './stand.js';

/** Where pictures are kept for people to look at; none where it is not set. */
const pictures = process.env['SCREENSHOTS'];
const root = join(import.meta.dirname, '../..');

/** What the guard says: where it changes, a replay comes out otherwise. */
let isOpen = true;

const worker = setup({
  types: { context: {} as { jobs: readonly string[] }, events: {} as { type: 'job.add'; name: string } | { type: 'job.done' } },
  guards: { isOpen: () => isOpen },
}).createMachine({
  id: 'worker',
  initial: 'idle',
  context: { jobs: [] },
  states: {
    idle: {
      on: { 'job.add': { guard: 'isOpen', target: 'busy', actions: assign({ jobs: ({ context, event }) => [...context.jobs, event.name] }) } },
    },
    busy: { on: { 'job.done': 'idle' } },
  },
});

describe.skipIf(browserPath === null)('the replay in the page (skipped where there is no browser)', { timeout: 60_000 }, () => {
  let built: BuiltPage;
  let browser: Browser;
  let espalier: typeof espalierModule;
  let door: typeof inspectorModule;
  const ends: (() => unknown)[] = [];

  beforeAll(async () => {
    built = await buildInspectorPage();
    const folder = join(built.folder, 'node_modules/espalier');
    buildPackage(folder, [join(root, 'src/index.ts'), join(root, 'src/inspector/index.ts')]);
    mkdirSync(join(folder, 'dist/inspector'), { recursive: true });
    cpSync(built.file, join(folder, 'dist/inspector/index.html'));
    espalier = (await import(pathToFileURL(join(folder, 'dist/src/index.js')).href)) as typeof espalierModule;
    door = (await import(pathToFileURL(join(folder, 'dist/src/inspector/index.js')).href)) as typeof inspectorModule;
    browser = await startBrowser(browserPath ?? '');
  }, 120_000);

  afterEach(async () => {
    isOpen = true;
    for (const end of ends.splice(0).reverse()) await end();
  });

  afterAll(async () => {
    await browser?.close();
    built?.remove();
  });

  /** An app with one worker, its inspector, and the page of that worker. @param expected  what may fail in it */
  async function lookAt(options: InspectorOptions, how: Look = {}, given?: (eye: inspectorModule.Inspector) => void, expected: RegExp = /$^/) {
    const app = espalier.orchestrator({ actors: { worker }, children: [{ id: 'first', src: 'worker' }] }).start();
    ends.push(() => app.stop());
    await app.started();
    const eye = door.inspect(app, options);
    ends.push(() => eye.close());
    given?.(eye);
    const ready = await eye.ready();
    if (!ready.ok) throw new Error('it does not listen');
    const { page, problems } = await openPage(browser, ready.url, new URL(ready.url).origin, how);
    ends.push(async () => {
      await page.context().close();
      expect(
        problems.filter((problem) => !expected.test(problem)),
        'problems of the page',
      ).toEqual([]);
    });
    await page.click('.row[data-path="app/pool/first"]');
    await page.keyboard.press('2');
    await page.waitForSelector('.replay:visible');
    // From then on it is told of in full.
    await page.waitForSelector('.value-line');
    return { page, app };
  }

  const words = (page: Page, text: string) => page.waitForSelector(`.replay-words:has-text("${text}")`);
  const topOf = (page: Page) => page.$eval('.columns-of-panels', (one) => one.getBoundingClientRect().top);
  const work = (app: Awaited<ReturnType<typeof lookAt>>['app']): void => {
    const first = app.child('first');
    for (const name of ['dig', 'sow']) {
      first?.send({ type: 'job.add', name });
      first?.send({ type: 'job.done' });
    }
  };

  it.each([1280, 400])('tells at a past moment that all came out as recorded, by keyboard and without a jump, %d wide', async (width) => {
    const { page, app } = await lookAt({ control: true }, { width });
    work(app);
    await page.waitForSelector('.facts:has-text("4 events")');
    // Before the last transition: three events were handled.
    await page.keyboard.press('[');
    await page.waitForSelector('.chip:has-text("busy")');
    // Its room is another before it is drawn.
    await page.waitForSelector('.chart .active');
    const before = await topOf(page);
    await page.focus('.replay-head button');
    await page.keyboard.press('Enter');
    await words(page, '3 events came out as recorded, from');
    expect(await topOf(page)).toBe(before);
    expect(await page.$eval('html', (html) => html.scrollWidth)).toBeLessThanOrEqual(width);
    expect(await page.$eval('.replay-head button', (one) => one.matches(':focus'))).toBe(true);
    if (pictures !== undefined) await page.screenshot({ path: join(pictures, `replay-same-${width}.png`) });
  });

  it('names the step that comes out otherwise, and leads to its moment', async () => {
    const { page, app } = await lookAt({ replay: true });
    work(app);
    await page.waitForSelector('.facts:has-text("4 events")');
    isOpen = false;
    await page.click('.replay-head button');
    await words(page, 'job.add came out otherwise at');
    await words(page, 'recorded busy, replayed idle. It was the first step.');
    await page.waitForSelector('.replay-more li:has-text("context.jobs")');
    if (pictures !== undefined) await page.screenshot({ path: join(pictures, 'replay-differs.png') });
    await page.click('.replay-words .link');
    await page.waitForSelector('.live-button:has-text("paused")');
    await page.waitForSelector('.chip:has-text("busy")');
    await words(page, 'job.add came out otherwise at');
    expect(app.child('first')?.getSnapshot()).toMatchObject({ value: 'idle', context: { jobs: ['dig', 'sow'] } });
  });

  it('says what one more event would have brought at that moment', async () => {
    const { page, app } = await lookAt({ control: true });
    work(app);
    await page.waitForSelector('.facts:has-text("4 events")');
    expect(await page.isVisible('.suppose')).toBe(false);
    await page.keyboard.press(' ');
    await page.click('.suppose button:has-text("job.add")');
    await page.waitForSelector('.replay .event-form:visible');
    await page.click('.replay .event-form button[type=submit]');
    await words(page, 'job.add would lead to busy, change jobs[2], and order nothing. Nothing of it was done.');
    if (pictures !== undefined) await page.screenshot({ path: join(pictures, 'replay-what-if.png') });

    expect(app.child('first')?.getSnapshot()).toMatchObject({ value: 'idle', context: { jobs: ['dig', 'sow'] } });
  });

  it('names the moment of an answer once another one is shown', async () => {
    const { page, app } = await lookAt({ control: true });
    work(app);
    await page.waitForSelector('.facts:has-text("4 events")');
    await page.keyboard.press(' ');
    await page.click('.suppose button:has-text("job.add")');
    await page.click('.replay .event-form button[type=submit]');
    await words(page, 'job.add would lead to busy');
    expect(await page.isVisible('.replay-when')).toBe(false);
    await page.evaluate(() => (globalThis as unknown as { document: { activeElement: { blur(): void } } }).document.activeElement.blur());
    await page.keyboard.press('[');
    await page.waitForSelector('.replay-when:visible:has-text("asked at line")');
    await page.click('.replay-when .link');
    await page.waitForSelector('.replay-when', { state: 'hidden' });
    await words(page, 'job.add would lead to busy');
  });

  it('shows no answer that comes after another actor was chosen', async () => {
    const { page, app } = await lookAt({ control: true });
    work(app);
    await page.waitForSelector('.facts:has-text("4 events")');
    // The question goes out only when it is let go: the socket is the page's own.
    await page.evaluate(() => {
      const { prototype } = WebSocket as unknown as { prototype: { send(this: unknown, text: string): void } };
      const { send } = prototype;
      prototype.send = function held(text) {
        if (!text.includes('"replay"')) return send.call(this, text);
        const socket = this as { addEventListener(type: string, take: (event: { data: unknown }) => void): void };
        const answered = new Promise<void>((done) => {
          socket.addEventListener('message', ({ data }) => String(data).includes('"outcome"') && done());
        });
        (globalThis as { letGo?: () => Promise<void> }).letGo = () => {
          send.call(socket, text);
          return answered;
        };
      };
    });
    await page.click('.replay-head button');
    await words(page, 'replaying');
    await page.click('.row[data-path="app"]');
    await words(page, 'takes what it was sent up to here again');
    expect(await page.getAttribute('.replay-head button', 'aria-disabled')).toBe(null);
    await page.evaluate(() => (globalThis as unknown as { letGo: () => Promise<void> }).letGo());
    await page.evaluate(
      () => new Promise((shown) => (globalThis as unknown as { requestAnimationFrame(done: unknown): void }).requestAnimationFrame(shown)),
    );
    await words(page, 'takes what it was sent up to here again');
    expect(await page.textContent('.replay-words')).not.toContain('came out');
  });

  it('gives what the page has of an app that is gone, and says so', async () => {
    let stop = (): unknown => undefined;
    const { page, app } = await lookAt({ control: true }, {}, (eye) => (stop = () => eye.close()), /WebSocket|ERR_CONNECTION/);
    work(app);
    await page.waitForSelector('.facts:has-text("4 events")');
    await stop();
    await page.waitForSelector('[data-connection]:not([data-connection=live])');
    await page.waitForSelector('.live-button:has-text("lost")');
    expect(await page.$$('.notice:has-text("Error")')).toEqual([]);
    await page.keyboard.press('4');
    await page.waitForSelector('.record-facts dd:has-text("the app, as it ran")');
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('button.export:has-text("NDJSON")')]);
    const { lines, cut } = parseRecording(readFileSync((await download.path()) ?? '', 'utf8'));
    expect(lines.filter(({ type }) => type === '@xstate.transition').length).toBeGreaterThanOrEqual(4);
    expect(cut?.why).toMatch(/what the inspector's page had/);
    await page.waitForSelector('text=the file holds what this page had of it');
  });

  it('is not offered where the app does not allow it, which is said', async () => {
    const { page } = await lookAt({});
    await words(page, 'The app lets nobody replay');
    expect(await page.isVisible('.replay-head button')).toBe(false);
  });

  it('says of a file which command replays it', async () => {
    const { page, problems } = await openFromFile(browser, built);
    ends.push(async () => {
      await page.context().close();
      expect(problems).toEqual([]);
    });
    const text = readFileSync(recordingPath('crashing-tree'), 'utf8');
    await drop(page, 'run.ndjson', text);
    await page.keyboard.press('2');
    await words(page, 'espalier replay run.ndjson --machines MODULE');
    expect(await page.isVisible('.replay-head button')).toBe(false);
  });
});
