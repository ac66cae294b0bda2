/** The programs of a guide and the examples beside it, compiled and run as an app would have them: against the built package. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect } from 'vitest';
import { codeBlocks } from '../house/documents.js';
import { buildPackage, compilePrograms } from './package.js';

/** The root of the project. */
export const root = join(import.meta.dirname, '../..');

export interface GuidePrograms {
  readonly guide: string;
  /** The programs of the page, in order: `block0.js` is the first of them. */
  readonly blocks: readonly string[];
  /** Files of the examples, sorted: `conversation.ts` runs as `conversation.js`. */
  readonly examples: readonly string[];
  /** Runs a program with nothing of this run in its environment, and expects that it complains of nothing. @returns what it prints */
  run(name: string, env?: Record<string, string>): Promise<string>;
  /** The same in lines. */
  printedBy(name: string, env?: Record<string, string>): Promise<string[]>;
}

/**
 * Has them compiled before the tests of a file, and removed after them.
 * @param page      `streams` of docs/guides/streams.md
 * @param examples  `stream` of examples/stream/
 * @param count     how many of the page's programs are run, from the first
 */
export function guidePrograms(page: string, examples: string, count = Infinity): GuidePrograms {
  const guide = readFileSync(join(root, `docs/guides/${page}.md`), 'utf8');
  const blocks = codeBlocks({ path: page, text: guide })
    .map(({ code }) => code)
    .slice(0, count);
  const files = readdirSync(join(root, 'examples', examples))
    .filter((name) => name.endsWith('.ts'))
    .sort();
  let folder = '';
  beforeAll(() => {
    mkdirSync(join(root, '.build'), { recursive: true });
    folder = mkdtempSync(join(root, '.build', `${page}-guide-`));
    buildPackage(
      folder,
      ['src/index.ts', 'src/testing/index.ts'].map((file) => join(root, file)),
    );
    for (const name of files) copyFileSync(join(root, 'examples', examples, name), join(folder, name));
    for (const [index, block] of blocks.entries()) writeFileSync(join(folder, `block${index}.ts`), block);
    compilePrograms(folder, [...files, ...blocks.map((_, index) => `block${index}.ts`)]);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const run = async (name: string, env: Record<string, string> = {}): Promise<string> => {
    const { PATH = '', HOME = '' } = process.env;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(folder, name)], { env: { PATH, HOME, ...env }, timeout: 30_000 });
    expect(stderr).toBe('');
    return stdout;
  };
  return { guide, blocks, examples: files, run, printedBy: async (name, env) => (await run(name, env)).trimEnd().split('\n') };
}
