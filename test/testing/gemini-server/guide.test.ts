/** The guide to the local server is true: its programs run, and it names every step. (That they compile is held by test/documents.test.ts.) */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { geminiServer } from '../../../src/testing/index.js';
import { codeBlocks } from '../../house/documents.js';
import { nothingIsLeft } from '../raw-client.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const path = 'docs/guides/gemini-server.md';
const text = readFileSync(join(root, path), 'utf8');
mkdirSync(join(root, '.build'), { recursive: true });
const folder = mkdtempSync(join(root, '.build', 'guide-'));

afterEach(nothingIsLeft);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

it.each(codeBlocks({ path, text }).map(({ code }, index) => [index + 1, code] as const))('program %d prints what it says', async (index, code) => {
  const printed = vi.spyOn(console, 'log').mockReturnValue();
  const file = join(folder, `program-${index}.ts`);
  const kit = ["from './kit.ts'", 'server', 'recording', 'recording-scripts', 'http/recording'] as const;
  writeFileSync(
    join(folder, 'kit.ts'),
    kit
      .slice(1)
      .map((name) => `export * from '${root}src/testing/gemini-server/${name}.ts';\n`)
      .join(''),
  );
  // A module is disposed of when it ends, too late for the test; and the foreign client has a socket of its own.
  const end = `${code.includes('session.close') ? "await new Promise((resolve) => session['conn'].ws.once('close', resolve));\n" : ''}await server.close();\n`;
  writeFileSync(file, `${code.replace("from 'espalier/testing'", kit[0])}\n${end}`);
  await import(/* @vite-ignore */ pathToFileURL(file).href);
  const promised = [...code.matchAll(/^console\.log\(.*\/\/ (.*)$/gm)].map((match) => match[1]);
  const said = printed.mock.calls.map(([value]) => value as unknown);
  expect(said.map((value) => JSON.stringify(value))).toEqual(
    // As a person writes an object: names without quotes, texts in single ones.
    promised.map((words) => JSON.stringify(JSON.parse((words ?? '').replaceAll("'", '"').replaceAll(/(\w+):/g, '"$1":')))),
  );
});

it('every step of an answer over HTTP has its row', async () => {
  const refused = (await geminiServer({ http: [{ answer: [{} as never] }] }).catch((error: unknown) => error)) as { details: { expected: string } };
  const verbs = refused.details.expected.replace(/^.*exactly one of /, '').split(', ');
  expect(verbs.length).toBeGreaterThan(10);
  expect([...text.matchAll(/^\| `\{ (\w+): /gm)].map((match) => match[1])).toEqual(verbs);
});

it('every step has its row', async () => {
  const refused = (await geminiServer({ script: [{} as never] }).catch((error: unknown) => error)) as { details: { expected: string } };
  const verbs = refused.details.expected.replace(/^.*exactly one of /, '').split(', ');
  expect(verbs.length).toBeGreaterThan(15);
  expect([...text.matchAll(/^\| `(\w+): /gm)].map((match) => match[1])).toEqual(verbs);
});
