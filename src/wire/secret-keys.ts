/**
 * Which names are those of secrets: as an app says so itself, and where it does not. Two lists, for two kinds of names: whoever adds a word looks at both.
 */

/**
 * Names of headers, of parameters of URLs and of what a configuration has: of these every name that holds such a word is a secret's, for what is hidden by mistake
 * costs nothing. Nothing that {@link secretKeys} knows is missing here.
 */
export const secretName =
  /key|token|secret|passw(?:or)?d|passphrase|pwd|(?<!com|by|sur|tres|over|under)pass$|authorization|bearer|credential|(?<!(?:is|has)[-_]?)private|cookie|jwt|signature|^sig$|(?:^|[-_])t?otp$/i;

/**
 * Keys of contexts and events, of which many are shown that count tokens or name keys. Those that look like a password, an API key, a token of access, whatever stands before: `GEMINI_API_KEY`, `x-goog-api-key`, `sessionToken`. Counts of tokens
 * and their costs (`totalTokens`, `costPerToken`), keys of calls and public keys are none, and `pass` is one only as a word of its own (`SMTP_PASS`).
 */
export const secretKeys =
  /(?:passw(?:or)?ds?(?:[-_]?hash(?:es)?)?|passphrases?|secrets?(?:[-_]?values?)?|(?:api|private|secret|access|auth|account|encryption|signing)[-_]?keys?|authorization|(?<!(?:per|first)[-_]?)token|(?:access|auth|bearer|refresh)[-_]?tokens|credentials?|cookies?|jwts?)$|^bearer$|(?:^|[-_])(?:pass|pwd|t?otp)$/i;

/**
 * A rule for keys, as an app gives it, without case. Its other flags stay, since its source may mean something else without them (`\p{Lu}`), or nothing; but for
 * those by which an expression remembers where it was.
 * @returns null for `false`: no key is secret
 * @throws  never
 */
export function keyRule(redact: RegExp | false): RegExp | null {
  return redact === false ? null : new RegExp(redact.source, `${redact.flags.replace(/[giy]/g, '')}i`);
}

/** Is it a name and its value, as lists of headers have them, and the value not to be told? @throws never for plain lists */
export function isSecretPair(list: readonly unknown[], secret: RegExp | null): boolean {
  const [name, value] = list;
  return list.length === 2 && typeof value === 'string' && typeof name === 'string' && name.length <= 100 && secret?.test(name) === true;
}
