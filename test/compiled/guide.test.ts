/** The guide of compiled charts: its program runs, and prints what it should. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { codeBlocks } from '../house/documents.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
mkdirSync(join(root, '.build'), { recursive: true });
const folder = mkdtempSync(join(root, '.build', 'compiled-guide-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the guide of compiled charts', () => {
  it('has a program that compiles a machine, runs it, and holds it to XState', { timeout: 60_000 }, async () => {
    const path = 'docs/guides/compiled.md';
    const [program, ...others] = codeBlocks({ path, text: readFileSync(join(root, path), 'utf8') }).map(({ code }) => code);
    expect(others).toEqual([]);
    const code = (program ?? '').replaceAll(/'espalier(\/\w+)?'/g, (_, door: string = '') => `'${root}src${door}/index.ts'`);
    const file = join(folder, 'program.ts');
    writeFileSync(file, code);
    const print = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    await import(/* @vite-ignore */ pathToFileURL(file).href);
    expect(print.mock.calls).toEqual([
      ['open', true, { coins: 1 }],
      [0, 0],
    ]);
  });
});
