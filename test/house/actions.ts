/** Actions in machines/: what a transition may do. */
import { type Finding, type House, type Module, type Node, type Rule, at, nameOf, property } from './source.js';
import { importOf, isXStates, memberOf, walkValues } from './scopes.js';
import { builtInActions, entries, parameterNamed, topLevel, uncast, writtenMachines } from './written.js';

/** A call of one of XState's action creators, by its name or as a method of what `setup` gave (`fromSetup.assign`). */
function isBuiltIn(module: Module, node: Node | null): boolean {
  if (node?.type !== 'CallExpression') return false;
  const { callee } = node;
  if (callee.type !== 'MemberExpression') return isXStates(module, callee, builtInActions);
  const from = callee.object.type === 'Identifier' ? topLevel(module, callee.object.name) : null;
  return from?.type === 'CallExpression' && isXStates(module, from.callee, ['setup']) && builtInActions.includes(memberOf(callee) ?? '');
}

const custom =
  'is a custom action: an effect is an actor, an emitted event or a delay, so build it from assign, raise, sendTo, emit, enqueueActions, …';

/** What of an object literal hides what is in it: a spread, a computed key; or the object itself, where it is no literal. */
function hidden(object: Node): Node[] {
  if (object.type !== 'ObjectExpression') return [object];
  return object.properties.flatMap((entry) => (entry.type === 'SpreadElement' ? [entry as Node] : entry.computed ? [entry.key as Node] : []));
}

const setUp = ['actions', 'guards', 'delays', 'actors'];

export const builtIns: Rule = {
  title: "actions in machines/ are XState's built-ins, written out in its setup",
  check: (house) =>
    writtenMachines(house).flatMap(({ module, setup }): Finding[] => {
      // A machine without a setup in this file is refused by the rule of the one literal.
      if (setup === null) return [];
      const found: Finding[] = [];
      const say = (node: Node, message: string): number => found.push(at(module, node, message));
      if (importOf(module, 'setup')?.specifier !== 'xstate') say(setup, "is not given to XState's setup: import { setup } from 'xstate'");
      const parts = setUp.map((name) => ({ name, value: uncast(property(setup, name)) }));
      for (const node of hidden(setup)) say(node, 'hides what setup is given: write it out in setup({ … }), without a spread and without a name');
      for (const { name, value } of parts)
        for (const node of value ? hidden(value) : []) say(node, `hides ${name}: write them out in setup({ ${name}: {…} }), each by its name`);
      for (const { value } of entries(parts[0]?.value ?? null)) {
        const action = value.type === 'Identifier' ? topLevel(module, value.name) : value;
        if (action ? !isBuiltIn(module, action) : !isImported(module, value, house)) say(value, custom);
      }
      return found;
    }),
  samples: [
    { name: 'a custom action', files: machine('actions: { log: () => {} }'), says: /custom action/ },
    { name: 'a custom action as a method', files: machine('actions: { log() {} }'), says: /custom action/ },
    { name: 'a custom action by name', files: machine('actions: { log }', 'const log = () => {};'), says: /custom action/ },
    { name: 'a function that makes one', files: machine("actions: { shout: log('x') }", 'const log = (x) => () => {};'), says: /custom action/ },
    {
      name: "a function with a built-in's name",
      files: machine('actions: { a: cancel() }', 'const cancel = () => () => {};'),
      says: /custom action/,
    },
    {
      name: "a method with a built-in's name",
      files: machine('actions: { a: my.emit() }', 'const my = { emit: () => () => {} };'),
      says: /custom action/,
    },
    {
      name: 'a custom action made by setup',
      files: machine('actions: { a: s.createAction(() => {}) }', 'const s = setup({});'),
      says: /custom action/,
    },
    { name: "another package's built-in", files: machine('actions: { a: log() }', "import { log } from 'xstate';"), says: /custom action/ },
    {
      name: 'an imported function',
      files: { ...machine('actions: { log }', "import { log } from './b.js';"), 'machines/b.ts': 'export const log = () => {};' },
      says: /custom action/,
    },
    { name: 'actions by name', files: machine('actions', 'const actions = {};'), says: /hides actions/ },
    { name: 'actions by an imported name', files: machine('actions: mine', "import { mine } from './b.js';"), says: /hides actions/ },
    { name: 'actions with more', files: machine('actions: { ...more }'), says: /hides actions/ },
    { name: 'actions under computed names', files: machine("actions: { ['a' + 1]: assign({}) }"), says: /hides actions/ },
    { name: 'guards by an imported name', files: machine('guards', "import { guards } from './b.js';"), says: /hides guards/ },
    { name: 'a setup with more', files: machine('...more'), says: /hides what setup is given/ },
    {
      name: 'a setup of its own',
      files: { 'machines/a.ts': "import { setup } from './b.js'; export const aMachine = setup({}).createMachine({ id: 'a' });" },
      says: /is not given to XState's setup/,
    },
    {
      name: 'built-ins',
      files: {
        ...machine(
          "actions: { note, tell: emit({ type: 'x' }), set: change({}), mine: s.assign({}) } as const, guards: { a: () => true }",
          "import { note } from './b.js'; import { assign as change } from 'xstate'; const s = setup({});",
        ),
        'machines/b.ts': "import { assign } from 'xstate'; export const note = assign({});",
      },
    },
  ],
};

/** A machine whose setup has these parts, after these statements. */
function machine(parts: string, before = ''): Record<string, string> {
  const imports = "import { assign, emit, enqueueActions, setup } from 'xstate';";
  return { 'machines/a.ts': `${imports} ${before} export const aMachine = setup({ ${parts} }).createMachine({ id: 'a' });` };
}

/** Is it a name imported from a file of machines/ where it is a built-in action? */
function isImported(module: Module, value: Node, { modules }: House): boolean {
  const origin = value.type === 'Identifier' ? importOf(module, value.name) : null;
  const file = module.imports.find(({ specifier }) => specifier === origin?.specifier)?.file;
  const source = modules.find(({ path }) => path === file);
  return origin !== null && source !== undefined && isBuiltIn(source, topLevel(source, origin.name));
}

/** What is wrong with this use of `enqueue`; null when nothing is. */
function misuse(node: Node, ancestors: readonly Node[], module: Module, house: House): string | null {
  const [parent, above] = ancestors;
  if (parent?.type === 'MemberExpression' && parent.object === node) {
    return builtInActions.includes(memberOf(parent) ?? '') ? null : 'enqueues what is not written out: enqueue.assign, .raise, .sendTo, .emit, …';
  }
  if (parent?.type === 'CallExpression' && parent.callee === node) {
    const [action] = parent.arguments;
    return (action?.type === 'Literal' ? action : property(action, 'type'))?.type === 'Literal' ? null : custom;
  }
  if (parent?.type === 'CallExpression') {
    const position = parent.arguments.findIndex((argument) => argument === node);
    return parameterNamed(module, parent.callee, position, house) === 'enqueue'
      ? null
      : 'hands `enqueue` to a function that cannot be followed: to one of machines/ whose parameter is called `enqueue`, or to none';
  }
  const isParameter = parent !== undefined && 'params' in parent && (parent.params as readonly unknown[]).includes(node);
  if (isParameter || (parent?.type === 'Property' && above?.type === 'ObjectPattern')) return null;
  return 'gives `enqueue` another name: use it under its own';
}

/** What hides `enqueue` from this rule, or does without it; null when nothing does. */
function concealment(node: Node, module: Module): string | null {
  const spawns = 'spawns from within a function: an action starts an actor by the built-in spawnChild';
  const member = node.type === 'MemberExpression' ? memberOf(node) : null;
  if (member === 'spawn') return spawns;
  if (member === 'enqueue') return 'takes `enqueue` out of the argument: name it in the parameters, `({ enqueue })`';
  if (node.type === 'ObjectPattern') {
    for (const entry of node.properties) {
      const key = entry.type === 'Property' ? nameOf(entry.key) : null;
      if (key === 'spawn') return spawns;
      if (key === 'enqueue' && nameOf(entry.value as Node) !== key) return 'gives `enqueue` another name: use it under its own';
    }
  }
  if (node.type !== 'CallExpression' || !isBuiltIn(module, node)) return null;
  const name =
    node.callee.type === 'MemberExpression' ? memberOf(node.callee) : node.callee.type === 'Identifier' && importOf(module, node.callee.name)?.name;
  if (name !== 'enqueueActions') return null;
  const [plan] = node.arguments;
  if (plan?.type !== 'ArrowFunctionExpression' && plan?.type !== 'FunctionExpression')
    return 'is given no function written out: enqueueActions(({ enqueue }) => …)';
  const [parameter] = plan.params;
  if (parameter === undefined || (parameter.type === 'ObjectPattern' && hiddenIn(parameter).length === 0)) return null;
  return 'does not say what it takes: name it in the parameters, `({ context, enqueue })`, without a rest';
}

function hiddenIn(pattern: Extract<Node, { type: 'ObjectPattern' }>): Node[] {
  return pattern.properties.filter((entry) => entry.type === 'RestElement' || entry.computed);
}

export const queue: Rule = {
  title: "what an action of machines/ enqueues is one of XState's built-ins",
  check: (house) =>
    house.modules
      .filter(({ path }) => path.startsWith('machines/'))
      .flatMap((module) =>
        [...walkValues(module)].flatMap(([node, ancestors]) => {
          const [parent] = ancestors;
          const isName = node.type === 'Identifier' && node.name === 'enqueue' && !(parent?.type === 'MemberExpression' && parent.property === node);
          const isKey = parent?.type === 'Property' && parent.key === node;
          const why = isName && !isKey ? misuse(node, ancestors, module, house) : concealment(node, module);
          return why === null ? [] : [at(module, node, why)];
        }),
      ),
  samples: [
    { name: 'a function', files: plan('({ enqueue }) => { enqueue(() => {}); }'), says: /custom action/ },
    { name: 'a function by name', files: plan('({ enqueue }) => { enqueue(log); }', 'const log = () => {};'), says: /custom action/ },
    { name: 'what the event brings', files: plan('({ enqueue, event }) => { enqueue(event.action); }'), says: /custom action/ },
    { name: 'another name', files: plan('({ enqueue }) => { const e = enqueue; e(() => {}); }'), says: /another name/ },
    { name: 'another name in the parameters', files: plan('({ enqueue: q }) => q(() => {})'), says: /another name/ },
    { name: 'another name further down', files: plan("(all) => { const { 'enqueue': q } = all; q(() => {}); }"), says: /another name/ },
    { name: 'the argument as a whole', files: plan('(all) => all.enqueue(() => {})'), says: /name it in the parameters/ },
    { name: 'the rest of the argument', files: plan('({ context, ...rest }) => Object.values(rest)'), says: /without a rest/ },
    { name: 'a plan by name', files: plan('later', 'const later = (all) => Object.values(all);'), says: /no function written out/ },
    { name: 'a method by a computed name', files: plan('({ enqueue }) => enqueue[name]()'), says: /not written out/ },
    { name: 'a queue in a list', files: plan('({ enqueue }) => [enqueue].map((e) => e(() => {}))'), says: /another name/ },
    { name: 'a queue that is returned', files: plan('({ enqueue }) => enqueue'), says: /another name/ },
    { name: 'a queue handed on', files: plan('({ enqueue }) => go(enqueue)', 'const go = (e) => e(() => {});'), says: /cannot be followed/ },
    { name: 'a queue handed to the argument', files: plan('({ enqueue, event }) => event.go(enqueue)'), says: /cannot be followed/ },
    {
      name: 'a queue handed on inside',
      files: plan('({ enqueue }) => go(enqueue)', 'const go = (enqueue) => enqueue(() => {});'),
      says: /custom action/,
    },
    { name: 'an actor that is spawned by hand', files: machine('actions: { a: assign({ ref: ({ spawn }) => spawn(logic) }) }'), says: /spawnChild/ },
    { name: 'an actor that is spawned by the way', files: machine('actions: { a: assign({ ref: (all) => all.spawn(logic) }) }'), says: /spawnChild/ },
    {
      name: 'built-ins, here and in a function of machines/',
      files: {
        ...plan(
          "({ context: { calls }, enqueue }, p) => { enqueue('tell'); enqueue({ type: 'tell', params: p }); enqueue.emit({ type: 'x' }); carryOut(enqueue, p); go(enqueue); }",
          "import { carryOut } from './b.js'; function go(enqueue) { enqueue.assign({}); }",
        ),
        'machines/b.ts': 'interface Enqueue { enqueue(): void } export function carryOut(enqueue: Enqueue, step: object) { enqueue.assign(step); }',
      },
    },
  ],
};

/** A machine with one action that enqueues by this function. */
function plan(code: string, before = ''): Record<string, string> {
  return machine(`actions: { a: enqueueActions(${code}) }`, before);
}
