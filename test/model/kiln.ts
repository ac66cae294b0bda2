/** The toy on which the harness is proven: a machine with everything that machines of the house use, and its model. */
import { and, assign, emit, fromCallback, fromPromise, not, sendTo, setup } from 'xstate';
import type { Model } from './walk.js';

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
export const waivers = {
  'kiln.working --done#0--> kiln.spent': 'the door has no final state',
  'kiln.working.fire.cooling --after(60000)#0--> kiln.broken': 'cooling takes at most 1 300 ms, which comes first',
};

export const kilnModel: KilnModel = {
  machine: kilnMachine,
  fakes: { sensor: {}, firing: {} },
  starts: { 'a kiln of two firings': { firings: 2 } },
  cases: [
    { name: 'fire', run: (kiln) => kiln.send({ type: 'kiln.fire', degrees: 1_200 }) },
    { name: 'fire madly', run: (kiln) => kiln.send({ type: 'kiln.fire', degrees: 9_000 }) },
    { name: 'stop', run: (kiln) => kiln.send({ type: 'kiln.stop' }) },
    { name: 'ask', run: (kiln) => kiln.send({ type: 'kiln.ask' }) },
    { name: 'open the door', run: (kiln) => kiln.send({ type: 'door.opened' }) },
    { name: 'close the door', run: (kiln) => kiln.send({ type: 'door.closed' }) },
    { name: 'it reads hot', run: (kiln) => kiln.report('sensor', { type: 'sensor.read', degrees: 1_400 }) },
    { name: 'the sensor fails', run: (kiln) => kiln.reject('sensor', new Error('no sensor')) },
    { name: 'the firing is done', when: (kiln) => kiln.find('firing') !== undefined, run: (kiln) => kiln.resolve('firing', 1) },
    { name: 'the firing fails', when: (kiln) => kiln.find('firing') !== undefined, run: (kiln) => kiln.reject('firing', new Error('cracked')) },
    { name: 'a second passes', run: (kiln) => kiln.advance(1_300) },
    { name: 'five seconds pass', run: (kiln) => kiln.advance(5_000) },
  ],
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
};
