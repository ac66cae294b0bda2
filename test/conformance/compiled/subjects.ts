/** The machines that are played: ours, those of a module, and some made by chance. */
import { existsSync } from 'node:fs';
import { register } from 'node:module';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnyStateMachine } from 'xstate';

import type { Subject } from '../../../src/testing/equality/side-by-side.js';
import { models } from '../../../src/testing/models/catalogue.js';
import type { AnyModel } from '../../../src/testing/model/model.js';
import { randomMachine } from '../../compiled/random-machine.js';
import { userPath } from '../standalone.js';

/** Where a machine comes from; data, which can be sent to a thread. */
export type Source =
  | { readonly kind: 'catalogue'; readonly id: string }
  | { readonly kind: 'module'; readonly path: string; readonly name: string }
  | { readonly kind: 'chance'; readonly seed: number };

/** The name that stands for every machine of a module. */
const every = '*';

/** What people call it. */
export function nameOf(source: Source): string {
  if (source.kind === 'catalogue') return source.id;
  if (source.kind === 'module' && source.name === every) return relative(process.cwd(), source.path);
  return source.kind === 'chance' ? `by chance ${source.seed}` : `${relative(process.cwd(), source.path)}#${source.name}`;
}

/** Machines that are not ours, of each thing that a chart can have. */
const notOurs = ['trafficLight', 'wizard', 'fetcher', 'todos', 'counter', 'corners', 'conflicts', 'ownSteps'];
const notOurFile = 'test/fixtures/compiled/charts.mjs';

/** Seeds of machines made by chance, of those that can start. */
const byChance = [0, 3, 5, 6, 10, 11, 12, 13, 15, 18, 20, 21, 23, 25, 26, 27, 29, 31, 32, 33, 34, 37, 38, 40];

/** What is played where nothing is named: those that are quick first. */
export function allSources(): readonly Source[] {
  return [
    ...notOurs.map((name): Source => ({ kind: 'module', path: join(process.cwd(), notOurFile), name })),
    ...byChance.map((seed): Source => ({ kind: 'chance', seed })),
    ...Object.keys(models).map((id): Source => ({ kind: 'catalogue', id })),
  ];
}

/**
 * What a word of the command line means: a machine of the catalogue by its id, or `MODULE#export`; a module alone is each of its machines.
 * @throws Error for what is neither
 */
export function sourceNamed(word: string): Source {
  if (Object.hasOwn(models, word)) return { kind: 'catalogue', id: word };
  const [, file = word, name = every] = /^(.*)#([^#]+)$/u.exec(word) ?? [];
  const path = userPath(file);
  if (!existsSync(path)) throw new Error(`expected MODULE#export, or a machine out of ${Object.keys(models).join(', ')}, got: ${word}`);
  return { kind: 'module', path, name };
}

/** A source that stands for several, taken apart. @throws Error for a module that cannot be loaded, or has no machine */
export async function sourcesOf(source: Source): Promise<readonly Source[]> {
  if (source.kind !== 'module' || source.name !== every) return [source];
  const found = await load(source.path);
  const names = Object.keys(found).filter((name) => isMachine(found[name]));
  if (names.length === 0) throw new Error(`expected a module that exports machines, got: ${Object.keys(found).join(', ') || 'nothing'}`);
  return names.map((name) => ({ ...source, name }));
}

/** Finds a machine. @throws Error where there is none */
export async function subjectOf(source: Source): Promise<Subject> {
  if (source.kind === 'catalogue') return { model: (models as Readonly<Record<string, AnyModel>>)[source.id] as AnyModel };
  if (source.kind === 'chance') return { machine: randomMachine(source.seed).machine, samples: {} };
  const found = await load(source.path);
  const machine = found[source.name];
  if (!isMachine(machine)) {
    const names = Object.keys(found).filter((name) => isMachine(found[name]));
    throw new Error(`expected a machine under '${source.name}', got: ${typeof machine}; the module has: ${names.join(', ') || 'none'}`);
  }
  return { machine, samples: found[`${source.name}Samples`] ?? found['samples'] ?? {} };
}

let isRegistered = false;

/** With our XState, wherever the module lies: of another copy nothing is known. A file of this house is taken as it was built. */
function load(path: string): Promise<Readonly<Record<string, unknown>>> {
  if (!isRegistered) {
    isRegistered = true;
    const ours = JSON.stringify(import.meta.url);
    const hook = `export const resolve = (name, at, next) => next(name, /^xstate(?:\\/|$)/.test(name) ? { ...at, parentURL: ${ours} } : at);`;
    register(`data:text/javascript,${encodeURIComponent(hook)}`);
  }
  const built = join(process.cwd(), '.build', relative(process.cwd(), path).replace(/\.ts$/, '.js'));
  const file = path.endsWith('.ts') && existsSync(built) ? built : path;
  return import(/* @vite-ignore */ pathToFileURL(file).href) as Promise<Readonly<Record<string, unknown>>>;
}

function isMachine(value: unknown): value is AnyStateMachine {
  const { root, provide, transition } = (value ?? {}) as Partial<AnyStateMachine>;
  return typeof root === 'object' && typeof provide === 'function' && typeof transition === 'function';
}
