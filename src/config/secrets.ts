/**
 * Which values nobody is shown: those at paths that are named so, or that the app names; every text that holds one of them; what looks like a credential by
 * itself, such as the password in a URL; and what cannot be looked through.
 */
import type { Issue, Kept, Override } from '../../machines/config/config-events.js';
import { isPlainObject, sortOf } from '../option-checks.js';
import { hideKeyLike } from '../wire/key-like.js';
import { secretName } from '../wire/secret-keys.js';
import { hideInQueries } from '../wire/secrets.js';
import { isWithin, leavesOf, type Path, textOf } from './paths.js';

export const hidden = '…';
const leftOut = 'what is wrong is left out: it may show a secret';
/** A text elsewhere that holds a shorter secret holds it by chance. */
const telling = 6;
const mostIssues = 20;
const longestMessage = 200;

export class Secrets {
  readonly #named: readonly Path[];
  readonly #open: readonly Path[];

  /** @param named  secret whatever their names @param open  no secret, though their names say so */
  constructor(named: readonly Path[], open: readonly Path[]) {
    this.#named = named;
    this.#open = open;
  }

  /** Is what is at this path, or around it as a leaf, a secret? */
  isSecret(path: Path): boolean {
    if (this.#named.some((each) => isWithin(path, each))) return true;
    return path.some((name) => secretName.test(name)) && !this.#isOpen(path);
  }

  #isOpen(path: Path): boolean {
    return this.#open.some((each) => isWithin(path, each));
  }

  /** Texts and numbers that are secret in these trees, folded: a schema may trim them, or change their case, before it says them. */
  textsIn(trees: readonly unknown[]): ReadonlySet<string> {
    const texts = new Set<string>();
    for (const tree of trees)
      for (const [path, leaf] of leavesOf(tree)) for (const [where, value] of scalarsOf(leaf, path)) if (this.isSecret(where)) addTexts(texts, value);
    return texts;
  }

  /** A tree as anybody may see it. */
  shown(value: unknown, texts: ReadonlySet<string>, path: Path = []): unknown {
    if (path.length > 0 && this.isSecret(path)) return value === undefined ? undefined : hidden;
    if (Array.isArray(value)) return value.map((each, index) => this.shown(each, texts, [...path, String(index)]));
    if (isPlainObject(value))
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, this.shown(inner, texts, [...path, name])]));
    if (!isLegible(value)) return sortOf(value);
    const isOpen = this.#isOpen(path);
    return textsOf(value).some((text) => holds(text, texts, telling) || (!isOpen && isTelling(text))) ? hidden : value;
  }

  /** Updates as a snapshot may hold them. One with a secret in it is taken apart, so that a source can say that. */
  kept(overrides: readonly Override[], texts: ReadonlySet<string>): Kept {
    const open: Override[] = [];
    const withheld: string[] = [];
    for (const override of overrides) {
      const leaves = [...leavesOf(override.value, override.path)];
      const shown = leaves.filter(([path, leaf]) => JSON.stringify(this.shown(leaf, texts, path)) === JSON.stringify(leaf));
      if (shown.length === leaves.length) open.push(override);
      else {
        open.push(...shown.map(([path, value]) => ({ path, value })));
        withheld.push(...leaves.filter((leaf) => !shown.includes(leaf)).map(([path]) => textOf(path)));
      }
    }
    return { overrides: open, withheld };
  }

  /** What a schema says, without secrets: bounded in number and length. */
  issues(said: readonly { readonly path: Path; readonly message: string }[], texts: ReadonlySet<string>): readonly Issue[] {
    return said.slice(0, mostIssues).map(({ path, message }) => ({
      path: holds(textOf(path), texts) ? hidden : textOf(path),
      message: this.isSecret(path) || holds(message, texts) ? leftOut : withoutCredentials(message).slice(0, longestMessage),
    }));
  }
}

/** What is in the lists of a leaf, too. */
function* scalarsOf(value: unknown, path: Path): Generator<readonly [path: Path, value: unknown]> {
  if (Array.isArray(value)) for (const [index, each] of value.entries()) yield* scalarsOf(each, [...path, String(index)]);
  else if (isPlainObject(value)) for (const [name, inner] of Object.entries(value)) yield* scalarsOf(inner, [...path, name]);
  else yield [path, value];
}

function addTexts(texts: Set<string>, value: unknown): void {
  if (typeof value === 'boolean' || value === null || value === undefined) return;
  for (const said of textsOf(value)) {
    for (const text of [said, said.trim()]) {
      if (text === '') continue;
      // The bytes of a letter say nothing of its case.
      const encoded = [text, text.toLowerCase(), text.toUpperCase()].map(percentEncoded);
      for (const written of [text, JSON.stringify(text).slice(1, -1), ...encoded]) texts.add(folded(written));
    }
  }
}

/** What is left of a text where a schema has put it in another case or form. Upper case comes last: of `ß` it makes what nothing makes one of again. */
function folded(text: string): string {
  return text.normalize('NFKD').toLowerCase().toUpperCase();
}

function percentEncoded(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    // Half of a pair of surrogates.
    return text;
  }
}

/** A number as it is written; an instance as it says itself: a URL with its password, a Date. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  const said = [wordsOf(() => String(value)), wordsOf(() => JSON.stringify(value) ?? '')];
  return said.filter((text) => text !== '' && !text.startsWith('[object ') && text !== '{}');
}

/** Empty for an instance that has no such words, and throws. */
function wordsOf(say: () => string): string {
  try {
    return say();
  } catch {
    return '';
  }
}

/** Is all of it in its words? A Map, a Set, a function and an instance of an app's own have more in them than they say. */
function isLegible(value: unknown): boolean {
  if (typeof value === 'function' || typeof value === 'symbol') return false;
  return typeof value !== 'object' || value === null || ['a Date', 'a RegExp', 'an URL'].includes(sortOf(value));
}

/** Does it look like a credential by itself? */
function isTelling(text: string): boolean {
  return withoutCredentials(text) !== text;
}

function withoutCredentials(text: string): string {
  return hideKeyLike(hideInQueries(text));
}

function holds(text: string, texts: ReadonlySet<string>, atLeast = 1): boolean {
  const shown = folded(text);
  for (const each of texts) if (each.length >= atLeast && shown.includes(each)) return true;
  return false;
}
