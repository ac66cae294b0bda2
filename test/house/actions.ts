/** Actions in machines/: what a transition may do. */
import { type Finding, type House, type Module, type Node, type Rule, at, nameOf, property, walk } from './source.js';
import { entries, isFunction, topLevel, writtenMachines } from './written.js';

/** XState's own action creators, as DESIGN.md names them: the only actions in machines/. */
const builtInActions = ['assign', 'raise', 'sendTo', 'emit', 'enqueueActions', 'spawnChild', 'stopChild', 'cancel'];

/** A call of one of XState's action creators, by its name or as a method (`fromSetup.assign`). */
function isBuiltIn(node: Node | null): boolean {
  if (node?.type !== 'CallExpression') return false;
  const name = node.callee.type === 'MemberExpression' ? nameOf(node.callee.property) : nameOf(node.callee);
  return name !== null && builtInActions.includes(name);
}

export const builtIns: Rule = {
  title: "actions in machines/ are XState's built-ins; guards and delays are named in setup",
  check: (house) =>
    writtenMachines(house).flatMap(({ module, setup, config }) => {
      const found: Finding[] = [];
      const custom =
        'is a custom action: an effect is an actor, an emitted event or a delay, so build it from assign, raise, sendTo, emit, enqueueActions, …';
      const actions = property(setup, 'actions');
      const written = actions?.type === 'Identifier' ? topLevel(module, actions.name) : actions;
      if (written && written.type !== 'ObjectExpression')
        found.push(at(module, written, 'hides the actions: write them out in setup({ actions: {…} })'));
      for (const { value } of entries(written)) {
        const action = value.type === 'Identifier' ? topLevel(module, value.name) : value;
        // A name from another file of machines/ is checked by its types: XState's ActionFunction brand is made by built-ins only.
        if (action ? !isBuiltIn(action) : !isImported(module, value, house)) found.push(at(module, value, custom));
      }
      for (const [node] of config ? walk(config) : []) {
        if (node.type !== 'Property') continue;
        const name = nameOf(node.key) ?? '';
        const values = node.value.type === 'ArrayExpression' ? node.value.elements : [node.value];
        for (const value of values) {
          if (['actions', 'entry', 'exit'].includes(name) && isFunction(value)) found.push(at(module, value as Node, custom));
          if (name === 'guard' && isFunction(value))
            found.push(at(module, value as Node, 'is a guard without a name: name it in setup({ guards: {…} })'));
        }
      }
      for (const [node] of walk(module.program)) {
        if (node.type === 'CallExpression' && nameOf(node.callee) === 'enqueue' && isFunction(node.arguments[0] ?? null))
          found.push(at(module, node, custom));
      }
      return found;
    }),
  samples: [
    {
      name: 'a custom action',
      files: { 'machines/a.ts': "export const aMachine = setup({ actions: { log: () => {} } }).createMachine({ id: 'a' });" },
      says: /custom action/,
    },
    {
      name: 'a custom action by name',
      files: { 'machines/a.ts': "const log = () => {}; export const aMachine = setup({ actions: { log } }).createMachine({ id: 'a' });" },
      says: /custom action/,
    },
    {
      name: 'an action in the config',
      files: { 'machines/a.ts': "export const aMachine = setup({}).createMachine({ id: 'a', entry: () => {} });" },
      says: /custom action/,
    },
    {
      name: 'a function in the queue',
      files: {
        'machines/a.ts':
          "export const aMachine = setup({ actions: { a: enqueueActions(({ enqueue }) => { enqueue(() => {}); }) } }).createMachine({ id: 'a' });",
      },
      says: /custom action/,
    },
    {
      name: 'a guard without a name',
      files: { 'machines/a.ts': "export const aMachine = setup({}).createMachine({ id: 'a', on: { go: { guard: () => true } } });" },
      says: /guard without a name/,
    },
    {
      name: 'an imported function',
      files: {
        'machines/a.ts': "import { log } from './b.js'; export const aMachine = setup({ actions: { log } }).createMachine({ id: 'a' });",
        'machines/b.ts': 'export const log = () => {};',
      },
      says: /custom action/,
    },
    {
      name: 'built-ins',
      files: {
        'machines/a.ts':
          "import { note } from './b.js'; export const aMachine = setup({ actions: { note, tell: emit({ type: 'x' }) } }).createMachine({ id: 'a', entry: ['note', emit({ type: 'y' })] });",
        'machines/b.ts': 'export const note = assign({});',
      },
    },
  ],
};

/** Is it a name imported from a file of machines/ where it is a built-in action? */
function isImported(module: Module, value: Node, { modules }: House): boolean {
  if (value.type !== 'Identifier') return false;
  for (const statement of module.program.body) {
    if (statement.type !== 'ImportDeclaration') continue;
    const specifier = statement.specifiers.find((it) => it.local.name === value.name);
    if (specifier?.type !== 'ImportSpecifier') continue;
    const file = module.imports.find((it) => it.specifier === statement.source.value)?.file;
    const source = modules.find(({ path }) => path === file);
    return source !== undefined && isBuiltIn(topLevel(source, nameOf(specifier.imported) ?? ''));
  }
  return false;
}
