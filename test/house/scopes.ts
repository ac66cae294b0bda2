/** Names in a module: which of them it binds itself, and which it takes from the runtime. */
import { type Module, type Node, isUse, nameOf, walk } from './source.js';

/** TypeScript's nodes that hold an expression; all its others are types, which the compiler erases (it lets pass no enum and no namespace). */
const expressions = ['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression', 'TSTypeAssertion', 'TSInstantiationExpression'];

type Visit = readonly [node: Node, ancestors: readonly Node[]];

/** Kept, since most rules look at every node of every module. */
const visited = new WeakMap<Module, readonly Visit[]>();

/** Every node of a module that is there at run time, with its ancestors, nearest first. */
export function walkValues(module: Module): readonly Visit[] {
  let visits = visited.get(module);
  if (visits === undefined) visited.set(module, (visits = [...walk(module.program, isType)]));
  return visits;
}

function isType({ type }: Node): boolean {
  return type.startsWith('TS') && !expressions.includes(type);
}

/** One use of a name that the module does not bind: a global. */
export interface FreeName {
  readonly name: string;
  readonly node: Node;
  /** The property taken of it, where that is written out: `now` of `Date.now` and of `Date['now']`. */
  readonly member: string | null;
  /** Does it become a name of the module's own: `const { now } = Date`? */
  readonly isRenamed: boolean;
  /** What it is a part of. */
  readonly parent: Node | null;
}

/**
 * Every use of a global, bare or as the object of a member. `declare` binds nothing: it says what the runtime has.
 * @param sought  only these; all when absent
 */
export function freeNames(module: Module, sought?: readonly string[]): FreeName[] {
  const found: FreeName[] = [];
  for (const [node, ancestors] of walkValues(module)) {
    if (node.type !== 'Identifier' || sought?.includes(node.name) === false || !isUse(node, ancestors)) continue;
    if (ancestors.some((scope) => namesBoundBy(scope).has(node.name))) continue;
    const [parent] = ancestors;
    found.push({
      name: node.name,
      node,
      member: parent?.type === 'MemberExpression' && parent.object === node ? memberOf(parent) : null,
      isRenamed: parent?.type === 'VariableDeclarator',
      parent: parent ?? null,
    });
  }
  return found;
}

/** The name of the property that a member expression takes; null where it is computed. */
export function memberOf(node: Extract<Node, { type: 'MemberExpression' }>): string | null {
  return node.computed && node.property.type !== 'Literal' ? null : nameOf(node.property);
}

const bound = new WeakMap<Node, ReadonlySet<string>>();

function namesBoundBy(scope: Node): ReadonlySet<string> {
  let names = bound.get(scope);
  if (names === undefined) bound.set(scope, (names = new Set(bindings(scope))));
  return names;
}

/** The names that a scope binds: a block those of its declarations, a function its parameters, a `for` and a `catch` their own. */
function bindings(scope: Node): string[] {
  switch (scope.type) {
    case 'Program':
    case 'BlockStatement':
    case 'StaticBlock':
      return scope.body.flatMap(declared);
    case 'SwitchStatement':
      return scope.cases.flatMap(({ consequent }) => consequent.flatMap(declared));
    case 'ForStatement':
      return scope.init ? declared(scope.init) : [];
    case 'ForInStatement':
    case 'ForOfStatement':
      return declared(scope.left);
    case 'CatchClause':
      return scope.param ? patternNames(scope.param) : [];
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return [...(scope.id ? [scope.id.name] : []), ...scope.params.flatMap(patternNames)];
    case 'ClassDeclaration':
    case 'ClassExpression':
      return scope.id ? [scope.id.name] : [];
    default:
      return [];
  }
}

function declared(statement: Node): string[] {
  if ('declare' in statement && statement.declare) return [];
  switch (statement.type) {
    case 'VariableDeclaration':
      return statement.declarations.flatMap(({ id }) => patternNames(id));
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
      return statement.id ? [statement.id.name] : [];
    case 'ImportDeclaration':
      return statement.specifiers.map(({ local }) => local.name);
    case 'ExportNamedDeclaration':
      return statement.declaration ? declared(statement.declaration) : [];
    default:
      return [];
  }
}

function patternNames(pattern: Node): string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name];
    case 'ObjectPattern':
      return pattern.properties.flatMap((entry) => patternNames(entry.type === 'Property' ? entry.value : entry));
    case 'ArrayPattern':
      return pattern.elements.flatMap((element) => (element ? patternNames(element) : []));
    case 'AssignmentPattern':
      return patternNames(pattern.left);
    case 'RestElement':
      return patternNames(pattern.argument);
    default:
      return [];
  }
}

/** Where a name of a module comes from: the import that binds it, or null when none does. */
export function importOf(module: Module, local: string): { readonly specifier: string; readonly name: string } | null {
  for (const statement of module.program.body) {
    if (statement.type !== 'ImportDeclaration') continue;
    const it = statement.specifiers.find((specifier) => specifier.local.name === local);
    if (it?.type === 'ImportSpecifier') return { specifier: statement.source.value, name: nameOf(it.imported) ?? '' };
  }
  return null;
}

/** Is this the name under which a module has one of these values of XState? */
export function isXStates(module: Module, node: Node, names: readonly string[]): boolean {
  const origin = node.type === 'Identifier' ? importOf(module, node.name) : null;
  return origin?.specifier === 'xstate' && names.includes(origin.name);
}
