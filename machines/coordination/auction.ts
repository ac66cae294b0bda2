/**
 * One auction: bidders are asked in rounds, all of a round at once, until one has won or nobody can.
 *
 * States   opening → asking ⇄ weighing → sold | unsold; broken
 * Emits    auction.asked · auction.answered · auction.sold · auction.unsold
 * Needs    `questions`, which asks all bidders of a round — provided by src/coordination/; the placeholder here refuses to run
 * Output   a `ProtocolEnd`; of `broken` the exit reason, a crash
 *
 * What is asked, what is a bid and who wins is in auction-rules.ts: four kinds, one way of asking.
 */
import { assign, emit, enqueueActions, type EventObject, fromCallback, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import type { AuctionContext, AuctionEmitted, AuctionEnd, AuctionEvent, AuctionInput } from './auction-events.js';
import { endOf, leaderOf, leastBid, noted, questionsOf, roundId, silent } from './auction-rules.js';
import type { QuestionsInput } from './protocol-events.js';

type Answered = Extract<AuctionEvent, { type: 'question.answered' }>;

/** The chart of an auction, without anybody who asks: to be looked at, drawn and tested. What runs is `auction()` of 'espalier'. */
export const auctionMachine = setup({
  types: {
    input: {} as AuctionInput,
    context: {} as AuctionContext,
    events: {} as AuctionEvent,
    emitted: {} as AuctionEmitted,
    output: {} as AuctionEnd,
  },
  actors: {
    questions: fromCallback<EventObject, QuestionsInput>(missingActor('auction', 'questions', "auction() of 'espalier'")),
  },
  guards: {
    isDeserted: ({ context }) => context.agents.length === 0,
    // The first answer counts: restored from a snapshot, it asks again whom it had heard.
    isAwaited: ({ context, event }) => {
      const { id, agent } = event as Answered;
      return id === roundId(context.round) && context.open.includes(agent);
    },
    isSold: ({ context }) => context.end?.outcome === 'decided',
    isUnsold: ({ context }) => context.end?.outcome === 'failed',
  },
  actions: {
    openRound: assign(({ context }) => {
      const leader = context.kind === 'english' ? leaderOf(context) : null;
      const { agents, rows, round } = context;
      return { round: round + 1, open: agents, rows: silent(rows), leader: leader === null ? null : { agent: leader.agent, bid: leader.bid } };
    }),
    tellAsked: emit(({ context }) => ({ type: 'auction.asked' as const, session: context.session, round: context.round, least: leastBid(context) })),
    noteAnswer: enqueueActions(({ context, event, enqueue }) => {
      const { agent, outcome } = event as Answered;
      const { session, round, open } = context;
      const rows = noted(context, agent, outcome);
      enqueue.assign({ rows, open: open.filter((one) => one !== agent) });
      for (const { agent: who, status } of rows) if (who === agent) enqueue.emit({ type: 'auction.answered', session, round, agent, status });
    }),
    weigh: assign({ end: ({ context }) => endOf(context) }),
    tellEnd: enqueueActions(({ context: { end, session, round: rounds }, enqueue }) => {
      if (end?.outcome === 'decided') {
        const { winner, price } = end.value;
        enqueue.emit({ type: 'auction.sold', session, rounds, winner, price });
      } else if (end !== null) enqueue.emit({ type: 'auction.unsold', session, rounds, why: end.why });
    }),
    noteCrash: assign({ crash: (_, p: { why: string }) => p.why }),
  },
}).createMachine({
  id: 'auction',
  description: 'One auction: bidders are asked in rounds, all of a round at once, until one has won or nobody can.',
  context: ({ input }) => ({
    ...input,
    ...{ round: 0, open: [], leader: null, end: null, crash: null },
    rows: input.agents.map((agent) => ({ agent, status: 'late' as const, bid: null })),
  }),
  // A crash is an exit, which supervisors read, and no end: the type says what an app may meet.
  output: ({ context: { crash, end } }) => end ?? (exitWith({ crash }) as never),
  initial: 'opening',
  states: {
    opening: {
      description: 'Is there anybody to be asked?',
      always: [{ guard: 'isDeserted', target: 'weighing' }, { target: 'asking' }],
    },
    asking: {
      description: 'Everybody is asked, and has the same time.',
      entry: ['openRound', 'tellAsked'],
      invoke: {
        id: 'questions',
        src: 'questions',
        input: ({ context }) => ({ session: context.session, questions: questionsOf(context), withinMs: context.withinMs }),
        onError: { target: 'broken', actions: { type: 'noteCrash', params: { why: 'questionsCrashed' } } },
      },
      on: {
        'question.answered': { guard: 'isAwaited', actions: 'noteAnswer' },
        'questions.answered': 'weighing',
        'questions.lost': { target: 'broken', actions: { type: 'noteCrash', params: ({ event }) => ({ why: event.why }) } },
      },
    },
    weighing: {
      description: 'Has somebody won, can nobody any more, or is there another round?',
      entry: 'weigh',
      always: [{ guard: 'isSold', target: 'sold' }, { guard: 'isUnsold', target: 'unsold' }, { target: 'asking' }],
    },
    sold: { type: 'final', description: 'There is a winner and a price.', entry: 'tellEnd' },
    unsold: { type: 'final', description: 'There is none, and it is known why.', entry: 'tellEnd' },
    broken: { type: 'final', description: 'What asks was ended or crashed: to its session a crash. Asked again, bidders are asked nothing twice.' },
  },
});
