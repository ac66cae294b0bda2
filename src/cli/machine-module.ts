/** Machines of a module that the user names: a file, or a package. */
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { extname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { AnyStateMachine } from 'xstate';

import { EspalierError } from '../errors.js';
import { machineOfConfig } from '../inspector/adapters/v5-config.js';
import { bare } from './conceal.js';

/** A machine, and the name by which its module exports it. */
export interface ExportedMachine {
  readonly name: string;
  readonly machine: AnyStateMachine;
}

/**
 * Loads `MODULE[#export]`. What the module does when it is loaded, it does.
 * @param named      a path, as seen from `directory`, or what one would import there; the machine's name after the last `#`
 * @param directory  where the user stands
 * @throws EspalierError `cli/invalid-module` for what cannot be loaded, `draw/no-machine` where no export is meant, or more than one
 */
export async function loadMachine(named: string, directory: string): Promise<ExportedMachine> {
  const { module, name } = parted(named, directory);
  const exported = await load(module, directory);
  const machines = Object.entries(exported).flatMap(([key, value]) => {
    const machine = machineIn(value);
    return machine === undefined ? [] : [{ name: key, machine }];
  });
  const names = machines.map((one) => one.name);
  if (name !== undefined) {
    const found = machines.find((one) => one.name === name);
    if (found !== undefined) return found;
    const made = await madeBy(exported[name]);
    if (made !== undefined) return { name, machine: made };
    const got = Object.hasOwn(exported, name) ? `${name}, which is ${kindOf(exported[name])}` : name;
    throw new EspalierError('draw/no-machine', { expected: `a machine of XState 5 that ${shown(module)} exports${listed(names)}`, got });
  }
  const [first, ...others] = machines;
  if (first === undefined) {
    const exports = Object.keys(exported);
    const got = exports.length === 0 ? 'no exports' : `the exports ${exports.join(', ')}`;
    throw new EspalierError('draw/no-machine', { expected: `a machine of XState 5 among what ${shown(module)} exports`, got });
  }
  if (others.some(({ machine }) => machine !== first.machine)) {
    throw new EspalierError('draw/no-machine', {
      expected: `the name of one machine, as in ${shown(module)}#${first.name}${listed(names)}`,
      got: 'none',
    });
  }
  return first;
}

/** A machine, or that of an actor. */
function machineIn(value: unknown): AnyStateMachine | undefined {
  if (isMachine(value)) return value;
  const { logic, getSnapshot } = (typeof value === 'object' && value !== null ? value : {}) as { logic?: unknown; getSnapshot?: unknown };
  return typeof getSnapshot === 'function' && isMachine(logic) ? logic : undefined;
}

/** What a function that needs no arguments makes, where it was named; whoever names it wants it called. @throws EspalierError `cli/invalid-module` */
async function madeBy(make: unknown): Promise<AnyStateMachine | undefined> {
  if (typeof make !== 'function' || make.length > 0) return undefined;
  try {
    return machineIn(await (make as () => unknown)());
  } catch (cause) {
    throw new EspalierError('cli/invalid-module', { expected: 'a function that makes a machine', got: nameOf(cause) }, { cause });
  }
}

function nameOf(cause: unknown): string {
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? '' : ` (there are ${names.join(', ')})`;
}

/** A file's name may have a `#` in it. */
export function parted(named: string, directory: string): { readonly module: string; readonly name: string | undefined } {
  const at = named.lastIndexOf('#');
  if (at <= 0 || at === named.length - 1 || isFile(resolve(directory, named))) return { module: named.replace(/#$/u, ''), name: undefined };
  return { module: named.slice(0, at), name: named.slice(at + 1) };
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

const typescript = new Set(['.ts', '.mts', '.cts']);

/** Loads a module. @throws EspalierError `cli/invalid-module` */
export async function load(module: string, directory: string): Promise<Readonly<Record<string, unknown>>> {
  const specifier = specifierOf(module, directory);
  if (typescript.has(extname(specifier)) && !stripsTypes()) {
    const expected = `JavaScript (${shown(module)} is TypeScript: this Node does not strip types, as 22.18 and newer do; compile it first)`;
    throw new EspalierError('cli/invalid-module', { expected, got: `Node ${process.versions.node}` });
  }
  try {
    if (extname(specifier) === '.json') return { default: machineOf(JSON.parse(await readFile(new URL(specifier), 'utf8'))) };
    return (await import(specifier)) as Record<string, unknown>;
  } catch (cause) {
    throw new EspalierError('cli/invalid-module', { expected: `a module that can be loaded, ${shown(module)}`, got: nameOf(cause) }, { cause });
  }
}

/** The machine of a configuration in JSON: with names, and nothing behind them. */
function machineOf(config: unknown): AnyStateMachine {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) throw new TypeError('the configuration of a machine is an object');
  return machineOfConfig(config);
}

function stripsTypes(): boolean {
  const { typescript } = process.features as { readonly typescript?: unknown };
  return typescript !== undefined && typescript !== false;
}

/** What to import: of a file its URL; of a package what the user would get where he stands, or else the one beside this command. */
function specifierOf(module: string, directory: string): string {
  const path = module.startsWith('file:') ? fileURLToPath(module) : resolve(directory, module);
  if (isFile(path)) return pathToFileURL(path).href;
  if (module.startsWith('.') || module.startsWith('file:') || isAbsolute(module) || /\.(?:[cm]?[jt]s|json)$/u.test(module)) {
    throw new EspalierError('cli/invalid-module', { expected: 'a module that can be read', got: bare(path) });
  }
  try {
    return pathToFileURL(createRequire(join(directory, 'here.js')).resolve(module)).href;
  } catch {
    return module;
  }
}

/** Another copy of xstate makes machines of another class. */
export function isMachine(value: unknown): value is AnyStateMachine {
  const { root, implementations, provide } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const { id, states, transitions } = (typeof root === 'object' && root !== null ? root : {}) as Record<string, unknown>;
  return (
    typeof provide === 'function' && implementations !== undefined && typeof id === 'string' && states !== undefined && transitions instanceof Map
  );
}

function kindOf(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'withContext' in value) return 'a machine of XState 4';
  return value === null ? 'null' : `a ${typeof value}`;
}

function shown(module: string): string {
  return bare(module);
}
