/** Time: one door to the runtime's timers in src/. test/house/sleep.ts has the rule of tests. */
import { type Finding, type Module, type Node, type Rule, at, nameOf } from './source.js';
import { freeNames, walkValues } from './scopes.js';

export const timers = ['setTimeout', 'setInterval'];
const globalObjects = ['globalThis', 'global', 'window', 'self'];

/** The files of src/ that may set timers of the runtime, each with its reason. */
export const timerDoors = new Map([
  ['src/supervision/clock.ts', 'the system clock: the one door to the timers of the runtime'],
  ['src/isolation/in-process.js', 'a process of its own, without an actor in it, looks at its own size'],
]);

/** Uses of the runtime's timers: bare (`setTimeout(…)`) or of the global object, which gets no other name. */
function uses(module: Module): { node: Node; name: string }[] {
  return freeNames(module, [...timers, ...globalObjects]).flatMap(({ node, name, member, isRenamed }) => {
    if (timers.includes(name)) return [{ node, name }];
    if (isRenamed) return [{ node, name: `${name} under another name` }];
    return member !== null && timers.includes(member) ? [{ node, name: member }] : [];
  });
}

/** The timers of the global object, asked for by a text: `Reflect.get(globalThis, 'setTimeout')`, `globalThis[name]`. */
function usesByText(module: Module): { node: Node; name: string }[] {
  return freeNames(module, globalObjects).flatMap(({ node, name, member, parent }) => {
    if (parent?.type === 'MemberExpression' && parent.object === node && member === null)
      return [{ node, name: `a property of ${name} that is not written out` }];
    if (parent?.type !== 'CallExpression' || !parent.arguments.some((argument) => argument === node)) return [];
    const { callee } = parent;
    const isReflection = callee.type === 'MemberExpression' && ['Reflect', 'Object'].includes(nameOf(callee.object) ?? '');
    return isReflection ? [{ node, name: `${name} by reflection` }] : [];
  });
}

/** The text of an expression as far as it is written out: `'node:' + 'timers'` too. */
export function writtenText(node: Node | null | undefined): string | null {
  if (node?.type === 'Literal') return typeof node.value === 'string' ? node.value : null;
  if (node?.type === 'TemplateLiteral') return node.expressions.length === 0 ? (node.quasis[0]?.value.cooked ?? null) : null;
  if (node?.type !== 'BinaryExpression' || node.operator !== '+') return null;
  const [left, right] = [writtenText(node.left), writtenText(node.right)];
  return left === null || right === null ? null : left + right;
}

const timerModule = /^(?:node:)?timers(?:\/promises)?$/;

/** What a module takes of `node:timers`, by its name there; `*` for all of it. A turn of the event loop (setImmediate) takes no time of the clock. */
function takenOfTimers(module: Module): { node: Node; name: string; source: string }[] {
  return walkValues(module).flatMap(([node]) => {
    if (node.type === 'ImportDeclaration' || node.type === 'ExportNamedDeclaration') {
      const source = node.source?.value ?? '';
      if (!timerModule.test(source)) return [];
      return node.specifiers.flatMap((one) => {
        const name = one.type === 'ImportSpecifier' ? (nameOf(one.imported) ?? '') : one.type === 'ExportSpecifier' ? (nameOf(one.local) ?? '') : '*';
        return [...timers, 'scheduler', '*'].includes(name) ? [{ node: one, name, source }] : [];
      });
    }
    // `import()`, `require`, `process.getBuiltinModule`, or whatever else is given the name.
    const given =
      node.type === 'ExportAllDeclaration' || node.type === 'ImportExpression' ? [node.source] : node.type === 'CallExpression' ? node.arguments : [];
    return given.flatMap((one) => {
      const source = writtenText(one);
      return source !== null && timerModule.test(source) ? [{ node, name: '*', source }] : [];
    });
  });
}

export function timerFindings(module: Module, mend: string): Finding[] {
  return [
    ...[...uses(module), ...usesByText(module)].map(({ node, name }) => at(module, node, `uses ${name}: ${mend}`)),
    ...takenOfTimers(module).map(({ node, name, source }) => at(module, node, `imports ${name} of '${source}': ${mend}`)),
  ];
}

/** Entries of an allow-list that allow nothing any more. */
export function idleDoors(
  doors: ReadonlyMap<string, string>,
  modules: readonly Module[],
  { list, find }: { readonly list: string; readonly find: (module: Module) => readonly Finding[] },
): Finding[] {
  const idle = modules.filter((module) => doors.has(module.path) && find(module).length === 0);
  return idle.map(({ path }) => ({ path, message: `is allowed timers in ${list} and uses none: strike it from the list` }));
}

export const clocks: Rule = {
  title: 'src/ sets timers through the clock only',
  check: ({ modules }) => {
    const ours = modules.filter(({ path }) => path.startsWith('src/'));
    const mend = 'take a Clock as argument (src/supervision/clock.ts), or put the file with its reason on the list in test/house/time.ts';
    const find = (module: Module): Finding[] => timerFindings(module, mend);
    return [...ours.filter(({ path }) => !timerDoors.has(path)).flatMap(find), ...idleDoors(timerDoors, ours, { list: 'test/house/time.ts', find })];
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
    { name: 'a timer by reflection', files: { 'src/live/a.ts': "Reflect.get(globalThis, 'setTimeout')(() => {}, 1);" }, says: /by reflection/ },
    {
      name: 'a timer imported while it runs',
      files: { 'src/live/a.ts': "const { setTimeout } = await import('node:timers');" },
      says: /imports \* of 'node:timers'/,
    },
    { name: 'a door that is not used', files: { 'src/supervision/clock.ts': '' }, says: /strike it/ },
    { name: "a clock's method", files: { 'src/live/a.ts': 'declare const clock: any; clock.setTimeout(() => {}, 1);' } },
  ],
};
