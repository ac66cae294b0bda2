/** A caller of tools with a race planted in it: an answer that comes after the timeout is taken for the answer to the next question. */
import { assign, emit, fromCallback, setup } from 'xstate';
import type { Model } from '../../../src/testing/model/model.js';

type CallerEvent = { type: 'ASK' } | { type: 'SETTLE'; epoch: number };

export const callerMachine = setup({
  types: {
    context: {} as { epoch: number },
    events: {} as CallerEvent,
    emitted: {} as { type: 'answered'; epoch: number } | { type: 'gaveUp'; epoch: number },
  },
  actors: {
    tools: fromCallback<CallerEvent>(() => {
      throw new Error("needs actor 'tools'");
    }),
  },
  guards: {
    isCurrent: ({ context, event }) => event.type === 'SETTLE' && event.epoch === context.epoch,
  },
  actions: {
    begin: assign({ epoch: ({ context }) => context.epoch + 1 }),
    answer: emit(({ event }) => ({ type: 'answered' as const, epoch: event.type === 'SETTLE' ? event.epoch : -1 })),
    giveUp: emit(({ context }) => ({ type: 'gaveUp' as const, epoch: context.epoch })),
  },
}).createMachine({
  id: 'caller',
  context: { epoch: 0 },
  invoke: { id: 'tools', src: 'tools' },
  initial: 'idle',
  states: {
    idle: { on: { ASK: { target: 'asking', actions: 'begin' } } },
    asking: {
      on: { SETTLE: { guard: 'isCurrent', target: 'idle', actions: 'answer' } },
      after: { 1_000: { target: 'idle', actions: 'giveUp' } },
    },
  },
});

/** The race: whoever answers is heard, whichever question was asked, and also when none is open. */
export const hastyCaller = callerMachine.provide({ guards: { isCurrent: () => true } });

/** A tool may answer every question that was asked, once, however late. */
export const callerModel = {
  machine: callerMachine,
  events: { ASK: { ASK: { when: ({ snapshot }) => snapshot.context.epoch < 6 } } },
  outcomes: {
    tools: {
      reports: {
        SETTLE: {
          SETTLE: {
            when: ({ snapshot, notes }) => Number(notes['settled'] ?? 0) < snapshot.context.epoch,
            payload: ({ notes }) => ({ epoch: (notes['settled'] = Number(notes['settled'] ?? 0) + 1) }),
          },
        },
      },
    },
  },
  delays: { TIMEOUT: 1_000 },
  key: ({ snapshot, notes }) => [snapshot.context, notes],
  invariants: {
    'a question that was given up is not answered': ({ emitted }) => {
      const given = emitted.flatMap((event, at) => (event.type === 'gaveUp' ? [{ epoch: event['epoch'] as number, at }] : []));
      const late = given.find(({ epoch, at }) => emitted.slice(at).some((event) => event.type === 'answered' && event['epoch'] === epoch));
      return late === undefined ? undefined : `question ${late.epoch} was given up, and answered then`;
    },
  },
} satisfies Model<typeof callerMachine>;
