/** What a god knows of negotiations: every answer that was given, every one that was heard, and whether what comes of them can. */
import type { NegotiationQuestion, NegotiationResult, NoDealDetails } from '../../machines/coordination/negotiation-events.js';
import type { SessionResult } from '../../machines/coordination/session-events.js';
import { SessionGod } from './session-world.js';

export const parties: readonly string[] = ['ann', 'bob', 'eve', 'joe'];
/** Of each negotiation. */
export const terms = { maxRounds: 4, maxHistory: 20, withinMs: 120, deadlineMs: 360 } as const;

/** What a party is asked about. */
type Asked = { readonly ask: 'offer' } | { readonly ask: 'answer'; readonly round: number; readonly by: string; readonly offer: unknown };

/** What came of one question, as the house heard it; `said`: null where that was nothing, or too late. */
interface Heard {
  readonly agent: string;
  readonly round: number;
  readonly said: unknown;
  readonly isInTime: boolean;
}

/** What a session heard since it was begun, or begun again. */
interface Attempt {
  readonly beganAt: number;
  readonly heard: Heard[];
}

/** A session, as the house saw it end. */
export interface Ended {
  readonly session: string;
  readonly endedAt: number;
  readonly result: SessionResult<NegotiationResult>;
}

/** An answer to a question, as a text by which it is found again. */
function wordFor(session: string, agent: string, question: Asked, said: unknown): string {
  const { round, by, offer } = { round: 0, by: null, offer: null, ...question };
  return JSON.stringify([session, agent, round, by, offer, said]);
}

/** What parties really did. */
interface Book {
  /** Every answer that one gave: to what, and what. */
  readonly given: Set<string>;
  /** Every offer that one made: session, round in which it was asked, name, offer. */
  readonly offers: Set<string>;
}

/** Sees all of one run. */
export class God extends SessionGod<Ended, Claim> {
  readonly #book: Book = { given: new Set(), offers: new Set() };
  readonly #attempts = new Map<string, Attempt>();

  sawGiven(agent: string, session: string, question: NegotiationQuestion, said: unknown): void {
    this.#book.given.add(wordFor(session, agent, question, said));
    const { say, offer } = said as { readonly say?: unknown; readonly offer?: unknown };
    if (say === 'offer') this.#book.offers.add(JSON.stringify([session, question.ask === 'offer' ? 0 : question.round, agent, offer]));
  }

  /** A session asks: the first question begins it anew. */
  asks(session: string, { ask }: NegotiationQuestion, at: number): Attempt {
    const attempt = this.#attempts.get(session);
    if (attempt !== undefined && ask === 'answer') return attempt;
    const begun: Attempt = { beganAt: at, heard: [] };
    this.#attempts.set(session, begun);
    return begun;
  }

  sawEnded(one: Ended): void {
    this.ended.push(one);
    const attempt = this.#attempts.get(one.session);
    if (attempt === undefined) return;
    for (const claim of claimNames) {
      const problem = claims[claim](one, attempt, this.#book);
      if (problem !== undefined) this.wrong(claim, `${one.session}: ${problem}`);
    }
  }
}

const noDeals: readonly string[] = ['left', 'late', 'invalid', 'noAgreement', 'timeUp', 'lost', 'tooFew'];

/** How a session failed by the rules of negotiations; null: it did not, or crashed. */
function noDealOf({ result }: Ended): { readonly why: string; readonly details: NoDealDetails } | null {
  if (result.outcome !== 'failed' || !noDeals.includes(result.why)) return null;
  return { why: result.why, details: result.details as NoDealDetails };
}

function historyOf(one: Ended): NegotiationResult['history'] {
  return one.result.outcome === 'decided' ? one.result.value.history : (noDealOf(one)?.details.history ?? []);
}

const sayOf = ({ said }: Heard): unknown => (said as { readonly say?: unknown } | null)?.say;

/** Is it so that it failed by that? */
const reasons: Readonly<Record<string, (last: readonly Heard[], rounds: number, forMs: number) => boolean>> = {
  left: (last) => last.some((one) => sayOf(one) === 'leave'),
  late: (last) => last.some(({ isInTime }) => !isInTime),
  invalid: (last) => last.some(({ said }) => said === 'never'),
  noAgreement: (_, rounds) => rounds === terms.maxRounds,
  timeUp: (_last, _rounds, forMs) => forMs >= terms.deadlineMs,
};

/** What has to hold of a session that has ended: what is wrong, or undefined. */
const claims = {
  'who is said to have accepted an offer has accepted that very one': (one, _, { given }) => {
    for (const { round, by, offer, accepted } of historyOf(one))
      for (const agent of accepted)
        if (!given.has(wordFor(one.session, agent, { ask: 'answer', round, by, offer }, { say: 'accept' })))
          return `${agent}: ${String(offer)} of ${by}`;
    return undefined;
  },
  'nothing is agreed that one of all others has not accepted': ({ result }) => {
    if (result.outcome !== 'decided') return undefined;
    const { by, history, offer, rounds } = result.value;
    const last = history.at(-1);
    const isLast = last?.by === by && last.offer === offer && last.round === rounds;
    return isLast && last.accepted.join() === parties.filter((one) => one !== by).join() ? undefined : `${by} and ${last?.accepted.join()}`;
  },
  'each offer was made by whose it is said to be': (one, _, { offers }) => {
    const bad = historyOf(one).find(({ round, by, offer }) => !offers.has(JSON.stringify([one.session, round - 1, by, offer])));
    return bad === undefined ? undefined : `${String(bad.offer)} of ${bad.by} in round ${bad.round}`;
  },
  'whoever is late ends it': (one, { heard }) => {
    const last = historyOf(one).at(-1)?.round ?? 0;
    const bad = heard.find(({ round, isInTime }) => !isInTime && (round < last || one.result.outcome === 'decided'));
    return bad === undefined ? undefined : `${bad.agent} in round ${bad.round}`;
  },
  'the next offer is that of whose turn it is': (one, { heard }) => {
    const history = historyOf(one);
    for (const [index, { round, by }] of history.slice(1).entries()) {
      const former = history[index]?.by ?? '';
      const inTurn = parties.map((_, step) => parties[(parties.indexOf(former) + 1 + step) % parties.length] as string);
      const due = inTurn.find((agent) => heard.some((other) => other.round === round - 1 && other.agent === agent && sayOf(other) === 'offer'));
      if (due !== by) return `${by} in round ${round}, not ${due}`;
    }
    return undefined;
  },
  'what all others accept is agreed': (one, { heard }) => {
    const failed = noDealOf(one);
    const last = heard.filter(({ round }) => round > 0 && round === failed?.details.rounds);
    const isAccepted = last.length === parties.length - 1 && last.every((other) => sayOf(other) === 'accept');
    return failed !== null && isAccepted ? failed.why : undefined;
  },
  'it fails by what is so': (one, { heard, beganAt }) => {
    const failed = noDealOf(one);
    if (failed === null) return undefined;
    const { why, details } = failed;
    const last = heard.filter(({ round }) => round === details.rounds);
    return reasons[why]?.(last, details.rounds, one.endedAt - beganAt) === true ? undefined : why;
  },
  'no more offers are answered than may be': (one) => {
    const last = historyOf(one).at(-1)?.round ?? 0;
    return last > terms.maxRounds ? `${last}` : undefined;
  },
  'each session ends once': () => undefined,
} satisfies Readonly<Record<string, (one: Ended, attempt: Attempt, book: Book) => string | undefined>>;
export type Claim = keyof typeof claims;
export const claimNames = Object.keys(claims) as Claim[];
