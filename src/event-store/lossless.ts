/** What of a tree JSON would not give back. A `Map` in a context becomes `{}` without a word. */
import { sortOf } from '../option-checks.js';

/** A value that would not come back. */
export interface NotJson {
  /** Whose it is: ids from the top of the tree, with `/` between them. */
  readonly service: string;
  /** Where in its context: `context.seen.3`. */
  readonly path: string;
  /** What it is, in words that show nothing of it. */
  readonly sort: string;
}

interface Saved {
  readonly context?: unknown;
  readonly children?: Readonly<Record<string, { readonly snapshot?: unknown } | undefined>>;
  /** Those of a pool. */
  readonly entries?: readonly { readonly key: string; readonly child: { readonly snapshot: unknown } | null }[];
}

/** As many as are named at most. */
const most = 10;

/**
 * What of the contexts in a saved tree JSON does not give back: a class's instance (`Map`, `Set`, `Date` …), a function, a symbol, a bigint, a number that is
 * none, nothing in a list, a circle. A field that holds nothing is the same as none. The contexts of supervisors are not looked at: they are Espalier's.
 */
export function notJsonIn(tree: unknown): readonly NotJson[] {
  const found: NotJson[] = [];
  visit(tree, '', found);
  return found;
}

function visit(node: unknown, service: string, found: NotJson[]): void {
  if (typeof node !== 'object' || node === null || found.length >= most) return;
  const { context, children } = node as Saved;
  const pool = children?.['pool']?.snapshot as { children?: unknown; entries?: unknown; tasks?: unknown } | undefined;
  const isSupervisor = Array.isArray(pool?.children) || Array.isArray(pool?.entries) || Array.isArray(pool?.tasks);
  if (!isSupervisor) {
    look(context, 'context', [], (path, value) => {
      if (found.length < most) found.push({ service, path, sort: sortOf(value) });
    });
    for (const [id, child] of Object.entries(children ?? {})) visit(child?.snapshot, below(service, id), found);
    return;
  }
  for (const { id, snapshot } of (pool?.children ?? []) as { readonly id: string; readonly snapshot: unknown }[])
    visit(snapshot, below(service, id), found);
  for (const { key, child } of (pool?.entries ?? []) as NonNullable<Saved['entries']>) visit(child?.snapshot, below(service, key), found);
}

const below = (service: string, id: string): string => (service === '' ? id : `${service}/${id}`);

function look(value: unknown, path: string, above: readonly object[], tell: (path: string, value: unknown) => void): void {
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) tell(path, value);
    return;
  }
  if (typeof value !== 'object' || above.includes(value)) return tell(path, value);
  const inside = [...above, value];
  if (Array.isArray(value)) {
    // Not `forEach`, which passes over holes.
    for (let place = 0; place < value.length; place++) {
      const item: unknown = value[place];
      if (item === undefined) tell(`${path}.${place}`, item);
      else look(item, `${path}.${place}`, inside, tell);
    }
    return;
  }
  const kind: unknown = Object.getPrototypeOf(value);
  if (kind !== null && kind !== Object.prototype) return tell(path, value);
  for (const [key, item] of Object.entries(value)) look(item, `${path}.${key}`, inside, tell);
}
