/** What a second Node leaves out of the suite: nothing that could come out otherwise on it. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import config, { alikeOnEachNode } from '../vitest.config.js';
import { type Module, readHouse } from './house/source.js';

const { modules } = readHouse(fileURLToPath(new URL('..', import.meta.url)));
const byPath = new Map(modules.map((module) => [module.path, module]));

/** What of Node a file may use that is left out: what reads files and knows names. */
const harmless = ['node:fs', 'node:module', 'node:path', 'node:url', 'node:util'];

/** Those that start a process, which is not what they look at. */
const starters = new Map([
  ['test/documents.test.ts', 'has the compiler read the programs of the documents'],
  ['test/types/compile.test.ts', 'has the compiler read the types'],
]);

/** A browser has a runtime of its own: what serves the page is tried without it. */
const isBrowsers = (path: string): boolean => path.startsWith('test/browser/');

function fits(path: string, pattern: string): boolean {
  return new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`).test(path);
}

function leftOut(path: string): boolean {
  return alikeOnEachNode.some((pattern) => fits(path, pattern));
}

/** A file and all of test/ that it imports. */
function reach(module: Module, known = new Set<Module>()): Set<Module> {
  if (known.has(module)) return known;
  known.add(module);
  for (const { file } of module.imports) {
    const next = file === null ? undefined : byPath.get(file);
    if (next?.path.startsWith('test/') === true) reach(next, known);
  }
  return known;
}

describe('what a second Node leaves out', () => {
  it('is there, each pattern of it', () => {
    expect(alikeOnEachNode.filter((pattern) => !modules.some(({ path }) => fits(path, pattern)))).toEqual([]);
  });

  it('uses nothing of Node but files and names', () => {
    const left = modules.filter(({ path }) => path.endsWith('.test.ts') && leftOut(path) && !isBrowsers(path) && !starters.has(path));
    expect(left.length).toBeGreaterThan(50);
    const found = left.flatMap((module) =>
      [...reach(module)].flatMap(({ path, imports }) =>
        imports
          .filter(({ specifier }) => specifier.startsWith('node:') && !harmless.includes(specifier))
          .map(({ specifier }) => `${module.path} by ${path}: ${specifier}`),
      ),
    );
    expect(found).toEqual([]);
  });

  it('starts a process for a reason only', () => {
    for (const path of starters.keys()) expect(byPath.get(path)?.imports.some(({ specifier }) => specifier === 'node:child_process')).toBe(true);
  });

  it('is run on the first', () => {
    expect(process.env['SUITE'] === 'node' || !config.test?.exclude?.some(leftOut)).toBe(true);
  });
});
