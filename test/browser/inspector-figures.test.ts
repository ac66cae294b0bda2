/** The figures of the inspector's page in a real browser: what its columns, counts and marks say of a recording whose every figure is known. */
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { parseRecording } from '../../src/wire/recording/parse.js';
import { type BareLine, ended, machine, made, numbered, sent, start } from '../inspector-page/lines.js';
import { drop, inspectorStand, type Look } from './inspector-page.js';
import { browserPath } from './stand.js';

const blank = { tags: [], invoke: [], entry: [], exit: [], edges: [], states: [] };
const edge = (from: string, event: string, to: string) => ({
  ...{ id: `m.${from}.${event}`, event, descriptor: event, targets: [`m.${to}`] },
  ...{ reenter: false, actions: [] },
});
const leaf = (key: string, event: string, to: string) => ({
  ...{ ...blank, id: `m.${key}`, key, type: 'atomic' as const },
  edges: [edge(key, event, to)],
});
const definition = {
  ...{ ...blank, id: 'm', key: 'm', type: 'compound' as const, initial: 'm.idle' },
  states: [leaf('idle', 'go', 'busy'), leaf('busy', 'back', 'idle')],
};

/** A machine of these that goes to and fro. */
const went = (at: number, event: number, key: 'idle' | 'busy', taken: string) =>
  made('app/worker', at, event, { taken: [taken], state: { status: 'active', value: key } });

/** A supervisor whose budget is partly used, a worker that has much to do, and a child that waits for its next attempt. */
const figures: readonly BareLine[] = [
  { type: '@espalier.machine', at: 0, machine: 'm', definition },
  machine(
    'app',
    0,
    {
      ...{ intensity: 3, periodMs: 5_000, restarts: [4_000, 3_900, -1_001, -2_000] },
      children: [{ spec: { id: 'broken' }, retryAt: 6_700 }],
      mailbox: [{ type: 'a' }, { type: 'b' }, { type: 'c' }],
    },
    { logic: 'supervisor' },
  ),
  machine('app/worker', 0, null, {
    timers: [
      { id: 't1', to: 'app/worker', event: 'late', ms: 9_000, dueAt: 9_000 },
      { id: 't2', to: 'app/worker', event: 'later', ms: 9_500, dueAt: 9_500 },
    ],
  }),
  start('app/broken', 0),
  sent('app/worker', 10, 'go'),
  went(10, 5, 'busy', 'm.idle.go'),
  sent('app/worker', 20, 'back'),
  went(20, 7, 'idle', 'm.busy.back'),
  ended('app/broken', 1_500, { crash: 'x' }),
  sent('app/broken', 1_600, 'too.late', { dead: true }),
  sent('app/worker', 3_100, 'go'),
  went(3_100, 11, 'busy', 'm.idle.go'),
  sent('app/worker', 3_200, 'back', { source: 'app' }),
  sent('app/worker', 3_300, 'back', { source: 'app' }),
  sent('app/worker', 3_500, 'back', { source: 'app' }),
  sent('app/worker', 4_000, 'back', { source: 'app' }),
];

/** The supervisor with a budget of a thousand, of which fourteen are used. */
function large(line: BareLine): BareLine {
  const context = { intensity: 1_000, periodMs: 5_000, restarts: Array<number>(14).fill(4_000), children: [], mailbox: [] };
  return line.type === '@xstate.actor' ? { ...line, state: { status: 'active', value: 'idle', context } } : line;
}

describe.skipIf(browserPath === null)('the figures of the inspector’s page (skipped where there is no browser)', { timeout: 60_000 }, () => {
  const stand = inspectorStand();

  async function open(look?: Look, change = (line: BareLine): BareLine => line, story = figures): Promise<Page> {
    const page = await stand.open(undefined, look);
    const lines = [
      { type: 'recording', v: 2, secret: null, contexts: 'whole' },
      ...numbered(...story.map(change)),
      { type: 'end', lines: story.length, cut: null },
    ];
    const text = lines.map((line) => JSON.stringify(line)).join('\n');
    expect(parseRecording(text).lines).toHaveLength(story.length);
    await drop(page, 'figures.ndjson', text);
    await page.waitForSelector('.connection[data-kind=file]');
    await page.waitForSelector('.row[data-path="app"]');
    return page;
  }

  const row = (path: string) => `.row[data-path="${path}"]`;

  /** What the columns of a row say, without those that say nothing. */
  async function figuresOf(page: Page, path: string): Promise<Record<string, string>> {
    const cells = await page.$$eval(`${row(path)} .cell`, (all) =>
      all.map((cell) => [cell.className.replace('cell ', ''), cell.textContent ?? ''] as const),
    );
    return Object.fromEntries(cells.filter(([, text]) => text !== ''));
  }

  it('has in its columns the budget, the backoff, the queue, the timers and the events of the last second', async () => {
    const page = await open();
    expect(await figuresOf(page, 'app')).toEqual({ restarts: '2/3', queue: '3' });
    expect(await page.getAttribute(`${row('app')} .restarts`, 'title')).toBe('2 of 3 restarts within 5 s');
    expect(await figuresOf(page, 'app/worker')).toEqual({ queue: '4', timers: '2', rate: '5' });
    expect(await figuresOf(page, 'app/broken')).toEqual({ wait: '2.7 s' });
    expect(await page.textContent(`${row('app/broken')} .chip`)).toBe('backing off');
  });

  it('has room for the states of both regions of a candidate, and for its name, as deep as an agent of a room has it', async () => {
    const path = 'app/agents/agents/cem/keeper/cem/candidacy';
    const above = path
      .split('/')
      .slice(0, -1)
      .map((_, index, all) => start(all.slice(0, index + 1).join('/'), 0));
    const value = { running: { following: 'watching', part: { candidate: 'leading' } } };
    const page = await open(undefined, undefined, [
      { type: '@espalier.machine', at: 0, machine: 'm', definition },
      ...above,
      machine(path, 0, {}, { state: { status: 'active', value, context: {} } }),
    ]);
    const parts = await page.$$eval(`${row(path)} .name, ${row(path)} .chip:not([hidden])`, (all) =>
      all.map((one) => [
        one.textContent,
        one.scrollWidth <= one.clientWidth && one.getBoundingClientRect().right <= (one.parentElement?.getBoundingClientRect().right ?? 0) + 0.5,
      ]),
    );
    expect(parts).toEqual([
      ['candidacy', true],
      ['watching', true],
      ['leading', true],
    ]);
    expect(await page.getAttribute(`${row(path)} .chips`, 'title')).toBe('running.following.watching\nrunning.part.candidate.leading');
  });

  it('has room for a large budget on a narrow page, and tells it whole to who asks', async () => {
    const page = await open({ width: 400 }, (line) => ('actor' in line && line.actor === 'app' ? large(line) : line));
    const restarts = `${row('app')} .restarts`;
    expect(await page.textContent(restarts)).toBe('14/1k');
    expect(await page.getAttribute(restarts, 'title')).toBe('14 of 1000 restarts within 5 s');
    expect(await page.$eval(restarts, (cell) => cell.scrollWidth <= cell.clientWidth)).toBe(true);
  });

  it('has the figures of the moment that is shown', async () => {
    const page = await open();
    await page.keyboard.press('[');
    await page.waitForSelector(`${row('app/broken')} .wait:text-is("3.2 s")`);
    expect(await figuresOf(page, 'app/worker')).toEqual({ queue: '3', timers: '2', rate: '4' });
    await page.keyboard.press('[');
    await page.waitForSelector(`${row('app/broken')} .wait:text-is("3.4 s")`);
    expect(await figuresOf(page, 'app/worker')).toEqual({ queue: '2', timers: '2', rate: '3' });
    await page.keyboard.press(' ');
    await page.waitForSelector(`${row('app/broken')} .wait:text-is("2.7 s")`);
  });

  it('counts at each edge of a chart how often it was taken', async () => {
    const page = await open();
    await page.click(row('app/worker'));
    await page.waitForSelector('.chart [data-state="m.busy"].active', { timeout: 30_000 });
    const counts = () =>
      page.$$eval('.chart [data-count]', (all) => Object.fromEntries(all.map((one) => [one.getAttribute('data-count'), one.textContent.trim()])));
    expect(await counts()).toEqual({ 'm.idle.go': '×2', 'm.busy.back': '×1' });
    for (let step = 0; step < 8; step++) await page.keyboard.press('[');
    await page.waitForSelector('.chart [data-state="m.idle"].active');
    expect(await counts()).toEqual({ 'm.idle.go': '×1', 'm.busy.back': '×1' });
    for (let step = 0; step < 2; step++) await page.keyboard.press('[');
    await page.waitForSelector('.chart [data-state="m.busy"].active');
    expect(await counts()).toEqual({ 'm.idle.go': '×1', 'm.busy.back': '' });
  });

  it('keeps every line of a file that is longer than what is kept of a living app', async () => {
    const page = await stand.open();
    const count = 240_001;
    const text = [
      { type: 'recording', v: 2, secret: null, contexts: 'whole' },
      ...Array.from({ length: count }, (_, index) => ({ ...sent('app', index, 'tick'), seq: index + 1 })),
      { type: 'end', lines: count, cut: null },
    ];
    const buffer = Buffer.from(text.map((line) => JSON.stringify(line)).join('\n'));
    await page.setInputFiles('.chooser', { name: 'long.ndjson', mimeType: 'application/x-ndjson', buffer });
    await page.waitForSelector('.what:has-text("line 240,001 of 240,001 lines")');
  });

  it('marks in the sequence the messages that nobody read, and no others', async () => {
    const page = await open();
    await page.keyboard.press('3');
    await page.waitForSelector('.message[data-kind=message]');
    const dead = await page.$$eval('.message[data-dead]:not([hidden]) .words', (all) => all.map(({ textContent }) => textContent));
    expect(dead).toEqual(['too.late (dead letter)']);
    expect(await page.$$eval('.message:not([hidden]) .words', (all) => all.filter((one) => one.textContent.includes('dead letter')).length)).toBe(1);
    // Its words have another colour, and its arrow is dashed.
    const colourOf = (selector: string) => page.$eval(selector, (one) => (globalThis as unknown as BrowserView).getComputedStyle(one).color);
    expect(await colourOf('.message[data-dead] .words')).not.toBe(await colourOf('.message[data-kind=message]:not([data-dead]) .words'));
  });

  it('follows whoever acts, once its button is pressed, and nobody when it is pressed again', async () => {
    const page = await open();
    const follow = '.toggle:has-text("follow")';
    expect(await page.getAttribute(row('app'), 'aria-selected')).toBe('true');
    await page.click(follow);
    await page.waitForSelector(`${follow}[aria-pressed=true]`);
    await page.waitForSelector(`${row('app/worker')}[aria-selected=true]`);
    await page.click(follow);
    await page.waitForSelector(`${follow}[aria-pressed=false]`);
    await page.click(row('app/broken'));
    await page.waitForSelector(`${row('app/broken')}[aria-selected=true]`);
  });
});

/** Of the browser. */
interface BrowserView {
  getComputedStyle(element: unknown): { readonly color: string };
}
