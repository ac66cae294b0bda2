/** The programs of the guide run, and do what it says. (That they compile is held by test/documents.test.ts.) */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { setup } from 'xstate';
import { expectReplay } from '../../../src/testing/replay/expect-replay.js';
import { codeBlocks } from '../../house/documents.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const path = 'docs/guides/replay.md';
const programs = codeBlocks({ path, text: readFileSync(join(root, path), 'utf8') });
mkdirSync(join(root, '.build'), { recursive: true });
const folder = mkdtempSync(join(root, '.build', 'guide-'));
const kit = [
  'testing/replay/expect-replay',
  'wire/recording/parse',
  'testing/replay/recorder',
  'testing/replay/replay',
  'testing/replay/sequence',
].map((name) => `export * from '${root}src/${name}.ts';\n`);
writeFileSync(join(folder, 'kit.ts'), kit.join(''));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a program of the guide, with its files in a folder of the test's own. */
async function run(index: number): Promise<Record<string, unknown>> {
  const code = (programs[index]?.code ?? '')
    .replaceAll("'espalier/testing'", "'./kit.ts'")
    .replaceAll("'espalier/machines'", `'${root}machines/index.ts'`)
    .replaceAll("'espalier'", `'${root}src/index.ts'`)
    .replaceAll("'till.ndjson'", `'${join(folder, 'till.ndjson')}'`);
  const file = join(folder, `program-${index}.ts`);
  writeFileSync(file, code);
  return (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Record<string, unknown>;
}

it('recording a tree writes a file that a replay takes', async () => {
  await run(0);
  const till = setup({}).createMachine({ id: 'till', context: { sum: 0 } });
  const text = readFileSync(join(folder, 'till.ndjson'), 'utf8');
  expect(() => expectReplay(text, { machines: [till], skip: ['supervisor'] })).toThrow(/context\.sum: expected 30, got 0/);
});

it('replaying a lamp passes', async () => {
  await run(1);
});

it('a recording that is made anew, then replayed, then found to differ', async () => {
  const { replays } = (await run(2)) as { replays: (file: string, machine: unknown, events: readonly { type: string }[]) => void };
  const gate = (to: 'open' | 'shut') => setup({}).createMachine({ id: 'gate', initial: 'shut', states: { shut: { on: { push: to } }, open: {} } });
  const file = join(folder, 'gate.ndjson');
  process.env['UPDATE_RECORDINGS'] = '1';
  try {
    replays(file, gate('open'), [{ type: 'push' }]);
  } finally {
    delete process.env['UPDATE_RECORDINGS'];
  }
  replays(file, gate('open'), []);
  expect(() => {
    replays(file, gate('shut'), []);
  }).toThrow(/value: expected "open", got "shut"/);
});
