/** A compiler with a defect: a copy of src/compiled with one line changed, loaded beside the whole one. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import type { compile } from '../../../src/compiled/compile.js';
import type { Defect } from './defects.js';

/** As it stands here, or as it was built. */
const compiler = fileURLToPath(new URL('../../../src/compiled', import.meta.url));

/** @returns its `compile`, and what takes its files away again */
export async function planted(defect: Defect): Promise<{ readonly compile: typeof compile; remove(): void }> {
  const names = readdirSync(compiler).filter((name) => /\.[jt]s$/.test(name));
  const ending = names.some((name) => name === 'compile.ts') ? '.ts' : '.js';
  mkdirSync(join(process.cwd(), '.build'), { recursive: true });
  const folder = mkdtempSync(join(process.cwd(), '.build', 'planted-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    for (const name of names.filter((one) => one.endsWith(ending))) {
      const text = readFileSync(join(compiler, name), 'utf8');
      const wrong = name === `${defect.file}${ending}` ? changed(text, defect) : text;
      writeFileSync(join(folder, name), elsewhere(wrong, ending));
    }
    const { compile: wrongly } = (await import(/* @vite-ignore */ pathToFileURL(join(folder, `compile${ending}`)).href)) as {
      compile: typeof compile;
    };
    return { compile: wrongly, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** What it imports from around it is where it was. */
function elsewhere(text: string, ending: string): string {
  const place = (path: string): string => new URL(path, `${pathToFileURL(compiler).href}/`).href.replace(/\.js$/, ending);
  return text.replaceAll(/(from\s*)'(\.\.\/[^']+)'/g, (_, from: string, path: string) => `${from}'${place(path)}'`);
}

/** @throws Error where what is to be changed does not stand there once: the compiler has changed, and the defect must follow it */
function changed(text: string, { what, file, from, to }: Defect): string {
  const found = [...text.matchAll(patternOf(from))];
  if (found.length !== 1)
    throw new Error(`'${what}' is for what stands once in src/compiled/${file}.ts, and stands there ${found.length} times: ${from}`);
  return text.replace(patternOf(from), () => to);
}

/** Spaces do not matter, nor what only a compiler of types reads. */
function patternOf(from: string): RegExp {
  const tokens = from.match(/\w+|[^\s\w]/g) ?? [];
  const written = tokens.map((token) => token.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(written.join('\\s*'), 'g');
}
