/**
 * A vote: all agents are asked at once, and what they answer is counted by a rule.
 *
 * States   asking → decided | failed; crashed
 * Emits    vote.counted · vote.repeated
 * Needs    `questions`, which asks the agents — provided by src/coordination/; the placeholder here refuses to run
 * Output   how it ended (`VotingEnd`); where it crashed the exit reason
 */
import { assign, enqueueActions, type EventObject, fromCallback, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import type { QuestionsInput } from './protocol-events.js';
import { ballotOf, type Count, endOf, endsBy, nothingCounted, withBallot } from './tally.js';
import { saidOf } from './said.js';
import type { AgentBallot, VotingContext, VotingEmitted, VotingEvent, VotingInput } from './voting-events.js';

type On<Type extends VotingEvent['type']> = Extract<VotingEvent, { type: Type }>;
type Answered = On<'question.answered'>;

/** Is it not the first word of an agent that was asked? */
const isKnown = ({ heard, agents }: VotingContext, { agent }: Answered): boolean =>
  !agents.includes(agent) || heard.some((other) => other.agent === agent);

const ballotIn = (context: VotingContext, { agent, outcome }: Answered): AgentBallot => ({ agent, ballot: ballotOf(outcome, context) });

/** With one more ballot. */
const counted = (context: VotingContext, answer: Answered): Count => withBallot(context.soFar, context, ballotIn(context, answer));

/** The chart of a vote, with nobody to ask: to be looked at, drawn and tested. What a coordinator runs is `voting()` of 'espalier'. */
export const votingMachine = setup({
  types: {
    input: {} as VotingInput,
    context: {} as VotingContext,
    events: {} as VotingEvent,
    emitted: {} as VotingEmitted,
  },
  actors: {
    questions: fromCallback<EventObject, QuestionsInput>(missingActor('voting', 'questions', "voting() of 'espalier'")),
  },
  guards: {
    isRepeated: ({ context, event }) => isKnown(context, event as Answered),
    decides: ({ context, event }) => endsBy(context, counted(context, event as Answered)) === 'decided',
    fails: ({ context, event }) => endsBy(context, counted(context, event as Answered)) === 'failed',
    isDecided: ({ context }) => endOf(context, true)?.outcome === 'decided',
  },
  actions: {
    count: enqueueActions(({ context, event, enqueue }) => {
      const one = ballotIn(context, event as Answered);
      enqueue.assign({ heard: [...context.heard, one], soFar: withBallot(context.soFar, context, one) });
      enqueue.emit({ type: 'vote.counted', session: context.session, agent: one.agent, sort: one.ballot.sort });
    }),
    noteRepeated: enqueueActions(({ context, event, enqueue }) => {
      const { agent } = event as Answered;
      enqueue.assign({ repeated: [...context.repeated.filter((other) => other !== agent), agent] });
      enqueue.emit({ type: 'vote.repeated', session: context.session, agent });
    }),
    endEarly: assign({ end: ({ context }) => endOf(context, false) }),
    end: assign({ end: ({ context }) => endOf(context, true) }),
    noteCrash: assign({ crash: ({ event }) => (event as On<'questions.lost'>).why }),
    noteError: assign({ crash: ({ event }) => saidOf((event as unknown as { error: unknown }).error) }),
  },
}).createMachine({
  id: 'voting',
  description: 'A vote: all agents are asked at once, and what they answer is counted by a rule.',
  context: ({ input }) => ({ ...input, heard: [], soFar: nothingCounted(input), repeated: [], end: null, crash: null }),
  output: ({ context: { end, crash } }) => end ?? exitWith({ crash }),
  initial: 'asking',
  states: {
    asking: {
      description: 'The first word of each agent counts. What is not heard when it ends is taken back.',
      invoke: {
        id: 'questions',
        src: 'questions',
        input: ({ context: { session, agents, options, about, abstentions, withinMs } }) => {
          const body = { ask: 'vote', about, options, mayAbstain: abstentions === 'allowed' };
          return { session, withinMs, questions: agents.map((agent) => ({ id: 'vote', agent, body })) };
        },
        onError: { target: 'crashed', actions: 'noteError' },
      },
      on: {
        'question.answered': [
          { guard: 'isRepeated', actions: 'noteRepeated' },
          { guard: 'decides', target: 'decided', actions: ['count', 'endEarly'] },
          { guard: 'fails', target: 'failed', actions: ['count', 'endEarly'] },
          { actions: 'count' },
        ],
        'questions.answered': [
          { guard: 'isDecided', target: 'decided', actions: 'end' },
          { target: 'failed', actions: 'end' },
        ],
        'questions.lost': { target: 'crashed', actions: 'noteCrash' },
      },
    },
    decided: { type: 'final', description: 'An option has won.' },
    failed: { type: 'final', description: 'None has.' },
    crashed: { type: 'final', description: 'Its questions were lost: to its session a crash.' },
  },
});
