/**
 * Where a configuration comes from. Sources are layers: each says a part of the tree, and a later one has its way over an earlier one.
 *
 * `objectSource` and `environmentSource` are here, `fileSource` in file-source.ts; whatever else has the shape of {@link ConfigSource} is one.
 */
import { isObject, isPlainObject, sortOf } from '../option-checks.js';
import type { Clock } from '../supervision/clock.js';
import { copied, isNameable, merged, type Path, type Tree, withValue } from './paths.js';
import { invalid, requireOptions, requirePath } from './refusal.js';

/** One layer. */
export interface ConfigSource {
  /** Told in facts, status and faults: never a secret. No two of a configuration have the same. */
  readonly name: string;
  /**
   * Says the layer: a plain object; `{}` for nothing. Called at the start, after each change and again while it fails; by one actor never twice at a time, but
   * one that takes another's place does not wait for what that has aborted.
   * What it throws is told by its `code`, or by the sort of error it is, never by its message.
   * @param signal  aborts when nobody waits any more: after `readMs`, or at the end
   */
  read(signal: AbortSignal): unknown;
  /**
   * Calls `changed` whenever it may have another word, and `failed` where it can watch no longer. May be absent, where nothing ever changes.
   * @param clock  of the actor that watches: for what looks now and then
   * @returns what ends the watching
   */
  watch?(changed: () => void, failed: () => void, clock?: Clock): (() => void) | Promise<() => void>;
}

/** A fault of a source whose code is fit to be shown. */
export class SourceFault extends Error {
  override readonly name = 'SourceFault';
  readonly code: string;

  /** @param code  a word such as `unparsable`: told in facts */
  constructor(code: string) {
    super(`the source cannot be read: ${code}`);
    this.code = code;
  }
}

/** A layer that is there already, and never changes: defaults, what the command line says. It is copied. @throws EspalierError `config/invalid-options` */
export function objectSource(values: object, name = 'object'): ConfigSource {
  requireName(name);
  if (!isPlainObject(values)) throw invalid('the values of an object source', 'a plain object', sortOf(values));
  const copy = copied(values);
  if (copy === null) throw invalid('the values of an object source', 'names that are none of __proto__, constructor, prototype', 'another');
  return { name, read: () => copy.value };
}

/** What an environment source is made with. */
export interface EnvironmentOptions {
  /** Takes every variable that begins with it: `APP_DB__MAX_SIZE` of `APP_` is `db.maxSize`. Two underscores go one level down. */
  readonly prefix?: string;
  /** Takes these: path → name of the variable. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Default `process.env`, as it is at each reading. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Default `environment`. */
  readonly name?: string;
}

/**
 * A layer of environment variables. Each value is a text: the schema makes a number of it (`z.coerce.number()`). A variable that is empty counts as absent.
 * @throws EspalierError `config/invalid-options`
 */
export function environmentSource(options: EnvironmentOptions): ConfigSource {
  requireOptions('the options of an environment source', options, ['prefix', 'variables', 'environment', 'name']);
  const { prefix, variables = {}, environment, name = 'environment' } = options;
  requireName(name);
  if (prefix !== undefined && (typeof prefix !== 'string' || prefix === '')) throw invalid('prefix', 'a text that is not empty', sortOf(prefix));
  if (!isPlainObject(variables)) throw invalid('variables', 'an object: path → name of the variable', sortOf(variables));
  if (environment !== undefined && !isObject(environment)) throw invalid('environment', 'an object', sortOf(environment));
  const named = Object.entries(variables).map(([path, variable]) => {
    if (typeof variable !== 'string' || variable === '') throw invalid(`variables: ${path}`, 'the name of a variable', sortOf(variable));
    return [requirePath(path, 'a path of variables'), variable] as const;
  });
  if (prefix === undefined && named.length === 0) throw invalid('the options of an environment source', 'prefix or variables', 'neither');
  return {
    name,
    read: () => {
      const from = environment ?? processEnvironment();
      let layer: Tree = {};
      const put = (path: Path, text: string | undefined): void => {
        if (text === undefined || text === '') return;
        const next = withValue(layer, path, text);
        // `APP_DB=x` beside `APP_DB__PORT=1`: one of them is not meant.
        if (next === null) throw new SourceFault('ambiguous');
        layer = merged(layer, next);
      };
      if (prefix !== undefined) for (const [variable, text] of prefixed(from, prefix)) put(pathOf(variable.slice(prefix.length)), text);
      for (const [path, variable] of named) put(path, from[variable]);
      return layer;
    },
  };
}

function prefixed(from: Readonly<Record<string, string | undefined>>, prefix: string): [string, string | undefined][] {
  // The shorter first, in the same order on every machine.
  return Object.entries(from)
    .filter(([variable]) => variable.startsWith(prefix) && pathOf(variable.slice(prefix.length)).every(isNameable))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** `DB__MAX_SIZE` → db, maxSize. */
function pathOf(variable: string): Path {
  return variable.split('__').map((part) => part.toLowerCase().replaceAll(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()));
}

function processEnvironment(): Readonly<Record<string, string | undefined>> {
  return (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env ?? {};
}

/** @throws EspalierError `config/invalid-options` */
export function requireName(name: unknown): asserts name is string {
  if (typeof name !== 'string' || name === '') throw invalid('name', 'a text that is not empty', name === '' ? '' : sortOf(name));
}

/** A fault in a word: its own code where it looks like one, else the sort of error it is. Never its message, which may quote what was read. */
export function faultWord(error: unknown): string {
  const { code, name } = (typeof error === 'object' && error !== null ? error : {}) as { code?: unknown; name?: unknown };
  const isWord = (value: unknown): value is string => typeof value === 'string' && /^[A-Za-z][A-Za-z_]{1,39}$/.test(value);
  return isWord(code) ? code : isWord(name) ? name : 'failed';
}
