/**
 * An iterative consensus: in each round every agent sees what was proposed in the one before, and proposes anew, until enough of them propose the same.
 *
 * States   asking ⟲ → decided | failed; crashed
 * Emits    consensus.roundEnded · consensus.agentLeft
 * Needs    `questions`, which asks the agents — provided by src/coordination/; the placeholder here refuses to run
 * Output   how it ended (`IterativeEnd`); where it crashed the exit reason
 */
import { assign, enqueueActions, type EventObject, fromCallback, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import { backingsOf, endOfRound, placeOf, roundOf, standOf, wordOf } from './agreement.js';
import type { IterativeContext, IterativeEmitted, IterativeEvent, IterativeInput } from './iterative-consensus-events.js';
import type { QuestionsInput } from './protocol-events.js';
import { saidOf } from './said.js';

type On<Type extends IterativeEvent['type']> = Extract<IterativeEvent, { type: Type }>;

/** What all agents are asked in this round. */
const bodyOf = ({ about, round, rounds, former, proposals }: IterativeContext): object => ({
  ...{ ask: 'propose', about, round, rounds },
  proposals: proposals === 'named' ? former : backingsOf(former),
});

/** The chart of an iterative consensus, with nobody to ask: to be looked at, drawn and tested. What a coordinator runs is `iterativeConsensus()` of 'espalier'. */
export const iterativeConsensusMachine = setup({
  types: {
    input: {} as IterativeInput,
    context: {} as IterativeContext,
    events: {} as IterativeEvent,
    emitted: {} as IterativeEmitted,
  },
  actors: {
    questions: fromCallback<EventObject, QuestionsInput>(missingActor('iterativeConsensus', 'questions', "iterativeConsensus() of 'espalier'")),
  },
  guards: {
    isFirst: ({ context, event }) => {
      const { agent, id } = event as On<'question.answered'>;
      const place = placeOf(context, agent);
      return id === `round-${context.round}` && place !== undefined && context.heard[place] === null;
    },
    isDecided: ({ context }) => endOfRound(context)?.outcome === 'decided',
    isFailed: ({ context }) => endOfRound(context)?.outcome === 'failed',
  },
  actions: {
    hear: assign({
      heard: ({ context, event }) => {
        const { agent, outcome } = event as On<'question.answered'>;
        return context.heard.with(placeOf(context, agent) ?? 0, wordOf(agent, outcome));
      },
    }),
    tellRound: enqueueActions(({ context, enqueue }) => {
      const { session, round, left: before } = context;
      const { share, proposals, left } = standOf(context);
      for (const { agent, reason } of left.slice(before.length)) enqueue.emit({ type: 'consensus.agentLeft', session, round, agent, reason });
      enqueue.emit({ type: 'consensus.roundEnded', session, round, agents: proposals.length, share });
    }),
    end: assign({ end: ({ context }) => endOfRound(context) }),
    beginRound: assign(({ context }) => {
      const { proposals, left } = standOf(context);
      return { round: context.round + 1, ...roundOf(proposals.map(({ agent }) => agent)), former: proposals, left };
    }),
    noteCrash: assign({ crash: ({ event }) => (event as On<'questions.lost'>).why }),
    noteError: assign({ crash: ({ event }) => saidOf((event as unknown as { error: unknown }).error) }),
  },
}).createMachine({
  id: 'iterativeConsensus',
  description: 'Round after round every agent sees what was proposed, and proposes anew, until enough of them propose the same.',
  context: ({ input }) => ({ ...input, round: 1, ...roundOf(input.agents), former: [], left: [], end: null, crash: null }),
  output: ({ context: { end, crash } }) => end ?? exitWith({ crash }),
  initial: 'asking',
  states: {
    asking: {
      description: 'All who have not left are asked at once. The first word of each counts.',
      invoke: {
        id: 'questions',
        src: 'questions',
        input: ({ context }) => {
          const { session, withinMs, round, present } = context;
          // One for all: to each the same is shown, and to make it costs as much as all that it shows.
          const body = bodyOf(context);
          return { session, withinMs, questions: present.map((agent) => ({ id: `round-${round}`, agent, body, isDerived: round > 1 })) };
        },
        onError: { target: 'crashed', actions: 'noteError' },
      },
      on: {
        'question.answered': { guard: 'isFirst', actions: 'hear' },
        'questions.answered': [
          { guard: 'isDecided', target: 'decided', actions: ['tellRound', 'end'] },
          { guard: 'isFailed', target: 'failed', actions: ['tellRound', 'end'] },
          { target: 'asking', reenter: true, actions: ['tellRound', 'beginRound'] },
        ],
        'questions.lost': { target: 'crashed', actions: 'noteCrash' },
      },
    },
    decided: { type: 'final', description: 'Enough of them propose the same.' },
    failed: { type: 'final', description: 'They do not, or too many have left.' },
    crashed: { type: 'final', description: 'Its questions were lost: to its session a crash.' },
  },
});
