/** Texts that look like a credential by themselves, whatever stands before them: in the message of an error there is no name of a key. */
import { blot } from './secrets.js';

/** What is kept of each, and what is hidden. Each has a beginning that prose does not have, so that words stay. */
const keyLike: readonly (readonly [pattern: RegExp, kept: string])[] = [
  // Keys of Google, tokens of its OAuth; of OpenAI, Anthropic and Stripe; of GitHub, Slack and AWS.
  [
    /\b(?:AIza[\w-]{30,}|ya29\.[\w-]{16,}|[srp]k[-_][\w-]{20,}|gh[pousr]_\w{30,}|github_pat_\w{30,}|xox[a-z]-[\w-]{10,}|(?:AKIA|ASIA)[A-Z\d]{16})(?![\w-])/g,
    blot,
  ],
  // JSON Web Tokens.
  [/\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g, blot],
  // What follows a scheme of Authorization: with a digit or a sign in it, or too long for a word.
  [/\b(Bearer|Basic)(\s+)(?:(?=[a-z]*[\d._~+/=-]+[a-z\d])[\w.~+/=-]{8,}|[a-z]{20,})/gi, `$1$2${blot}`],
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g, blot],
];

const hint = /AIza|ya29|k[-_]|gh|xox|A[KS]IA|eyJ|bearer|basic|-----BEGIN/i;

/** The text without what looks like a key or a token. @throws never */
export function hideKeyLike(text: string): string {
  return hint.test(text) ? keyLike.reduce((clean, [pattern, kept]) => clean.replace(pattern, kept), text) : text;
}
