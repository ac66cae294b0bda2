/**
 * What stands of a log under one key, and the changes that it can make. Each is written by naming the revision that it was made from, so the write with the last
 * accept that was wanted *is* the decision, an abort takes the place of that write, and never are both done.
 *
 * One proposal is open at a time, for the index that comes next. All here are pure and total.
 */

/** Data that JSON makes as it is. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** What a voter says. An abstention is for neither side: it is no accept, and leaves one voter less who could still give one. */
export type ConsensusVote = 'accept' | 'reject' | 'abstain';

/** What all who take part must name alike. */
export interface ConsensusRules {
  /** Who votes, sorted; or how many, whoever they are. */
  readonly voters: readonly string[] | number;
  /** Accepts that decide: more than half of the voters. */
  readonly quorum: number;
  /** Votes of any kind without which nothing is decided; abstentions count here, and only here. */
  readonly participation: number;
}

/** A proposal that is open. */
export interface ConsensusProposal {
  /** Of no other ever. */
  readonly id: string;
  /** Who made it. */
  readonly by: string;
  readonly value: JsonValue;
  /** Voters and what they said, in the order in which it counted. */
  readonly ballots: readonly (readonly [voter: string, vote: ConsensusVote])[];
}

/** What was decided at an index, for good. */
export interface Decision {
  readonly index: number;
  readonly value: JsonValue;
  /** Who proposed it. */
  readonly by: string;
  /** Of the proposal. */
  readonly id: string;
  /** The revision that the deciding write named: it rises from index to index. */
  readonly token: number;
}

/**
 * Why a proposal was aborted. `rejected`: too many voters said so; `noQuorum`: too many rejected or abstained, taken together; `abandoned`: the lease of whoever
 * made it is over; `lost`: so it found out by itself; `late`, `cancelled`, `closed`: it wanted no more.
 */
export type AbortReason = 'rejected' | 'noQuorum' | 'abandoned' | 'lost' | 'late' | 'cancelled' | 'closed';

/** The log's state. */
export interface ConsensusRecord {
  readonly rules: ConsensusRules;
  /** The index that is decided next, from 1. */
  readonly next: number;
  /** The newest decision, until it has a key of its own; null: it has, or there is none. */
  readonly last: Decision | null;
  readonly open: ConsensusProposal | null;
  /** Proposals that were aborted, the newest last; at most {@link mostPast}. */
  readonly past: readonly { readonly id: string; readonly why: AbortReason }[];
  /** How many were aborted since the log began. */
  readonly aborted: number;
}

/** So many aborted proposals are remembered, for those who made them. */
export const mostPast = 16;

/** A log that has nothing yet. */
export function emptyRecord(rules: ConsensusRules): ConsensusRecord {
  return { rules, next: 1, last: null, open: null, past: [], aborted: 0 };
}

/** How a proposal stands; null: it is not to be seen here: it never was, or was long ago. */
export type ProposalStanding =
  | { readonly state: 'open' }
  | { readonly state: 'decided'; readonly decision: Decision }
  | { readonly state: 'aborted'; readonly why: AbortReason };

export function standingOf({ open, last, past }: ConsensusRecord, id: string): ProposalStanding | null {
  if (open?.id === id) return { state: 'open' };
  if (last?.id === id) return { state: 'decided', decision: last };
  const aborted = past.find((each) => each.id === id);
  return aborted === undefined ? null : { state: 'aborted', why: aborted.why };
}

/** With a proposal for the next index; only where none is open, and the newest decision has its own key. */
export function withProposal(record: ConsensusRecord, { id, by, value }: Omit<ConsensusProposal, 'ballots'>): ConsensusRecord {
  return { ...record, last: null, open: { id, by, value, ballots: [] } };
}

/** Without that proposal; where it is not open, so that no write of it that was asked for before can be done any more. */
export function withoutProposal(record: ConsensusRecord, id: string, why: AbortReason): ConsensusRecord {
  const past = [...record.past, { id, why }].slice(-mostPast);
  return { ...record, open: record.open?.id === id ? null : record.open, past, aborted: record.aborted + 1 };
}

/** What comes of a vote. `counted`: this voter had said so before; `over`: that proposal is not open; `stranger`: it is none of the voters. */
export type VoteOutcome =
  | { readonly outcome: 'cast'; readonly record: ConsensusRecord }
  | { readonly outcome: 'counted'; readonly vote: ConsensusVote }
  | { readonly outcome: 'over' | 'stranger' };

/** With a vote, and with what follows from it: the decision, the abort, or neither yet. @param revision  that the write names */
export function withVote(
  record: ConsensusRecord,
  { id, voter, vote, revision }: { readonly id: string; readonly voter: string; readonly vote: ConsensusVote; readonly revision: number },
): VoteOutcome {
  const { open, rules, next } = record;
  if (open?.id !== id) return { outcome: 'over' };
  const before = open.ballots.find(([name]) => name === voter);
  if (before !== undefined) return { outcome: 'counted', vote: before[1] };
  if (!isVoter(rules, voter, open.ballots.length)) return { outcome: 'stranger' };
  const ballots = [...open.ballots, [voter, vote] as const];
  const verdict = verdictOf(rules, ballots);
  if (verdict === 'open') return { outcome: 'cast', record: { ...record, open: { ...open, ballots } } };
  if (verdict !== 'decided') return { outcome: 'cast', record: withoutProposal(record, id, verdict) };
  const last: Decision = { index: next, value: open.value, by: open.by, id, token: revision };
  return { outcome: 'cast', record: { ...record, next: next + 1, last, open: null } };
}

/** Where it is only told how many they are, they are the first who vote. */
function isVoter({ voters }: ConsensusRules, voter: string, cast: number): boolean {
  return typeof voters === 'number' ? cast < voters : voters.includes(voter);
}

export function voterCount({ voters }: ConsensusRules): number {
  return typeof voters === 'number' ? voters : voters.length;
}

/** What the votes come to. */
export function verdictOf(
  rules: ConsensusRules,
  ballots: readonly (readonly [voter: string, vote: ConsensusVote])[],
): 'open' | 'decided' | 'rejected' | 'noQuorum' {
  const count = (vote: ConsensusVote): number => ballots.filter(([, each]) => each === vote).length;
  const [accepts, rejects, most] = [count('accept'), count('reject'), voterCount(rules)];
  if (accepts >= rules.quorum) return ballots.length >= rules.participation ? 'decided' : 'open';
  // Those who have not voted yet could all accept, and it would not be enough.
  if (most - rejects < rules.quorum) return 'rejected';
  return most - ballots.length + accepts < rules.quorum ? 'noQuorum' : 'open';
}
