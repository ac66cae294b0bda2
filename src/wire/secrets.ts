/**
 * Blots credentials out of what a peer repeats: a key in the body of a refusal, a token in a chunk, a URL in the reason of a close.
 *
 * A secret is found however it is spelled: as it is, percent-encoded (once, or again and again, in whole or in part, as URLs of browsers, proxies and forms
 * do it), or with JSON's escapes. Two texts that do not hold it by themselves, but would if they were joined, are blotted out where they are joined.
 *
 * What says why something failed may have been cut, by whoever wrote it, on its way, or here: there, {@link hideInExcerpt} hides the beginning of a secret, too.
 */

import { secretName } from './secret-keys.js';

/** Words are replaced by this. */
export const blot = '[hidden]';

/** Words that nobody may read; one that is replaced by another list is another list. */
export type Secrets = readonly string[];

/** Shorter ones are no secrets, and blotting them out would make every text unreadable. */
const shortest = 4;
/** `?private=true` says of a thing what it is: no peer is kept from saying so. */
const flag = /^(?:true|false)$/i;
/** Of cookies, some are words such as `true`: a shorter value is a secret with its name, not by itself. */
const shortestCookie = 6;
/** So much of its beginning gives a secret away wherever it stands, characters. */
const telling = 8;

/**
 * The secrets of a request: of its headers, its URL, and those that are given. Of `Authorization` it is what follows the scheme; of any other header the whole,
 * and what would follow one; of cookies each value.
 */
export function secretsOf(url: string, headers: Readonly<Record<string, string>>, given: Secrets = []): Secrets {
  const found = [...given];
  for (const [name, value] of Object.entries(headers)) {
    if (/cookie/i.test(name)) found.push(...secretsOfCookies(value));
    else if (secretName.test(name)) found.push(...secretsOfHeader(value, /authorization/i.test(name)));
  }
  if (URL.canParse(url)) {
    const { password, searchParams, username } = new URL(url);
    found.push(password, username);
    for (const [name, value] of searchParams) if (secretName.test(name) && !flag.test(value)) found.push(value);
  }
  return [...new Set(found)].filter((secret) => secret.length >= shortest);
}

/** @param hasScheme  `Bearer abc`: what follows the scheme is the secret */
function secretsOfHeader(value: string, hasScheme: boolean): Secrets {
  const whole = value.trim();
  const rest = whole.replace(/^\S+\s+/, '');
  return hasScheme && rest.length >= shortest ? [rest] : [whole, rest];
}

function secretsOfCookies(header: string): Secrets {
  const found: string[] = [];
  const whole = header.trim();
  for (const pair of whole.split(/\s*;\s*/)) {
    const value = pair.slice(pair.indexOf('=') + 1).replace(/^"(.*)"$/, '$1');
    // What is too short to be hidden by itself is not shown beside the others either.
    if (value.length < shortestCookie) found.push(pair, whole);
    else found.push(value, decoded(value));
  }
  return found;
}

/** As whoever reads the percent-encoding of a cookie repeats it. */
function decoded(value: string): string {
  try {
    const text = decodeURIComponent(value);
    return /^[\x20-\x7e]*$/.test(text) ? text : value;
  } catch {
    return value;
  }
}

/** The secrets as they are looked for. */
interface Search {
  readonly plain: Secrets;
  /** Has one a character that JSON may escape by a backslash? */
  readonly hasEscapable: boolean;
  readonly any: RegExp;
  readonly all: RegExp;
  /** Made where beginnings are looked for, and then kept. */
  beginnings: readonly Beginning[] | null;
}

/** A secret whose beginning is looked for, too. */
interface Beginning {
  /** Where it may begin, its first characters. */
  readonly first: RegExp;
  /** Each of its characters, at a place. */
  readonly letters: readonly RegExp[];
}

const searches = new WeakMap<Secrets, Search | null>();

function searchFor(secrets: Secrets): Search | null {
  let search = searches.get(secrets);
  if (search === undefined) {
    // The longest first: one may be a part of another.
    const plain = [...new Set(secrets)].filter((secret) => secret !== '').sort((a, b) => b.length - a.length);
    const spelled = plain.map((secret) => secret.split('').map(spellingOf).join('')).join('|');
    const hasEscapable = plain.some((secret) => /["\\/]/.test(secret));
    search = plain.length === 0 ? null : { plain, hasEscapable, any: new RegExp(spelled, 'i'), all: new RegExp(spelled, 'gi'), beginnings: null };
    searches.set(secrets, search);
  }
  return search;
}

function beginningsOf(search: Search): readonly Beginning[] {
  search.beginnings ??= search.plain.map((secret) => {
    const spelled = secret.split('').map(spellingOf);
    return { first: new RegExp(spelled.slice(0, shortest).join(''), 'gi'), letters: spelled.map((letter) => new RegExp(letter, 'iy')) };
  });
  return search.beginnings;
}

function spellingOf(letter: string): string {
  const hex = letter.charCodeAt(0).toString(16).padStart(2, '0');
  const itself = /[a-zA-Z0-9]/.test(letter) ? letter : `\\\\?\\u00${hex}`;
  return `(?:${itself}|%(?:25)*${hex}|\\\\u00${hex})`;
}

/** A parameter of a URL, with what is before its value. */
const parameter = /([?&#]([^=?&#\s"'<>]{1,100})=)[^&#\s"'<>\\]+/g;

/** The password in a URL, after what is before it. */
const password = /([a-z][a-z0-9+.-]{0,30}:\/\/[^\s/?#@:"'<>\\]{0,200}:)[^\s/?#"'<>\\]{1,1000}(?=@)/gi;

/**
 * The text without the passwords of URLs (`postgres://app:…@db`), and without the values of those of their parameters whose names say that they are secrets:
 * `?key=…`, `&access_token=…`. @throws never
 */
export function hideInQueries(text: string): string {
  const clean = text.includes('://') && text.includes('@') ? text.replace(password, `$1${blot}`) : text;
  if (!clean.includes('=')) return clean;
  return clean.replace(parameter, (whole, start: string, name: string) => (secretName.test(name) ? `${start}${blot}` : whole));
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

/**
 * A text that may have been cut, or is cut already, without the secrets and without the beginnings of any: of four characters and more where the text ends, of
 * eight and more wherever they stand. For what says why something failed, not for what an app has asked for.
 * @throws never
 */
export function hideInExcerpt(text: string, secrets: Secrets): string {
  const search = searchFor(secrets);
  if (search === null) return text;
  let clean = hideIn(text, secrets);
  for (const secret of beginningsOf(search)) if (secret.letters.length > shortest) clean = hideBeginnings(clean, secret);
  return clean;
}

/** Is the text what one of the secrets begins with, or cut in the middle of that? @throws never */
export function isBeginning(text: string, secrets: Secrets): boolean {
  const search = searchFor(secrets);
  return search !== null && beginningsOf(search).some((secret) => beginningAt(text, 0, secret).end === text.length);
}

function hideBeginnings(text: string, secret: Beginning): string {
  const { first } = secret;
  first.lastIndex = 0;
  let clean = '';
  let from = 0;
  for (let found = first.exec(text); found !== null; found = first.exec(text)) {
    const { end, length } = beginningAt(text, found.index, secret);
    first.lastIndex = found.index + 1;
    if (end < text.length && length < telling) continue;
    clean += `${text.slice(from, found.index)}${blot}`;
    first.lastIndex = from = end;
  }
  return clean + text.slice(from);
}

/** A character that the end of a text has cut in the middle of its escape. */
const cutEscape = /(?:%[0-9a-f]*|\\(?:u[0-9a-f]{0,3})?)$/iy;

/** How much of a secret stands there, however it is spelled: characters of the secret, and where they end in the text. */
function beginningAt(text: string, start: number, { letters }: Beginning): { readonly end: number; readonly length: number } {
  let end = start;
  for (const [length, letter] of letters.entries()) {
    letter.lastIndex = end;
    if (!letter.test(text)) {
      cutEscape.lastIndex = end;
      return { end: cutEscape.test(text) ? text.length : end, length };
    }
    end = letter.lastIndex;
  }
  return { end, length: letters.length };
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
 * @param hide  what is done to each text: {@link hideInExcerpt} where it may have been cut
 * @returns the value itself where it holds none, else a copy
 * @throws never
 */
export function hideInJson<Value>(value: Value, secrets: Secrets, hide: typeof hideIn = hideIn): Value {
  const clean = (text: string): string => hide(text, secrets);
  if (searchFor(secrets) === null || !isTold(value, clean)) return value;
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

function isTold(value: unknown, clean: (text: string) => string): boolean {
  const todo: unknown[] = [value];
  while (todo.length > 0) {
    const one = todo.pop();
    if (typeof one === 'string' && clean(one) !== one) return true;
    if (typeof one !== 'object' || one === null) continue;
    if (!Array.isArray(one) && Object.keys(one).some((key) => clean(key) !== key)) return true;
    for (const inner of Object.values(one)) todo.push(inner);
  }
  return false;
}
