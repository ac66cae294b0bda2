/** A value as lines of a tree: folded where it is deep, with what has changed since another value. Pure. */
import type { Portable } from '../../../src/wire/recording/portable-shape.js';

export type Change = 'added' | 'changed' | 'removed' | 'inside' | null;

export interface ValueLine {
  /** Where it is in the value, as a JSON pointer. */
  readonly pointer: string;
  readonly depth: number;
  readonly key: string;
  /** The value in short words, on one line. */
  readonly text: string;
  readonly kind: 'text' | 'number' | 'word' | 'mark' | 'folder';
  readonly change: Change;
  /** Null: there is nothing in it. */
  readonly isOpen: boolean | null;
  /** What it was, in short words, where it has changed. */
  readonly was: string | null;
}

/** Most lines that are made; the rest is said in one line. */
const mostLines = 600;
/** Longest text on a line. */
const longestText = 160;
/** How many levels are open by themselves. */
const openLevels = 1;

export interface ValueOptions {
  /** What it was before; undefined: nothing is said of changes. */
  readonly before: Portable | undefined;
  /** Pointers that are open though they would be closed, or the other way round. */
  readonly toggled: ReadonlySet<string>;
}

export function valueLines(value: Portable | undefined, { before, toggled }: ValueOptions): readonly ValueLine[] {
  const lines: ValueLine[] = [];
  let left = 0;
  const visit = (key: string, held: Portable | undefined, was: Portable | undefined, pointer: string, depth: number, compares: boolean): void => {
    if (lines.length >= mostLines) {
      left++;
      return;
    }
    const change = compares ? changeOf(held, was) : null;
    const shown = held ?? was ?? null;
    const parts = change === 'removed' ? [] : partsOf(shown);
    const isOpen = parts.length === 0 ? null : (depth < openLevels || change === 'inside') !== toggled.has(pointer);
    lines.push({
      pointer,
      depth,
      key,
      text: isOpen === true && markOf(shown) === null ? sizeOf(shown) : inShort(shown),
      kind: isOpen === null ? kindOf(shown) : 'folder',
      change,
      isOpen,
      was: change === 'changed' ? inShort(was ?? null) : null,
    });
    if (isOpen !== true) return;
    const earlier = new Map(compares && was !== undefined ? partsOf(was) : []);
    const comparesInside = compares && change === 'inside';
    for (const [name, inner] of parts) {
      visit(name, inner, earlier.get(name), `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth + 1, comparesInside);
      earlier.delete(name);
    }
    if (comparesInside) for (const [name, inner] of earlier) visit(name, undefined, inner, `${pointer}/${name}`, depth + 1, true);
  };
  const top = partsOf(value ?? null);
  if (top.length === 0 || markOf(value ?? null) !== null) visit('', value, before, '', 0, before !== undefined);
  else {
    const earlier = new Map(before === undefined ? [] : partsOf(before));
    for (const [name, inner] of top) {
      visit(name, inner, earlier.get(name), `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, 0, before !== undefined);
      earlier.delete(name);
    }
    if (before !== undefined) for (const [name, inner] of earlier) visit(name, undefined, inner, `/${name}`, 0, true);
  }
  if (left > 0) lines.push({ pointer: '…', depth: 0, key: '', text: `${left} more, not shown`, kind: 'mark', change: null, isOpen: null, was: null });
  return lines;
}

function changeOf(value: Portable | undefined, was: Portable | undefined): Change {
  if (value === was) return null;
  if (was === undefined) return 'added';
  if (value === undefined) return 'removed';
  const [now, then] = [JSON.stringify(value), JSON.stringify(was)];
  if (now === then) return null;
  const isFolder = partsOf(value).length > 0 && partsOf(was).length > 0 && Array.isArray(value) === Array.isArray(was);
  return isFolder ? 'inside' : 'changed';
}

/** What is in it, by name; a mark shows what it holds. */
function partsOf(value: Portable): readonly (readonly [string, Portable])[] {
  if (Array.isArray(value)) return value.map((item, index) => [String(index), item as Portable] as const);
  if (typeof value !== 'object' || value === null) return [];
  const mark = markOf(value);
  if (mark === null) return Object.entries(value as { readonly [key: string]: Portable });
  const held = (value as { readonly [key: string]: Portable })[mark];
  if (mark === '$object' || mark === '$error' || mark === '$snapshot') return partsOf(held ?? null);
  if (mark === '$set') return partsOf(held ?? null);
  if (mark === '$map' && Array.isArray(held))
    return held.map((pair) => {
      const [name, inner] = pair as [Portable, Portable];
      return [typeof name === 'string' ? name : JSON.stringify(name), inner] as const;
    });
  const { json } = value as { readonly json?: Portable };
  return json === undefined ? [] : partsOf(json);
}

/** The mark that a value carries for what JSON has no word for. */
export function markOf(value: Portable): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const [first = ''] = Object.keys(value);
  return first.startsWith('$') ? first : null;
}

function kindOf(value: Portable): ValueLine['kind'] {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number') return 'number';
  return markOf(value) === null ? 'word' : 'mark';
}

function sizeOf(value: Portable): string {
  const count = partsOf(value).length;
  return Array.isArray(value) ? `[${count}]` : `{${count}}`;
}

/** A value on one line. */
export function inShort(value: Portable, length = longestText): string {
  const text = shortText(value, 3);
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function shortText(value: Portable, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(value.length > longestText ? `${value.slice(0, longestText)}…` : value);
  if (typeof value !== 'object' || value === null) return String(value);
  const mark = markOf(value);
  if (mark !== null) return markWords(mark, (value as { readonly [key: string]: Portable })[mark] ?? null, depth);
  if (depth === 0) return Array.isArray(value) ? '[…]' : '{…}';
  if (Array.isArray(value))
    return `[${value
      .slice(0, 20)
      .map((item) => shortText(item as Portable, depth - 1))
      .join(', ')}${value.length > 20 ? ', …' : ''}]`;
  const entries = Object.entries(value as { readonly [key: string]: Portable });
  if (entries.length === 0) return '{}';
  const shown = entries.slice(0, 20).map(([key, inner]) => `${key}: ${shortText(inner, depth - 1)}`);
  return `{ ${shown.join(', ')}${entries.length > 20 ? ', …' : ''} }`;
}

function markWords(mark: string, held: Portable, depth: number): string {
  const fields = typeof held === 'object' && held !== null && !Array.isArray(held) ? (held as { readonly [key: string]: Portable }) : {};
  switch (mark) {
    case '$actor':
      return `actor ${plain(held)}`;
    case '$error':
      return `${plain(fields['name'] ?? 'Error')}: ${plain(fields['message'] ?? '')}`;
    case '$redacted':
      return 'redacted';
    case '$cut':
      return `cut: ${plain(held)}`;
    case '$circular':
      return 'itself again';
    case '$undefined':
      return 'undefined';
    case '$bigint':
      return `${plain(held)}n`;
    case '$function':
      return `function ${plain(held)}`;
    case '$instance':
      return `a ${plain(held)}`;
    case '$map':
      return Array.isArray(held) ? `Map of ${held.length}` : 'Map';
    case '$set':
      return Array.isArray(held) ? `Set of ${held.length}` : 'Set';
    case '$bytes':
      return `bytes, ${typeof held === 'string' ? Math.floor((held.length * 3) / 4) : 0}`;
    case '$object':
      return shortText(held, depth);
    default:
      return `${mark.slice(1)} ${plain(held)}`;
  }
}

function plain(value: Portable): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
