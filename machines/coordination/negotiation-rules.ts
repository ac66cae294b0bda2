/** The rules of negotiations: whose turn it is, what is an answer, and when all agree. Nothing here depends on the order in which answers come. */
import type { RequestOutcome } from '../comms/request.js';
import type {
  NegotiationContext,
  NegotiationEnd,
  NegotiationQuestion,
  NoDeal,
  Offer,
  OfferRow,
  PartyRow,
  PartyStatus,
} from './negotiation-events.js';
import type { Question } from './protocol-events.js';

/** The id of a round's questions; of the one for the first offer, `round-0`. */
export function offerId(round: number): string {
  return `round-${round}`;
}

/** What is asked in the present round: the first party for an offer, then all but whoever made it, all at once. */
export function inquiriesOf({ agents, subject, maxRounds, round, table }: NegotiationContext): Question[] {
  const id = offerId(round);
  if (table === null)
    return agents.slice(0, 1).map((agent) => ({ id, agent, body: { ask: 'offer', subject, maxRounds } satisfies NegotiationQuestion }));
  const { agent: by, offer } = table;
  const body: NegotiationQuestion = { ask: 'answer', subject, maxRounds, round, by, offer };
  return agents.filter((agent) => agent !== by).map((agent) => ({ id, agent, body, isDerived: true }));
}

/** Everybody as a round begins: who is asked and not heard of is late. */
export function awaited({ agents }: NegotiationContext, open: readonly string[], rest: 'offered' | 'unasked'): PartyRow[] {
  return agents.map((agent) => ({ agent, status: open.includes(agent) ? 'late' : rest }));
}

/**
 * The next offer: of those that were made in answer to the last, the one of whoever comes first behind its maker, in the session's order and round again.
 * Of two parties so each offers in turn; of more nobody twice while another has something to offer.
 */
export function nextOffer({ agents, table, counters }: NegotiationContext): Offer | null {
  const from = table === null ? 0 : agents.indexOf(table.agent) + 1;
  const inTurn = [...agents.slice(from), ...agents.slice(0, from)];
  const first = inTurn.find((agent) => counters.some((one) => one.agent === agent));
  return counters.find(({ agent }) => agent === first) ?? null;
}

/** What a party has answered. @throws never, whatever the answer is */
export function heardOf(outcome: RequestOutcome, table: Offer | null): { readonly status: PartyStatus; readonly offer?: unknown } {
  if (!outcome.ok) return { status: outcome.reason };
  try {
    const { say, offer } = outcome.value as { readonly say?: unknown; readonly offer?: unknown };
    if (say === 'leave') return { status: 'left' };
    if (say === 'accept' && table !== null) return { status: 'accepted' };
    return say === 'offer' && offer !== undefined ? { status: 'offered', offer } : { status: 'invalid' };
  } catch {
    return { status: 'invalid' };
  }
}

/** The offers so far, with that of the present round: the newest of them. */
export function remembered({ history, maxHistory, round, rows, table }: NegotiationContext): readonly OfferRow[] {
  if (table === null) return history;
  const accepted = rows.filter(({ status }) => status === 'accepted').map(({ agent }) => agent);
  return [...history, { round, by: table.agent, offer: table.offer, accepted }].slice(-maxHistory);
}

/** How it ends after the present round, all of whose answers are in; null: there is another round. */
export function outcomeOf(context: NegotiationContext): NegotiationEnd | null {
  const { agents, history, maxRounds, round, rows, table } = context;
  const why = agents.length < 2 ? 'tooFew' : whyNot(rows);
  if (why !== null) return noDeal(context, why);
  if (table !== null && rows.every(({ agent, status }) => agent === table.agent || status === 'accepted')) {
    return { outcome: 'decided', value: { offer: table.offer, by: table.agent, rounds: round, history } };
  }
  return round < maxRounds ? null : noDeal(context, 'noAgreement');
}

export function noDeal({ history, round, rows }: NegotiationContext, why: NoDeal): NegotiationEnd {
  return { outcome: 'failed', why, details: { rounds: round, parties: rows, history } };
}

/** Why nobody can go on; null where all can. */
function whyNot(rows: readonly PartyRow[]): NoDeal | null {
  const is = (status: PartyStatus): boolean => rows.some((row) => row.status === status);
  if (is('left')) return 'left';
  const well: readonly PartyStatus[] = ['offered', 'accepted', 'unasked', 'invalid', 'late'];
  if (rows.some(({ status }) => !well.includes(status))) return 'lost';
  return is('late') ? 'late' : is('invalid') ? 'invalid' : null;
}
