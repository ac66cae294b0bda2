/** Machines as written: every call of `createMachine` in machines/, with what a rule wants to know of it. */
import { importOf } from './scopes.js';
import { type House, type Module, type Node, nameOf, property, textOf, walk } from './source.js';

/** XState's own action creators, as DESIGN.md names them: the only actions in machines/. */
export const builtInActions = ['assign', 'raise', 'sendTo', 'emit', 'enqueueActions', 'spawnChild', 'stopChild', 'cancel'];

/** One machine as written. */
export interface WrittenMachine {
  readonly module: Module;
  /** The call of `createMachine`. */
  readonly call: Extract<Node, { type: 'CallExpression' }>;
  /** The name it is exported by, at the top of the file; null when it is not. */
  readonly exported: string | null;
  /** The argument of `setup`; null when the machine does not come from `setup` in this file. */
  readonly setup: Node | null;
  readonly config: Node | null;
  readonly id: string | null;
}

/** Every call of `createMachine` in machines/. */
export function writtenMachines({ modules }: House): WrittenMachine[] {
  return modules
    .filter(({ path }) => path.startsWith('machines/'))
    .flatMap((module) =>
      [...walk(module.program)].flatMap(([call, ancestors]): WrittenMachine[] => {
        if (call.type !== 'CallExpression') return [];
        const { callee } = call;
        const method = callee.type === 'MemberExpression' ? nameOf(callee.property) : nameOf(callee);
        if (method !== 'createMachine') return [];
        const [declarator, declaration, exporter] = ancestors;
        const named =
          declarator?.type === 'VariableDeclarator' && declaration?.type === 'VariableDeclaration' && exporter?.type === 'ExportNamedDeclaration';
        const config = call.arguments[0] ?? null;
        return [
          {
            module,
            call,
            exported: named ? nameOf(declarator.id) : null,
            setup: callee.type === 'MemberExpression' ? setupArgument(module, callee.object) : null,
            config,
            id: textOf(property(config, 'id')),
          },
        ];
      }),
    );
}

/** What `setup` was given, for `setup({…})` or the name of a top-level `const x = setup({…})` of the same file. */
function setupArgument(module: Module, node: Node): Node | null {
  const value = node.type === 'Identifier' ? topLevel(module, node.name) : node;
  if (value?.type !== 'CallExpression' || nameOf(value.callee) !== 'setup') return null;
  return value.arguments[0] ?? null;
}

/** What stands before `as …` and `satisfies …`. */
export function uncast(node: Node | null): Node | null {
  return node?.type === 'TSAsExpression' || node?.type === 'TSSatisfiesExpression' ? uncast(node.expression) : node;
}

/** The value of a top-level `const name = …`, without casts. */
export function topLevel(module: Module, name: string): Node | null {
  for (const statement of module.program.body) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declaration?.type !== 'VariableDeclaration') continue;
    for (const { id, init } of declaration.declarations) if (nameOf(id) === name) return uncast(init);
  }
  return null;
}

/** The name of a parameter of a function of machines/ that a module calls by name; null where it cannot be followed. */
export function parameterNamed(module: Module, callee: Node, position: number, { modules }: House): string | null {
  if (callee.type !== 'Identifier') return null;
  const origin = importOf(module, callee.name);
  const file = module.imports.find(({ specifier }) => specifier === origin?.specifier)?.file;
  const home = origin === null ? module : modules.find(({ path }) => path === file && path.startsWith('machines/'));
  const made = home === undefined ? null : functionNamed(home, origin?.name ?? callee.name);
  const parameter = made?.params[position];
  return parameter?.type === 'Identifier' ? parameter.name : null;
}

/** The function that a module has by this name at its top. */
function functionNamed(module: Module, name: string): Extract<Node, { params: unknown[] }> | null {
  for (const statement of module.program.body) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declaration?.type === 'FunctionDeclaration' && declaration.id?.name === name) return declaration;
  }
  const value = topLevel(module, name);
  return value?.type === 'ArrowFunctionExpression' || value?.type === 'FunctionExpression' ? value : null;
}

/** The properties of an object with their names. */
export function entries(object: Node | null): { name: string; value: Node }[] {
  if (object?.type !== 'ObjectExpression') return [];
  return object.properties.flatMap((entry) => (entry.type === 'Property' ? [{ name: nameOf(entry.key) ?? '', value: entry.value }] : []));
}

/** A place in a config where an action, a guard, a delay or an actor is referred to. */
export interface Reference {
  readonly kind: 'action' | 'guard' | 'delay' | 'actor';
  /** What stands there; of a delay, the key. */
  readonly node: Node;
  /** The name by which it refers: a text, or that of `{ type: 'name', params }`; null where it refers otherwise. */
  readonly name: string | null;
}

/** A reference by a text, or by `{ type: 'name', params }`. */
export function referenceTo(kind: Reference['kind'], node: Node): Reference {
  return { kind, node, name: textOf(node.type === 'ObjectExpression' ? property(node, 'type') : node) };
}

/** Every place in a config that refers to an action, a guard, a delay or an actor. */
export function references(state: Node | null): Reference[] {
  if (state?.type !== 'ObjectExpression') return [];
  const all = (kind: Reference['kind'], value: Node): Reference[] => each(value).map((node) => referenceTo(kind, node));
  const transitions = (value: Node): Reference[] =>
    each(value)
      .flatMap((transition) => pairs(transition))
      .flatMap(({ name, value: part }) => (name === 'actions' ? all('action', part) : name === 'guard' ? all('guard', part) : []));
  return pairs(state).flatMap(({ name, value }): Reference[] => {
    if (name === 'entry' || name === 'exit') return all('action', value);
    if (name === 'always' || name === 'onDone' || name === 'initial') return transitions(value);
    if (name === 'on') return pairs(value).flatMap((it) => transitions(it.value));
    if (name === 'after')
      return pairs(value).flatMap((it) => [{ kind: 'delay' as const, node: it.key, name: it.name || null }, ...transitions(it.value)]);
    if (name === 'states') return pairs(value).flatMap((it) => references(it.value));
    if (name !== 'invoke') return [];
    return each(value)
      .flatMap((invoke) => pairs(invoke))
      .flatMap((it) => (it.name === 'src' ? all('actor', it.value) : /^on(?:Done|Error|Snapshot)$/.test(it.name) ? transitions(it.value) : []));
  });
}

/** The elements of a list; a single one is a list of one. */
function each(node: Node): Node[] {
  return node.type === 'ArrayExpression' ? node.elements.filter((element) => element !== null) : [node];
}

function pairs(object: Node): { name: string; key: Node; value: Node }[] {
  if (object.type !== 'ObjectExpression') return [];
  return object.properties.flatMap((entry) =>
    entry.type === 'Property' ? [{ name: nameOf(entry.key) ?? '', key: entry.key, value: entry.value }] : [],
  );
}
