/**
 * Who may import whom. Each layer imports itself and those above; arrows point one way, so any room can be read knowing only what stands before it.
 */
import type { Finding, House, Import, Module, Rule } from './source.js';

/** Domains of src/, in order: each may import those of the groups before its own. */
const domainGroups = [
  ['charts'],
  ['timing'],
  ['compiled'],
  ['supervision'],
  ['recording'],
  ['registry'],
  ['gate', 'health', 'comms', 'config', 'event-store', 'isolation'],
  ['coordination'],
  ['stream'],
  ['interactions'],
  ['tools'],
  ['live'],
  ['application'],
  ['instrumentation'],
  ['agents'],
];
const foundations = ['errors', 'option-checks', 'wire', 'backend', 'events', 'telemetry'];
const tools = ['inspector', 'audit', 'testing', 'cli'];

/** The part of supervision that has to do with time alone: it leans on nothing else of it, so that charts that run from tables may lean on it. */
const timing = ['clock', 'deadlines', 'scheduler', 'wheel', 'wheels', 'xstate-internals'].map((name) => `src/supervision/${name}.ts`);

/** What pictures and the page of the inspector are made of, beside machines/: nothing of Node, nothing that runs an actor. */
const forPictures = [
  'src/charts',
  'src/wire/recording',
  'src/recording/exports',
  'src/recording/scene.ts',
  'src/recording/scene-lineage.ts',
  'src/recording/scene-supervision.ts',
  'src/inspector/protocol.ts',
];

/** Where a file of the repository stands. */
type Place =
  | { layer: 'machines' | 'index' | 'visualizations' | 'examples' | 'test' }
  | { layer: 'foundation' | 'tool'; name: string }
  | { layer: 'domain'; name: string; group: number }
  | { layer: 'unknown' };

function place(path: string): Place {
  const [top = '', second = ''] = path.split('/');
  // Runs where the page is built, and goes to no user.
  if (path === 'visualizations/inspector/build.mjs') return { layer: 'test' };
  if (top === 'machines' || top === 'visualizations' || top === 'examples') return { layer: top };
  if (top !== 'src') return { layer: 'test' };
  if (path === 'src/index.ts') return { layer: 'index' };
  const name = timing.includes(path) ? 'timing' : second.replace(/\.ts$/, '');
  if (foundations.includes(name)) return { layer: 'foundation', name };
  if (tools.includes(name)) return { layer: 'tool', name };
  const group = domainGroups.findIndex((domains) => domains.includes(name));
  return group < 0 ? { layer: 'unknown' } : { layer: 'domain', name, group };
}

/** Why `from` may not import the file `to`, or null when it may. */
function refusal(from: Place, to: Place, it: Import): string | null {
  if (to.layer === 'unknown' || from.layer === 'unknown') {
    return 'stands in no layer: put it into one of the folders of test/house/layers.ts, or give its folder a place there';
  }
  if (from.layer === 'test' || from.layer === 'index') return null;
  if (to.layer === 'test') return 'imports from outside the package: move what it needs into src/';
  if (to.layer === 'examples') return 'imports an example: examples are read, not used';
  switch (from.layer) {
    case 'machines':
      return to.layer === 'machines'
        ? null
        : 'imports from outside machines/: a machine knows only machines; bring the effect in as a provided actor';
    case 'foundation':
      if (to.layer === 'machines') return it.typeOnly ? null : 'imports a value from machines/: this layer takes types only (`import type`)';
      return to.layer === 'foundation' ? null : 'imports a later layer: pass what it needs as an argument';
    case 'domain':
      if (to.layer === 'machines' || to.layer === 'foundation') return null;
      if (to.layer === 'domain' && (to.name === from.name || to.group < from.group)) return null;
      return `imports a later layer: src/${from.name} may import ${['machines', ...foundations, ...domainGroups.slice(0, from.group).flat()].join(', ')}`;
    case 'tool':
      if (to.layer === 'visualizations') return 'imports visualizations/: only the other way round';
      if (from.name === 'cli' || (to.layer === 'tool' && to.name === from.name)) return null;
      if (to.layer === 'index') return 'imports src/index.ts: import the file that has it';
      if (to.layer !== 'tool') return null;
      return `imports src/${to.name}: inspector, audit and testing do not know each other; move what both need into a domain`;
    case 'visualizations':
      if (to.layer === 'machines' || to.layer === 'visualizations') return null;
      if (it.file !== null && forPictures.some((path) => it.file === path || it.file?.startsWith(`${path}/`))) return null;
      return `imports more of src/ than it may: ${forPictures.join(', ')}`;
    case 'examples':
      return "imports by path: import the package by its name ('espalier')";
  }
}

/** Why a module may not import a package, or null when it may. */
function packageRefusal(from: Place, it: Import, declared: ReadonlySet<string>): string | null {
  const { specifier } = it;
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  if (from.layer === 'test') return null;
  if (name === 'espalier') return from.layer === 'examples' ? null : 'imports the package by its own name: import the file';
  if (from.layer === 'machines') return name === 'xstate' ? null : `imports '${specifier}': machines/ import xstate and machines/ only`;
  if (specifier.startsWith('node:')) return null;
  if (!declared.has(name)) return `imports '${name}', which a user will not have: add it to dependencies or peerDependencies, or do without`;
  if (name === 'xstate' && from.layer === 'foundation' && !it.typeOnly) return 'imports xstate: this layer stands below actors; types only';
  if (name === 'zod' && from.layer === 'domain') return 'imports zod: parse in src/wire and hand on typed values';
  return null;
}

function declaredPackages(house: House): Set<string> {
  const text = house.files.find((file) => file.path === 'package.json')?.text ?? '{}';
  const manifest = JSON.parse(text) as { dependencies?: object; peerDependencies?: object };
  return new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }));
}

function checkModule(module: Module, declared: ReadonlySet<string>): Finding[] {
  const from = place(module.path);
  return module.imports.flatMap((it) => {
    const insideExamples = from.layer === 'examples' && it.file?.startsWith('examples/');
    const why = it.file === null ? packageRefusal(from, it, declared) : insideExamples ? null : refusal(from, place(it.file), it);
    return why === null ? [] : [{ path: module.path, line: it.line, message: why }];
  });
}

export const layers: Rule = {
  title: 'each layer imports itself and those above, and only packages that a user has',
  check: (house) => {
    const declared = declaredPackages(house);
    const homeless = house.modules.filter((module) => place(module.path).layer === 'unknown');
    return [
      ...homeless.map(({ path }) => ({ path, message: 'stands in no layer: move it, or give its folder a place in test/house/layers.ts' })),
      ...house.modules.flatMap((module) => checkModule(module, declared)),
    ];
  },
  samples: [
    { name: 'a machine that imports src/', files: { 'machines/a.ts': "import type { E } from '../src/errors.js';" }, says: /provided actor/ },
    { name: 'a machine that imports a package', files: { 'machines/a.ts': "import { z } from 'zod';" }, says: /xstate and machines/ },
    { name: 'a wire file that imports a machine', files: { 'src/wire/a.ts': "import { m } from '../../machines/a.js';" }, says: /types only/ },
    { name: 'a wire file that imports a domain', files: { 'src/wire/a.ts': "import { m } from '../live/a.js';" }, says: /later layer/ },
    {
      name: 'an early domain that imports a later',
      files: { 'src/supervision/a.ts': "import '../live/a.js';" },
      says: /may import machines, errors/,
    },
    { name: 'a domain that imports its neighbour', files: { 'src/gate/a.ts': "import '../health/a.js';" }, says: /later layer/ },
    { name: 'a domain that imports the tools', files: { 'src/live/a.ts': "import '../testing/a.js';" }, says: /later layer/ },
    { name: 'a tool that imports another', files: { 'src/testing/a.ts': "import '../inspector/a.js';" }, says: /do not know each other/ },
    { name: 'a picture that imports src/', files: { 'visualizations/a.ts': "import '../src/live/a.js';" }, says: /src\/charts/ },
    { name: 'an example that imports by path', files: { 'examples/a.ts': "import '../src/index.js';" }, says: /by its name/ },
    { name: 'the package importing its tests', files: { 'src/live/a.ts': "import '../../test/a.js';" }, says: /outside the package/ },
    { name: 'a package that users lack', files: { 'package.json': '{}', 'src/live/a.ts': "import 'fast-check';" }, says: /will not have/ },
    { name: 'a folder without a layer', files: { 'src/stuff/a.ts': '' }, says: /no layer/ },
    {
      name: 'a house in order',
      files: {
        'package.json': '{ "peerDependencies": { "xstate": "5" }, "dependencies": { "ws": "8" } }',
        'machines/a.ts': "import { setup } from 'xstate'; export { x } from './b.js';",
        'machines/b.ts': '',
        'src/wire/a.ts': "import type { A } from '../../machines/a.js'; import 'ws'; import 'node:fs';",
        'src/live/a.ts': "import '../supervision/a.js'; import '../wire/a.js'; import 'xstate';",
        'src/cli/a.ts': "import '../testing/a.js'; import '../live/a.js';",
        'src/charts/a.ts': '',
        'visualizations/a.ts': "import '../machines/a.js'; import '../src/charts/a.js';",
        'examples/a.ts': "import 'espalier'; import './b.js';",
      },
    },
  ],
};

/** Circles of value imports, by Tarjan's strongly connected components. */
export const circles: Rule = {
  title: 'no circle of value imports',
  check: (house) => {
    const modules = new Map(house.modules.map((module) => [module.path, module]));
    const index = new Map<string, number>();
    const low = new Map<string, number>();
    const stack: string[] = [];
    const found: Finding[] = [];
    const visit = (path: string): void => {
      index.set(path, index.size);
      low.set(path, index.size - 1);
      stack.push(path);
      const targets = modules.get(path)?.imports.filter((it) => !it.typeOnly && it.file !== null && modules.has(it.file)) ?? [];
      for (const target of targets.map((it) => it.file as string)) {
        if (!index.has(target)) visit(target);
        if (stack.includes(target)) low.set(path, Math.min(low.get(path) ?? 0, low.get(target) ?? 0));
      }
      if (low.get(path) !== index.get(path)) return;
      const circle = stack.splice(stack.indexOf(path));
      if (circle.length < 2 && !targets.some((it) => it.file === path)) return;
      const mend = 'turn one arrow into `import type`, or move what both need into a file of its own';
      found.push({ path, message: `stands in a circle of value imports (${circle.join(' → ')}): ${mend}` });
    };
    for (const path of modules.keys()) if (!index.has(path)) visit(path);
    return found;
  },
  samples: [
    {
      name: 'two files',
      files: { 'src/live/a.ts': "import { b } from './b.js';", 'src/live/b.ts': "export * from './a.js';" },
      says: /a\.ts → src\/live\/b\.ts/,
    },
    {
      name: 'three files, one arrow an inline type import (which still runs the module)',
      files: { 'src/a.ts': "import './b.js';", 'src/b.ts': "import './c.js';", 'src/c.ts': "import { type A } from './a.js';" },
      says: /circle/,
    },
    { name: 'a circle of types alone', files: { 'src/a.ts': "import './b.js';", 'src/b.ts': "import type { A } from './a.js';" } },
  ],
};
