/** The HTTP conformance command: what it plays, how it cuts, what it counts, and what it refuses. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { nothingIsLeft } from '../testing/raw-client.js';
import { blot, type Client, type Heard, key } from './http/client.js';
import { clientFor } from './http/clients.js';
import { conformanceHttp } from './http/command.js';
import { ran, type Ran } from './ran.js';

const corpus = process.env['CORPUS_DIR'] ?? join(import.meta.dirname, '../../../shared/corpus');
const own = join(import.meta.dirname, '../fixtures/http');
const scratch = mkdtempSync(join(tmpdir(), 'espalier-'));
afterAll(() => rmSync(scratch, { recursive: true }));
afterEach(nothingIsLeft);

const runWith = (choose: typeof clientFor, ...args: string[]): Promise<Ran> => ran((ports) => conformanceHttp(args, ports, choose));

const run = (...args: string[]): Promise<Ran> => runWith(clientFor, ...args);

function scratchFile(name: string, text: string): string {
  const path = join(scratch, name);
  writeFileSync(path, text);
  return path;
}

const chunk = (text: string, finishReason?: string): string =>
  JSON.stringify({ candidates: [{ content: { parts: [{ text }], role: 'model' }, ...(finishReason === undefined ? {} : { finishReason }) }] });
const stream = (...chunks: string[]): string => chunks.map((one) => `data: ${one}\r\n\r\n`).join('');
const error = JSON.stringify({ error: { code: 429, message: 'Slow down.', status: 'RESOURCE_EXHAUSTED' } }, null, 2);
const asFailed = (out: readonly string[]): object[] => out.slice(0, -1).map((line) => JSON.parse(line) as object);

describe('the HTTP conformance command', () => {
  it.each([
    ['no folder', [], 'expected a folder of recordings'],
    ['a folder that is none', ['no-such-folder'], 'no-such-folder'],
    ['a flag that is none', ['--nonsense'], '--nonsense'],
  ])('refuses %s, and says how it is called', async (_, args, complaint) => {
    const { code, errors } = await run(...args);
    expect(code).toBe(2);
    expect(errors).toContain(complaint);
    expect(errors).toContain('Usage: npm run conformance:http');
  });

  it('plays a stream whole and at every kind of boundary that it has, and closes with the count', async () => {
    const { code, out } = await run(scratchFile('any.txt', stream(chunk('Grüße '), chunk('🎉', 'STOP'))), '--json');
    expect(asFailed(out).map((verdict) => Object.values(verdict).slice(1))).toEqual(
      [
        'whole',
        '1 B',
        '7 B',
        '97 B',
        'between CR and LF',
        'between the line ends of a blank line',
        'inside a character',
        'the key echoed',
        'the key echoed in halves',
      ].map((run) => [run, 'passed']),
    );
    expect(out.at(-1)).toBe('http: 9 passed, 0 failed, 0 skipped');
    expect(code).toBe(0);
  });

  it.each([
    ['a recorded failure', 'words.txt', stream(chunk('a'), chunk('b', 'SAFETY'))],
    ['an error', 'quota.json', error],
    ['an error behind events', 'mid.txt', stream(chunk('a')) + error],
    ['chunks line by line', 'lines.chunks.txt', `${chunk('a')}\n${chunk('b', 'STOP')}`],
    ['a single chunk', 'line.chunks.txt', chunk('a', 'STOP')],
    ['a whole answer', 'answer.json', chunk('a', 'STOP')],
    ['a list of answers', 'list.json', `[${chunk('a')},\n${chunk('b', 'STOP')}]`],
    ['an interaction', 'one.jsonl', '{"event_type":"interaction.completed","interaction":{"id":"i","status":"completed"}}'],
    ['a whole interaction', 'whole.json', '{"id":"i","status":"completed","steps":[]}'],
    ['one that runs in the background', 'background.json', '{"id":"i","status":"queued","object":"interaction"}'],
  ])('knows %s by its content', async (_, name, text) => {
    const { out } = await run(scratchFile(name, text), '--verbose');
    expect(out.slice(0, -1)).toEqual([]);
    expect(out.at(-1)).toMatch(/^http: [1-9]\d* passed, 0 failed, 0 skipped$/);
  });

  it('skips files of other kinds, and says why', async () => {
    const folder = mkdtempSync(join(scratch, 'foreign-'));
    writeFileSync(join(folder, 'live.chunks.txt'), '{"setupComplete":{}}\n{"serverContent":{"turnComplete":true}}\n');
    writeFileSync(join(folder, 'session.yaml'), 'interactions: []\n');
    writeFileSync(join(folder, 'tokens.json'), '{"totalTokens":3}');
    writeFileSync(join(folder, 'notes.txt'), 'nothing of the sort\n');
    const { code, out } = await run(folder, '--json');
    expect(code).toBe(0);
    expect(asFailed(out)).toMatchObject([
      { name: 'live.chunks.txt', status: 'skipped', reason: expect.stringContaining('got: "{\\"setupComplete\\"') as string },
      { name: 'notes.txt', status: 'skipped', reason: expect.stringContaining('server-sent events') as string },
      { name: 'session.yaml', status: 'skipped', reason: 'no JSON, text or event stream by its name' },
      { name: 'tokens.json', status: 'skipped', reason: expect.stringContaining('no answer of generateContent') as string },
    ]);
    expect(out.at(-1)).toBe('http: 0 passed, 0 failed, 4 skipped');
  });

  it('fails a file that cannot be read', async () => {
    const { code, out } = await run(scratchFile('broken.json', '{"candidates": ['));
    expect([code, out.at(-1)]).toEqual([1, 'http: 0 passed, 1 failed, 0 skipped']);
  });

  it('fails a recording that a file calls a success where the client calls it a failure', async () => {
    const { code, out } = await run(scratchFile('streaming-success-cut.txt', stream(chunk('a'))), '--verbose');
    expect(code).toBe(1);
    expect(out.join('\n')).toContain('expected a success, got a failure truncated noFinishReason');
  });

  const whole = scratchFile('whole.txt', stream(chunk('a'), chunk('b', 'STOP')));
  const refused = scratchFile('refused.txt', stream(chunk('a')) + error);
  const asked = { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] };
  const page = scratchFile(
    'page.json',
    JSON.stringify({
      interactions: [
        {
          request: { method: 'POST', url: '/v1beta/models/m:generateContent', bodySegments: [asked] },
          response: { statusCode: 502, headers: { 'Content-Type': 'text/html' }, bodySegments: ['<html>Bad gateway</html>'] },
        },
      ],
    }),
  );
  const through =
    (change: (heard: Heard, run: number) => object): typeof clientFor =>
    (request) => {
      let count = 0;
      return async (...asked) => change(await clientFor(request)(...asked), count++) as Heard;
    };
  /** One that hides what it is told, and not what it makes of it. */
  const joining = through((heard) => ({ ...heard, answer: JSON.parse(JSON.stringify(heard.answer).replaceAll(blot, key)) as Heard['answer'] }));
  /** One that hides nothing. */
  const open = through((heard) => JSON.parse(JSON.stringify(heard).replaceAll(blot, key)) as object);

  it.each([
    ['loses an event', whole, through((heard) => ({ ...heard, events: heard.events.slice(1) })), '(whole)\n  expected event 0'],
    ['gives no answer', whole, through((heard) => ({ ...heard, answer: null })), '(whole)\n  expected an answer, got none'],
    ['takes a failure for a success', refused, through((heard) => ({ ...heard, end: { ok: true, outcome: '' } })), '(whole)\n  expected a failure'],
    [
      'says it otherwise when it is cut',
      refused,
      through((heard, at) => ({ ...heard, end: { ...heard.end, message: `Slow down. ${at}` } })),
      '(1 B)\n  was told something else than of the whole',
    ],
    ['shows the key that a server repeats in a text', whole, open, '(the key echoed)\n  the key shows'],
    ['joins the halves of a key', whole, joining, '(the key echoed in halves)\n  the key shows'],
    ['shows the key that a server repeats in an error', refused, open, '(the key echoed)\n  the key shows'],
    [
      'shows the beginning of the key at the end of a long page',
      page,
      through((heard) => ({ ...heard, end: { ...heard.end, message: key.slice(0, 10) } })),
      '(the key echoed)\n  the key shows',
    ],
    [
      'does not ask',
      whole,
      (): Client => () => Promise.resolve({ events: [], answer: null, end: { ok: true, outcome: '' } }),
      '(whole)\n  expected event 0',
    ],
    ['throws', whole, (): Client => () => Promise.reject(new Error('oh')), '(whole)\n  the run threw: Error: oh'],
  ])('fails a client that %s', async (_, file, choose, reason) => {
    const { code, out } = await runWith(choose, file, '--verbose');
    expect(code).toBe(1);
    expect(out.join('\n')).toContain(reason);
  });

  it('passes our own recordings', { timeout: 60_000 }, async () => {
    const { out } = await run(own, '--verbose');
    expect(out.filter((line) => line.startsWith('failed'))).toEqual([]);
    expect(out.at(-1)).toMatch(/^http: [1-9]\d+ passed, 0 failed, 1 skipped$/);
  });

  it.skipIf(!existsSync(corpus))('passes all of the corpus', { timeout: 300_000 }, async () => {
    const { out } = await run(corpus, '--verbose');
    expect(out.filter((line) => line.startsWith('failed'))).toEqual([]);
    expect(out.at(-1)).toMatch(/^http: [1-9]\d+ passed, 0 failed, \d+ skipped$/);
  });
});
