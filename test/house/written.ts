/** Machines as written: every call of `createMachine` in machines/, with what a rule wants to know of it. */
import { type House, type Module, type Node, nameOf, property, textOf, walk } from './source.js';

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
function uncast(node: Node | null): Node | null {
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

export function isFunction(node: Node | null): boolean {
  return node?.type === 'ArrowFunctionExpression' || node?.type === 'FunctionExpression';
}

/** The properties of an object with their names. */
export function entries(object: Node | null): { name: string; value: Node }[] {
  if (object?.type !== 'ObjectExpression') return [];
  return object.properties.flatMap((entry) => (entry.type === 'Property' ? [{ name: nameOf(entry.key) ?? '', value: entry.value }] : []));
}
