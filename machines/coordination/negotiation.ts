/**
 * One negotiation: a party offers, the others accept, offer something else, or leave, until all have accepted one offer.
 *
 * States   talking(gathering → opening → weighing ⇄ answering) → agreed | failed; broken
 * Emits    negotiation.offered · negotiation.answered · negotiation.agreed · negotiation.failed
 * Needs    `questions`, which asks all whose turn it is — provided by src/coordination/; the placeholder here refuses to run
 * Output   a `ProtocolEnd`; of `broken` the exit reason, a crash
 *
 * Whose turn it is and what is an answer is in negotiation-rules.ts.
 */
import { assign, enqueueActions, type EventObject, fromCallback, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import type { NegotiationContext, NegotiationEmitted, NegotiationEnd, NegotiationEvent, NegotiationInput } from './negotiation-events.js';
import { awaited, heardOf, inquiriesOf, nextOffer, noDeal, offerId, outcomeOf, remembered } from './negotiation-rules.js';
import type { QuestionsInput } from './protocol-events.js';

type Answered = Extract<NegotiationEvent, { type: 'question.answered' }>;

/** The chart of a negotiation, without anybody who asks: to be looked at, drawn and tested. What runs is `negotiation()` of 'espalier'. */
export const negotiationMachine = setup({
  types: {
    input: {} as NegotiationInput,
    context: {} as NegotiationContext,
    events: {} as NegotiationEvent,
    emitted: {} as NegotiationEmitted,
    output: {} as NegotiationEnd,
  },
  actors: {
    questions: fromCallback<EventObject, QuestionsInput>(missingActor('negotiation', 'questions', "negotiation() of 'espalier'")),
  },
  guards: {
    isTooFew: ({ context }) => context.agents.length < 2,
    // The first answer counts: restored from a snapshot, it asks again whom it had heard.
    isAwaited: ({ context, event }) => {
      const { id, agent } = event as Answered;
      return id === offerId(context.round) && context.open.includes(agent);
    },
    isAgreed: ({ context }) => context.end?.outcome === 'decided',
    isFailed: ({ context }) => context.end?.outcome === 'failed',
  },
  delays: { deadline: ({ context }) => context.deadlineMs },
  actions: {
    callFirst: assign(({ context }) => {
      const open = context.agents.slice(0, 1);
      return { open, rows: awaited(context, open, 'unasked') };
    }),
    lay: enqueueActions(({ context, enqueue }) => {
      const table = nextOffer(context);
      if (table === null) return;
      const [open, round] = [context.agents.filter((agent) => agent !== table.agent), context.round + 1];
      enqueue.assign({ table, open, round, counters: [], rows: awaited(context, open, 'offered') });
      enqueue.emit({ type: 'negotiation.offered', session: context.session, round, by: table.agent });
    }),
    noteAnswer: enqueueActions(({ context, event, enqueue }) => {
      const { agent, outcome } = event as Answered;
      const { counters, open, round, rows, session, table } = context;
      const { status, offer } = heardOf(outcome, table);
      enqueue.assign({
        rows: rows.map((row) => (row.agent === agent ? { agent, status } : row)),
        open: open.filter((one) => one !== agent),
        counters: status === 'offered' ? [...counters, { agent, offer }] : counters,
      });
      enqueue.emit({ type: 'negotiation.answered', session, round, agent, status });
    }),
    remember: assign({ history: ({ context }) => remembered(context) }),
    weigh: assign({ end: ({ context }) => outcomeOf(context) }),
    giveUp: assign({ end: ({ context }) => noDeal(context, 'timeUp') }),
    tellEnd: enqueueActions(({ context: { end, session, round: rounds }, enqueue }) => {
      if (end?.outcome === 'decided') enqueue.emit({ type: 'negotiation.agreed', session, rounds, by: end.value.by });
      else if (end !== null) enqueue.emit({ type: 'negotiation.failed', session, rounds, why: end.why });
    }),
    noteCrash: assign({ crash: (_, p: { why: string }) => p.why }),
  },
}).createMachine({
  id: 'negotiation',
  description: 'One negotiation: a party offers, the others accept, offer something else, or leave, until all have accepted one offer.',
  context: ({ input }) => ({
    ...input,
    ...{ round: 0, table: null, counters: [], open: [], history: [], end: null, crash: null },
    rows: input.agents.map((agent) => ({ agent, status: 'unasked' as const })),
  }),
  // A crash is an exit, which supervisors read, and no end: the type says what an app may meet.
  output: ({ context: { crash, end } }) => end ?? (exitWith({ crash }) as never),
  initial: 'talking',
  states: {
    talking: {
      description: 'Until all agree, somebody is missing, or the time is over.',
      initial: 'gathering',
      after: { deadline: { target: 'failed', actions: ['remember', 'giveUp'] } },
      on: {
        'question.answered': { guard: 'isAwaited', actions: 'noteAnswer' },
        'questions.lost': { target: 'broken', actions: { type: 'noteCrash', params: ({ event }) => ({ why: event.why }) } },
      },
      states: {
        gathering: {
          description: 'Are there two?',
          always: [{ guard: 'isTooFew', target: 'weighing' }, { target: 'opening' }],
        },
        opening: {
          description: 'The first is asked for an offer.',
          entry: 'callFirst',
          invoke: {
            id: 'opening',
            src: 'questions',
            input: ({ context }) => ({ session: context.session, questions: inquiriesOf(context), withinMs: context.withinMs }),
            onError: { target: '#negotiation.broken', actions: { type: 'noteCrash', params: { why: 'questionsCrashed' } } },
          },
          on: { 'questions.answered': 'weighing' },
        },
        answering: {
          description: 'An offer is on the table, and all others are asked about it.',
          entry: 'lay',
          invoke: {
            id: 'answering',
            src: 'questions',
            input: ({ context }) => ({ session: context.session, questions: inquiriesOf(context), withinMs: context.withinMs }),
            onError: { target: '#negotiation.broken', actions: { type: 'noteCrash', params: { why: 'questionsCrashed' } } },
          },
          on: { 'questions.answered': 'weighing' },
        },
        weighing: {
          description: 'Do all agree, can they not any more, or is there another offer?',
          entry: ['remember', 'weigh'],
          always: [
            { guard: 'isAgreed', target: '#negotiation.agreed' },
            { guard: 'isFailed', target: '#negotiation.failed' },
            { target: 'answering' },
          ],
        },
      },
    },
    agreed: { type: 'final', description: 'All others have accepted one offer, in one round.', entry: 'tellEnd' },
    failed: { type: 'final', description: 'They have not, and it is known why.', entry: 'tellEnd' },
    broken: { type: 'final', description: 'What asks was ended or crashed: to its session a crash. Asked again, parties are asked nothing twice.' },
  },
});
