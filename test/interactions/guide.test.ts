/** The guide to interactions is true: its programs and the example run against the built package. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { geminiServer } from '../../src/testing/gemini-server/server.js';
import { buildPackage, compilePrograms } from '../browser/package.js';

const root = join(import.meta.dirname, '../..');
const guide = readFileSync(join(root, 'docs/guides/interactions.md'), 'utf8');
const blocks = [...guide.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');
const examples = readdirSync(join(root, 'examples/interactions'));
let folder = '';

beforeAll(() => {
  mkdirSync(join(root, '.build'), { recursive: true });
  folder = mkdtempSync(join(root, '.build', 'interactions-guide-'));
  buildPackage(
    folder,
    ['src/index.ts', 'src/testing/index.ts'].map((file) => join(root, file)),
  );
  for (const name of examples) copyFileSync(join(root, 'examples/interactions', name), join(folder, name));
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

describe('the guide to interactions', { timeout: 60_000 }, () => {
  it('begins with a program that works', async () => {
    await using server = await geminiServer({
      key: 'a-key',
      http: [{ on: 'interactions.create', interaction: { steps: [{ thought: 'c2ln' }, { text: ['Light rain', ', 12 °C'] }] } }],
    });
    expect(await printedBy('block0.js', { GEMINI_API_KEY: 'a-key', GEMINI_BASE_URL: server.url })).toEqual(['Light rain, 12 °C', 'completed']);
  });

  it('waits until tea is ready', async () => {
    expect(await printedBy('block1.js')).toEqual(['in_progress', 'completed', 'Ready']);
  });

  it('has an example that goes on over broken connections, and answers a call', async () => {
    expect(examples).toEqual(['resumed.ts']);
    const printed = await printedBy('resumed.js');
    expect(printed.filter((line) => !line.endsWith(': resume'))).toEqual([
      'Let me ',
      'look. ',
      'calls weather with {"city":"Oslo"}',
      '12 °C, light rain.',
    ]);
    expect(printed.filter((line) => line.endsWith(': resume'))).toHaveLength(2);
  });
});
