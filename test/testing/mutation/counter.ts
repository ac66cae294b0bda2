/** A baker's counter whose actions enqueue one effect of each kind, in each way that XState has, and its model. */
import { assign, enqueueActions, fromCallback, setup } from 'xstate';
import type { Model } from '../../../src/testing/model/model.js';
import type { Run } from '../../../src/testing/model/run.js';

type CounterEvent = { type: 'order'; loaves: number } | { type: 'call.off' } | { type: 'oven.hot' } | { type: 'close' };

interface CounterContext {
  readonly sold: number;
  readonly last: number;
  readonly isTold: boolean;
}

const oven = fromCallback(() => {});

export const counterMachine = setup({
  types: { context: {} as CounterContext, events: {} as CounterEvent, emitted: {} as { type: 'sold' | 'called' | 'greeted'; loaves?: number } },
  actors: { oven },
  actions: {
    sell: enqueueActions(({ context, event, enqueue }, { bonus }: { bonus: number }) => {
      const { loaves } = event as Extract<CounterEvent, { type: 'order' }>;
      enqueue.assign({ sold: context.sold + loaves + bonus, last: loaves });
      // Computed when its turn comes: it sees what is assigned above.
      enqueue.emit(({ context: now }) => ({ type: 'sold', loaves: now.sold }));
      for (let loaf = 1; loaf < loaves; loaf++) enqueue.emit({ type: 'called', loaves: loaf });
      enqueue.sendTo('oven.1', { type: 'bake' });
      enqueue.raise({ type: 'oven.hot' }, { id: `hot.${loaves}`, delay: 100 });
      enqueue({ type: 'tell' } as never);
    }),
    tell: assign({ isTold: true }),
    callOff: enqueueActions(({ context, enqueue }) => {
      enqueue.cancel(`hot.${context.last}`);
      enqueue(enqueueActions(({ enqueue: inner }) => inner.assign({ last: 0 })));
      enqueue(assign(({ context: now }) => ({ ...now, isTold: false })));
    }),
    swap: enqueueActions(({ enqueue }) => {
      enqueue.stopChild('oven.1');
      enqueue.spawnChild('oven', { id: 'oven.1' });
    }),
    once: enqueueActions(({ enqueue }) => enqueue.emit({ type: 'greeted' })),
  },
}).createMachine({
  id: 'counter',
  context: { sold: 0, last: 0, isTold: false },
  initial: 'open',
  states: {
    open: {
      type: 'parallel',
      on: { close: 'closed' },
      states: {
        till: {
          initial: { target: 'ready', actions: 'once' } as never,
          states: {
            ready: {
              on: {
                order: { actions: { type: 'sell', params: { bonus: 0 } } },
                'call.off': { actions: 'callOff' },
                'oven.hot': {
                  target: ['#counter.open.till.idle', '#counter.open.oven.hot'],
                  actions: enqueueActions(({ enqueue }) => {
                    enqueue.emit({ type: 'called' });
                    enqueue.assign({ last: -1 });
                  }),
                },
              },
            },
            idle: {},
          },
        },
        oven: { initial: 'cold', entry: 'swap', states: { cold: {}, hot: {} } },
      },
    },
    closed: { type: 'final' },
  },
});

/** One order at a time: two would share the id of a timer. */
const isFree = ({ clock }: Run<typeof counterMachine>): boolean => clock.pending() === 0;

export const counterModel: Model<typeof counterMachine> = {
  machine: counterMachine,
  events: {
    order: { 'a loaf': { payload: { loaves: 1 }, when: isFree }, 'three loaves': { payload: { loaves: 3 }, when: isFree } },
    'call.off': true,
    close: true,
  },
  ignored: { 'oven.hot': 'the counter raises it itself' },
  outcomes: { oven: {} },
  delays: { 'a while passes': 100 },
  key: ({ snapshot, clock }) => [snapshot.context.last, clock.pending()],
  invariants: {},
};
