/** Blots out what nobody may read: keys and tokens, as they are and percent-encoded, wherever a server or a runtime repeats them. */

/** Words are replaced by this. */
export const blot = '[hidden]';

/** Names of headers and of query parameters whose values are secrets. */
const secretName = /key|token|secret|password|authorization|credential|cookie|signature|^sig$/i;

/** Shorter ones are no secrets, and blotting them out would make every text unreadable. */
const shortest = 4;

/** The secrets of a request: of its headers, its URL, and those that are given. */
export function secretsOf(url: string, headers: Readonly<Record<string, string>>, given: readonly string[] = []): readonly string[] {
  const found = [...given];
  for (const [name, value] of Object.entries(headers)) {
    // `Bearer abc`: the word after the scheme is the secret, and so is the whole.
    if (secretName.test(name)) found.push(value, value.slice(value.indexOf(' ') + 1));
  }
  if (URL.canParse(url)) {
    const { password, searchParams, username } = new URL(url);
    found.push(password, username);
    for (const [name, value] of searchParams) if (secretName.test(name)) found.push(value);
  }
  const forms = found.flatMap((secret) => [secret, encodeURIComponent(secret), encodeURI(secret)]);
  return [...new Set(forms)].filter((secret) => secret.length >= shortest);
}

/** The text without the secrets; in upper and lower case, as percent-encoding has both. */
export function hideIn(text: string, secrets: readonly string[]): string {
  if (secrets.length === 0) return text;
  // The longest first: one may be a part of another.
  const any = [...secrets]
    .sort((a, b) => b.length - a.length)
    .map((secret) => secret.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('|');
  return text.replaceAll(new RegExp(any, 'gi'), blot);
}

/** A copy of a value of JSON without the secrets, in its keys as in its texts. */
export function hideInJson<Value>(value: Value, secrets: readonly string[]): Value {
  if (secrets.length === 0) return value;
  return cleanOf(value, secrets) as Value;
}

function cleanOf(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return hideIn(value, secrets);
  if (Array.isArray(value)) return value.map((inner) => cleanOf(inner, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [hideIn(key, secrets), cleanOf(inner, secrets)]));
}
