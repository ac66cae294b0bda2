/** Where two portable values part. */
import type { Portable } from '../../wire/recording/portable-shape.js';

/** One place at which the recording and today's machine differ. Undefined: it is not there. */
export interface Change {
  /** `context.items[2].price` */
  readonly path: string;
  readonly expected: Portable | undefined;
  readonly got: Portable | undefined;
}

/** Most places that are named. */
const mostChanges = 10;

/** The places at which two values differ, the first ten in order. The order of keys makes no difference. */
export function changesBetween(expected: Portable | undefined, got: Portable | undefined, path: string): Change[] {
  const found: Change[] = [];
  const compare = (left: Portable | undefined, right: Portable | undefined, where: string): void => {
    if (found.length >= mostChanges || left === right) return;
    if (!isBranch(left) || !isBranch(right) || Array.isArray(left) !== Array.isArray(right)) {
      found.push({ path: where, expected: left, got: right });
      return;
    }
    if (Array.isArray(left)) {
      const length = Math.max(left.length, (right as readonly Portable[]).length);
      for (let index = 0; index < length && found.length < mostChanges; index++) {
        compare(left[index] as Portable | undefined, (right as readonly Portable[])[index], `${where}[${index}]`);
      }
      return;
    }
    const [a, b] = [left as { [key: string]: Portable }, right as { [key: string]: Portable }];
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      compare(Object.hasOwn(a, key) ? a[key] : undefined, Object.hasOwn(b, key) ? b[key] : undefined, where === '' ? key : `${where}.${key}`);
    }
  };
  compare(expected, got, path);
  return found;
}

/** The places at which two lists of actions differ: one that was left out or put in is one difference, whatever stands behind it. */
export function changesOfActions(expected: readonly Portable[], got: readonly Portable[]): Change[] {
  const same = (left: Portable | undefined, right: Portable | undefined): boolean => changesBetween(left, right, '').length === 0;
  let start = 0;
  while (start < Math.min(expected.length, got.length) && same(expected[start], got[start])) start++;
  let end = 0;
  while (end < Math.min(expected.length, got.length) - start && same(expected[expected.length - 1 - end], got[got.length - 1 - end])) end++;
  const [was, is] = [expected.slice(start, expected.length - end), got.slice(start, got.length - end)];
  const count = Math.max(was.length, is.length);
  return Array.from({ length: count }, (_, index) =>
    was.length === is.length
      ? changesBetween(was[index], is[index], `actions[${start + index}]`)
      : [{ path: `actions[${start + index}]`, expected: was[index], got: is[index] }],
  ).flat();
}

function isBranch(value: Portable | undefined): value is readonly Portable[] | { readonly [key: string]: Portable } {
  return typeof value === 'object' && value !== null;
}

/** A value on one line, at most `length` characters. */
export function inline(value: Portable | undefined, length = 120): string {
  if (value === undefined) return '(nothing)';
  const text = JSON.stringify(value);
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
