/** Time and chance: one door for timers in src/, none in tests, none of either in machines/. */
import { type Finding, type Module, type Node, type Rule, at, isUse, nameOf, walk } from './source.js';

const timers = ['setTimeout', 'setInterval'];
const impure = [...timers, 'setImmediate', 'queueMicrotask', 'Date', 'performance', 'crypto', 'fetch', 'process', 'globalThis', 'console'];

/** The files of src/ that may set timers of the runtime, each with its reason. */
export const timerDoors = new Map([['src/supervision/clock.ts', 'the system clock: the one door to the timers of the runtime']]);
/** The files of test/ that may, each with its reason. */
export const timerDoorsOfTests = new Map([
  [
    'test/conformance/otp/command.ts',
    'XState rethrows an error that nobody heard from a timer of the runtime: its turn must come before the next line',
  ],
]);

/** Uses of the given globals: bare (`setTimeout(…)`) or through `globalThis`. */
function uses(module: Module, globals: readonly string[]): { node: Node; name: string }[] {
  const found: { node: Node; name: string }[] = [];
  for (const [node, ancestors] of walk(module.program)) {
    if (node.type !== 'Identifier' || !globals.includes(node.name)) continue;
    const parent = ancestors[0];
    const ofGlobalThis = parent?.type === 'MemberExpression' && parent.object.type === 'Identifier' && parent.object.name === 'globalThis';
    const insideTypeof = parent?.type === 'TSTypeQuery';
    if ((isUse(node, ancestors) && !insideTypeof) || (ofGlobalThis && parent.property === node)) found.push({ node, name: node.name });
  }
  return found;
}

function timerFindings(module: Module, mend: string): Finding[] {
  const found = uses(module, timers).map(({ node, name }) => at(module, node, `uses ${name}: ${mend}`));
  for (const statement of module.program.body) {
    if (statement.type !== 'ImportDeclaration' || !/^(?:node:)?timers(?:\/|$)/.test(statement.source.value)) continue;
    for (const specifier of statement.specifiers) {
      const name = specifier.type === 'ImportSpecifier' ? (nameOf(specifier.imported) ?? '') : '*';
      // A turn of the event loop (setImmediate) takes no time of the clock.
      if ([...timers, 'scheduler', '*'].includes(name)) found.push(at(module, specifier, `imports ${name} of '${statement.source.value}': ${mend}`));
    }
  }
  return found;
}

/** Entries of an allow-list that allow nothing any more. */
function idleDoors(doors: ReadonlyMap<string, string>, modules: readonly Module[]): Finding[] {
  const idle = modules.filter((module) => doors.has(module.path) && timerFindings(module, '').length === 0);
  return idle.map(({ path }) => ({ path, message: 'is allowed timers in test/house/time.ts and uses none: strike it from the list' }));
}

export const pureMachines: Rule = {
  title: 'machines/ know no clock, no chance, no network and no process',
  check: ({ modules }) =>
    modules
      .filter(({ path }) => path.startsWith('machines/'))
      .flatMap((module) => {
        const chance = [...walk(module.program)].filter(
          ([node]) =>
            node.type === 'MemberExpression' &&
            node.object.type === 'Identifier' &&
            node.object.name === 'Math' &&
            'name' in node.property &&
            node.property.name === 'random',
        );
        return [
          ...uses(module, impure).map(({ node, name }) =>
            at(module, node, `uses ${name}: time comes as data (\`at\` of an event), a wait is a delay, an effect is a provided actor`),
          ),
          ...chance.map(([node]) => at(module, node, 'uses Math.random: chance comes as data, a `seed` of the input')),
        ];
      }),
  samples: [
    { name: 'the date', files: { 'machines/a.ts': 'export const a = () => Date.now();' }, says: /uses Date/ },
    { name: 'chance', files: { 'machines/a.ts': 'export const a = () => Math.random();' }, says: /seed/ },
    { name: 'a timer', files: { 'machines/a.ts': 'setTimeout(() => {}, 1);' }, says: /a wait is a delay/ },
    { name: 'a timer by another way', files: { 'machines/a.ts': 'globalThis.setInterval(() => {}, 1);' }, says: /setInterval/ },
    { name: 'the network', files: { 'machines/a.ts': "export const a = fetch('/x');" }, says: /fetch/ },
    { name: 'the process', files: { 'machines/a.ts': 'export const a = process.env.HOME;' }, says: /process/ },
    {
      name: 'names that only look alike',
      files: { 'machines/a.ts': 'export const a = { process: 1, Date: 2 }; a.process; type T = { fetch(): void };' },
    },
  ],
};

export const clocks: Rule = {
  title: 'src/ sets timers through the clock only',
  check: ({ modules }) => {
    const ours = modules.filter(({ path }) => path.startsWith('src/'));
    const mend = 'take a Clock as argument (src/supervision/clock.ts), or put the file with its reason on the list in test/house/time.ts';
    return [...ours.filter(({ path }) => !timerDoors.has(path)).flatMap((module) => timerFindings(module, mend)), ...idleDoors(timerDoors, ours)];
  },
  samples: [
    { name: 'a timer', files: { 'src/live/a.ts': 'setTimeout(() => {}, 1);' }, says: /take a Clock/ },
    { name: 'a sleep', files: { 'src/live/a.ts': "import { setTimeout as sleep } from 'node:timers/promises';" }, says: /timers\/promises/ },
    { name: 'a door that is not used', files: { 'src/supervision/clock.ts': '' }, says: /strike it/ },
    { name: "a clock's method", files: { 'src/live/a.ts': 'declare const clock: any; clock.setTimeout(() => {}, 1);' } },
  ],
};

export const sleepless: Rule = {
  title: 'tests do not sleep',
  check: ({ modules }) => {
    const ours = modules.filter(({ path }) => path.startsWith('test/'));
    const mend = 'await a state or a fact, or move the virtual clock';
    return [
      ...ours.filter(({ path }) => !timerDoorsOfTests.has(path)).flatMap((module) => timerFindings(module, mend)),
      ...idleDoors(timerDoorsOfTests, ours),
    ];
  },
  samples: [
    { name: 'a sleep', files: { 'test/a.test.ts': 'await new Promise((done) => setTimeout(done, 10));' }, says: /virtual clock/ },
    { name: 'a sleep from a package', files: { 'test/a.test.ts': "import { setTimeout } from 'timers/promises';" }, says: /await a state/ },
    { name: 'a turn of the event loop', files: { 'test/a.test.ts': "import { setImmediate as turn } from 'node:timers/promises'; await turn();" } },
    { name: 'a virtual clock', files: { 'test/a.test.ts': 'declare const clock: any; clock.setTimeout(() => {}, 1);' } },
  ],
};
