/** What machines/ may know of the world: nothing. A closed list of names, so that what nobody thought of is refused too. */
import { type Finding, type Module, type Node, type Rule, at, nameOf } from './source.js';
import { type FreeName, freeNames, memberOf, walkValues } from './scopes.js';
import { builtInActions } from './written.js';

/** Globals that answer the same to the same arguments, always, and touch nothing. */
const pureGlobals = [
  ...['undefined', 'NaN', 'Infinity', 'Array', 'BigInt', 'Boolean', 'Error', 'JSON', 'Map', 'Math', 'Number', 'Object', 'RangeError', 'RegExp'],
  ...['Set', 'String', 'TypeError', 'parseFloat', 'parseInt', 'structuredClone'],
];
/** Of these globals only the members that stand here, each written out. */
const pureMembers = new Map([
  [
    'Math',
    ['abs', 'ceil', 'exp', 'floor', 'hypot', 'imul', 'log', 'log10', 'log2', 'max', 'min', 'pow', 'round', 'sign', 'sqrt', 'trunc', 'PI', 'E'],
  ],
]);

const time = 'time comes as data, the `at` of an event (monotonic ms)';
const chance = 'chance comes as data, a `seed` of the input';
const later = 'a wait is a delay named in setup({ delays }); what takes time is an actor named in setup({ actors })';
const words = 'what is worth saying is an emitted event';
/** How to do without a global, where that can be said more exactly than by {@link provided}. */
const mends = new Map([
  ...['Date', 'performance', 'Intl', 'Temporal'].map((name) => [name, time] as const),
  ...['Math', 'crypto', 'Crypto'].map((name) => [name, chance] as const),
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'clearTimeout', 'clearInterval', 'clearImmediate', 'Promise'].map(
    (name) => [name, later] as const,
  ),
  ['console', words] as const,
]);
const provided =
  'an effect is an actor, named in setup({ actors }) and provided in src/ (what answers the same to the same arguments, always, may join the list in test/house/pure.ts)';

function isPure({ name, member }: FreeName): boolean {
  const allowed = pureMembers.get(name);
  return allowed === undefined ? pureGlobals.includes(name) : member !== null && allowed.includes(member);
}

/** Syntax that needs no global's name to reach the world, or to remember it. */
function worldly(node: Node, [parent]: readonly Node[]): string | null {
  const atTop = parent?.type === 'Program' || parent?.type === 'ExportNamedDeclaration';
  if (node.type === 'VariableDeclaration' && node.kind !== 'const' && atTop)
    return 'keeps what changes outside of every chart: it belongs into the context';
  if ('async' in node && node.async) return `is an async function: ${later}`;
  if (node.type === 'AwaitExpression' || (node.type === 'ForOfStatement' && node.await)) return `awaits: ${later}`;
  if (node.type === 'ImportExpression') return 'imports while it runs: import at the top of the file';
  if (node.type === 'MetaProperty' && node.meta.name === 'import')
    return `uses import.meta: where a file lies is no matter of a machine's; ${provided}`;
  if (node.type !== 'MemberExpression') return null;
  const member = memberOf(node);
  if (member === 'constructor' || member === '__proto__') return `takes .${member}, which leads to every global: write out what it is needed for`;
  if (member === 'send') return 'sends an event from within a function: an event goes out by the built-ins sendTo and raise';
  return null;
}

const modulesOfMachines = (modules: readonly Module[]): Module[] => modules.filter(({ path }) => path.startsWith('machines/'));

export const pureMachines: Rule = {
  title: 'machines/ know no clock, no chance, no network and no process',
  check: ({ modules }) =>
    modulesOfMachines(modules).flatMap((module) => [
      ...freeNames(module)
        .filter((use) => !isPure(use))
        .map(({ name, member, node }) => at(module, node, `uses ${member === null ? name : `${name}.${member}`}: ${mends.get(name) ?? provided}`)),
      ...[...walkValues(module)].flatMap(([node, ancestors]) => {
        const message = worldly(node, ancestors);
        return message === null ? [] : [at(module, node, message)];
      }),
    ]),
  samples: [
    { name: 'the date', files: { 'machines/a.ts': 'export const a = () => Date.now();' }, says: /uses Date\.now: time comes as data/ },
    { name: 'the date of globalThis', files: { 'machines/a.ts': 'export const a = () => new globalThis.Date();' }, says: /globalThis\.Date/ },
    { name: 'a global by its text', files: { 'machines/a.ts': "export const a = () => globalThis['fetch']('/x');" }, says: /globalThis\.fetch/ },
    { name: 'a global declared anew', files: { 'machines/a.ts': 'declare const fetch: () => void; fetch();' }, says: /uses fetch/ },
    { name: 'a global where another scope has the name', files: { 'machines/a.ts': 'const a = (fetch) => fetch; fetch();' }, says: /uses fetch/ },
    { name: 'the time since the start', files: { 'machines/a.ts': 'export const a = () => performance.now();' }, says: /`at` of an event/ },
    { name: 'chance', files: { 'machines/a.ts': 'export const a = () => Math.random();' }, says: /uses Math\.random: .*seed/ },
    { name: 'chance by its text', files: { 'machines/a.ts': "export const a = () => Math['random']();" }, says: /seed/ },
    { name: 'chance by another name', files: { 'machines/a.ts': 'const { random } = Math; export const a = () => random();' }, says: /seed/ },
    { name: 'chance by a computed name', files: { 'machines/a.ts': 'const max = "random"; export const a = () => Math[max]();' }, says: /seed/ },
    { name: 'chance of the crypto API', files: { 'machines/a.ts': 'export const a = () => crypto.randomUUID();' }, says: /seed/ },
    { name: 'a timer', files: { 'machines/a.ts': 'setTimeout(() => {}, 1);' }, says: /a wait is a delay/ },
    { name: 'a timer by another way', files: { 'machines/a.ts': 'globalThis.setInterval(() => {}, 1);' }, says: /setInterval/ },
    { name: 'a microtask', files: { 'machines/a.ts': 'queueMicrotask(() => {});' }, says: /a wait is a delay/ },
    { name: 'a promise', files: { 'machines/a.ts': 'export const a = new Promise(() => {});' }, says: /what takes time is an actor/ },
    { name: 'an async function', files: { 'machines/a.ts': 'export const a = async () => 1;' }, says: /what takes time is an actor/ },
    { name: 'the network', files: { 'machines/a.ts': "export const a = fetch('/x');" }, says: /uses fetch: an effect is an actor/ },
    {
      name: 'a socket',
      files: { 'machines/a.ts': "export const a = () => new WebSocket('ws://h');" },
      says: /uses WebSocket: an effect is an actor/,
    },
    { name: 'the process', files: { 'machines/a.ts': 'export const a = process.env.HOME;' }, says: /uses process\.env/ },
    { name: 'the console', files: { 'machines/a.ts': "export const a = () => console.log('x');" }, says: /emitted event/ },
    { name: 'the place of its file', files: { 'machines/a.ts': 'export const a = import.meta.url;' }, says: /import\.meta/ },
    { name: 'an import while it runs', files: { 'machines/a.ts': "export const a = () => import('./b.js');" }, says: /top of the file/ },
    { name: 'a way to every global', files: { 'machines/a.ts': "export const a = 'x'.at.constructor('return Date')();" }, says: /every global/ },
    {
      name: 'an event sent by hand',
      files: { 'machines/a.ts': "export const a = ({ self }) => self.send({ type: 'x' });" },
      says: /sendTo and raise/,
    },
    {
      name: 'names that only look alike',
      files: {
        'machines/a.ts':
          'export const a = { process: 1, Date: 2, fetch() {} }; a.process; a.Date; type T = { fetch(): void; at: Date; of: typeof process }; class C { Date = 1; }',
      },
    },
    {
      name: 'names of its own',
      files: {
        'machines/a.ts':
          'import { fetch } from "./b.js"; fetch(); export function f({ Date, a: [process] }, crypto = 1, ...console) { for (const name of Date) name(process, crypto, console); try {} catch (performance) { performance(); } }',
      },
    },
    {
      name: 'what is pure',
      files: { 'machines/a.ts': "export const a = Math.min(Number('1'), Infinity) + Math['max'](NaN, Object.keys({}).length);" },
    },
  ],
};

/** What machines/ may take of XState: how to describe a chart and the actors it names. */
const describing = [
  ...['setup', ...builtInActions, 'and', 'or', 'not', 'stateIn'],
  ...['fromCallback', 'fromPromise', 'fromTransition', 'fromObservable', 'fromEventObservable'],
];

export const describedOnly: Rule = {
  title: 'machines/ take of XState only what describes a chart',
  check: ({ modules }) =>
    modulesOfMachines(modules).flatMap((module) =>
      module.program.body.flatMap((statement): Finding[] => {
        if (!('source' in statement) || !statement.source || !/^xstate(?:\/|$)/.test(statement.source.value)) return [];
        const mend = `take values of 'xstate' by name, and of these: ${describing.join(', ')}`;
        if (statement.type === 'ExportAllDeclaration')
          return statement.exportKind === 'type' ? [] : [at(module, statement, `re-exports XState: ${mend}`)];
        if (statement.type === 'ExportNamedDeclaration')
          return statement.exportKind === 'type' ? [] : [at(module, statement, `re-exports XState: ${mend}`)];
        if (statement.type !== 'ImportDeclaration' || statement.importKind === 'type') return [];
        return statement.specifiers.flatMap((specifier) => {
          if (specifier.type === 'ImportSpecifier' && specifier.importKind === 'type') return [];
          const name = specifier.type === 'ImportSpecifier' ? nameOf(specifier.imported) : null;
          if (statement.source.value === 'xstate' && name !== null && describing.includes(name)) return [];
          return [at(module, specifier, `takes ${name ?? 'all'} of '${statement.source.value}': ${mend}`)];
        });
      }),
    ),
  samples: [
    { name: 'an actor that is started', files: { 'machines/a.ts': "import { createActor } from 'xstate';" }, says: /takes createActor of 'xstate'/ },
    { name: 'an action that prints', files: { 'machines/a.ts': "import { log as emit } from 'xstate';" }, says: /takes log/ },
    { name: 'all of it', files: { 'machines/a.ts': "import * as xstate from 'xstate';" }, says: /by name/ },
    { name: 'a part of it', files: { 'machines/a.ts': "import { getShortestPaths } from 'xstate/graph';" }, says: /'xstate\/graph'/ },
    { name: 'what is passed on', files: { 'machines/a.ts': "export { createActor } from 'xstate';" }, says: /re-exports/ },
    {
      name: 'what describes a chart, and types',
      files: { 'machines/a.ts': "import { setup, assign as set, type AnyActorRef } from 'xstate'; import type { createActor } from 'xstate';" },
    },
  ],
};
