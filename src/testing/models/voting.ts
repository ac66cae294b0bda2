/** The model of a vote's chart: the agents, whose answers its questions bring. It counts by itself, more slowly than the chart. */
import type { RequestOutcome } from '../../../machines/comms/request.js';
import { votingMachine } from '../../../machines/coordination/voting.js';
import type { VotingInput, VotingTally } from '../../../machines/coordination/voting-events.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { same } from './looks.js';

type VotingRun = Run<typeof votingMachine>;
type Owes = NonNullable<EventCase<typeof votingMachine, never>['owes']>;
type Sort = 'vote' | 'abstention' | 'invalid' | 'absent';

const agents = ['ann', 'bob', 'eve'];
const input: VotingInput = {
  ...{ session: 's1', agents, seed: 7, options: ['yes', 'no'], about: null, rule: 'majority', weights: {} },
  ...{ quorum: 0.5, faults: null, abstentions: 'allowed', ties: 'fail', endsEarly: false, withinMs: 300 },
};

/** What an agent was first heard to say. */
interface Word {
  readonly agent: string;
  readonly sort: Sort;
  readonly option: string | null;
}

const wordsOf = ({ notes }: VotingRun): Word[] => (notes['words'] ??= []) as Word[];

/** How it has to end when no more than these are heard, by the rule of the majority and half of them present. */
function endBy(words: readonly Word[]): string {
  const cast = words.filter(({ sort }) => sort === 'vote');
  const present = words.filter(({ sort }) => sort === 'vote' || sort === 'abstention').length;
  if (present < 2) return 'noQuorum';
  if (cast.length === 0) return 'noVotes';
  const [yes, no] = ['yes', 'no'].map((option) => cast.filter((word) => word.option === option).length) as [number, number];
  if (yes === no) return 'tie';
  return yes > no ? 'yes' : 'no';
}

/** Every way in which those who are not heard could still be heard. */
function completions(words: readonly Word[]): (readonly Word[])[] {
  const [next] = agents.filter((agent) => !words.some((word) => word.agent === agent));
  if (next === undefined) return [words];
  const more: readonly Omit<Word, 'agent'>[] = [
    ...(['yes', 'no'] as const).map((option) => ({ sort: 'vote', option }) as const),
    ...(['abstention', 'absent'] as const).map((sort) => ({ sort, option: null })),
  ];
  return more.flatMap((word) => completions([...words, { agent: next, ...word }]));
}

function endNow(words: readonly Word[], endsEarly: boolean): string | null {
  if (!endsEarly) return null;
  const endings = new Set(completions(words).map(endBy));
  const [only = null] = endings;
  return endings.size === 1 ? only : null;
}

/** What its output must be. */
function owesEnd(run: VotingRun, end: string): string | undefined {
  const words = wordsOf(run);
  const isDecided = end === 'yes' || end === 'no';
  const named = (sort: Sort): string[] => agents.filter((agent) => words.some((word) => word.agent === agent && word.sort === sort));
  const tally: VotingTally = {
    votes: ['yes', 'no'].map((option) => ({ option, count: words.filter((word) => word.option === option).length })),
    ballots: named('vote').map((agent) => ({ agent, option: words.find((word) => word.agent === agent)?.option ?? '' })),
    abstained: named('abstention'),
    invalid: named('invalid'),
    absent: named('absent').map((agent) => ({ agent, reason: 'late' as const })),
    unheard: agents.filter((agent) => !words.some((word) => word.agent === agent)),
    repeated: agents.filter((agent) => ((run.notes['repeated'] ?? []) as readonly string[]).includes(agent)),
  };
  const output = isDecided ? { outcome: 'decided', value: { option: end, isDrawn: false, tally } } : { outcome: 'failed', why: end, details: tally };
  const { value } = run.snapshot;
  return same('state', value, isDecided ? 'decided' : 'failed') ?? same('output', (run.snapshot as { output?: unknown }).output, output);
}

/** One who is heard: the next that has not been, one that has been, or a stranger. */
function heard(
  sort: Sort,
  outcome: RequestOutcome,
  option: string | null,
  who: 'next' | 'again' | 'stranger' = 'next',
): EventCase<typeof votingMachine, never> {
  const agentOf = (run: VotingRun): string => {
    const known = wordsOf(run).map(({ agent }) => agent);
    if (who === 'stranger') return 'joe';
    return (who === 'again' ? known[0] : agents.find((agent) => !known.includes(agent))) ?? 'joe';
  };
  return {
    when: (run) => who === 'stranger' || agentOf(run) !== 'joe',
    run: (run) => {
      const agent = agentOf(run);
      run.notes['last'] = agent;
      if (who === 'next') wordsOf(run).push({ agent, sort, option });
      else run.notes['repeated'] = [...((run.notes['repeated'] ?? []) as readonly string[]), agent];
      run.report('questions', { type: 'question.answered', id: 'vote', agent, outcome });
    },
    owes: (run) => {
      const agent = String(run.notes['last']);
      const fact = who === 'next' ? { type: 'vote.counted', session: 's1', agent, sort } : { type: 'vote.repeated', session: 's1', agent };
      const end = who === 'next' ? endNow(wordsOf(run), run.snapshot.context.endsEarly) : null;
      return same('emitted', run.emittedNow, [fact]) ?? (end === null ? same('state', run.snapshot.value, 'asking') : owesEnd(run, end));
    },
  };
}

const crashes =
  (crash: string): Owes =>
  (run) =>
    same('state', run.snapshot.value, 'crashed') ?? same('reason', reasonOfOutput((run.snapshot as { output?: unknown }).output), { crash });

const answer = (value: unknown): RequestOutcome => ({ ok: true, value });
const late: RequestOutcome = { ok: false, reason: 'late' };

export const votingModel: Model<typeof votingMachine> = {
  machine: votingMachine,
  inputs: { 'a vote': input, 'a vote that ends early': { ...input, endsEarly: true } },
  outcomes: {
    questions: {
      reports: {
        'question.answered': {
          'one votes yes': heard('vote', answer({ vote: 'yes' }), 'yes'),
          'one votes no': heard('vote', answer({ vote: 'no' }), 'no'),
          'one abstains': heard('abstention', answer({ abstain: true }), null),
          'one says something else': heard('invalid', answer('yes'), null),
          'one is late': heard('absent', late, null),
          'one is heard again': heard('vote', answer({ vote: 'no' }), 'no', 'again'),
          'somebody else is heard': heard('vote', answer({ vote: 'no' }), 'no', 'stranger'),
        },
        'questions.answered': {
          'all are heard': {
            when: (run) => wordsOf(run).length === agents.length,
            owes: (run) => owesEnd(run, endBy(wordsOf(run))),
          },
        },
        'questions.lost': { 'they are taken away': { payload: { why: 'killed' }, owes: crashes('killed') } },
      },
      error: { 'they crash': { error: new Error('no more'), owes: crashes('Error: no more') } },
    },
  },
  invariants: {
    'its questions are put once, to each, and taken back with its end': (run) => {
      const [questions, ...others] = run.fakes;
      const { questions: put } = (questions?.input ?? { questions: [] }) as { readonly questions: readonly { readonly agent: string }[] };
      if (others.length > 0) return `${others.length} more`;
      return (
        same(
          'asked',
          put.map(({ agent }) => agent),
          agents,
        ) ?? same('running', run.running().length, run.isActive ? 1 : 0)
      );
    },
    'it has no time of its own': ({ clock }) => (clock.pending() === 0 ? undefined : `${clock.pending()} timers`),
  },
  key: (run) => [run.snapshot.value, run.snapshot.context.endsEarly, wordsOf(run), run.notes['repeated']],
  finish: (run) => run.report('questions', { type: 'questions.lost', why: 'over' }),
};
