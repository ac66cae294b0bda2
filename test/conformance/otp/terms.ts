/**
 * The two spellings of one vocabulary: OTP's snake_case terms in the corpus, our camelCase ones in the library.
 *
 * Reasons of processes are opaque in both: a crash with `boom` is `"boom"` there and `{ crash: 'boom' }` here.
 */
import type { ExitReason } from '../../../src/index.js';
import type { Json } from './line.js';

/** The words of the library that a scenario spells with underscores; any other value is passed through as it is, for validation to judge. */
const ours: Readonly<Record<string, string>> = {
  one_for_one: 'oneForOne',
  one_for_all: 'oneForAll',
  rest_for_one: 'restForOne',
  brutal_kill: 'brutalKill',
  any_significant: 'anySignificant',
  all_significant: 'allSignificant',
};

/** A word of a scenario as the library spells it. */
export function toOurs(value: Json): unknown {
  return typeof value === 'string' ? (ours[value] ?? value) : value;
}

/** A process's exit reason in a scenario as the library's {@link ExitReason}. */
export function toExit(reason: Json): ExitReason {
  if (reason === 'normal' || reason === 'shutdown' || reason === 'killed') return reason;
  if (isArray(reason) && reason.length === 2 && reason[0] === 'shutdown') return ['shutdown', reason[1]];
  return { crash: reason };
}

/** Names the actor refs inside a term; undefined for what is no actor. */
export type NameOf = (value: object) => string | undefined;

/** An exit reason or error term of the library as the corpus writes it. */
export function fromTerm(term: unknown, nameOf: NameOf = () => undefined): Json {
  if (term === undefined || term === null) return null;
  if (typeof term === 'string') return snake(term);
  if (typeof term === 'number' || typeof term === 'boolean') return term;
  if (isArray(term)) {
    if (term.length === 2 && term[0] === 'invalidPeriod' && typeof term[1] === 'number') return ['invalid_period', term[1] / 1000];
    return term.map((item) => fromTerm(item, nameOf));
  }
  if (typeof term !== 'object') return `$${typeof term}`;
  const name = nameOf(term);
  if (name !== undefined) return name;
  if (term instanceof Error) return ['raised', term.name, term.message];
  const keys = Object.keys(term);
  if (keys.length === 1 && keys[0] === 'crash') return fromTerm((term as { crash: unknown }).crash, nameOf);
  return Object.fromEntries(Object.entries(term).map(([key, value]) => [snake(key), fromTerm(value, nameOf)]));
}

/** `failedToStartChild` → `failed_to_start_child`; what is not camelCase stays as it is. */
function snake(word: string): string {
  return /^[a-z]+(?:[A-Z][a-z0-9]*)+$/.test(word) ? word.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : word;
}

/** `Array.isArray` that keeps readonly arrays. */
function isArray(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}
