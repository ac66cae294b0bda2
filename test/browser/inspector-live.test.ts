/** The inspector as its users have it: the built package serves the page, and a real browser lives with a real app. */
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { assign, createMachine, setup } from 'xstate';
import type * as espalierModule from '../../src/index.js';
import type * as inspectorModule from '../../src/inspector/index.js';
import { z } from 'zod';
import type { InspectorOptions } from '../../src/inspector/plan.js';
import { subprotocolsOf } from '../../src/inspector/protocol.js';
import { buildInspectorPage, type BuiltPage, type Look, openPage, RefusesHistoryOnce, treeOf } from './inspector-page.js';
import { buildPackage } from './package.js';
import { browserPath, startBrowser } from './stand.js';

type Espalier = typeof espalierModule;
type InspectorDoor = typeof inspectorModule;

/** Of the browser. */
interface BrowserSocket {
  addEventListener(type: 'open' | 'message', listener: (message: { readonly data: string }) => unknown): void;
  send(text: string): void;
}

/** Where pictures are kept for people to look at; none where it is not set. */
const pictures = process.env['SCREENSHOTS'];

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

  async function startApp(options: Pick<InspectorOptions, 'control' | 'schemas'> = {}) {
    const app = espalier.orchestrator({ actors: { worker }, children: ['first', 'second'].map((id) => ({ id, src: 'worker' as const })) }).start();
    return { app, ...(await inspected(app, { title: 'two workers', ...options })) };
  }

  async function inspected(app: Parameters<InspectorDoor['inspect']>[0] & { stop(): unknown; started(): unknown }, options: InspectorOptions) {
    ends.push(() => app.stop());
    await app.started();
    const eye = door.inspect(app, options);
    ends.push(() => eye.close());
    const ready = await eye.ready();
    if (!ready.ok) throw new Error('it does not listen');
    return { eye, ready };
  }

  /** Opens the page; whatever it asks for beyond the inspector, and whatever fails in it, fails the test, unless it is expected. */
  async function look(url: string, expected: RegExp | null = null, how: Look = {}): Promise<Page> {
    const { page, problems } = await openPage(browser, url, new URL(url).origin, how);
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
    await page.click(row('app/pool/first'));
    app.child('first')?.send({ type: 'job.add', name: 'dig' });
    await page.waitForSelector(`${row('app/pool/first')}:has-text("busy")`);
    app.child('first')?.send({ type: 'fail' });
    await page.waitForSelector(`${row('app/pool/first#2')}[aria-selected=true]:has-text("idle")`);
    await page.waitForSelector(`${row('app')} .restarts:has-text("1/3")`);
    for (const key of ['{', '{']) await page.keyboard.press(key);
    await page.waitForSelector(`${row('app/pool/first')}[data-mood=failed], ${row('app/pool/first')}:has-text("busy")`);
    await page.keyboard.press(' ');
    await page.waitForSelector(row('app/pool/first#2'));
  });

  it('lights the states of an actor as it runs, shows what has changed, and nothing that is secret', async () => {
    const { app, ready } = await startApp();
    const page = await look(ready.url);
    await page.click(row('app/pool/first'));
    await page.waitForSelector('.chart [data-state="worker.idle"].active');
    // Before its details have come nobody could say what has changed.
    await page.waitForSelector('.value-line');
    app.child('first')?.send({ type: 'job.add', name: 'dig' });
    await page.waitForSelector('.chart [data-state="worker.busy"].active');
    await page.waitForSelector('.value-line.is-changed:has-text("jobs")');
    await page.waitForSelector('.value-line:has-text("redacted")');
    expect(await page.content()).not.toContain('sk-do-not-show');
    expect(await page.$$('button.event-chip')).toEqual([]);
    expect(await page.textContent('.hint')).toBe('Read-only: the app allows no control.');
  });

  it('sends an event, kills, restarts and stops, where the app allows it', async () => {
    const { app, ready } = await startApp({ control: true });
    const page = await look(ready.url);
    await page.click(row('app/pool/first'));
    await page.click('button.event-chip:has-text("job.add")');
    expect(await page.textContent('.form-why')).toBe('No schema of job.add is known: it is written as JSON.');
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
    const order = async (actor: string, action: string): Promise<void> => {
      await page.click(row(actor));
      await page.click(`.orders button:text-is("${action}")`);
      await page.click(`.orders button:has-text("${action}: sure?")`);
      await page.waitForSelector(`.notice.good:has-text("${actor}: ${action} was ordered")`);
    };
    const second = app.child('second');
    await order('app/pool/second', 'restart');
    await page.waitForSelector(row('app/pool/second#2'));
    expect(second?.getSnapshot().status).toBe('stopped');
    expect(app.child('second')?.getSnapshot()).toMatchObject({ status: 'active', value: 'idle' });
    const third = app.child('second');
    await order('app/pool/second#2', 'stop');
    await page.waitForSelector(`${row('app/pool/second#2')}[data-mood=stopped]`);
    expect(third?.getSnapshot().status).toBe('stopped');
    expect(app.child('second')).toBeUndefined();
  });

  it('fills a form with the last event of its type, and says of each event what it would do now', async () => {
    const states = { off: { on: { flip: 'on' } }, on: { on: { flip: 'off' } } };
    const lamp = createMachine({ id: 'lamp', context: { hours: 5 }, initial: 'off', states });
    const app = espalier.orchestrator({ actors: { lamp }, children: [{ id: 'lamp', src: 'lamp' }] }).start();
    const { ready } = await inspected(app, { control: true });
    const page = await look(ready.url);
    await page.click(row('app/pool/lamp'));
    await page.waitForSelector('button.event-chip[title*="lamp.on"]');
    await page.waitForSelector('.value-line:has-text("hours")'); // It is watched in full: what it is sent is told from now on.
    app.child('lamp')?.send({ type: 'flip', by: 'hand' });
    await page.waitForSelector('button.event-chip[title*="lamp.off"]');
    const filled = async (): Promise<unknown> => {
      await page.click('button.event-chip:has-text("flip")');
      return JSON.parse(await page.inputValue('.event-text')) as unknown;
    };
    expect(await filled()).toEqual({ type: 'flip', by: 'hand' });
    app.child('lamp')?.send({ type: 'note' });
    for (const by of ['foot', 'nobody', 'chance']) app.child('lamp')?.send({ type: 'flip', by });
    await page.waitForSelector('.facts:has-text("1 unhandled")');
    await page.waitForSelector('button.event-chip[title*="lamp.on"]');
    expect(await filled()).toEqual({ type: 'flip', by: 'chance' });
  });

  it('takes the recording of its app away, whatever has become of the address', async () => {
    const { ready } = await startApp();
    const page = await look(ready.url);
    await page.waitForSelector(row('app/pool/second'));
    await page.evaluate("history.replaceState(null, '', location.pathname)");
    await page.keyboard.press('4');
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('.export:has-text("Recording")')]);
    expect(readFileSync(await download.path(), 'utf8')).toMatch(/^\{"type":"recording"/);
  });

  it.each([
    ['kill', 'killed', '1/3'],
    ['restart', 'shutdown', '0/3'],
  ])('orders what its button says: %s', async (action, reason, restarts) => {
    const { ready } = await startApp({ control: true });
    const page = await look(ready.url);
    await page.click(row('app/pool/first'));
    await page.click(`.orders button:text-is("${action}")`);
    await page.click(`.orders button:text-is("${action}: sure?")`);
    await page.waitForSelector(`.notice.good:has-text("app/pool/first: ${action} was ordered")`);
    await page.click(row('app/pool/first#2'));
    // The app says how the one before has ended, and whether that was a failure, which the budget pays for.
    await page.waitForSelector('.facts-table tbody tr:nth-child(2):has-text("#1")');
    expect(await page.$$eval('.facts-table .reason', (cells) => cells.map(({ textContent }) => textContent))).toEqual(['', reason]);
    await page.waitForSelector(`${row('app')} .restarts:text-is("${restarts}")`);
  });

  it('follows whoever acts, as long as its button is pressed', async () => {
    const { app, ready } = await startApp();
    const page = await look(ready.url);
    await page.waitForSelector(row('app/pool/second'));
    const follow = '.toggle:has-text("follow")';
    const turn = async (isOn: boolean): Promise<void> => {
      await page.click(follow);
      await page.waitForSelector(`${follow}[aria-pressed=${isOn}]`);
    };
    await turn(true);
    app.child('first')?.send({ type: 'job.add', name: 'dig' });
    await page.waitForSelector(`${row('app/pool/first')}[aria-selected=true]`);
    app.child('second')?.send({ type: 'job.add', name: 'rake' });
    await page.waitForSelector(`${row('app/pool/second')}[aria-selected=true]`);
    await turn(false);
    app.child('first')?.send({ type: 'job.done' });
    await page.waitForSelector(`${row('app/pool/first')}:has-text("idle")`);
    expect(await page.getAttribute(row('app/pool/second'), 'aria-selected')).toBe('true');
  });

  it('makes a form of the schema of an event, and lets nothing pass that does not fit', async () => {
    const job = z.strictObject({
      type: z.literal('job.add'),
      name: z.string().min(2).describe('what is to be done'),
      priority: z.enum(['low', 'high']),
      hours: z.number().int().min(1).optional(),
      isPaid: z.boolean(),
      place: z.object({ room: z.string(), floor: z.number().optional() }).optional(),
      tags: z.array(z.string()).optional(),
    });
    const { app, ready } = await startApp({ control: true, schemas: { worker: { 'job.add': job, fail: z.object({ type: z.literal('fail') }) } } });
    const page = await look(ready.url);
    await page.click(row('app/pool/first'));
    await page.click('button.event-chip:has-text("job.add")');
    await page.waitForSelector('.event-form [name="name"]:focus');
    expect(await page.$$eval('.event-form .field-name', (names) => names.map((name) => name.textContent).join(', '))).toBe(
      'name *, priority *, hours, isPaid *, place, room, floor, tags',
    );
    expect(await page.$$eval('.event-form option', (all) => all.map((one) => one.textContent))).toEqual(['low', 'high']);
    await page.fill('[name="name"]', 'x');
    await page.fill('[name="hours"]', 'many');
    await page.fill('[name="tags"]', '["a", 7]');
    await page.keyboard.press('Control+Enter');
    await page.waitForSelector('.field:has([name="name"]) .problem:has-text("length at least 2")');
    await page.waitForSelector('.field:has([name="hours"]) .problem:has-text("must be a number")');
    await page.waitForSelector('.field:has([name="tags"]) .problem:has-text("1: must be string")');
    await page.waitForSelector('[name="name"]:focus');
    if (pictures !== undefined) await page.screenshot({ path: join(pictures, 'inspector-form-1280-light.png') });
    expect(app.child('first')?.getSnapshot()).toMatchObject({ value: 'idle' });
    // By the keys alone.
    await page.keyboard.type('sweep');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    await page.fill('[name="hours"]', '3');
    await page.focus('[name="isPaid"]');
    await page.keyboard.press('Space');
    await page.fill('[name="place.room"]', 'hall');
    await page.fill('[name="tags"]', '["a"]');
    await page.keyboard.press('Control+Enter');
    await page.waitForSelector('.notice.good:has-text("job.add was sent")');
    await page.waitForSelector('.chart [data-state="worker.busy"].active');
    expect(app.child('first')?.getSnapshot()).toMatchObject({ value: 'busy', context: { jobs: ['xsweep'] } });
    await page.keyboard.press('3');
    await page.click('.message:has-text("job.add")');
    await page.waitForSelector('.message-detail:has-text("hall")');
    // What is written by hand is refused by the server too.
    const refusal = await page.evaluate(
      ([at, protocols]) => {
        const { WebSocket: Socket } = globalThis as unknown as { WebSocket: new (at: string, protocols: readonly string[]) => BrowserSocket };
        const socket = new Socket(at, protocols);
        return new Promise<string>((resolve) => {
          const control = { type: 'control', id: 1, action: 'send', actor: 'app/pool/second', event: { type: 'job.add', name: 'x' } };
          socket.addEventListener('open', () => socket.send(JSON.stringify(control)));
          socket.addEventListener('message', ({ data }) => data.includes('"result"') && resolve(data));
        });
      },
      [`ws://${new URL(ready.url).host}/socket`, subprotocolsOf(ready.token)] as const,
    );
    expect(JSON.parse(refusal)).toMatchObject({
      ok: false,
      error: { code: 'invalid-event', words: expect.stringMatching(/^event\.(?:name|priority|isPaid)/) },
    });
    expect(app.child('second')?.getSnapshot()).toMatchObject({ value: 'idle' });
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

  /** An app with a past that was watched: a job was added, and is done. */
  async function startWatchedApp() {
    const { app, ready } = await startApp();
    const first = await look(ready.url);
    await first.click(row('app/pool/first'));
    // Before its details have come only how the actors are is told, and no message is kept.
    await first.waitForSelector('.value-line');
    app.child('first')?.send({ type: 'job.add', name: 'dig' });
    await first.waitForSelector(`${row('app/pool/first')}:has-text("busy")`);
    app.child('first')?.send({ type: 'job.done' });
    await first.waitForSelector(`${row('app/pool/first')}:has-text("idle")`);
    return { app, ready };
  }

  /** Opens the page, and goes back to its beginning. */
  async function lookBack(url: string, how: Look = {}): Promise<Page> {
    const late = await look(url, null, how);
    await late.waitForSelector(`${row('app/pool/first')}:has-text("idle")`);
    await late.click(row('app/pool/first'));
    await late.waitForSelector('.last:has-text("no transition yet")');
    await late.focus('.track');
    await late.keyboard.press('Home');
    await late.waitForSelector('.live-button[aria-pressed=false]');
    return late;
  }

  it('asks again for what was before it came, where it was refused', async () => {
    const { ready } = await startWatchedApp();
    const server = new RefusesHistoryOnce();
    const late = await lookBack(ready.url, { before: (page) => server.standBefore(page) });
    await late.waitForSelector('.what:not(:has-text("line 1 of"))');
    expect(server.refused).toBe(1);
    await late.keyboard.press('3');
    await late.waitForSelector('.message:has-text("job.add")');
    expect(await late.$$('.notice')).toEqual([]);
  });

  it('knows what was before it came, once somebody goes back so far', async () => {
    const { app, ready } = await startWatchedApp();
    const late = await lookBack(ready.url);
    await late.waitForSelector('.what:not(:has-text("line 1 of"))');
    await late.keyboard.press('3');
    await late.waitForSelector('.message:has-text("job.add")');
    // The moment stays the one that was chosen, and from it one goes on back.
    await late.keyboard.press('[');
    await late.keyboard.press('[');
    await late.waitForSelector(`${row('app/pool/first')}:has-text("busy")`);
    await late.keyboard.press(' ');
    await late.waitForSelector(`${row('app/pool/first')}:has-text("idle")`);
    await late.keyboard.press('2');
    app.child('first')?.send({ type: 'job.add', name: 'rake' });
    await late.waitForSelector(`${row('app/pool/first')}:has-text("busy")`);
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
    // It lies over the pages and moves nothing.
    const widths = await page.$$eval('#inspector > .head, #inspector > .pages, #inspector > .banner', (all) =>
      all.map((one) => one.getBoundingClientRect().width),
    );
    expect(widths).toEqual([1280, 1280, 1280]);
  });
});
