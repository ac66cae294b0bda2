import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freeNames } from '../house/scopes.js';
import { type House, sampleHouse } from '../house/source.js';

const root = join(import.meta.dirname, '../..');

/** What Node has and a browser has not, for the modules that any of these needs at run time. */
function nodeOnly(house: House, isEntry: (path: string) => boolean): string[] {
  const queue = house.modules.filter(({ path }) => isEntry(path));
  const reached = new Set(queue);
  const found: string[] = [];
  for (const module of queue) {
    for (const { name } of freeNames(module, ['Buffer', 'process', 'require', 'global', 'setImmediate', '__dirname']))
      found.push(`${module.path}: ${name}`);
    for (const it of module.imports.filter(({ typeOnly }) => !typeOnly)) {
      if (it.file === null && it.specifier !== 'zod') found.push(`${module.path}: ${it.specifier}`);
      const next = house.modules.find(({ path }) => path === it.file);
      if (next === undefined || reached.has(next)) continue;
      reached.add(next);
      queue.push(next);
    }
  }
  return found;
}

it('the wire of Gemini needs nothing that a browser lacks', () => {
  const isWire = (path: string) => path.startsWith('src/wire/gemini/');
  const names = readdirSync(join(root, 'src/wire/gemini')).map((name) => `src/wire/gemini/${name}`);
  expect(names.length).toBeGreaterThan(5);
  // What it imports of the house beyond these would be found as well.
  const house = sampleHouse(Object.fromEntries([...names, 'src/errors.ts'].map((name) => [name, readFileSync(join(root, name), 'utf8')])));
  expect(nodeOnly(house, isWire)).toEqual([]);
});

it('what a page needs of recordings, the format and the scene, needs nothing that a browser lacks', () => {
  const folders = ['src/wire/recording', 'src/recording'];
  const names = folders.flatMap((folder) => readdirSync(join(root, folder)).flatMap((name) => (name.endsWith('.ts') ? [`${folder}/${name}`] : [])));
  const house = sampleHouse(Object.fromEntries([...names, 'src/errors.ts'].map((name) => [name, readFileSync(join(root, name), 'utf8')])));
  expect(nodeOnly(house, (path) => path.startsWith('src/wire/recording/') || path === 'src/recording/scene.ts')).toEqual([]);
});

it.each([
  ['a Buffer', "export const a = Buffer.from('a');", '', 'src/a.ts: Buffer'],
  ['a module of Node', "import { b } from './b.js';", "import 'node:fs'; export const b = 1;", 'src/b.ts: node:fs'],
  ['a package for Node', "import { b } from './b.js';", "import 'ws'; export const b = 1;", 'src/b.ts: ws'],
])('%s would be found', (_, a, b, expected) => {
  expect(nodeOnly(sampleHouse({ 'src/a.ts': a, 'src/b.ts': b }), (path) => path === 'src/a.ts')).toEqual([expected]);
});
