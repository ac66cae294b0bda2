/** Which keys of values hold secrets: as an app says so itself, and where it does not. */

/**
 * Keys that look like a password, an API key, a token of access, whatever stands before: `GEMINI_API_KEY`, `x-goog-api-key`, `sessionToken`. Counts of tokens
 * and their costs (`totalTokens`, `costPerToken`), keys of calls and public keys are none.
 */
export const secretKeys =
  /(?:passw(?:or)?ds?(?:[-_]?hash(?:es)?)?|passphrases?|secrets?|(?:api|private|secret|access|auth|account|encryption|signing)[-_]?keys?|authorization|(?<!(?:per|first)[-_]?)token|(?:access|auth|bearer|refresh)[-_]?tokens|credentials?|cookies?|jwts?)$|^bearer$/i;

/**
 * A rule for keys, as an app gives it, without case. Its other flags stay, since its source may mean something else without them (`\p{Lu}`), or nothing; but for
 * those by which an expression remembers where it was.
 * @returns null for `false`: no key is secret
 * @throws  never
 */
export function keyRule(redact: RegExp | false): RegExp | null {
  return redact === false ? null : new RegExp(redact.source, `${redact.flags.replace(/[giy]/g, '')}i`);
}
