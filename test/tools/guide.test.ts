/** The guide to tools is true: its last program and the example run, and its tables have every event and every failure. (That it compiles is held by test/documents.test.ts.) */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, it, vi } from 'vitest';
import { codeBlocks } from '../house/documents.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const path = 'docs/guides/tools.md';
const text = readFileSync(join(root, path), 'utf8');
mkdirSync(join(root, '.build'), { recursive: true });
const folder = mkdtempSync(join(root, '.build', 'tools-guide-'));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What a program prints, which imports the package by its name and has a local server. */
async function printed(name: string, code: string): Promise<unknown[]> {
  const log = vi.spyOn(console, 'log').mockReturnValue();
  const file = join(folder, `${name}.ts`);
  const own = code.replaceAll("'espalier/testing'", `'${root}src/testing/gemini-server/server.ts'`).replaceAll("'espalier'", `'${root}src/index.ts'`);
  // A module is disposed of when it ends, too late for the test.
  writeFileSync(file, `${own}\nawait server.close();\n`);
  await import(/* @vite-ignore */ pathToFileURL(file).href);
  const lines = log.mock.calls.map(([value]) => value as unknown);
  log.mockRestore();
  return lines;
}

it('its program for tests prints what it says', async () => {
  const { code } = codeBlocks({ path, text }).at(-1) ?? { code: '' };
  const promised = [...code.matchAll(/^console\.log\(.*\/\/ (.*)$/gm)].map((match) => match[1]);
  const asJson = promised.map((words) => JSON.parse((words ?? '').replaceAll("'", '"').replaceAll(/(\w+):/g, '"$1":')) as unknown);
  expect(await printed('testing', code)).toEqual(asJson);
});

it('the example prints the calls, the results and the answer', async () => {
  const lines = await printed('example', readFileSync(join(root, 'examples/tools/conversation.ts'), 'utf8'));
  expect(lines).toEqual([
    'weather is called with {"city":"Oslo"}',
    'time is called with {"city":"Oslo"}',
    expect.stringMatching(/^(?:weather|time) is answered/),
    expect.stringMatching(/^(?:weather|time) is answered/),
    'It is 14:05 in Oslo, 12 °C.',
    'answered after 2 turns',
  ]);
});

it('has a row for each event, each option with a limit, and each kind of failure of its own', () => {
  const told = ['events.ts', 'model.ts'].flatMap((file) => [
    ...readFileSync(join(root, 'src/tools', file), 'utf8').matchAll(/readonly type: '(\w+)'/g),
  ]);
  expect(told.length).toBeGreaterThan(7);
  for (const [, name] of told) expect(text, `event ${name}`).toMatch(new RegExp(`^\\|.*\`${name}\``, 'm'));
  const kinds = readFileSync(join(root, 'machines/tools/outcome.ts'), 'utf8').match(/readonly kind: StreamFailure\['kind'\] \| (.*);/)?.[1] ?? '';
  for (const [, name] of kinds.matchAll(/'(\w+)'/g)) expect(text, `failure ${name}`).toMatch(new RegExp(`^\\|.*\`${name}\``, 'm'));
  for (const option of ['maxTurns', 'maxParallel', 'maxCalls', 'toolMs', 'turnMs', 'totalMs', 'gate']) expect(text).toContain(`| \`${option}\``);
});
