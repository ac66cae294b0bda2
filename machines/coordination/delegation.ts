/**
 * One delegation: a task goes down through representatives to those who do it, and what they deliver comes up again, combined level by level.
 *
 * States   planning ⇄ asking(delegating | working | reporting) | combining → decided | failed; broken
 * Emits    delegation.asked · delegation.answered · delegation.replaced · delegation.ruleFailed · delegation.decided · delegation.failed
 * Needs    `questions`, which asks the agents; `combiner`, which makes one of a level's results — provided by src/coordination/; the placeholders here refuse to run
 * Output   a `ProtocolEnd`; of `broken` the exit reason, a crash
 *
 * Who is asked what, what is an answer, and who takes whose place is in delegation-rules.ts.
 */
import { assign, enqueueActions, type EventObject, fromCallback, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import type {
  CombinerInput,
  DelegationContext,
  DelegationEmitted,
  DelegationEnd,
  DelegationEvent,
  DelegationInput,
  Inquiry,
} from './delegation-events.js';
import { begun, combinedWith, combinerInputOf, heard, nextStep, questionsOf } from './delegation-rules.js';
import type { QuestionsInput } from './protocol-events.js';

type On<Type extends DelegationEvent['type']> = Extract<DelegationEvent, { type: Type }>;
type Answered = On<'question.answered'>;

const factory = "delegation() of 'espalier'";

/** The question to which that is the first answer. */
const questionOf = ({ open }: DelegationContext, { id, agent }: Answered): Inquiry | undefined =>
  open.find((one) => one.id === id && one.agent === agent);

/** The chart of a delegation, without anybody who asks or combines: to be looked at, drawn and tested. What runs is `delegation()` of 'espalier'. */
export const delegationMachine = setup({
  types: {
    input: {} as DelegationInput,
    context: {} as DelegationContext,
    events: {} as DelegationEvent,
    emitted: {} as DelegationEmitted,
    output: {} as DelegationEnd,
  },
  actors: {
    questions: fromCallback<EventObject, QuestionsInput>(missingActor('delegation', 'questions', factory)),
    combiner: fromCallback<EventObject, CombinerInput>(missingActor('delegation', 'combiner', factory)),
  },
  guards: {
    // The first answer counts: restored from a snapshot, it asks again whom it had heard.
    isAwaited: ({ context, event }) => questionOf(context, event as Answered) !== undefined,
    isDelegating: ({ context }) => context.step === 'delegate',
    isWorking: ({ context }) => context.step === 'work',
    isReporting: ({ context }) => context.step === 'report',
    isCombining: ({ context }) => context.step === 'combine',
    isDecided: ({ context }) => context.end?.outcome === 'decided',
  },
  actions: {
    plan: assign(({ context }) => nextStep(context)),
    tellAsked: enqueueActions(({ context: { open, session }, enqueue }) => {
      const [first] = open;
      if (first !== undefined) enqueue.emit({ type: 'delegation.asked', session, ask: first.body.ask, agents: open.length });
    }),
    noteAnswer: enqueueActions(({ context, event, enqueue }) => {
      const question = questionOf(context, event as Answered);
      if (question === undefined) return;
      const { next, facts } = heard(context, question, (event as Answered).outcome);
      enqueue.assign({ open: next.open, rows: next.rows, stands: next.stands });
      for (const fact of facts) enqueue.emit(fact);
    }),
    noteSilent: enqueueActions(({ context, enqueue }) => {
      let now = context;
      for (const question of context.open) {
        const { next, facts } = heard(now, question, { ok: false, reason: 'late' });
        for (const fact of facts) enqueue.emit(fact);
        now = next;
      }
      enqueue.assign({ rows: now.rows, stands: now.stands });
    }),
    combine: enqueueActions(({ context, event, enqueue }) => {
      const { values } = event as On<'level.combined'>;
      const { session } = context;
      enqueue.assign(combinedWith(context, values));
      for (const one of values)
        if (!one.ok && one.why === 'ruleFailed') enqueue.emit({ type: 'delegation.ruleFailed', session, cluster: one.cluster, why: one.error });
    }),
    tellEnd: enqueueActions(({ context: { end, session }, enqueue }) => {
      if (end?.outcome === 'decided') {
        const { agents, clusters } = end.value;
        const [delivered, worked] = [clusters.filter(({ status }) => status === 'delivered'), agents.filter(({ work }) => work === 'delivered')];
        enqueue.emit({ type: 'delegation.decided', session, clusters: delivered.length, agents: worked.length });
      } else if (end !== null) enqueue.emit({ type: 'delegation.failed', session, why: end.why });
    }),
    noteCrash: assign({ crash: (_, p: { why: string }) => p.why }),
  },
}).createMachine({
  id: 'delegation',
  description:
    'One delegation: a task goes down through representatives to those who do it, and what they deliver comes up again, combined level by level.',
  context: ({ input }) => ({ ...input, ...begun(input), step: 'end', level: 0, open: [], offers: [], end: null, crash: null }),
  // A crash is an exit, which supervisors read, and no end: the type says what an app may meet.
  output: ({ context: { crash, end } }) => end ?? (exitWith({ crash }) as never),
  initial: 'planning',
  states: {
    planning: {
      description: 'Down first, level by level, then all work, then up again: what is next?',
      entry: 'plan',
      always: [
        { guard: 'isDelegating', target: 'asking.delegating' },
        { guard: 'isWorking', target: 'asking.working' },
        { guard: 'isReporting', target: 'asking.reporting' },
        { guard: 'isCombining', target: 'combining' },
        { guard: 'isDecided', target: 'decided' },
        { target: 'failed' },
      ],
    },
    asking: {
      description: 'All whose turn it is are asked at once, and have the same time. Who is not heard of in it was late.',
      entry: 'tellAsked',
      invoke: {
        id: 'questions',
        src: 'questions',
        input: ({ context }) => questionsOf(context),
        onError: { target: 'broken', actions: { type: 'noteCrash', params: { why: 'questionsCrashed' } } },
      },
      on: {
        'question.answered': { guard: 'isAwaited', actions: 'noteAnswer' },
        'questions.answered': { target: 'planning', actions: 'noteSilent' },
        'questions.lost': { target: 'broken', actions: { type: 'noteCrash', params: ({ event }) => ({ why: event.why }) } },
      },
      initial: 'delegating',
      states: {
        delegating: { description: 'The representatives of one level hand their tasks out.' },
        working: { description: 'Everybody who has a part does it.' },
        reporting: { description: 'The representatives of one level say what their clusters deliver.' },
      },
    },
    combining: {
      description: 'What the parts of each cluster of a level have delivered is made one; on the uppermost that is the end.',
      invoke: {
        id: 'combiner',
        src: 'combiner',
        input: ({ context }) => combinerInputOf(context),
        onError: { target: 'broken', actions: { type: 'noteCrash', params: { why: 'combinerCrashed' } } },
      },
      on: { 'level.combined': { target: 'planning', actions: 'combine' } },
    },
    decided: { type: 'final', description: 'There is a result.', entry: 'tellEnd' },
    failed: { type: 'final', description: 'There is none, and it is known why.', entry: 'tellEnd' },
    broken: { type: 'final', description: 'What asks was ended or crashed: to its session a crash. Asked again, agents are asked nothing twice.' },
  },
});
