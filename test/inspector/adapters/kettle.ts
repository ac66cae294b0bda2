/** An app of XState 5 with all that the older protocols find hard: parallel regions, named delays, guards, history, ends of actors and of states. */
import { assign, createActor, fromCallback, fromPromise, setup, SimulatedClock, type SnapshotFrom } from 'xstate';

import type { RecordedLine } from '../../../src/wire/recording/lines.js';
import { linesOf } from './lines-of.js';

export type KettleEvent = { type: 'fill'; litres: number } | { type: 'boil' } | { type: 'pause' } | { type: 'resume' } | { type: 'break' };

/** It ends at once. */
const reading = setup({}).createMachine({ id: 'reading', initial: 'looking', states: { looking: { always: 'read' }, read: { type: 'final' } } });

export const kettle = setup({
  types: { context: {} as { litres: number; heard: string[] }, events: {} as KettleEvent },
  actors: {
    reading,
    cool: fromPromise<string>(() => Promise.resolve('cool')),
    burn: fromPromise<string>(() => Promise.reject(new Error('burnt'))),
    whistle: fromCallback(() => () => {}),
  },
  guards: { isFull: ({ context }) => context.litres >= 1 },
  delays: { toBoil: 1_000 },
  actions: { fill: assign({ litres: ({ event }) => (event.type === 'fill' ? event.litres : 0) }), ring: () => {} },
}).createMachine({
  id: 'kettle',
  description: 'Boils water',
  type: 'parallel',
  context: { litres: 0, heard: [] },
  states: {
    water: {
      initial: 'cold',
      tags: 'wet',
      on: { fill: { actions: 'fill', description: 'more water' } },
      states: {
        cold: { on: { boil: [{ guard: 'isFull', target: 'heating' }, { actions: 'ring' }] } },
        heating: {
          tags: 'hot',
          entry: 'ring',
          invoke: { id: 'whistle', src: 'whistle' },
          after: { toBoil: 'boiled', 30_000: 'cold' },
          on: { pause: 'paused', break: 'broken' },
        },
        paused: { on: { resume: 'last' } },
        last: { type: 'history', target: 'cold' },
        boiled: { invoke: { id: 'cool', src: 'cool', onDone: 'done' } },
        broken: { invoke: { id: 'burn', src: 'burn', onError: 'cold' } },
        done: { type: 'final' },
      },
      onDone: { actions: 'ring' },
    },
    lid: {
      initial: 'shut',
      states: {
        shut: { invoke: { id: 'reading', src: 'reading', onDone: { target: 'seen', reenter: true } } },
        seen: { always: { guard: 'isFull', target: 'open' } },
        open: {},
      },
    },
  },
});

export interface KettleAtWork {
  /** All lines so far. */
  readonly lines: readonly RecordedLine[];
  onLine(listener: (line: RecordedLine) => void): void;
  send(path: string, event: { readonly type: string; readonly [field: string]: unknown }): void;
  /** Moves the clock on. */
  pass(ms: number): void;
  snapshot(): SnapshotFrom<typeof kettle>;
  stop(): void;
}

/** A kettle that is watched in full. */
export function startKettle(): KettleAtWork {
  const clock = new SimulatedClock();
  const listeners = new Set<(line: RecordedLine) => void>();
  const { inspect, lines } = linesOf((line) => {
    for (const listener of listeners) listener(line);
  });
  const actor = createActor(kettle, { id: 'kettle', clock, inspect });
  actor.start();
  return {
    lines,
    onLine: (listener) => listeners.add(listener),
    send: (path, event) => (path === 'kettle' ? actor.send(event as unknown as KettleEvent) : undefined),
    pass: (ms) => clock.increment(ms),
    snapshot: () => actor.getSnapshot(),
    stop: () => actor.stop(),
  };
}
