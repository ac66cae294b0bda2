/** The guide to streams is true: its programs and the examples run against the built package, and its table has every kind of failure. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { geminiServer } from '../../src/testing/gemini-server/server.js';
import { buildPackage, compilePrograms } from '../browser/package.js';

const root = join(import.meta.dirname, '../..');
const guide = readFileSync(join(root, 'docs/guides/streams.md'), 'utf8');
const blocks = [...guide.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');
const examples = readdirSync(join(root, 'examples/stream'));
let folder = '';

beforeAll(() => {
  mkdirSync(join(root, '.build'), { recursive: true });
  folder = mkdtempSync(join(root, '.build', 'stream-guide-'));
  buildPackage(
    folder,
    ['src/index.ts', 'src/testing/index.ts'].map((file) => join(root, file)),
  );
  for (const name of examples) copyFileSync(join(root, 'examples/stream', name), join(folder, name));
  for (const [index, block] of blocks.entries()) writeFileSync(join(folder, `block${index}.ts`), block);
  compilePrograms(folder, [...examples, ...blocks.map((_, index) => `block${index}.ts`)]);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program with nothing of this run in its environment. */
async function printedBy(name: string, env: Record<string, string> = {}): Promise<string[]> {
  const { PATH = '', HOME = '' } = process.env;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(folder, name)], { env: { PATH, HOME, ...env }, timeout: 30_000 });
  expect(stderr).toBe('');
  return stdout.trimEnd().split('\n');
}

describe('the guide to streams', { timeout: 60_000 }, () => {
  it('begins with a program that works', async () => {
    const said = (text: string, finishReason?: string): Record<string, unknown> => ({
      candidates: [{ content: { parts: [{ text }] }, finishReason }],
    });
    await using server = await geminiServer({
      key: 'a-key',
      http: [{ on: 'streamGenerateContent', answer: [{ events: [said('Light rain'), said(', 12 °C', 'STOP')], chunkBytes: 7 }] }],
    });
    expect(await printedBy('block0.js', { GEMINI_API_KEY: 'a-key', GEMINI_BASE_URL: server.url })).toEqual(['Light rain, 12 °C', 'STOP']);
  });

  it('shows a stream of events that is as it says', async () => {
    const [tea, ...outcome] = await printedBy('block1.js');
    expect(tea).toBe('4');
    expect(outcome.join(' ').replaceAll(/\s+/g, ' ')).toBe("{ ok: true, summary: { status: 200, eventCount: 1, lastEventId: '7', retryMs: null } }");
  });

  it('has a row for every kind of failure', () => {
    const page = /^## How a stream ends[\s\S]*?(?=^## A gen)/m.exec(guide)?.[0] ?? '';
    const rows = [...page.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap((match) => [...(match[1] ?? '').matchAll(/\w+/g)].map(String));
    const source = readFileSync(join(root, 'machines/stream/outcome.ts'), 'utf8');
    const union = /readonly kind:([\s\S]*?);/.exec(source)?.[1] ?? '';
    const kinds = [...union.matchAll(/'(\w+)'/g)].map((match) => match[1] ?? '');
    expect(rows.filter((kind) => kind !== 'kind').sort()).toEqual([...kinds, 'cancelled'].sort());
  });
});

describe('the examples', { timeout: 60_000 }, () => {
  it.each([
    ['generation.js', ['Let me ', 'look. ', 'calls weather with {"city":"Oslo"}', '12 °C, light rain.', 'the server saw the whole of it']],
    ['feed.js', ['tea costs 4', 'failed: truncated', 'tea costs 5', 'completed']],
  ])('%s prints what it promises', async (name, lines) => {
    expect(await printedBy(name)).toEqual(lines);
  });

  it('are all run', () => {
    expect(examples.sort()).toEqual(['feed.ts', 'generation.ts']);
  });
});
