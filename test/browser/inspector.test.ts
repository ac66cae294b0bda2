/** The inspector's page in a real browser, opened from a file: no server, and nothing asked of anybody. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRecording } from '../../src/wire/recording/parse.js';
import { buildInspectorPage, drop, inspectorStand, recordingPath, treeOf } from './inspector-page.js';
import { browserPath } from './stand.js';

/** Where pictures are kept for people to look at; none where it is not set. */
const pictures = process.env['SCREENSHOTS'];

describe.skipIf(browserPath === null)('the inspector’s page (skipped where there is no browser: install chromium)', { timeout: 60_000 }, () => {
  const stand = inspectorStand();
  const { open } = stand;

  it('is one file with a policy that lets nothing in, and the notice of ELK', () => {
    const html = readFileSync(stand.file, 'utf8');
    expect(html).toMatch(/Content-Security-Policy" content="default-src 'none'; script-src 'sha256-[^"]+connect-src 'self'/);
    expect(html).toContain('Eclipse Public License 2.0');
    expect(html.match(/<(?:script|link|img)[^>]+(?:src|href)="(?!data:)[^"]*"/g)).toBeNull();
  });

  it('is the same, byte for byte, when it is built again', async () => {
    const again = await buildInspectorPage();
    try {
      expect(readFileSync(again.file).equals(readFileSync(stand.file))).toBe(true);
    } finally {
      again.remove();
    }
  });

  it('says what one may do where there is nothing yet', async () => {
    const page = await open();
    await page.waitForSelector('text=No app is connected.');
    expect(await page.textContent('.connection-words')).toBe('no app');
  });

  it('opens a recording that is dropped on it, and goes back in it', async () => {
    const page = await open();
    await drop(page, 'crash.ndjson', readFileSync(recordingPath('crashing-tree'), 'utf8'));
    await page.waitForSelector('.connection[data-kind=file]');
    await page.click('.track', { position: { x: 12, y: 10 } });
    await page.waitForSelector('.live-button[aria-pressed=false]');
    await page.focus('.track');
    await page.keyboard.press('Home');
    await page.keyboard.press('PageUp');
    await page.waitForSelector('.what:has-text("line 17 of")');
    expect((await treeOf(page))[0]).toMatch(/^app starting/);
    expect((await treeOf(page)).some((row) => row.startsWith('third#'))).toBe(false);
    await page.keyboard.press('}');
    await page.keyboard.press('}');
    await page.keyboard.press('}');
    await page.waitForSelector('.rows .row:not([hidden]) .name:text-matches("#2$")');
    await page.keyboard.press('End');
    await page.waitForSelector('.live-button[aria-pressed=true]');
  });

  it('draws the chart of an actor with its states lit, and says what has changed', async () => {
    const page = await open('live-conversation');
    await page.focus('.track');
    await page.keyboard.press('Home');
    for (let step = 0; step < 8; step++) await page.keyboard.press('PageUp');
    await page.click('[data-path="app/pool/voice"]');
    await page.waitForSelector('.chart [data-state="liveSession.open"].active', { timeout: 30_000 });
    // Some events are not handled: back to one that was.
    for (let step = 0; step < 20 && (await page.$('.chart [data-edge].last')) === null; step++) await page.keyboard.press('[');
    await page.waitForSelector('.chart [data-edge].last', { state: 'attached' });
    expect(await page.textContent('.chart [data-count]:not(:empty)')).toMatch(/×\d/);
    expect(await page.$$eval('.value-line', (lines) => lines.length)).toBeGreaterThan(5);
    expect(await page.textContent('.hint')).toBe('A recording can be looked at, and not be changed.');
    expect(await page.$$('button.event-chip')).toEqual([]);
    expect(await page.isHidden('.orders')).toBe(true);
  });

  it('opens the chart of an actor at the state that it is in', async () => {
    const page = await open('crashing-tree', { width: 400 });
    const isSeen = (selector: string) =>
      page.$eval(selector, (one) => {
        const [at, room] = [one, one.closest('.paper-room')].map((part) => part?.getBoundingClientRect());
        return (
          at !== undefined && room !== undefined && at.left >= room.left && at.right <= room.right && at.top >= room.top && at.bottom <= room.bottom
        );
      });
    await page.click('.track', { position: { x: 12, y: 10 } });
    await page.keyboard.press('2');
    await page.waitForSelector('.chart .active', { timeout: 30_000 });
    const states = await page.$$eval('.chart [data-state].active', (all) => all.map((one) => one.getAttribute('data-state') ?? ''));
    const leaf = states.find((id) => !states.some((other) => other.startsWith(`${id}.`)));
    expect(leaf).toMatch(/^supervisor\./);
    expect(await isSeen(`.chart [data-state="${leaf}"]`)).toBe(true);
  });

  it('lights what led to a message, and what came of it', async () => {
    const page = await open('live-conversation');
    await page.keyboard.press('3');
    await page.waitForSelector('.message[data-kind=message]');
    await page.focus('.messages');
    await page.keyboard.press('Home');
    await page.waitForSelector('.message[data-role=chosen]');
    await page.waitForSelector('.message-detail:not([hidden])');
    for (let step = 0; step < 20 && (await page.$('.message[data-kind=message][data-role=chosen]')) === null; step++) {
      // One step after the other: a key that is pressed before the last one is seen goes past it.
      const before = await page.getAttribute('.messages', 'aria-activedescendant');
      await page.keyboard.press('ArrowDown');
      await page.waitForSelector(`.messages:not([aria-activedescendant="${before}"])`);
    }
    expect(await page.textContent('.message-detail')).toMatch(/led to by \d+ messages?/);
    await page.waitForSelector('.message[data-role=effect], .message[data-role=cause]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('.message-detail', { state: 'hidden' });
  });

  it('goes by keys from message to message, also over a pause', async () => {
    const page = await open();
    const first = { type: '@xstate.actor', actor: 'a', parent: null, id: 'a', logic: 'callback', src: null, machine: null };
    const lines = [
      { type: 'recording', v: 2, secret: null, contexts: 'whole' },
      { ...first, seq: 1, at: 0, from: 'input', replaces: null, run: 1 },
      { type: '@xstate.event', seq: 2, at: 5_000, actor: 'a', source: null, event: { type: 'late' } },
      { type: '@xstate.event', seq: 3, at: 5_001, actor: 'a', source: null, event: { type: 'next' } },
      { type: 'end', lines: 3, cut: null },
    ];
    await drop(page, 'pause.ndjson', lines.map((line) => JSON.stringify(line)).join('\n'));
    await page.waitForSelector('.connection[data-kind=file]');
    await page.keyboard.press('3');
    await page.waitForSelector('.message[data-kind=idle]');
    await page.focus('.messages');
    const chosen = async (key: string, words: string): Promise<void> => {
      await page.keyboard.press(key);
      await page.waitForSelector(`.message[data-role=chosen]:has-text("${words}")`);
      // It alone, and it is what a reader of the screen is told.
      const ids = await page.$$eval('.message[aria-selected=true]:not([hidden])', (rows) => rows.map(({ id }) => id));
      expect(ids).toEqual([await page.getAttribute('.messages', 'aria-activedescendant')]);
    };
    await chosen('Home', 'starts');
    await chosen('ArrowDown', 'late');
    await chosen('ArrowDown', 'next');
    await chosen('ArrowUp', 'late');
    await chosen('ArrowUp', 'starts');
  });

  it('gives away the recording, and charts, sequence and traces in all their forms', async () => {
    const page = await open('crashing-tree');
    await page.keyboard.press('4');
    const saved = async (title: string): Promise<[string, string]> => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.click(`.export:has-text("${title}")`)]);
      return [download.suggestedFilename(), readFileSync(await download.path(), 'utf8')];
    };
    const [name, text] = await saved('Recording');
    expect(name).toBe('crashing-tree.ndjson');
    expect(parseRecording(text).lines).toHaveLength(parseRecording(readFileSync(recordingPath('crashing-tree'), 'utf8')).lines.length);
    expect(await saved('Chart (SVG)')).toEqual(['app.svg', expect.stringMatching(/^<svg[\s\S]*data-state="supervisor/)]);
    expect(await saved('Chart (Mermaid)')).toEqual(['supervisor.mmd', expect.stringMatching(/^stateDiagram-v2\n/)]);
    expect(await saved('Chart (DOT)')).toEqual(['supervisor.dot', expect.stringMatching(/^digraph "supervisor"/)]);
    expect(await saved('Sequence (Mermaid)')).toEqual(['crashing-tree-sequence.mmd', expect.stringMatching(/^sequenceDiagram\n/)]);
    expect(await saved('Sequence (SVG)')).toEqual(['crashing-tree-sequence.svg', expect.stringMatching(/^<svg [\s\S]*crash third[\s\S]*<\/svg>\n$/)]);
    const [, trace] = await saved('Trace (Chrome');
    expect(JSON.parse(trace)).toContainEqual(expect.objectContaining({ ph: 'X', name: 'app' }));
    expect(JSON.parse((await saved('Trace (OpenTelemetry'))[1])).toHaveProperty('resourceSpans');
  });

  it('is led by keys alone', async () => {
    const page = await open('crashing-tree');
    const selected = () => page.getAttribute('.row[aria-selected=true]', 'data-path');
    await page.keyboard.press('/');
    await page.waitForSelector('.search:focus');
    await page.keyboard.type('second');
    await page.keyboard.press('ArrowDown');
    await page.waitForSelector('[role=tree]:focus');
    await page.keyboard.press('ArrowDown');
    await page.waitForSelector('.row[aria-selected=true][data-path*="second"]');
    expect(await selected()).toContain('second');
    await page.keyboard.press('[');
    await page.waitForSelector('.live-button[aria-pressed=false]');
    await page.keyboard.press(' ');
    await page.waitForSelector('.live-button[aria-pressed=true]');
    await page.keyboard.press('?');
    await page.waitForSelector('.key-card[open]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('.key-card', { state: 'hidden' });
    await page.keyboard.press('t');
    await page.keyboard.press('t');
    await page.waitForSelector('[data-theme=dark]');
  });

  it('says what is wrong with a file that is no recording, and keeps what it shows', async () => {
    const page = await open('tasks-at-work');
    const before = await treeOf(page);
    await drop(page, 'wrong.ndjson', '{"type":"recording","v":1}\n');
    await page.waitForSelector('.notice.bad:has-text("version 2")');
    expect(await treeOf(page)).toEqual(before);
  });

  it('shows nothing of a recording as markup', async () => {
    const page = await open();
    const hostile = `<img src=x onerror="document.title='owned'">`;
    const lines = [
      { type: 'recording', v: 2, secret: null, contexts: 'whole' },
      {
        type: '@xstate.actor',
        seq: 1,
        at: 0,
        actor: hostile,
        parent: null,
        id: hostile,
        logic: 'callback',
        src: hostile,
        machine: null,
        from: 'input',
        replaces: null,
        run: 1,
        input: hostile,
      },
      { type: '@xstate.event', seq: 2, at: 0, actor: hostile, source: null, event: { type: hostile, more: hostile } },
      { type: 'end', lines: 2, cut: null },
    ];
    await drop(page, 'hostile.ndjson', lines.map((line) => JSON.stringify(line)).join('\n'));
    await page.waitForSelector('.connection[data-kind=file]');
    await page.keyboard.press('3');
    await page.waitForSelector('.message');
    expect(await page.$$('img')).toEqual([]);
    expect(await page.title()).toBe('Espalier inspector');
  });

  it('has ten thousand actors as a list of which some rows are elements', async () => {
    const page = await open();
    const head = { type: 'recording', v: 2, secret: null, contexts: 'whole' };
    const actor = (seq: number, name: string, parent: string | null) => ({
      type: '@xstate.actor',
      seq,
      at: 0,
      actor: name,
      parent,
      id: name,
      logic: 'callback',
      src: null,
      machine: null,
      from: 'input',
      replaces: null,
      run: 1,
    });
    const crowd = Array.from({ length: 10_000 }, (_, index) => actor(index + 2, `app/cell${index}`, 'app'));
    const lines = [head, actor(1, 'app', null), ...crowd, { type: 'end', lines: 10_001, cut: null }];
    await drop(page, 'crowd.ndjson', lines.map((line) => JSON.stringify(line)).join('\n'));
    await page.waitForSelector('[data-path="app/cell3"]');
    expect(await page.$$eval('.rows .row', (rows) => rows.length)).toBeLessThan(60);
    await page.focus('.rows');
    await page.keyboard.press('End');
    await page.waitForSelector('[data-path="app/cell9999"][aria-selected=true]');
    expect(await page.$$eval('.rows .row', (rows) => rows.length)).toBeLessThan(80);
  });

  it.each([
    [1280, 'light'],
    [1280, 'dark'],
    [400, 'light'],
    [400, 'dark'],
  ] as const)('fits %i pixels, in the %s', async (width, scheme) => {
    const page = await open('crashing-tree', { width, scheme });
    for (const key of ['1', '2', '3', '4']) {
      await page.keyboard.press(key);
      await page.waitForSelector(`#inspector[data-page=${['tree', 'actor', 'sequence', 'recording'][Number(key) - 1]}]`);
      expect(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')).toBe(0);
      if (key === '1') expect(await page.$$eval('.rows .name', (all) => all.filter((one) => one.scrollWidth > one.clientWidth).length)).toBe(0);
      // On a wide page, the chart of the actor stands beside the tree.
      if (key === '2' || (key === '1' && width === 1280)) await page.waitForSelector('.chart .active', { timeout: 30_000 });
      if (pictures !== undefined) await page.screenshot({ path: join(pictures, `inspector-${key}-${width}-${scheme}.png`) });
    }
  });
});
