/** Which keys of values hold secrets, where an app does not say so itself. */

/**
 * Keys that look like a password, an API key, a token of access, whatever stands before: `GEMINI_API_KEY`, `x-goog-api-key`, `sessionToken`. Counts of tokens
 * and their costs (`totalTokens`, `costPerToken`), keys of calls and public keys are none.
 */
export const secretKeys =
  /(?:passw(?:or)?ds?(?:[-_]?hash(?:es)?)?|passphrases?|secrets?|(?:api|private|secret|access|auth|account|encryption|signing)[-_]?keys?|authorization|(?<!(?:per|first)[-_]?)token|(?:access|auth|bearer|refresh)[-_]?tokens|credentials?|cookies?|jwts?)$|^bearer$/i;
