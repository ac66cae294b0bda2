/** Compiled beside interpreted, for tests of apps: what it takes, and what it says. */
import { assign, createActor, createMachine, setup, type AnyStateMachine } from 'xstate';
import { describe, expect, it } from 'vitest';
import { compile } from '../../../src/compiled/compile.js';
import { compareCompiled } from '../../../src/testing/equality/compare-compiled.js';
import { sideBySide } from '../../../src/testing/equality/side-by-side.js';
import { models } from '../../../src/testing/models/catalogue.js';

const door = setup({
  types: { context: {} as { times: number } },
  actions: { count: assign({ times: ({ context }) => context.times + 1 }) },
}).createMachine({
  id: 'door',
  context: { times: 0 },
  initial: 'shut',
  states: {
    shut: { on: { push: { target: 'open', guard: 'isFree', actions: 'count' }, lock: 'locked' } },
    open: { after: { slowly: 'shut' }, invoke: { id: 'light', src: 'light', onError: 'shut' } },
    locked: { type: 'final' },
  },
} as never) as unknown as AnyStateMachine;

const reach = { pathSteps: 100, walkSteps: 100, seed: 1 };

describe('a comparison', () => {
  it('finds no difference in a machine, nor in one that is compiled already, nor in what a model plays', () => {
    for (const subject of [door, compile(door), models.channel as never]) {
      const { passed, failed } = compareCompiled(subject, { steps: 200 });
      expect([passed > 3, failed]).toEqual([true, []]);
    }
  });

  it('shows whatever else a machine does in the place of the compiled one', () => {
    const wrongs: Readonly<Record<string, (machine: AnyStateMachine) => AnyStateMachine>> = {
      'another snapshot': (machine) =>
        Object.assign(machine.provide({}), { getInitialSnapshot: () => ({ ...createActor(door).getSnapshot(), output: 1 }) }),
      'another action': (machine) => machine.provide({ actions: { count: () => {} } }),
      'another error': (machine) =>
        machine.provide({
          guards: {
            isFree: () => {
              throw new Error('mine');
            },
          },
        }),
    };
    for (const [what, wrong] of Object.entries(wrongs)) {
      const cases = [...sideBySide({ machine: door, samples: {} }, reach, wrong as never)];
      const shown = cases.filter(({ status, reason }) => status === 'failed' && /interpreted .*, compiled /s.test(reason ?? ''));
      expect([what, shown.length > 0]).toEqual([what, true]);
    }
  });

  it('says of what it skips why', () => {
    const own = Object.assign(createMachine({ id: 'own', initial: 'a', states: { a: {} } }), { transition: (snapshot: unknown) => snapshot });
    expect(compareCompiled(own as never)).toEqual({
      passed: 0,
      failed: [],
      skipped: [{ name: 'own', status: 'skipped', reason: 'it is interpreted: its `transition` is not that of XState' }],
    });
  });

  it('refuses options that do not mean anything', () => {
    expect(() => compareCompiled(door, { stepz: 1 } as never)).toThrow(/stepz/);
    expect(() => compareCompiled(door, { events: {} } as never)).toThrow(/`events`, a list/);
    expect(() => compareCompiled(models.channel as never, { inputs: {} })).toThrow(/no samples for a model/);
  });
});
