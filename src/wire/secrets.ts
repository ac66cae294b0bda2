/**
 * Blots credentials out of what a peer repeats: a key in the body of a refusal, a token in a chunk, a URL in the reason of a close.
 *
 * A secret is found however it is spelled: as it is, percent-encoded (once, or again and again, in whole or in part, as URLs of browsers, proxies and forms
 * do it), or with JSON's escapes. Two texts that do not hold it by themselves, but would if they were joined, are blotted out where they are joined.
 */

/** Words are replaced by this. */
export const blot = '[hidden]';

/** Words that nobody may read; one that is replaced by another list is another list. */
export type Secrets = readonly string[];

/** Names of headers and of query parameters whose values are secrets. */
const secretName = /key|token|secret|password|authorization|credential|cookie|signature|^sig$/i;

/** Shorter ones are no secrets, and blotting them out would make every text unreadable. */
const shortest = 4;

/** The secrets of a request: of its headers, its URL, and those that are given. */
export function secretsOf(url: string, headers: Readonly<Record<string, string>>, given: Secrets = []): Secrets {
  const found = [...given];
  for (const [name, value] of Object.entries(headers)) {
    // `Bearer abc`: the word after the scheme is the secret.
    const word = value.slice(value.indexOf(' ') + 1);
    if (secretName.test(name)) found.push(word.length < shortest ? value : word);
  }
  if (URL.canParse(url)) {
    const { password, searchParams, username } = new URL(url);
    found.push(password, username);
    for (const [name, value] of searchParams) if (secretName.test(name)) found.push(value);
  }
  return [...new Set(found)].filter((secret) => secret.length >= shortest);
}

/** The secrets as they are looked for. */
interface Search {
  readonly plain: Secrets;
  /** Has one a character that JSON may escape by a backslash? */
  readonly hasEscapable: boolean;
  readonly any: RegExp;
  readonly all: RegExp;
}

const searches = new WeakMap<Secrets, Search | null>();

function searchFor(secrets: Secrets): Search | null {
  let search = searches.get(secrets);
  if (search === undefined) {
    // The longest first: one may be a part of another.
    const plain = [...new Set(secrets)].filter((secret) => secret !== '').sort((a, b) => b.length - a.length);
    const spelled = plain.map((secret) => secret.split('').map(spellingOf).join('')).join('|');
    const hasEscapable = plain.some((secret) => /["\\/]/.test(secret));
    search = plain.length === 0 ? null : { plain, hasEscapable, any: new RegExp(spelled, 'i'), all: new RegExp(spelled, 'gi') };
    searches.set(secrets, search);
  }
  return search;
}

function spellingOf(letter: string): string {
  const hex = letter.charCodeAt(0).toString(16).padStart(2, '0');
  const itself = /[a-zA-Z0-9]/.test(letter) ? letter : `\\\\?\\u00${hex}`;
  return `(?:${itself}|%(?:25)*${hex}|\\\\u00${hex})`;
}

/** Has the text one of the secrets in it? Where it has no escape, that costs no more than to look for each of them as it is. @throws never */
function holds(text: string, { any, hasEscapable, plain }: Search): boolean {
  if (plain.some((secret) => text.includes(secret))) return true;
  const mayBeSpelled = text.includes('%') || text.includes(hasEscapable ? '\\' : '\\u');
  return mayBeSpelled && any.test(text);
}

/**
 * The text without the secrets. To be called before a text is cut: what is left of a secret at the cut would not be known for one.
 * @param secrets  ASCII; empty ones are passed over
 * @throws never
 */
export function hideIn(text: string, secrets: Secrets): string {
  const search = searchFor(secrets);
  return search === null || !holds(text, search) ? text : text.replace(search.all, blot);
}

/** Would anything of the text be blotted out? @throws never */
export function isTelling(text: string, secrets: Secrets): boolean {
  const search = searchFor(secrets);
  return search !== null && holds(text, search);
}

/** A text of JSON as its value, without the secrets. Where the text holds none, that costs one look at it. @throws SyntaxError */
export function parseHidden(text: string, secrets: Secrets): unknown {
  const value: unknown = JSON.parse(text);
  return isTelling(text, secrets) ? hideInJson(value, secrets) : value;
}

/**
 * A value of JSON without the secrets, in its keys as in its texts; of any depth, as `JSON.parse` has it.
 * @returns the value itself where it holds none, else a copy
 * @throws never
 */
export function hideInJson<Value>(value: Value, secrets: Secrets): Value {
  const search = searchFor(secrets);
  if (search === null || !isTold(value, search)) return value;
  const clean = (text: string): string => (holds(text, search) ? text.replace(search.all, blot) : text);
  const result: { value?: Value } = {};
  const todo: { readonly from: unknown; readonly into: object; readonly key: string }[] = [{ from: value, into: result, key: 'value' }];
  // No recursion: who sends it says how deep it is.
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { from, into, key } = next;
    const isPlace = typeof from === 'object' && from !== null;
    const copy = isPlace ? (Array.isArray(from) ? [] : {}) : typeof from === 'string' ? clean(from) : from;
    // Defined and not assigned: `__proto__` is a key like any other. In its order, also where its content comes later.
    Object.defineProperty(into, key, { value: copy, configurable: true, enumerable: true, writable: true });
    if (!isPlace) continue;
    const inner = Object.entries(from).map(([name, one]) => ({ from: one as unknown, into: copy as object, key: clean(name) }));
    // One by one: a call takes no more arguments than the stack has room for.
    for (const one of inner.reverse()) todo.push(one);
  }
  return result.value as Value;
}

function isTold(value: unknown, search: Search): boolean {
  const todo: unknown[] = [value];
  while (todo.length > 0) {
    const one = todo.pop();
    if (typeof one === 'string' && holds(one, search)) return true;
    if (typeof one !== 'object' || one === null) continue;
    if (!Array.isArray(one) && Object.keys(one).some((key) => holds(key, search))) return true;
    for (const inner of Object.values(one)) todo.push(inner);
  }
  return false;
}
