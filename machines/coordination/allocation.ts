/**
 * One allocation: all agents are asked at once what they want, and what is there is shared by a rule.
 *
 * States   asking → granted | failed; broken
 * Emits    allocation.answered · allocation.decided · allocation.failed
 * Needs    `questions`, which asks the agents — provided by src/coordination/; the placeholder here refuses to run
 * Output   how it ended (`AllocationEnd`); of `broken` the exit reason, a crash
 *
 * What is a demand, and who gets how much, is in allocation-rules.ts.
 */
import { assign, enqueueActions, type EventObject, fromCallback, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import type { AllocationContext, AllocationEmitted, AllocationEnd, AllocationEvent, AllocationInput } from './allocation-events.js';
import { endOf, heardOf, questionsOf } from './allocation-rules.js';
import type { QuestionsInput } from './protocol-events.js';

type Answered = Extract<AllocationEvent, { type: 'question.answered' }>;

/** The chart of an allocation, without anybody who asks: to be looked at, drawn and tested. What runs is `allocation()` of 'espalier'. */
export const allocationMachine = setup({
  types: {
    input: {} as AllocationInput,
    context: {} as AllocationContext,
    events: {} as AllocationEvent,
    emitted: {} as AllocationEmitted,
    output: {} as AllocationEnd,
  },
  actors: {
    questions: fromCallback<EventObject, QuestionsInput>(missingActor('allocation', 'questions', "allocation() of 'espalier'")),
  },
  guards: {
    // The first answer counts: restored from a snapshot, it asks again whom it had heard.
    isAwaited: ({ context: { agents, heard }, event }) => {
      const { agent } = event as Answered;
      return agents.includes(agent) && !heard.some((one) => one.agent === agent);
    },
    isGranted: ({ context }) => endOf(context).outcome === 'decided',
  },
  actions: {
    noteAnswer: enqueueActions(({ context, event, enqueue }) => {
      const { agent, outcome } = event as Answered;
      const said = heardOf(context, agent, outcome);
      enqueue.assign({ heard: [...context.heard, said] });
      enqueue.emit({ type: 'allocation.answered', session: context.session, agent, status: said.status });
    }),
    share: assign({ end: ({ context }) => endOf(context) }),
    tellEnd: enqueueActions(({ context: { end, session }, enqueue }) => {
      if (end?.outcome === 'decided') {
        const served = end.value.claimants.filter(({ status }) => status === 'granted').length;
        enqueue.emit({ type: 'allocation.decided', session, served });
      } else if (end !== null) enqueue.emit({ type: 'allocation.failed', session, why: end.why });
    }),
    noteCrash: assign({ crash: (_, p: { why: string }) => p.why }),
  },
}).createMachine({
  id: 'allocation',
  description: 'One allocation: all agents are asked at once what they want, and what is there is shared by a rule.',
  context: ({ input }) => ({ ...input, heard: [], end: null, crash: null }),
  // A crash is an exit, which supervisors read, and no end: the type says what an app may meet.
  output: ({ context: { crash, end } }) => end ?? (exitWith({ crash }) as never),
  initial: 'asking',
  states: {
    asking: {
      description: 'All are asked at once, and have the same time.',
      invoke: {
        id: 'questions',
        src: 'questions',
        input: ({ context }) => ({ session: context.session, questions: questionsOf(context), withinMs: context.withinMs }),
        onError: { target: 'broken', actions: { type: 'noteCrash', params: { why: 'questionsCrashed' } } },
      },
      on: {
        'question.answered': { guard: 'isAwaited', actions: 'noteAnswer' },
        'questions.answered': [
          { guard: 'isGranted', target: 'granted', actions: 'share' },
          { target: 'failed', actions: 'share' },
        ],
        'questions.lost': { target: 'broken', actions: { type: 'noteCrash', params: ({ event }) => ({ why: event.why }) } },
      },
    },
    granted: { type: 'final', description: 'Somebody has something.', entry: 'tellEnd' },
    failed: { type: 'final', description: 'Nobody has anything, and it is known why.', entry: 'tellEnd' },
    broken: { type: 'final', description: 'What asks was ended or crashed: to its session a crash. Asked again, agents are asked nothing twice.' },
  },
});
