/**
 * Paths into a configuration, and what is done at them: `db.port`, or `['db', 'port']` where a name has a dot in it.
 *
 * A configuration is a tree of plain objects; whatever else is in it, lists too, is a leaf and is taken whole.
 */
import { isPlainObject } from '../option-checks.js';

/** Names on the way down. */
export type Path = readonly string[];
export type Tree = { readonly [name: string]: unknown };
type Growing = Record<string, unknown>;

/** Names by which a tree would reach what is behind every object. */
const forbidden = new Set(['__proto__', 'constructor', 'prototype']);
export const deepest = 32;

/** May an object have this name? */
export function isNameable(name: string): boolean {
  return name !== '' && !forbidden.has(name);
}

/** The names of a path; null for what is none. @throws never */
export function readPath(path: unknown): Path | null {
  const names: readonly unknown[] = typeof path === 'string' ? path.split('.') : Array.isArray(path) ? path : [];
  if (names.length === 0 || names.length > deepest) return null;
  return names.every((name) => typeof name === 'string' && name.length <= 256 && isNameable(name)) ? (names as Path) : null;
}

/** A path as facts and issues tell it. */
export function textOf(path: Path): string {
  return path.join('.');
}

/** Is `path` the same as `above`, or beneath it? `*` in `above` is any one name. */
export function isWithin(path: Path, above: Path): boolean {
  return path.length >= above.length && above.every((name, index) => name === '*' || name === path[index]);
}

/** What is at a path; undefined where there is nothing. */
export function valueAt(tree: unknown, path: Path): unknown {
  let value = tree;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Tree)[name];
  }
  return value;
}

/** The tree with another value at a path; null where the way leads through what is no object. Nothing that is given is changed. */
export function withValue(tree: Tree, path: Path, value: unknown): Tree | null {
  const [name = '', ...rest] = path;
  if (rest.length === 0) return { ...tree, [name]: value };
  const below = Object.hasOwn(tree, name) ? tree[name] : {};
  const next = isPlainObject(below) ? withValue(below, rest, value) : null;
  return next === null ? null : { ...tree, [name]: next };
}

/** The later over the earlier: objects are merged, all else is replaced. */
export function merged(earlier: Tree, later: Tree): Tree {
  const both: Growing = { ...earlier };
  for (const [name, value] of Object.entries(later)) {
    const before = Object.hasOwn(both, name) ? both[name] : undefined;
    both[name] = isPlainObject(before) && isPlainObject(value) ? merged(before, value) : value;
  }
  return both;
}

/** A copy of what is data; whatever else is in it stays itself. Null where a name is forbidden, or it is too deep. */
export function copied(value: unknown, depth = 0): { readonly value: unknown } | null {
  if (depth > deepest) return null;
  if (Array.isArray(value)) {
    const list = value.map((each) => copied(each, depth + 1));
    return list.includes(null) ? null : { value: list.map((each) => each?.value) };
  }
  if (!isPlainObject(value)) return { value };
  const copy: Growing = {};
  for (const [name, inner] of Object.entries(value)) {
    const below = isNameable(name) || name === '' ? copied(inner, depth + 1) : null;
    if (below === null) return null;
    copy[name] = below.value;
  }
  return { value: copy };
}

/** Made unchangeable: plain objects and lists, all the way down. */
export function frozen<Value>(value: Value): Value {
  if ((Array.isArray(value) || isPlainObject(value)) && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) frozen(inner);
  }
  return value;
}

/** Every leaf, with the way to it. An empty object is one. */
export function* leavesOf(value: unknown, path: Path = []): Generator<readonly [path: Path, value: unknown]> {
  if (!isPlainObject(value) || Object.keys(value).length === 0) yield [path, value];
  else for (const [name, inner] of Object.entries(value)) yield* leavesOf(inner, [...path, name]);
}

/** Where two trees differ. Instances that a schema makes anew each time, such as a URL, are taken for the same: what they were made of tells. */
export function differences(before: unknown, after: unknown, path: Path = []): Path[] {
  if (isPlainObject(before) && isPlainObject(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) => differences(own(before, name), own(after, name), [...path, name]));
  }
  return isSame(before, after) ? [] : [path];
}

function own(tree: Tree, name: string): unknown {
  return Object.hasOwn(tree, name) ? tree[name] : undefined;
}

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, index) => isSame(each, b[index]));
  if (isPlainObject(a) && isPlainObject(b)) return differences(a, b).length === 0;
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  return !Array.isArray(a) && !isPlainObject(a) && Object.getPrototypeOf(a) === Object.getPrototypeOf(b);
}

/** Is it what JSON has? */
export function isData(value: unknown, depth = 0): boolean {
  if (depth > 2 * deepest) return false;
  if (Array.isArray(value)) return value.every((each) => isData(each, depth + 1));
  if (isPlainObject(value)) return Object.values(value).every((each) => isData(each, depth + 1));
  return value === null || typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}
