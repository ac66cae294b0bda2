/**
 * Changes of a context, applied: RFC 6902 as far as a recorder writes it (add, replace and remove, in objects and in lists).
 *
 * What a change does not touch is shared with the value before, so that a hundred moments of a long context cost little more than one.
 * @see https://www.rfc-editor.org/rfc/rfc6902
 */
import type { RecordedChange } from './lines.js';
import type { Portable } from './portable-shape.js';

/** What stands for a context whose changes did not fit. */
const unfit: Portable = { $cut: 'changes that do not fit what was before' };

/** The value after the changes. @throws never: changes that do not fit it, as a file that was edited may have them, come out as `$cut` */
export function applyPatch(value: Portable | undefined, changes: readonly RecordedChange[]): Portable {
  let after: Portable = value ?? null;
  // A list or an object that was copied for one change is not copied again for the next.
  const own = new Set<object>();
  for (const change of changes) {
    const changed = changeAt(after, stepsOf(change.path), 0, change, own);
    if (changed === undefined) return unfit;
    after = changed;
  }
  return after;
}

/** One step of a pointer, as it stands in one. */
export function stepOf(key: string | number): string {
  return typeof key === 'number' ? `/${key}` : `/${key.includes('~') || key.includes('/') ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key}`;
}

/** The keys of a JSON pointer, from the top. */
export function stepsOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The part of a value that a pointer names; undefined where it names none. */
export function partAt(value: Portable, pointer: string): Portable | undefined {
  let part: Portable | undefined = value;
  for (const key of stepsOf(pointer)) {
    if (typeof part !== 'object' || part === null || !Object.hasOwn(part, key)) return undefined;
    part = (part as { readonly [key: string]: Portable })[key];
  }
  return part;
}

/** Sets a property whatever its name is: `__proto__` is one like any other. */
export function put(of: object, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(of, key, { value, configurable: true, enumerable: true, writable: true });
  else (of as Record<string, unknown>)[key] = value;
}

function changeAt(value: Portable, steps: readonly string[], depth: number, change: RecordedChange, own: Set<object>): Portable | undefined {
  const key = steps[depth];
  if (key === undefined) return change.op === 'remove' ? null : change.value;
  if (typeof value !== 'object' || value === null) return undefined;
  const isLast = depth === steps.length - 1;
  const isHere = Object.hasOwn(value, key) && !(Array.isArray(value) && key === 'length');
  if (!isHere && !(isLast && change.op === 'add')) return undefined;
  const inner = isLast ? undefined : changeAt((value as { readonly [key: string]: Portable })[key] ?? null, steps, depth + 1, change, own);
  if (!isLast && inner === undefined) return undefined;
  const copy = own.has(value) ? value : isList(value) ? [...value] : { ...(value as { readonly [key: string]: Portable }) };
  own.add(copy);
  if (isList(copy)) return changeList(copy as Portable[], key, isLast ? change : { op: 'replace', path: '', value: inner ?? null });
  if (!isLast) put(copy, key, inner);
  else if (change.op === 'remove') Reflect.deleteProperty(copy, key);
  else put(copy, key, change.value);
  return copy;
}

/** `Array.isArray` does not tell a read-only list from an object. */
function isList(value: Portable): value is readonly Portable[] {
  return Array.isArray(value);
}

function changeList(list: Portable[], key: string, change: RecordedChange): Portable | undefined {
  const index = key === '-' ? list.length : Number(key);
  if (!Number.isInteger(index) || index < 0 || index > list.length) return undefined;
  if (change.op === 'remove') list.splice(index, 1);
  else list.splice(index, change.op === 'add' ? 0 : 1, change.value);
  return list;
}
