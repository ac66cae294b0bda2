/** Is this what a tree was saved as? Checked whole, before anything starts. */
import { EspalierError } from '../errors.js';

/** How a machine's saved snapshot looks, as far as it is looked at. */
interface SavedActor {
  readonly value?: unknown;
  readonly context?: Record<string, unknown>;
  readonly children?: Record<string, { readonly snapshot?: unknown } | undefined>;
}

/** The lists that every supervisor's context holds. */
const contextLists = ['mailbox', 'restarts'];

/**
 * Refuses what is no saved tree, or one with children whose logic is not here.
 * @throws EspalierError `supervision/invalid-snapshot`
 */
export function requireSaved(snapshot: unknown, actors: Readonly<Record<string, unknown>>): void {
  const children = savedChildren(snapshot, 'the root');
  for (const { spec } of children) {
    if (!Object.hasOwn(actors, spec.src)) throw invalidSnapshot(`an actor named '${spec.src}', which the saved tree runs`, Object.keys(actors));
  }
}

export function invalidSnapshot(expected: string, got: unknown, cause?: unknown): EspalierError {
  return new EspalierError('supervision/invalid-snapshot', { expected, got }, { cause });
}

interface SavedChild {
  readonly id: string;
  readonly spec: { readonly src: string };
}

/** The children of a saved supervisor, each checked with all that is below it. */
function savedChildren(snapshot: unknown, where: string): readonly SavedChild[] {
  const { value, context, children } = asRecord(snapshot, where) as SavedActor;
  if (value === undefined) throw invalidSnapshot(`${where} to have a state value`, snapshot);
  const remembered = asRecord(context, `the context of ${where}`);
  for (const list of contextLists)
    if (!Array.isArray(remembered[list])) throw invalidSnapshot(`the context of ${where} to hold the list ${list}`, remembered);
  const pool = asRecord(children?.['pool']?.snapshot, `the pool of ${where}`);
  if (typeof pool['at'] !== 'number') throw invalidSnapshot(`the pool of ${where} to say when it was saved`, pool);
  asList(pool['timers'], `the timers of ${where}`);
  return asList(pool['children'], `the children of ${where}`).map((child) => savedChild(child, where));
}

function savedChild(saved: unknown, above: string): SavedChild {
  const child = asRecord(saved, `a child of ${above}`);
  const spec = asRecord(child['spec'], `the spec of a child of ${above}`);
  const { id } = child;
  if (typeof id !== 'string' || typeof spec['src'] !== 'string') throw invalidSnapshot(`a child of ${above} to have an id and a src`, child);
  asList(child['timers'], `the timers of '${id}'`);
  const inner = asRecord(child['snapshot'], `the snapshot of '${id}'`) as SavedActor;
  const pool = inner.children?.['pool']?.snapshot as { children?: unknown } | undefined;
  if (pool?.children !== undefined) savedChildren(inner, `'${id}'`);
  return { id, spec: { src: spec['src'] } };
}

function asRecord(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidSnapshot(`${what} to be an object`, value);
  return value as Record<string, unknown>;
}

function asList(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalidSnapshot(`${what} to be a list`, value);
  return value;
}
