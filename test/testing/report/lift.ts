/** A machine with everything that is drawn differently, and coverages of it that no search has to find. */
import { fromPromise, not, setup } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { Coverage } from '../../../src/testing/model/coverage.js';

/** Ids that are none in XML. */
export const odd = `a<b & "c" 'd'`;

export const liftMachine = setup({
  types: { events: {} as { type: string } },
  actors: { motor: fromPromise(() => Promise.resolve()) },
  guards: { doorShut: () => true },
  delays: { patience: 5 },
}).createMachine({
  id: 'lift',
  initial: 'idle',
  on: { 'lift.ask': {}, 'lift.stop': '.stopped' },
  states: {
    idle: {
      description: 'nobody waits',
      on: { 'lift.call': { guard: 'doorShut', target: 'moving' }, 'lift.ring': { target: 'idle', reenter: true }, 'lift.rest': 'moving.last' },
      after: { patience: 'stopped' },
    },
    moving: {
      invoke: { id: 'motor', src: 'motor', onDone: 'idle' },
      type: 'parallel',
      on: { 'lift.jump': { target: ['.cabin.up', '.door.open'] }, [odd]: { guard: not('doorShut'), target: 'stopped' } },
      states: {
        cabin: { initial: 'up', states: { up: { on: { 'lift.again': '#lift.moving.cabin' } }, down: { on: { 'lift.all': '#lift.moving' } } } },
        door: { initial: 'shut', states: { shut: { on: { 'lift.open': 'open' } }, open: {} } },
        last: { type: 'history', history: 'deep' },
      },
    },
    stopped: { type: 'final' },
  },
});

export const call = 'transition lift.idle --lift.call[doorShut]#0--> lift.moving';
export const late = 'delay lift.idle after(patience) fired';
export const strange = `transition lift.moving --${odd}[not(doorShut)]#0--> lift.stopped`;

/** How often each item was reached, and by which path. */
export type Reached = Readonly<Record<string, { readonly hits: number; readonly path: readonly string[] }>>;

export function coverageOf(machine: AnyStateMachine, reached: Reached, waivers: Readonly<Record<string, string>> = {}): Coverage {
  const coverage = new Coverage(machine, { endings: { motor: { done: true, error: true } }, waivers });
  coverage.paused = false;
  for (const [id, { hits, path }] of Object.entries(reached)) {
    coverage.path = path;
    for (let hit = 0; hit < hits; hit++) coverage.hit(id);
  }
  return coverage;
}

/** Called twelve times, never late because nobody is so patient, and everything else missing. */
export function liftCoverage(): Coverage {
  const path = ['a lift', 'call'];
  return coverageOf(
    liftMachine,
    {
      'state lift': { hits: 200, path: ['a lift'] },
      'state lift.idle': { hits: 1, path: ['a lift'] },
      'state lift.moving': { hits: 12, path },
      [call]: { hits: 12, path },
      [`guard ${call.slice('transition '.length)} true`]: { hits: 12, path },
    },
    { [late]: `nobody is "so" <patient> & waits`, 'state lift.stopped': 'it never stops' },
  );
}
