/** What a negotiation is asked for, checked before anything happens. */
import type { NegotiationTerms } from '../../machines/coordination/negotiation-events.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { EspalierError } from '../errors.js';
import { jsonOf, optionChecks, sortOf } from '../option-checks.js';

/** Options of a negotiation. */
export interface NegotiationOptions {
  /** What it is about, as parties are told: JSON. Default null. */
  readonly subject?: unknown;
  /** So many offers are answered at most; then it has failed, `noAgreement`. Default 20, at most 1 000. */
  readonly maxRounds?: number;
  /** The length of an answer at most, with the offer in it: bytes of JSON in UTF-8. A longer one is none. Default 16 384. */
  readonly maxBytes?: number;
  /** So many offers are in the result, the newest. Default 20, at most 1 000. */
  readonly maxHistory?: number;
  /** For each round: who has not answered in so many ms is late, which ends it. Default 5 000. */
  readonly withinMs?: number;
  /** For all of it, ms: then it has failed, `timeUp`. Default 60 000. */
  readonly deadlineMs?: number;
}

const keys = keysOf<NegotiationOptions>({ subject: true, maxRounds: true, maxBytes: true, maxHistory: true, withinMs: true, deadlineMs: true });
/** A party for each. */
const mostParties = 1_000;
const mostBytes = 1_048_576;

/** @throws EspalierError always */
function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('negotiation/invalid-options', { expected: `\`${name}\`: ${expected}`, got });
}

const { requireOptions, requireText, duration, count } = optionChecks(invalid);

/** The terms, and how long an answer may be, with their defaults filled in. @throws EspalierError `negotiation/invalid-options` */
export function planNegotiation(options: NegotiationOptions): { readonly terms: NegotiationTerms; readonly maxBytes: number } {
  requireOptions('the options of a negotiation', options, keys);
  const subject = jsonOf(options.subject ?? null);
  if (subject === null) throw invalid('subject', 'JSON', sortOf(options.subject));
  const terms = {
    subject: JSON.parse(subject) as unknown,
    maxRounds: count('maxRounds', options.maxRounds, 20, 1_000),
    maxHistory: count('maxHistory', options.maxHistory, 20, 1_000),
    withinMs: duration('withinMs', options.withinMs, 5_000),
    deadlineMs: duration('deadlineMs', options.deadlineMs, 60_000),
  };
  return { terms, maxBytes: count('maxBytes', options.maxBytes, 16_384, mostBytes) };
}

/** Looks at who is to negotiate. @throws EspalierError `negotiation/invalid-options` for fewer than two */
export function requireParties(agents: readonly string[]): void {
  const list: unknown = agents;
  if (!Array.isArray(list) || list.length < 2 || list.length > mostParties)
    throw invalid('agents', `a list of 2 to ${mostParties} names`, Array.isArray(list) ? list.length : sortOf(list));
  for (const agent of agents) requireText('agents', agent);
  if (new Set(agents).size < agents.length) throw invalid('agents', 'each once', 'a name twice');
}
