/** Time in tests: none of the runtime's. What waits, and what looks again and again, guesses how long something takes. */
import { freeNames, importOf, memberOf, walkValues } from './scopes.js';
import { type Finding, type Module, type Node, type Rule, at, nameOf, walk } from './source.js';
import { idleDoors, timerFindings, writtenText } from './time.js';

const leftBehind = 'leaves a timer of the runtime behind, for it to be found; nobody waits for it';

/** The files of test/ that may take the runtime's time, each with its reason. */
export const timerDoorsOfTests = new Map([
  [
    'test/conformance/standalone.ts',
    'XState rethrows an error that nobody heard from a timer of the runtime: its turn must come before the next run',
  ],
  ['test/mutants/threads.ts', 'ends a thread that computes for ever: it never answers, and cannot be asked to'],
  ['test/supervision/embedded.test.ts', 'puts itself between the code and a faked setTimeout, to read how long a wait the runtime is asked for'],
  ['test/testing/gemini-server.test.ts', 'counts the timers of the system clock that a server sets, and that it has cleared them all'],
  ['test/soak/soak.test.ts', leftBehind],
  ['test/isolation/jobs.mjs', leftBehind],
  ['test/testing/world/leftovers.test.ts', leftBehind],
  ['test/testing/world/parallel.test.ts', leftBehind],
  ['test/testing/world/vitest-matchers.test.ts', leftBehind],
]);

const mend = 'await a state or a fact, or move the virtual clock';

type Breach = readonly [node: Node, what: string];
type Call = Extract<Node, { type: 'CallExpression' }>;

// ---- waits

const polls = ['waitFor', 'waitUntil', 'poll', 'waitForFunction'];

/**
 * `vi.waitFor`, `expect.poll` and their like, of whatever object; the `waitFor` of XState and of a registry listen instead. Playwright's `waitForFunction` of a text
 * is refused by the policy of a page, too, as soon as it has to look twice: its `waitForSelector` is told.
 */
function polling(module: Module, node: Node): string | null {
  if (node.type === 'MemberExpression') {
    const name = memberOf(node) ?? '';
    return polls.includes(name) && !isXState(module, node.object) && !isRegistry(node.object) ? `uses .${name}, which looks again and again` : null;
  }
  if (node.type === 'ObjectPattern') {
    const taken = node.properties.map((one) => (one.type === 'Property' && !one.computed ? nameOf(one.key) : null));
    const name = taken.find((one) => one !== null && polls.includes(one));
    return name === undefined ? null : `takes ${name} out of an object, which looks again and again`;
  }
  if (node.type !== 'ImportDeclaration' || node.source.value === 'xstate') return null;
  const one = node.specifiers.find((specifier) => specifier.type === 'ImportSpecifier' && polls.includes(nameOf(specifier.imported) ?? ''));
  return one === undefined ? null : `imports ${one.local.name} of '${node.source.value}', which looks again and again`;
}

function isXState(module: Module, node: Node): boolean {
  return module.program.body.some(
    (statement) =>
      statement.type === 'ImportDeclaration' &&
      statement.source.value === 'xstate' &&
      statement.specifiers.some((one) => one.type === 'ImportNamespaceSpecifier' && one.local.name === nameOf(node)),
  );
}

/** `registry.waitFor`, `world.registry.waitFor`: told of a name by the registry, which says so by its name. */
function isRegistry(node: Node): boolean {
  return (node.type === 'MemberExpression' ? memberOf(node) : nameOf(node)) === 'registry';
}

/** What of src/ waits by the runtime's timers, by file. */
const waitsOfSrc = new Map([
  ['src/supervision/clock.ts', ['systemClock']],
  ['src/index.ts', ['systemClock']],
  ['src/cli/stage/pause.ts', ['pause']],
]);

function waitOfSrc(module: Module, node: Node): string | null {
  if (node.type !== 'ImportDeclaration' && node.type !== 'ImportExpression' && node.type !== 'ExportNamedDeclaration') return null;
  const specifier = writtenText(node.source);
  const file = module.imports.find((one) => one.specifier === specifier)?.file ?? '';
  const waits = waitsOfSrc.get(file);
  if (waits === undefined) return null;
  // All of the front door is no breach: what is taken of it is seen where it is used.
  if (node.type === 'ImportExpression') return file === 'src/index.ts' ? null : `imports all of ${file}, which sets timers of the runtime`;
  const names = node.specifiers.map((one) =>
    one.type === 'ImportSpecifier' ? nameOf(one.imported) : one.type === 'ExportSpecifier' ? nameOf(one.local) : waits[0],
  );
  const name = waits.find((one) => names.includes(one));
  return name === undefined || ('importKind' in node && node.importKind === 'type') ? null : `imports ${name}, which sets timers of the runtime`;
}

const commands = ['exec', 'execSync', 'execFile', 'execFileSync', 'spawn', 'spawnSync'];

/** `execSync('sleep 1')`, `spawnSync('sleep', ['1'])`. */
function sleepingProcess(call: Call): string | null {
  const { callee } = call;
  const name = callee.type === 'MemberExpression' ? memberOf(callee) : nameOf(callee);
  if (name === null || !commands.includes(name)) return null;
  const isAsleep = call.arguments.some((argument) =>
    [...walk(argument)].some(([part]) => /(?:^|[\s;&|(/])u?sleep(?:\s|$)/u.test(writtenText(part) ?? '')),
  );
  return isAsleep ? `has a process sleep (${name})` : null;
}

/** `AbortSignal.timeout(…)`, `Atomics.wait(…)`. */
function waitingGlobals(module: Module): Breach[] {
  const waits = new Map([
    ['AbortSignal', ['timeout']],
    ['Atomics', ['wait', 'waitAsync']],
  ]);
  return freeNames(module, [...waits.keys()]).flatMap(({ node, name, member, isRenamed }): Breach[] => {
    if (isRenamed) return [[node, `uses ${name} under another name`]];
    return member !== null && waits.get(name)?.includes(member) === true ? [[node, `uses ${name}.${member}`]] : [];
  });
}

// ---- turns of the event loop, again and again

const isFunction = ({ type }: Node): boolean => /^(?:Function|Arrow)/u.test(type);

/** What gives others a turn, and the functions that do. */
interface Turns {
  readonly functions: readonly Named[];
  /** `setImmediate`, `process.nextTick`, `queueMicrotask`, and the module's own functions that use them. */
  isTurn(node: Node): boolean;
}

/** A function that has a name. */
interface Named {
  readonly name: string;
  readonly node: Node;
  readonly body: Node;
}

function turnsOf(module: Module): Turns {
  const free = new Set(
    freeNames(module, ['setImmediate', 'queueMicrotask', 'process'])
      .filter(({ name, member }) => name !== 'process' || member === 'nextTick')
      .map(({ node }) => node),
  );
  const isGiven = (node: Node): boolean => free.has(node) || (node.type === 'Identifier' && importOf(module, node.name)?.name === 'setImmediate');
  const functions = functionsOf(module);
  const around = new Set(walkValues(module).flatMap(([node, ancestors]) => (isGiven(node) ? ancestors : [])));
  const own = new Set(functions.filter(({ body }) => around.has(body)).map(({ name }) => name));
  return { functions, isTurn: (node) => isGiven(node) || (node.type === 'Identifier' && own.has(node.name)) };
}

function functionsOf(module: Module): Named[] {
  return walkValues(module).flatMap(([node]): Named[] => {
    if (node.type === 'FunctionDeclaration') return node.id === null || node.body === null ? [] : [{ name: node.id.name, node, body: node.body }];
    if (node.type !== 'VariableDeclarator' || node.id.type !== 'Identifier' || node.init === null || !isFunction(node.init)) return [];
    return [{ name: node.id.name, node, body: node.init }];
  });
}

/** Of virtual clocks and worlds: a loop that moves time waits for nothing. */
const moves = /^(?:advance\w*|nextAt|step)$/u;

/** What is awaited until somebody says so: the next of an iterator, or a promise that an event settles. */
function isNotice(awaited: Node): boolean {
  if (awaited.type === 'NewExpression') return nameOf(awaited.callee) === 'Promise';
  return awaited.type === 'CallExpression' && awaited.callee.type === 'MemberExpression' && memberOf(awaited.callee) === 'next';
}

/** A loop that waits for something to become true, or for the time to be up. */
function loops(module: Module, { isTurn }: Turns): Breach[] {
  const clocks = new Set(
    freeNames(module, ['Date', 'performance', 'process'])
      .filter(({ name, member }) => name === 'Date' || member === 'now' || member === 'hrtime')
      .map(({ node }) => node),
  );
  return walkValues(module).flatMap(([loop]): Breach[] => {
    if (loop.type !== 'WhileStatement' && loop.type !== 'DoWhileStatement' && loop.type !== 'ForStatement') return [];
    const parts = [...walk(loop, isFunction)].map(([node]) => node);
    if (parts.some((node) => clocks.has(node))) return [[loop, 'reads the clock until a time is up']];
    const awaits = parts.filter(({ type }) => type === 'AwaitExpression');
    const movesTime = parts.some((node) => node.type === 'MemberExpression' && moves.test(memberOf(node) ?? ''));
    if (awaits.length === 0 || movesTime) return [];
    const isCount = loop.type === 'ForStatement' && loop.test !== null && loop.update !== null;
    const takesTurns = awaits.some((one) => [...walk(one)].some(([node]) => isTurn(node)));
    const isTold = awaits.every((one) => one.type === 'AwaitExpression' && isNotice(one.argument));
    return takesTurns || (!isCount && !isTold) ? [[loop, 'looks again and again, turn by turn']] : [];
  });
}

/** A function that calls itself in a later turn, or that is a sleep by its name. */
function turnByTurn(module: Module, { functions, isTurn }: Turns): Breach[] {
  const names = new Set(functions.map(({ name }) => name));
  const parts = walkValues(module).filter(([node]) => isTurn(node) || (node.type === 'Identifier' && names.has(node.name)));
  return functions.flatMap(({ name, node, body }): Breach[] => {
    const within = parts.filter(([, ancestors]) => ancestors.includes(body)).map(([part]) => part);
    if (!within.some((part) => isTurn(part) && nameOf(part) !== name)) return [];
    if (within.some((part) => nameOf(part) === name)) return [[node, `calls ${name} again and again, turn by turn`]];
    return sleeps.test(name) ? [[node, `calls a turn of the event loop ${name}, which takes no time`]] : [];
  });
}

const sleeps = /^(?:sleep|delay|wait|pause|nap|snooze)(?![a-z])/u;

function turnByName(node: Node): string | null {
  if (node.type !== 'ImportSpecifier' || nameOf(node.imported) !== 'setImmediate' || !sleeps.test(node.local.name)) return null;
  return `calls a turn of the event loop ${node.local.name}, which takes no time`;
}

// ---- the rule

function breaches(module: Module): Finding[] {
  const turns = turnsOf(module);
  const found = walkValues(module).flatMap(([node]): Breach[] => {
    const what =
      polling(module, node) ?? waitOfSrc(module, node) ?? turnByName(node) ?? (node.type === 'CallExpression' ? sleepingProcess(node) : null);
    return what === null ? [] : [[node, what]];
  });
  const all = [...found, ...waitingGlobals(module), ...loops(module, turns), ...turnByTurn(module, turns)];
  return [...timerFindings(module, mend), ...all.map(([node, what]) => at(module, node, `${what}: ${mend}`))];
}

const turn = "import { setImmediate as turn } from 'node:timers/promises';";
const test = (code: string): Record<string, string> => ({ 'test/a.test.ts': code });
const clock = { 'src/supervision/clock.ts': 'export const systemClock = {};', 'src/cli/stage/pause.ts': 'export function pause() {}' };

export const sleepless: Rule = {
  title: 'tests do not sleep or poll',
  check: ({ modules }) => {
    const ours = modules.filter(({ path }) => path.startsWith('test/') || path.endsWith('.test.ts'));
    return [
      ...ours.filter(({ path }) => !timerDoorsOfTests.has(path)).flatMap(breaches),
      ...idleDoors(timerDoorsOfTests, ours, { list: 'test/house/sleep.ts', find: breaches }),
    ];
  },
  samples: [
    { name: 'a sleep', files: test('await new Promise((done) => setTimeout(done, 10));'), says: /uses setTimeout: .*virtual clock/u },
    { name: 'a sleep in an example', files: { 'examples/a/a.test.ts': 'setTimeout(() => {}, 10);' }, says: /uses setTimeout/u },
    { name: 'a sleep from a package', files: test("import { setTimeout } from 'timers/promises';"), says: /imports setTimeout .*await a state/u },
    { name: 'a sleep passed on', files: test("export { setTimeout as nap } from 'node:timers/promises';"), says: /imports setTimeout of/u },
    { name: 'every timer passed on', files: test("export * from 'node:timers';"), says: /imports \* of 'node:timers'/u },
    {
      name: 'a sleep imported while it runs',
      files: test("const t = await import('node:' + 'timers/promises');"),
      says: /imports \* of 'node:timers/u,
    },
    {
      name: 'a sleep that is required',
      files: test("import { createRequire } from 'node:module'; createRequire(import.meta.url)('timers').setTimeout(f, 1);"),
      says: /imports \* of 'timers'/u,
    },
    {
      name: 'a sleep that is built in',
      files: test("process.getBuiltinModule('node:timers').setTimeout(f, 1);"),
      says: /imports \* of 'node:timers'/u,
    },
    { name: 'a timer by reflection', files: test("Reflect.get(globalThis, 'setTimeout')(f, 1);"), says: /uses globalThis by reflection/u },
    {
      name: 'a timer by a computed name',
      files: test("globalThis['set' + 'Timeout'](f, 1);"),
      says: /a property of globalThis that is not written out/u,
    },
    { name: 'vi.waitFor', files: test("import { vi } from 'vitest'; await vi.waitFor(f);"), says: /uses \.waitFor, which looks again and again/u },
    { name: 'vi.waitUntil', files: test("import { vi } from 'vitest'; await vi['waitUntil'](f);"), says: /uses \.waitUntil/u },
    { name: 'expect.poll', files: test("import { expect } from 'vitest'; await expect.poll(f).toBe(1);"), says: /uses \.poll/u },
    { name: 'a look into a page', files: test("await page.waitForFunction('done');"), says: /uses \.waitForFunction, which looks again and again/u },
    { name: 'all of vitest', files: test("import * as v from 'vitest'; await v.vi.waitFor(f);"), says: /uses \.waitFor/u },
    { name: 'a poll taken out', files: test("import { vi } from 'vitest'; const { waitFor: until } = vi;"), says: /takes waitFor out/u },
    { name: 'a poll of another package', files: test("import { waitFor } from '@testing-library/dom';"), says: /imports waitFor of/u },
    { name: 'a loop of turns', files: test(`${turn} while (!done) await turn();`), says: /looks again and again, turn by turn/u },
    { name: 'a loop of turns at the end', files: test('do { await new Promise(setImmediate); } while (!done);'), says: /turn by turn/u },
    { name: 'a loop of turns without an end', files: test('for (;;) { await null; if (done) break; }'), says: /turn by turn/u },
    {
      name: 'a number of turns',
      files: test('const t = () => new Promise(setImmediate); for (let i = 0; i < 9; i++) await t();'),
      says: /turn by turn/u,
    },
    {
      name: 'turns that call each other',
      files: test('function look() { if (!done) setImmediate(look); }'),
      says: /calls look again and again, turn by turn/u,
    },
    {
      name: 'turns that await each other',
      files: test(`${turn} const until = async (is) => { if (!is()) { await turn(); await until(is); } };`),
      says: /calls until again and again/u,
    },
    {
      name: 'a turn that is called a sleep',
      files: test('const sleep = () => new Promise((done) => setImmediate(done));'),
      says: /calls a turn of the event loop sleep, which takes no time/u,
    },
    {
      name: 'a turn that is imported as a delay',
      files: test("import { setImmediate as delay } from 'timers/promises';"),
      says: /event loop delay/u,
    },
    {
      name: 'the system clock',
      files: { ...clock, ...test("import { systemClock } from '../src/supervision/clock.js'; systemClock.setTimeout(f, 1);") },
      says: /imports systemClock, which sets timers of the runtime/u,
    },
    {
      name: 'a pause of the demo',
      files: { ...clock, ...test("import { pause as rest } from '../src/cli/stage/pause.js'; await rest(1, signal);") },
      says: /imports pause, which/u,
    },
    {
      name: 'a pause imported while it runs',
      files: { ...clock, ...test("await import('../src/cli/stage/pause.js');") },
      says: /imports all of src\/cli/u,
    },
    { name: 'a signal that aborts in time', files: test('await f(AbortSignal.timeout(10));'), says: /uses AbortSignal\.timeout/u },
    { name: 'a thread that is held', files: test('Atomics.wait(new Int32Array(shared), 0, 0, 10);'), says: /uses Atomics\.wait/u },
    { name: 'a process that sleeps', files: test("execSync('sleep 1');"), says: /has a process sleep \(execSync\)/u },
    { name: 'a process that is sleep', files: test("child.spawnSync('sleep', ['1']);"), says: /has a process sleep \(spawnSync\)/u },
    { name: 'a shell that sleeps', files: test("spawnSync('sh', ['-c', 'true && sleep 1']);"), says: /has a process sleep/u },
    { name: 'a busy loop', files: test('const end = Date.now() + 10; while (Date.now() < end);'), says: /reads the clock until a time is up/u },
    {
      name: 'a busy loop by the finer clock',
      files: test('for (const from = performance.now(); ; ) if (performance.now() > from + 9) break;'),
      says: /reads the clock/u,
    },
    { name: 'a door that is not used', files: { 'test/supervision/embedded.test.ts': '' }, says: /strike it/u },
    { name: 'a turn of the event loop', files: test(`${turn} await turn(); const settled = () => new Promise(setImmediate);`) },
    {
      name: 'a virtual clock',
      files: test('declare const clock: any; clock.setTimeout(() => {}, 1); for (;;) { await clock.flush(); clock.advanceTo(clock.nextAt()); }'),
    },
    {
      name: 'XState, which listens',
      files: test("import { waitFor } from 'xstate'; import * as x from 'xstate'; await waitFor(a, f); await x.waitFor(a, f);"),
    },
    { name: 'a registry, which tells', files: test("await registry.waitFor('db'); await world.registry.waitFor('db');") },
    { name: 'one after the other', files: test('for (const one of all) await one(); for (let n = 0; n < 3; n++) await client.next();') },
    { name: 'a fake of the timer', files: test("vi.stubGlobal('setTimeout', f); vi.useFakeTimers({ toFake: ['setTimeout'] });") },
  ],
};
