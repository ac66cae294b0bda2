/** What a member of a log has to do and say, worked out from where it was: step by step, beside its chart. */
import type { ConsensusContext, ConsensusInput, LogNews, SeenProposal } from '../../../machines/coordination/consensus-events.js';
import type { consensusMachine } from '../../../machines/coordination/consensus.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase } from '../model/model.js';
import type { Run } from '../model/run.js';
import { noteTold, same, toldNow } from './looks.js';

export type MemberRun = Run<typeof consensusMachine>;
export type Owes = NonNullable<EventCase<typeof consensusMachine, never>['owes']>;

export const name = 'plan';
export const withinMs = 100;
export const input: ConsensusInput = { name, id: 'ann', votes: true, told: 0, voteMs: 200, callMs: 50, retryMs: 100 };

type Known = Pick<ConsensusContext, 'open' | 'voted' | 'abandoned' | 'task' | 'wish' | 'told' | 'next' | 'isMismatched' | 'isEnding'>;
type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

/** Where it is by its three parts, what it knows, and what came of the step. */
export interface Account {
  following: 'watching' | 'pausing' | 'over';
  voting: 'idle' | 'asking' | 'writing' | 'pausing' | 'over';
  proposing: 'idle' | 'queueing' | 'open' | 'withdrawing' | 'over';
  readonly isVoter: boolean;
  end: { readonly state: 'closed' | 'failed'; readonly reason: unknown } | null;
  readonly known: Mutable<Known>;
  readonly facts: object[];
  readonly told: object[];
}

type Places = Pick<Account, 'following' | 'voting' | 'proposing'>;

export function placesOf({ value }: MemberRun['snapshot']): Places {
  if (typeof value === 'string') return { following: 'over', voting: 'over', proposing: 'over' };
  const { following, voting, proposing } = value.running;
  const busy = typeof proposing === 'string' ? proposing : typeof proposing.busy === 'string' ? proposing.busy : proposing.busy.waiting;
  return { following, voting, proposing: busy };
}

const knownTo = ({ open, voted, abandoned, task, wish, told, next, isMismatched, isEnding }: ConsensusContext): Known => ({
  ...{ open, voted, abandoned, task, wish, told, next, isMismatched, isEnding },
});

/** What has to come of a step. @param change  what it does to a member that is where this one was */
export function owes(change: (account: Account, run: MemberRun) => void): Owes {
  return (run) => {
    const isVoter = run.before.context.votes;
    const account: Account = { ...placesOf(run.before), isVoter, end: null, known: { ...knownTo(run.before.context) }, facts: [], told: [] };
    change(account, run);
    vote(account);
    const { end, known, facts, told } = account;
    const heard = same('emitted', run.emittedNow, facts) ?? same('told', toldNow(run), told);
    if (end !== null) return heard ?? same('state', run.snapshot.value, end.state) ?? same('reason', reasonOfOutput(run.snapshot.output), end.reason);
    const { following, voting, proposing } = account;
    return heard ?? same('places', placesOf(run.snapshot), { following, voting, proposing }) ?? same('known', knownTo(run.snapshot.context), known);
  };
}

/** What it does by itself for what is open. */
function vote(account: Account): void {
  const { known } = account;
  for (;;) {
    const { open, task, voted, abandoned } = known;
    const isOrphan = open !== null && !open.isAlive && open.id !== abandoned;
    const isOver = open?.id !== task?.proposal;
    if (account.voting === 'asking') {
      if (isOver) account.voting = 'idle';
      else if (isOrphan) begin(account, open, 'writing');
      else return;
    } else if (account.voting === 'idle') {
      known.task = null;
      if (isOrphan) begin(account, open, 'writing');
      else if (account.isVoter && open !== null && open.isAlive && !open.hasVoted && open.id !== voted) begin(account, open, 'asking');
      return;
    } else return;
  }
}

function begin(account: Account, { id, index, by }: SeenProposal, place: 'asking' | 'writing'): void {
  account.voting = place;
  account.known.task = { proposal: id, index, by, tries: 0, vote: place === 'asking' ? 'abstain' : null, why: null };
}

/** Told of the log. */
export function see(
  account: Account,
  next: number,
  open: SeenProposal | null,
  isMismatched: boolean,
  news: readonly LogNews[],
  revision: number,
): void {
  const { known } = account;
  for (const each of news) {
    const to = each.type === 'missed' ? each.to : each.decision.index;
    if (to <= known.told) continue;
    if (each.type === 'missed') account.facts.push({ type: 'consensus.missed', name, from: known.told + 1, to });
    else {
      const { index, value, by, token } = each.decision;
      account.facts.push({ type: 'consensus.decided', name, index, value, by, token });
    }
    known.told = to;
  }
  if (isMismatched && !known.isMismatched) account.facts.push({ type: 'consensus.mismatched', name });
  Object.assign(known, { next, open, isMismatched });
  if (account.proposing !== 'idle') account.told.push({ type: 'proposal.look', revision, open: open?.id ?? null });
}

/** Its app has judged, or has not. */
export function judge(account: Account, said: 'accept' | 'reject' | 'abstain', why: 'crashed' | 'late' | null): void {
  const { known } = account;
  account.voting = 'writing';
  if (known.task !== null) known.task = { ...known.task, vote: said, why };
}

/** What is written is asked for again. */
export function writeAgain(account: Account, why: string): void {
  const { known } = account;
  account.voting = 'pausing';
  if (known.task !== null) known.task = { ...known.task, tries: known.task.tries + 1 };
  account.facts.push({ type: 'consensus.retrying', name, what: 'writing', why });
}

export function withdraw(account: Account, why: string): void {
  if (account.proposing !== 'queueing' && account.proposing !== 'open') return;
  account.proposing = 'withdrawing';
  account.told.push({ type: 'proposal.withdraw', why });
}

/** Asked to end: at once where it has proposed nothing. */
export function close(reason: unknown): Owes {
  return (run) =>
    owes((account) => {
      if (account.proposing === 'idle') account.end = { state: 'closed', reason };
      else {
        account.known.isEnding = true;
        withdraw(account, 'closed');
      }
    })(run) ?? same('reason', run.snapshot.context.reason, reason === 'normal' ? run.before.context.reason : reason);
}

export function fails(crash: string): Owes {
  return owes((account) => void (account.end = { state: 'failed', reason: { crash } }));
}

/** Since when each part is where it is: what its timers count from. */
export interface Since {
  following: number;
  voting: number;
  proposing: number;
  marks: readonly string[];
}

const isWaiting = ({ proposing }: Places): boolean => proposing === 'queueing' || proposing === 'open';

/** Notes what was told, and when each part came where it is. */
export function observe(run: MemberRun): void {
  noteTold(run, 'proposal');
  const places = placesOf(run.snapshot);
  const { task, wish } = run.snapshot.context;
  const mark = [task?.proposal, task?.vote === null, task?.tries];
  const marks = [places.following, JSON.stringify([places.voting, ...mark]), JSON.stringify([isWaiting(places), wish?.ref])];
  const now = run.clock.now();
  const before = (run.notes['since'] ?? { following: now, voting: now, proposing: now, marks }) as Since;
  const since = { ...before };
  for (const [at, part] of (['following', 'voting', 'proposing'] as const).entries()) if (since.marks[at] !== marks[at]) since[part] = now;
  run.notes['sinceBefore'] = before;
  run.notes['since'] = { ...since, marks };
}

const deadlines = { watching: Infinity, idle: Infinity, asking: 200, writing: 100, pausing: 100, over: Infinity } as const;

/** When its next timers are due, by part. */
export function due(places: Places, since: Since): { readonly following: number; readonly voting: number; readonly proposing: number } {
  return {
    following: since.following + deadlines[places.following],
    voting: since.voting + deadlines[places.voting],
    proposing: since.proposing + (isWaiting(places) ? withinMs : Infinity),
  };
}

/** Time has passed. */
export const passes: Owes = (run) => {
  const since = run.notes['sinceBefore'] as Since;
  const timers = due(placesOf(run.before), since);
  const now = run.clock.now();
  return owes((account) => {
    if (now >= timers.following) account.following = 'watching';
    if (now >= timers.voting) {
      if (account.voting === 'asking') judge(account, 'abstain', 'late');
      else if (account.voting === 'writing') writeAgain(account, 'late');
      else account.voting = 'writing';
    }
    if (now >= timers.proposing) withdraw(account, 'late');
  })(run);
};
