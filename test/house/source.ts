/**
 * What the house rules look at: the files of the repository, and the modules among them with their syntax trees.
 *
 * A rule is a pure function of a {@link House}, so each proves on a few lines of text that it can fail.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { type ESTree, parseSync } from 'vite';

export type Node = ESTree.Node;

/** One file; `path` is relative to the root of the repository, with forward slashes. */
export interface File {
  readonly path: string;
  readonly text: string;
}

/** One import, re-export or dynamic import. */
export interface Import {
  /** As written. */
  readonly specifier: string;
  /** The repository's file it means, or null for a package. */
  readonly file: string | null;
  /** Erased by the compiler: `import type`, `export type`. `import { type A }` is not: it still runs the module. */
  readonly typeOnly: boolean;
  readonly line: number;
}

/** A file of TypeScript or JavaScript, parsed. */
export interface Module extends File {
  readonly program: ESTree.Program;
  readonly imports: readonly Import[];
  /** With their marks taken off: `// a` is ` a`. */
  readonly comments: readonly { readonly value: string; readonly start: number }[];
}

/** Everything under the law. */
export interface House {
  readonly files: readonly File[];
  readonly modules: readonly Module[];
}

/** One breach, and how to mend it. */
export interface Finding {
  readonly path: string;
  readonly line?: number;
  readonly message: string;
}

/** One law: what it says, how it is checked, and samples that break it. */
export interface Rule {
  readonly title: string;
  readonly check: (house: House) => Finding[];
  /** Each sample is a small house that the rule must refuse with a message like `says`, or (without `says`) let pass. */
  readonly samples: readonly { readonly name: string; readonly files: Readonly<Record<string, string>>; readonly says?: RegExp }[];
}

const codeFolders = ['machines', 'src', 'visualizations', 'test', 'bench', 'examples', '.ci'];
const skippedFolders = new Set(['node_modules', 'dist', '.build', 'coverage', '.git']);
const codeFile = /\.(?:ts|mts|js|mjs)$/;

/** Reads the repository at `root`. */
export function readHouse(root: string): House {
  const paths: string[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = posix.join(folder, entry.name);
      if (!entry.isDirectory()) paths.push(path);
      else if (!skippedFolders.has(entry.name)) visit(path);
    }
  };
  visit('.');
  return house(paths.sort().map((path) => ({ path, text: /\.(?:ts|mts|js|mjs|md|json)$/.test(path) ? readFileSync(join(root, path), 'utf8') : '' })));
}

/** A house of the given files. */
export function house(files: readonly File[]): House {
  const paths = new Set(files.map((file) => file.path));
  const isCode = (file: File): boolean => codeFile.test(file.path) && codeFolders.includes(file.path.split('/')[0] ?? '');
  return { files, modules: files.filter(isCode).map((file) => parse(file, paths)) };
}

/** A house of samples: path → text. */
export function sampleHouse(files: Readonly<Record<string, string>>): House {
  return house(Object.entries(files).map(([path, text]) => ({ path, text })));
}

function parse(file: File, paths: ReadonlySet<string>): Module {
  const { program, comments, errors } = parseSync(file.path, file.text, {});
  if (errors[0]) throw new Error(`${file.path} does not parse: ${errors[0].message}`);
  const imports: Import[] = [];
  const add = (node: Node, specifier: string, typeOnly: boolean): void => {
    imports.push({ specifier, file: resolve(file.path, specifier, paths), typeOnly, line: lineAt(file, node.start) });
  };
  for (const [node] of walk(program)) {
    if (node.type === 'ImportDeclaration') add(node, node.source.value, node.importKind === 'type');
    else if (node.type === 'ExportAllDeclaration') add(node, node.source.value, node.exportKind === 'type');
    else if (node.type === 'ExportNamedDeclaration' && node.source) add(node, node.source.value, node.exportKind === 'type');
    else if (node.type === 'ImportExpression' && node.source.type === 'Literal') add(node, String(node.source.value), false);
    else if (node.type === 'ImportExpression' && node.source.type === 'TemplateLiteral') add(node, node.source.quasis[0]?.value.raw ?? '', false);
    else if (node.type === 'TSImportType') add(node, node.source.value, true);
  }
  return { ...file, program, imports, comments };
}

/** A relative specifier as a path of the repository: `./a.js` is the file `a.ts`, unless there is an `a.js`. */
function resolve(from: string, specifier: string, paths: ReadonlySet<string>): string | null {
  if (!specifier.startsWith('.')) return null;
  const path = posix.join(posix.dirname(from), specifier);
  return paths.has(path) ? path : path.replace(/\.(m?)js$/, '.$1ts');
}

/** Every node below `root` with its ancestors, nearest first; `root` itself too. What is `skipped` is left out with all that is below it. */
export function* walk(
  root: Node,
  skipped: (node: Node) => boolean = () => false,
  ancestors: readonly Node[] = [],
): Generator<readonly [node: Node, ancestors: readonly Node[]]> {
  if (skipped(root)) return;
  yield [root, ancestors];
  const below = [root, ...ancestors];
  for (const value of Object.values(root)) {
    for (const child of Array.isArray(value) ? (value as unknown[]) : [value as unknown]) if (isNode(child)) yield* walk(child, skipped, below);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** The line, counted from 1, of an offset in a file. */
export function lineAt(file: File, offset: number): number {
  return file.text.slice(0, offset).split('\n').length;
}

/** A finding at a node or a comment. */
export function at(file: File, node: Pick<Node, 'start'>, message: string): Finding {
  return { path: file.path, line: lineAt(file, node.start), message };
}

/** `path:line message`, one finding a line: what a person reads when a rule fails. */
export function show(findings: readonly Finding[]): string {
  return findings.map(({ path, line, message }) => `${path}${line === undefined ? '' : `:${line}`} ${message}`).join('\n');
}

/** A static property name: `a` of `{ a: … }`, `{ 'a': … }` and `x.a`; null for a computed one. */
export function nameOf(key: Node): string | null {
  if (key.type === 'Identifier' || key.type === 'PrivateIdentifier') return key.name;
  return key.type === 'Literal' && typeof key.value === 'string' ? key.value : null;
}

/** The value of `name` in an object literal. */
export function property(object: Node | null | undefined, name: string): Node | null {
  if (object?.type !== 'ObjectExpression') return null;
  for (const entry of object.properties) if (entry.type === 'Property' && !entry.computed && nameOf(entry.key) === name) return entry.value;
  return null;
}

/** The text of a string literal, else null. */
export function textOf(node: Node | null | undefined): string | null {
  return node?.type === 'Literal' && typeof node.value === 'string' ? node.value : null;
}

/** Is this identifier a use of a name, or where it is bound: not the name of a property, a member, a label or an import? */
export function isUse(node: Node, ancestors: readonly Node[]): boolean {
  const parent = ancestors[0];
  if (node.type !== 'Identifier' || !parent) return false;
  if (parent.type === 'MemberExpression') return parent.object === node || parent.computed;
  if (parent.type === 'Property') return parent.value === node || parent.computed;
  if (parent.type === 'TSQualifiedName') return parent.left === node;
  if (/^(?:PropertyDefinition|MethodDefinition|AccessorProperty|TSPropertySignature|TSMethodSignature)$/.test(parent.type))
    return 'key' in parent && (parent.key !== node || ('computed' in parent && parent.computed));
  return !/^(?:(?:Import|Export)\w*Specifier|LabeledStatement|BreakStatement|ContinueStatement|MetaProperty|ImportAttribute)$/.test(parent.type);
}
