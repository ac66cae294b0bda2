/** The toy on which the kit is proven: a machine with everything that machines of the house use, and its model. */
import { and, assign, emit, fromCallback, fromPromise, not, sendTo, setup } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import type { Model, Waivers } from '../../../src/testing/model/model.js';

type KilnEvent =
  | { type: 'kiln.fire'; degrees: number }
  | { type: 'kiln.stop' }
  | { type: 'kiln.ask' }
  | { type: 'door.opened' }
  | { type: 'door.closed' }
  | { type: 'sensor.read'; degrees: number };

/** A toy with all that machines of the house use: invoke, after, always, guards, nested and parallel states, a wildcard, emitted answers. */
export const kilnMachine = setup({
  types: {
    context: {} as { goal: number; degrees: number; firings: number },
    events: {} as KilnEvent,
    input: {} as { firings: number },
    emitted: {} as { type: 'kiln.answered'; degrees: number } | { type: 'kiln.refused' },
    output: {} as { firings: number },
  },
  actors: {
    sensor: fromCallback<KilnEvent>(() => {
      throw new Error("needs actor 'sensor'");
    }),
    firing: fromPromise<number, { goal: number }>(() => Promise.reject(new Error("needs actor 'firing'"))),
  },
  guards: {
    firingsLeft: ({ context }) => context.firings > 0,
    tooHot: ({ context }) => context.degrees > 1300,
    sane: ({ event }) => event.type === 'kiln.fire' && event.degrees <= 1300,
  },
  delays: { cooling: ({ context }) => context.goal },
  actions: {
    remember: assign({ goal: (_, { degrees }: { degrees: number }) => degrees }),
    feel: assign({ degrees: (_, { degrees }: { degrees: number }) => degrees }),
    spend: assign({ firings: ({ context }) => context.firings - 1 }),
    answer: emit(({ context }) => ({ type: 'kiln.answered' as const, degrees: context.degrees })),
    refuse: emit({ type: 'kiln.refused' }),
    tellSensor: sendTo('sensor', { type: 'sensor.watch' }),
  },
}).createMachine({
  id: 'kiln',
  initial: 'working',
  context: ({ input }) => ({ goal: 0, degrees: 20, firings: input.firings }),
  on: { 'kiln.ask': { actions: 'answer' }, 'kiln.*': { actions: 'refuse' } },
  states: {
    working: {
      type: 'parallel',
      invoke: { id: 'sensor', src: 'sensor', onError: 'broken' },
      onDone: 'spent',
      on: { 'sensor.read': { actions: { type: 'feel', params: ({ event }) => event } } },
      states: {
        door: {
          initial: 'closed',
          states: {
            closed: { on: { 'door.opened': 'open' } },
            open: { on: { 'door.closed': 'closed', 'kiln.fire': {} } },
          },
        },
        fire: {
          initial: 'cold',
          states: {
            cold: {
              always: { guard: not('firingsLeft'), target: 'ash' },
              on: {
                'kiln.fire': {
                  guard: and(['sane', 'firingsLeft']),
                  target: 'burning',
                  actions: [{ type: 'remember', params: ({ event }) => event }, 'tellSensor'],
                },
              },
            },
            burning: {
              invoke: { id: 'firing', src: 'firing', input: ({ context }) => ({ goal: context.goal }), onDone: 'cooling', onError: '#kiln.broken' },
              always: { guard: 'tooHot', target: '#kiln.broken' },
              on: { 'kiln.stop': 'cooling' },
            },
            cooling: { entry: 'spend', after: { cooling: 'cold', 60_000: '#kiln.broken' } },
            ash: { type: 'final' },
          },
        },
      },
      after: { 5_000: [{ guard: 'tooHot', target: 'broken' }, { actions: 'answer' }] },
    },
    spent: { type: 'final' },
    broken: { type: 'final' },
  },
  output: ({ context }) => ({ firings: context.firings }),
});

export type KilnModel = Model<typeof kilnMachine>;

/** `door` has no end, so the parallel state is never done; and cooling at most 1 300 ms never takes a minute. */
export const waivers: Waivers = {
  'transition kiln.working --done#0--> kiln.spent': 'the door has no final state',
  'state kiln.spent': 'the door has no final state',
  'transition kiln.working.fire.cooling --after(60000)#0--> kiln.broken': 'cooling takes at most 1 300 ms, which comes first',
  'delay kiln.working.fire.cooling after(60000) fired': 'cooling takes at most 1 300 ms, which comes first',
};

export const kilnModel = {
  machine: kilnMachine,
  inputs: { 'a kiln of two firings': { firings: 2 } },
  events: {
    'kiln.fire': { fire: { payload: { degrees: 1_200 } }, 'fire madly': { payload: { degrees: 9_000 } } },
    'kiln.stop': { stop: {} },
    'kiln.ask': { ask: {} },
    'door.opened': { 'open the door': {} },
    'door.closed': { 'close the door': {} },
  },
  outcomes: {
    sensor: {
      reports: { 'sensor.read': { 'it reads hot': { payload: { degrees: 1_400 } } } },
      error: { 'the sensor fails': { error: new Error('no sensor') } },
    },
    firing: { done: { 'the firing is done': { output: 1 } }, error: { 'the firing fails': { error: new Error('cracked') } } },
  },
  delays: { 'a second passes': 1_300, 'five seconds pass': 5_000 },
  key: ({ snapshot, clock }) => [snapshot.context, (clock.nextAt() ?? 0) - clock.now() > 1_300],
  invariants: {
    'every question gets one answer': ({ emittedNow, snapshot }) => (snapshot.status === 'active' && emittedNow.length > 4 ? 'too many' : undefined),
    'burning and firing go together': (kiln) => {
      const burning = kiln.snapshot.matches({ working: { fire: 'burning' } });
      return burning === (kiln.find('firing') !== undefined) ? undefined : `burning ${String(burning)}`;
    },
    'firings are never overspent': ({ snapshot }) => (snapshot.context.firings < 0 ? `${snapshot.context.firings} left` : undefined),
    'nothing burns above the limit': ({ snapshot }) => (snapshot.context.goal > 1_300 ? `goal ${snapshot.context.goal}` : undefined),
    'the sensor is told of each firing': (kiln) => {
      const told = kiln.fakes.filter(({ src }) => src === 'sensor').flatMap(({ received }) => received).length;
      const fired = kiln.fakes.filter(({ src }) => src === 'firing').length;
      return told === fired || kiln.snapshot.status !== 'active' ? undefined : `told ${told} of ${fired}`;
    },
  },
  finish: (kiln) => kiln.reject('sensor', new Error('switched off')),
  waivers,
} satisfies KilnModel;

/** A copy of a kiln's machine with one thing changed in its definition; implementations are the same. */
export function mutant(change: (definition: never) => void): typeof kilnMachine {
  const definition = copyOf(kilnMachine.config);
  change(definition as never);
  const made = new (kilnMachine.constructor as new (config: unknown, implementations: unknown) => AnyStateMachine)(
    definition,
    kilnMachine.implementations,
  );
  return made as typeof kilnMachine;
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyOf(item)]));
}
