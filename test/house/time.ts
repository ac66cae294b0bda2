/** Time: one door to the runtime's timers in src/, none in tests. */
import { type Finding, type Module, type Node, type Rule, at, nameOf } from './source.js';
import { freeNames } from './scopes.js';

const timers = ['setTimeout', 'setInterval'];
const globalObjects = ['globalThis', 'global', 'window', 'self'];

/** The files of src/ that may set timers of the runtime, each with its reason. */
export const timerDoors = new Map([['src/supervision/clock.ts', 'the system clock: the one door to the timers of the runtime']]);
/** The files of test/ that may, each with its reason. */
export const timerDoorsOfTests = new Map([
  [
    'test/conformance/otp/command.ts',
    'XState rethrows an error that nobody heard from a timer of the runtime: its turn must come before the next line',
  ],
  ['test/supervision/embedded.test.ts', 'puts itself between the code and a faked setTimeout, to read how long a wait the runtime is asked for'],
]);

/** Uses of the runtime's timers: bare (`setTimeout(…)`) or of the global object, which gets no other name. */
function uses(module: Module): { node: Node; name: string }[] {
  return freeNames(module, [...timers, ...globalObjects]).flatMap(({ node, name, member, isRenamed }) => {
    if (timers.includes(name)) return [{ node, name }];
    if (isRenamed) return [{ node, name: `${name} under another name` }];
    return member !== null && timers.includes(member) ? [{ node, name: member }] : [];
  });
}

function timerFindings(module: Module, mend: string): Finding[] {
  const found = uses(module).map(({ node, name }) => at(module, node, `uses ${name}: ${mend}`));
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

export const clocks: Rule = {
  title: 'src/ sets timers through the clock only',
  check: ({ modules }) => {
    const ours = modules.filter(({ path }) => path.startsWith('src/'));
    const mend = 'take a Clock as argument (src/supervision/clock.ts), or put the file with its reason on the list in test/house/time.ts';
    return [...ours.filter(({ path }) => !timerDoors.has(path)).flatMap((module) => timerFindings(module, mend)), ...idleDoors(timerDoors, ours)];
  },
  samples: [
    { name: 'a timer', files: { 'src/live/a.ts': 'setTimeout(() => {}, 1);' }, says: /take a Clock/ },
    { name: 'a timer by its text', files: { 'src/live/a.ts': "globalThis['setTimeout'](() => {}, 1);" }, says: /uses setTimeout/ },
    {
      name: 'a timer by another name',
      files: { 'src/live/a.ts': 'const { setTimeout: wait } = globalThis;' },
      says: /globalThis under another name/,
    },
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
