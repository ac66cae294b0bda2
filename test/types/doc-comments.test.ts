import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readHouse, sampleHouse, textOf, type House, type Module, type Node } from '../house/source.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const doors = ['src/index.ts', 'machines/index.ts'];

interface Exported {
  readonly name: string;
  readonly module: Module;
  /** Null where it is not declared here, but passed on. */
  readonly declaration: Node | null;
}

function nameIn(node: Node): string {
  return node.type === 'Identifier' ? node.name : (textOf(node) ?? '');
}

/** The names that a top-level statement declares. */
function declared(statement: Node): string[] {
  if (statement.type === 'VariableDeclaration') return statement.declarations.map(({ id }) => nameIn(id));
  return 'id' in statement && statement.id !== null && statement.id !== undefined ? [nameIn(statement.id)] : [];
}

/** Where a module has an exported name from: its own statement, or another module. */
function find(house: House, module: Module, name: string): Exported {
  const moduleOf = (specifier: string): Module | undefined => {
    const file = module.imports.find((each) => each.specifier === specifier)?.file;
    return house.modules.find(({ path }) => path === file);
  };
  let local = name;
  for (const node of module.program.body) {
    if (node.type !== 'ExportNamedDeclaration') continue;
    if (node.declaration && declared(node.declaration).includes(name)) return { name, module, declaration: node };
    const passed = node.specifiers.find(({ exported }) => nameIn(exported) === name);
    if (passed === undefined) continue;
    local = nameIn(passed.local);
    const from = node.source ? moduleOf(node.source.value) : undefined;
    if (from) return find(house, from, local);
  }
  for (const node of module.program.body) {
    if (node.type !== 'ImportDeclaration') continue;
    const specifier = node.specifiers.find((each) => each.local.name === local);
    const from = moduleOf(node.source.value);
    if (specifier?.type === 'ImportSpecifier' && from) return find(house, from, nameIn(specifier.imported));
  }
  return { name, module, declaration: null };
}

/** Every name that a door of the package exports. */
function exportedBy(house: House, door: string): Exported[] {
  const module = house.modules.find(({ path }) => path === door);
  if (module === undefined) throw new Error(`no ${door}`);
  return module.program.body.flatMap((node) => {
    if (node.type !== 'ExportNamedDeclaration') return [];
    const names = node.declaration ? declared(node.declaration) : node.specifiers.map(({ exported }) => nameIn(exported));
    return names.map((name) => find(house, module, name));
  });
}

/** Exported names of some rooms whose declaration has no doc comment right before it. */
function undocumented(house: House, from: readonly string[], rooms: RegExp): string[] {
  const bare = from
    .flatMap((door) => exportedBy(house, door))
    .filter(({ module }) => rooms.test(module.path))
    .filter(({ module, declaration }) => {
      const before = declaration === null ? '' : module.text.slice(0, declaration.start).trimEnd();
      const comment = before.slice(before.lastIndexOf('/*'));
      return !(comment.startsWith('/**') && before.endsWith('*/'));
    });
  return [...new Set(bare.map(({ name, module }) => `${name} (${module.path})`))];
}

describe('what the package exports of supervision', () => {
  it('says in a doc comment what it is for', () => {
    expect(undocumented(readHouse(root), doors, /\/supervision\/|^machines\/backoff|^src\/errors/)).toEqual([]);
  });

  it.each([
    ['a type without one', 'export type { A } from "./a.js";', 'export type A = 1;', ['A (src/a.ts)']],
    ['a comment that is no doc comment', 'export { a } from "./a.js";', '// for b\nexport const a = 1;', ['a (src/a.ts)']],
    ['one that belongs to another', 'export { a } from "./a.js";', '/** A file. */\nconst b = 1;\nexport function a() {}', ['a (src/a.ts)']],
    ['a class with one', 'export { A } from "./a.js";', '/** For b. */\nexport class A {}', []],
    ['a name that is imported first', 'import { a } from "./a.js";\nexport { a };', '/** For b. */\nexport const a = 1;', []],
  ])('is held to it: %s', (_what, door, module, found) => {
    expect(undocumented(sampleHouse({ 'src/index.ts': door, 'src/a.ts': module }), ['src/index.ts'], /^src/)).toEqual(found);
  });
});
