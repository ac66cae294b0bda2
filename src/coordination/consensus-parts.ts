/** The parts of a member that ask its backend or its app: who sees the log, who judges, who writes, and who has a proposal in it. */
import { type AnyActorRef, type CallbackActorLogic, fromCallback, fromPromise, type PromiseActorLogic } from 'xstate';
import type {
  Ballot,
  ConsensusEvent,
  LogNews,
  ProposalCommand,
  ScribeOutcome,
  ScribeTask,
  SeenProposal,
} from '../../machines/coordination/consensus-events.js';
import type { ConsensusRecord, ConsensusVote, Decision } from '../../machines/coordination/consensus-record.js';
import type { ProposalInput } from '../../machines/coordination/consensus.js';
import type { BackendEntry } from '../backend/port.js';
import { isObject, sortOf } from '../option-checks.js';
import { clockOf } from '../supervision/clock.js';
import { onLoss } from '../supervision/watch.js';
import { parentOf } from '../supervision/xstate-internals.js';
import { decisionKey, Log, lookOf } from './consensus-log.js';
import type { ConsensusPlan } from './consensus-options.js';
import { Proposal } from './consensus-proposal.js';
import { followKeys } from './follow-keys.js';

type FollowerLogic = CallbackActorLogic<{ type: 'follower.none' }, { readonly told: number }>;

/** The actor `follower`: tells how the log stands, with each decision once, in order of index. */
export function follower(plan: ConsensusPlan): FollowerLogic {
  return fromCallback<{ type: 'follower.none' }, { readonly told: number }>(({ self, sendBack, input }) => {
    const owner = parentOf(self) as AnyActorRef;
    const over = new AbortController();
    let { told } = input;
    const tell = (event: ConsensusEvent): void => {
      if (!over.signal.aborted) sendBack(event);
    };
    onLoss(self, owner, () => owner.send({ type: 'follower.lost', why: 'killed' }));
    const seen = (entries: ReadonlyMap<string, BackendEntry>): void => {
      const look = lookOf(plan, entries.get(plan.keys.log) ?? null);
      const { revision } = look;
      if (look.outcome === 'mismatch') return tell({ type: 'log.seen', revision, next: told + 1, open: null, isMismatched: true, news: [] });
      const { record } = look;
      const news = newsIn(plan, record, entries, told);
      told = Math.max(told, record.next - 1);
      tell({ type: 'log.seen', revision, next: record.next, open: openIn(plan, record, entries), isMismatched: false, news });
    };
    followKeys(plan.backend, plan.keys.prefix, over.signal, seen).then(
      (why) => tell({ type: 'follower.lost', why }),
      (error: unknown) => tell({ type: 'follower.lost', why: String(error) }),
    );
    return () => over.abort();
  });
}

function openIn({ id, keys }: ConsensusPlan, { open, next }: ConsensusRecord, entries: ReadonlyMap<string, BackendEntry>): SeenProposal | null {
  if (open === null) return null;
  const hasVoted = open.ballots.some(([voter]) => voter === id);
  return { id: open.id, index: next, by: open.by, value: open.value, isAlive: entries.has(`${keys.proposers}${open.id}`), hasVoted };
}

/** Each decision stands in the record until it has a key, so those that are found nowhere were taken away as the oldest. */
function newsIn(plan: ConsensusPlan, { last, next }: ConsensusRecord, entries: ReadonlyMap<string, BackendEntry>, told: number): LogNews[] {
  const at = (index: number): Decision | null => {
    if (last?.index === index) return last;
    const value: unknown = entries.get(decisionKey(plan, index))?.value;
    return isObject(value) ? (value as unknown as Decision) : null;
  };
  const news: LogNews[] = [];
  let index = told + 1;
  if (index < next && at(index) === null) {
    const oldest = oldestIn(plan, last, entries, index) ?? next;
    news.push({ type: 'missed', from: index, to: Math.min(oldest, next) - 1 });
    index = oldest;
  }
  for (let decision = at(index); index < next && decision !== null; decision = at(++index)) news.push({ type: 'decided', decision });
  return news;
}

/** The oldest index, of at least that, whose decision is kept. */
function oldestIn({ keys }: ConsensusPlan, last: Decision | null, entries: ReadonlyMap<string, BackendEntry>, least: number): number | null {
  const kept = [...entries.keys()].filter((key) => key.startsWith(keys.decisions)).map((key) => Number(key.slice(keys.decisions.length)));
  const indexes = [...kept, ...(last === null ? [] : [last.index])].filter((index) => index >= least);
  return indexes.length === 0 ? null : indexes.reduce((a, b) => Math.min(a, b));
}

const votes: readonly unknown[] = ['accept', 'reject', 'abstain'] satisfies ConsensusVote[];

/** The actor `voter`: asks the app. Whatever that throws, and what is no vote, is this actor's crash, which is an abstention. */
export function voter({ vote }: ConsensusPlan): PromiseActorLogic<ConsensusVote, Ballot> {
  return fromPromise<ConsensusVote, Ballot>(async ({ input: { index, by, value }, signal }) => {
    const said = await vote?.(structuredClone(value), { index, by, signal });
    if (!votes.includes(said)) throw new TypeError(`a vote is accept, reject or abstain, and not ${sortOf(said)}`);
    return said as ConsensusVote;
  });
}

/** The actor `scribe`: one write, and what came of it. */
export function scribe(plan: ConsensusPlan): PromiseActorLogic<ScribeOutcome, ScribeTask> {
  return fromPromise<ScribeOutcome, ScribeTask>(({ input, signal }) => new Log(plan, signal).scribe(input));
}

/** Members that were restored while they proposed, until their proposal is begun again. */
const restored = new WeakSet<AnyActorRef>();

/** Says that a member was restored while it proposed. */
export function noteRestored(member: AnyActorRef): void {
  restored.add(member);
}

/** The actor `proposal`: as long as it runs, a value is to be decided. */
export function proposal(plan: ConsensusPlan): CallbackActorLogic<ProposalCommand, ProposalInput> {
  return fromCallback<ProposalCommand, ProposalInput>(({ self, sendBack, receive, input }) => {
    const owner = parentOf(self) as AnyActorRef;
    if (restored.delete(owner)) {
      // Whoever proposed was of another process, and what it had open is seen off when its lease is over.
      sendBack({ type: 'proposal.settled', outcome: { ok: false, reason: 'unknown', winner: null } });
      return undefined;
    }
    let isRunning = true;
    const made = new Proposal(plan, clockOf(owner.system), input, (news) => {
      if (isRunning) sendBack(news);
    });
    const crash = (error: unknown): void => {
      if (isRunning) sendBack({ type: 'proposal.ended', why: String(error) });
    };
    onLoss(self, owner, () => owner.send({ type: 'proposal.ended', why: 'proposalLost' }));
    receive((command) => {
      if (command.type === 'proposal.look') made.look(command);
      else void made.withdraw(command.why).catch(crash);
    });
    made.take().catch(crash);
    return () => {
      isRunning = false;
      made.end();
    };
  });
}
