/** The programs of the guide run, and do what it says. (That they compile is held by test/documents.test.ts.) */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, it, vi } from 'vitest';
import { codeBlocks } from '../house/documents.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const path = 'docs/guides/recordings.md';
const programs = codeBlocks({ path, text: readFileSync(join(root, path), 'utf8') });
mkdirSync(join(root, '.build'), { recursive: true });
const folder = mkdtempSync(join(root, '.build', 'guide-'));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a program of the guide, with its files in a folder of the test's own. @returns what it printed */
async function run(index: number): Promise<unknown[]> {
  const code = (programs[index]?.code ?? '')
    .replaceAll("'espalier/inspector'", `'${root}src/inspector/index.ts'`)
    .replaceAll("'espalier'", `'${root}src/index.ts'`)
    .replaceAll("'app.ndjson'", `'${join(folder, 'app.ndjson')}'`);
  const file = join(folder, `program-${index}.ts`);
  writeFileSync(file, code);
  const printed = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await import(/* @vite-ignore */ pathToFileURL(file).href);
  return printed.mock.calls.map(([first]) => first as unknown);
}

it('recording an app writes a file from which its scene comes out', async () => {
  expect(await run(0)).toEqual(['on']);
});

it('watching a branch prints its lines', async () => {
  const types = (await run(1)).map((line) => (JSON.parse(String(line)) as { type: string }).type);
  expect(types).toEqual(['@espalier.keyframe', '@espalier.machine', '@xstate.actor', '@xstate.event', '@xstate.transition']);
});
