/** What a candidate is made of: layers, the updates that hold, and the tree that both come to. */
import type { Because, CheckFault, Override } from '../../machines/config/config-events.js';
import { isWithin, merged, type Path, readPath, type Tree, withValue } from './paths.js';
import type { Wish } from './requests.js';

/** One version of the configuration. */
export interface Version {
  readonly version: number;
  /** Monotonic ms. */
  readonly at: number;
  readonly because: Because;
  readonly paths: readonly string[];
  readonly layers: ReadonlyMap<string, Tree>;
  readonly overrides: readonly Override[];
  /** What the schema was given, and what it has made of it. */
  readonly input: Tree;
  readonly value: unknown;
}

/** A candidate. */
export interface Trial {
  readonly because: Because;
  /** Of a rollback: the version that is to be there again. */
  readonly to: number | null;
  readonly layers: ReadonlyMap<string, Tree>;
  readonly overrides: readonly Override[];
  readonly input: Tree;
  /** Of a reset: what it is about; empty for all. */
  readonly reset: Path | null;
}

/**
 * The candidate of a wish.
 * @param versions  the present one last
 * @param order     names of the sources, the weakest first
 */
export function trialOf(wish: Wish, versions: readonly Version[], order: readonly string[]): Trial | CheckFault {
  const { layers, overrides } = versions.at(-1) as Version;
  if (wish.kind === 'rollback') {
    const wanted = versions.find(({ version }) => version === wish.version);
    return wanted === undefined ? 'unknownVersion' : trial('rollback', wanted.layers, wanted.overrides, order, wish.version);
  }
  if (wish.kind === 'reset') {
    const path = wish.path ?? [];
    // A part of what was updated as a whole cannot go back alone.
    if (overrides.some((each) => each.path.length < path.length && isWithin(path, each.path))) return 'invalidPath';
    const left = overrides.filter((each) => !isWithin(each.path, path));
    return trial('reset', layers, left, order, null, path);
  }
  const next = wish.changes.reduce((all, change) => [...all.filter(({ path }) => !isWithin(path, change.path)), change], overrides);
  return trial('update', layers, next, order);
}

/** @returns the candidate, or `invalidPath` where an update leads through what is no object */
export function trial(
  because: Because,
  layers: ReadonlyMap<string, Tree>,
  overrides: readonly Override[],
  order: readonly string[],
  to: number | null = null,
  reset: Path | null = null,
): Trial | CheckFault {
  let input: Tree = {};
  for (const name of order) input = merged(input, layers.get(name) ?? {});
  for (const { path, value } of overrides) {
    const next = withValue(input, path, value);
    if (next === null) return 'invalidPath';
    input = next;
  }
  return { because, to, layers, overrides, input, reset };
}

/** The lost updates that are still so: those that a candidate neither makes again nor takes back. */
export function stillLost(lost: readonly string[], { overrides, reset }: Trial): readonly string[] {
  return lost.filter((text) => {
    const path = readPath(text) ?? [];
    return !overrides.some((each) => isWithin(path, each.path)) && (reset === null || !isWithin(path, reset));
  });
}
