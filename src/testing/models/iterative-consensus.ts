/** The model of an iterative consensus' chart: the agents, whose proposals its questions bring, round after round. */
import type { RequestOutcome } from '../../../machines/comms/request.js';
import { iterativeConsensusMachine } from '../../../machines/coordination/iterative-consensus.js';
import type { Departure, IterativeInput, IterativeStand } from '../../../machines/coordination/iterative-consensus-events.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { same } from './looks.js';

type ConsensusRun = Run<typeof iterativeConsensusMachine>;
type Owes = NonNullable<EventCase<typeof iterativeConsensusMachine, never>['owes']>;

const agents = ['ann', 'bob', 'eve'];
const input: IterativeInput = {
  ...{ session: 's1', agents, seed: 7, about: 'when', rounds: 2, agreement: 0.6, departures: 'goOn', quorum: 0.5 },
  ...{ proposals: 'anonymous', withinMs: 300 },
};

/** What the model knows of the rounds. */
interface Account {
  round: number;
  present: readonly string[];
  /** By agent: its value, or why it has left. */
  said: Record<string, { readonly value: number } | { readonly reason: Departure['reason'] }>;
  former: readonly { readonly agent: string; readonly value: number }[];
  left: readonly Departure[];
  last: string;
}

const accountOf = ({ notes }: ConsensusRun): Account =>
  (notes['account'] ??= { round: 1, present: agents, said: {}, former: [], left: [], last: '' } satisfies Account) as Account;

/** How it stands by the account, and what ends it. */
function judged(
  { round, present, said, left }: Account,
  { departures }: IterativeInput,
): { readonly stand: IterativeStand; readonly end: string | null; readonly value?: number } {
  const proposals = present.flatMap((agent) => {
    const word = said[agent];
    return word !== undefined && 'value' in word ? [{ agent, value: word.value }] : [];
  });
  const gone = present.flatMap((agent) => {
    const word = said[agent] ?? { reason: 'late' as const };
    return 'reason' in word ? [{ agent, round, reason: word.reason }] : [];
  });
  const counts = [1, 2].map((value) => proposals.filter((proposal) => proposal.value === value).length) as [number, number];
  const share = proposals.length === 0 ? 0 : Math.max(...counts) / proposals.length;
  const stand = { round, share, proposals, left: [...left, ...gone] };
  if (departures === 'fail' && stand.left.length > 0) return { stand, end: 'agentLeft' };
  if (proposals.length < 2) return { stand, end: 'noQuorum' };
  if (share >= 0.6) return { stand, end: 'decided', value: counts[0] > counts[1] ? 1 : 2 };
  return { stand, end: round === 2 ? 'noAgreement' : null };
}

/** One who is heard: the next that has not been, one that has been, or who is not asked in this round. */
function heard(
  outcome: RequestOutcome,
  said: Account['said'][string],
  who: 'next' | 'again' | 'stranger' | 'late' = 'next',
): EventCase<typeof iterativeConsensusMachine, never> {
  const agentOf = (run: ConsensusRun): string | undefined => {
    const { present, said: all } = accountOf(run);
    if (who === 'stranger') return 'joe';
    return present.find((agent) => Object.hasOwn(all, agent) === (who === 'again'));
  };
  return {
    when: (run) => agentOf(run) !== undefined,
    run: (run) => {
      const agent = agentOf(run) ?? '';
      const account = accountOf(run);
      if (who === 'next') account.said = { ...account.said, [agent]: said };
      run.report('questions', { type: 'question.answered', id: `round-${who === 'late' ? 0 : account.round}`, agent, outcome });
    },
    owes: (run) => {
      const told = run.snapshot.context.heard.filter((word) => word !== null).length;
      return (
        same('emitted', run.emittedNow, []) ??
        same('state', run.snapshot.value, 'asking') ??
        same('heard', told, Object.keys(accountOf(run).said).length)
      );
    },
  };
}

/** All of a round are heard: what it comes to by the account, which then goes on to the next. */
const roundEnds: EventCase<typeof iterativeConsensusMachine, never> = {
  when: (run) => accountOf(run).present.every((agent) => Object.hasOwn(accountOf(run).said, agent)),
  run: (run) => {
    const account = accountOf(run);
    const result = judged(account, run.snapshot.context);
    run.notes['result'] = { ...result, before: account.left.length };
    if (result.end === null) {
      const { proposals, left } = result.stand;
      const present = proposals.map(({ agent }) => agent);
      run.notes['account'] = { ...account, round: account.round + 1, present, said: {}, former: proposals, left };
    }
    run.report('questions', { type: 'questions.answered' });
  },
  owes: (run) => {
    const { stand, end, value, before } = run.notes['result'] as ReturnType<typeof judged> & { readonly before: number };
    const { round, share, proposals, left } = stand;
    const facts = [
      ...left.slice(before).map(({ agent, reason }) => ({ type: 'consensus.agentLeft', session: 's1', round, agent, reason })),
      { type: 'consensus.roundEnded', session: 's1', round, agents: proposals.length, share },
    ];
    const emitted = same('emitted', run.emittedNow, facts);
    if (end === null) return emitted ?? same('state', run.snapshot.value, 'asking');
    const output = end === 'decided' ? { outcome: end, value: { value, ...stand } } : { outcome: 'failed', why: end, details: stand };
    return emitted ?? same('state', run.snapshot.value, output.outcome) ?? same('output', (run.snapshot as { output?: unknown }).output, output);
  },
};

const crashes =
  (crash: string): Owes =>
  (run) =>
    same('state', run.snapshot.value, 'crashed') ?? same('reason', reasonOfOutput((run.snapshot as { output?: unknown }).output), { crash });

const answer = (value: unknown): RequestOutcome => ({ ok: true, value });

export const iterativeConsensusModel: Model<typeof iterativeConsensusMachine> = {
  machine: iterativeConsensusMachine,
  inputs: { 'a consensus': input, 'one that nobody may leave, with names': { ...input, departures: 'fail', proposals: 'named' } },
  outcomes: {
    questions: {
      reports: {
        'question.answered': {
          'one proposes 1': heard(answer({ value: 1 }), { value: 1 }),
          'one proposes 2': heard(answer({ value: 2 }), { value: 2 }),
          'one says something else': heard(answer(1), { reason: 'invalid' }),
          'one is late': heard({ ok: false, reason: 'late' }, { reason: 'late' }),
          'one is heard again': heard(answer({ value: 2 }), { value: 2 }, 'again'),
          'somebody else is heard': heard(answer({ value: 2 }), { value: 2 }, 'stranger'),
          'one is heard of another round': heard(answer({ value: 2 }), { value: 2 }, 'late'),
        },
        'questions.answered': { 'all are heard': roundEnds },
        'questions.lost': { 'they are taken away': { payload: { why: 'killed' }, owes: crashes('killed') } },
      },
      error: { 'they crash': { error: new Error('no more'), owes: crashes('Error: no more') } },
    },
  },
  invariants: {
    'the questions of a round are put once, to those who have not left, with what was proposed before': (run) => {
      if (!run.isActive) return run.running().length === 0 ? undefined : 'they run';
      const [questions, ...others] = run.running();
      const { round, present, former } = accountOf(run);
      const counted = [1, 2].map((value) => ({ value, count: former.filter((proposal) => proposal.value === value).length }));
      const backings = counted.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
      const proposals = run.snapshot.context.proposals === 'named' ? former : backings;
      const body = { ask: 'propose', about: 'when', round, rounds: 2, proposals };
      const put = { session: 's1', withinMs: 300, questions: present.map((agent) => ({ id: `round-${round}`, agent, body, isDerived: round > 1 })) };
      return others.length > 0 || run.fakes.length !== round ? `${run.fakes.length} in round ${round}` : same('asked', questions?.input, put);
    },
    'it has no time of its own': ({ clock }) => (clock.pending() === 0 ? undefined : `${clock.pending()} timers`),
  },
  key: (run) => [run.snapshot.value, run.snapshot.context.departures, accountOf(run)],
  finish: (run) => run.report('questions', { type: 'questions.lost', why: 'over' }),
};
