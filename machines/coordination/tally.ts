/** How votes are counted: from what was heard to what is decided, and whether what is not heard yet could change that. */
import type { RequestOutcome } from '../comms/request.js';
import { isRecord } from '../supervision/option-keys.js';
import { drawnOrder } from './tie.js';
import type { AgentBallot, Ballot, VotingContext, VotingEnd, VotingTally, VotingTerms } from './voting-events.js';

/** All that a count is made of. */
export type Poll = Pick<VotingContext, 'agents' | 'seed' | 'heard' | 'repeated' | keyof VotingTerms>;

/** What an answer is as a vote: `{ vote: option }` or `{ abstain: true }`, and nothing else. */
export function ballotOf(outcome: RequestOutcome, { options, abstentions }: Pick<VotingTerms, 'options' | 'abstentions'>): Ballot {
  if (!outcome.ok) return { sort: 'absent', reason: outcome.reason };
  const { value } = outcome;
  if (!isRecord(value) || Object.keys(value).length !== 1) return { sort: 'invalid' };
  const { vote, abstain } = value as { readonly vote?: unknown; readonly abstain?: unknown };
  if (typeof vote === 'string' && options.includes(vote)) return { sort: 'vote', option: vote };
  return abstain === true && abstentions === 'allowed' ? { sort: 'abstention' } : { sort: 'invalid' };
}

/** What is counted, and how much is still to come. JSON throughout. */
export interface Count {
  /** By option, in the order in which they were given. */
  readonly votes: readonly number[];
  /** Of all votes that were cast. */
  readonly cast: number;
  /** Of those who are not heard yet. */
  readonly open: number;
  /** Who took part, and how many are not heard yet. */
  readonly present: number;
  readonly unheard: number;
}

const weightOf = (weights: Poll['weights'], agent: string): number => (Object.hasOwn(weights, agent) ? (weights[agent] ?? 1) : 1);

/** Nobody has been heard. */
export function nothingCounted({ agents, options, weights }: Pick<Poll, 'agents' | 'options' | 'weights'>): Count {
  const open = agents.reduce((sum, agent) => sum + weightOf(weights, agent), 0);
  return { votes: options.map(() => 0), cast: 0, open, present: 0, unheard: agents.length };
}

/** With the ballot of one more who was asked, and had not been heard. */
export function withBallot(count: Count, { options, weights }: Pick<Poll, 'options' | 'weights'>, { agent, ballot }: AgentBallot): Count {
  const weight = weightOf(weights, agent);
  const present = count.present + (ballot.sort === 'vote' || ballot.sort === 'abstention' ? 1 : 0);
  const others = { present, open: count.open - weight, unheard: count.unheard - 1 };
  if (ballot.sort !== 'vote') return { ...count, ...others };
  const index = options.indexOf(ballot.option);
  return { ...others, votes: count.votes.map((votes, at) => (at === index ? votes + weight : votes)), cast: count.cast + weight };
}

/** All that was heard, counted anew. */
function countOf(poll: Poll): Count {
  const ballots = new Map(poll.heard.map((one) => [one.agent, one]));
  let count = nothingCounted(poll);
  for (const agent of poll.agents) {
    const one = ballots.get(agent);
    if (one !== undefined) count = withBallot(count, poll, one);
  }
  return count;
}

/** How many of so many agents may be faulty, at the most. */
export const mostFaults = (agents: number): number => Math.max(0, Math.floor((agents - 1) / 3));

/** So many votes of one option that two of them have an agent in common which is not faulty: 2f + 1 where there are 3f + 1 agents. */
export const byzantineThreshold = (agents: number, faults: number): number => Math.floor((agents + faults) / 2) + 1;

const thresholdOf = ({ agents, faults }: Poll): number => byzantineThreshold(agents.length, faults ?? mostFaults(agents.length));

/** How many have to take part. A share that is meant to be whole is not made more by the way in which numbers are kept. */
const quorumOf = ({ agents, quorum }: Poll): number => Math.ceil(agents.length * quorum - 1e-9);

/** What a count comes to: an option by its place, a tie of some, or why there is none. */
type Verdict =
  | { readonly winner: number }
  | { readonly tied: readonly number[] }
  | { readonly why: 'noQuorum' | 'noVotes' | 'noMajority' | 'notUnanimous' };

/** All have been heard. */
function verdictOf(poll: Poll, { votes, cast, present }: Count): Verdict {
  const { rule } = poll;
  const most = Math.max(...votes);
  const first = votes.flatMap((count, index) => (count === most ? [index] : []));
  const [winner = 0] = first;
  if (rule === 'byzantine') return most >= thresholdOf(poll) ? { winner } : { why: 'noMajority' };
  if (present < quorumOf(poll)) return { why: 'noQuorum' };
  if (cast === 0) return { why: 'noVotes' };
  if (rule === 'unanimous') return most === cast ? { winner } : { why: 'notUnanimous' };
  if (rule === 'plurality') return first.length === 1 ? { winner } : { tied: first };
  if (most * 2 > cast) return { winner };
  return most * 2 === cast && first.length === 2 ? { tied: first } : { why: 'noMajority' };
}

/** Not all have been heard: what it comes to whatever they say; null where that is open. */
function certainVerdict(poll: Poll, count: Count): Verdict | null {
  const { rule } = poll;
  const { votes, cast, open, present, unheard } = count;
  if (unheard === 0) return verdictOf(poll, count);
  const most = Math.max(...votes);
  const winner = votes.indexOf(most);
  if (rule === 'byzantine') {
    if (most >= thresholdOf(poll)) return { winner };
    return most + open < thresholdOf(poll) ? { why: 'noMajority' } : null;
  }
  if (present + unheard < quorumOf(poll)) return { why: 'noQuorum' };
  if (present < quorumOf(poll)) return null;
  if (votes.length === 1 && cast > 0) return { winner };
  if (rule === 'unanimous') return most < cast ? { why: 'notUnanimous' } : null;
  if (rule === 'plurality') return cast > 0 && votes.every((other, index) => index === winner || most > other + open) ? { winner } : null;
  if (most * 2 > cast + open) return { winner };
  // If all who are left are for the first, it has half at the most; and then no other has the rest, since it would be before it.
  return (most + open) * 2 <= cast + open ? { why: 'noMajority' } : null;
}

/** Does it end now, whatever those say who are not heard? Null where they can change that, or are waited for. As cheap as looking at each option. */
export function endsBy(poll: Poll, count: Count): VotingEnd['outcome'] | null {
  const verdict = poll.endsEarly ? certainVerdict(poll, count) : null;
  if (verdict === null) return null;
  return 'winner' in verdict || ('tied' in verdict && poll.ties === 'draw') ? 'decided' : 'failed';
}

/** How the vote ends, if it does now: all have been heard, or what is not heard cannot change it. Null where it goes on. */
export function endOf(poll: Poll, isOver: boolean): VotingEnd | null {
  if (!isOver && !poll.endsEarly) return null;
  const count = countOf(poll);
  const verdict = isOver ? verdictOf(poll, count) : certainVerdict(poll, count);
  if (verdict === null) return null;
  const tally = tallyOf(poll, count);
  if ('why' in verdict) return { outcome: 'failed', why: verdict.why, details: tally };
  if ('winner' in verdict) return { outcome: 'decided', value: { option: poll.options[verdict.winner] ?? '', isDrawn: false, tally } };
  if (poll.ties === 'fail') return { outcome: 'failed', why: 'tie', details: tally };
  const tied = verdict.tied.map((index) => poll.options[index] ?? '');
  const [option = ''] = drawnOrder(poll.seed, 'vote', tied);
  return { outcome: 'decided', value: { option, isDrawn: true, tally } };
}

function tallyOf({ agents, options, heard, repeated }: Poll, { votes }: Count): VotingTally {
  const ballots = new Map(heard.map(({ agent, ballot }) => [agent, ballot]));
  const of = <Sort extends Ballot['sort']>(sort: Sort): readonly (AgentBallot & { readonly ballot: Extract<Ballot, { sort: Sort }> })[] =>
    agents.flatMap((agent) => {
      const ballot = ballots.get(agent);
      return ballot?.sort === sort ? [{ agent, ballot: ballot as Extract<Ballot, { sort: Sort }> }] : [];
    });
  return {
    votes: options.map((option, index) => ({ option, count: votes[index] ?? 0 })),
    ballots: of('vote').map(({ agent, ballot }) => ({ agent, option: ballot.option })),
    abstained: of('abstention').map(({ agent }) => agent),
    invalid: of('invalid').map(({ agent }) => agent),
    absent: of('absent').map(({ agent, ballot }) => ({ agent, reason: ballot.reason })),
    unheard: agents.filter((agent) => !ballots.has(agent)),
    repeated: agents.filter((agent) => repeated.includes(agent)),
  };
}
