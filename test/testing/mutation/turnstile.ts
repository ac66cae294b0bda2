/** A turnstile with one line of each kind that mutants get wrong, and its model. */
import { assign, setup } from 'xstate';
import type { Model } from '../../../src/testing/model/model.js';
import type { Run } from '../../../src/testing/model/run.js';

type TurnstileEvent = { type: 'coin.inserted'; cents: number } | { type: 'arm.pushed' } | { type: 'alarm.reset' };

export const turnstileMachine = setup({
  types: { context: {} as { visitors: number }, events: {} as TurnstileEvent },
  guards: { isEnough: ({ event }) => event.type === 'coin.inserted' && event.cents >= 50 },
  actions: { count: assign({ visitors: ({ context }) => context.visitors + 1 }) },
}).createMachine({
  id: 'turnstile',
  context: { visitors: 0 },
  initial: 'locked',
  states: {
    locked: { on: { 'coin.inserted': { guard: 'isEnough', target: 'open' }, 'arm.pushed': 'alarmed' } },
    open: {
      on: { 'arm.pushed': { target: 'locked', actions: 'count' }, 'coin.inserted': { description: 'kept: nobody gets change' } },
      after: { 5_000: 'locked' },
    },
    alarmed: { on: { 'alarm.reset': 'locked' } },
  },
});

export type TurnstileModel = Model<typeof turnstileMachine>;

/** The one mutant that nobody can tell from the machine. */
export const equivalent = 'turnstile.open coin.inserted#0: dropped';

type Turnstile = Run<typeof turnstileMachine>;

/** By the state that was met, the state that is owed. */
const becomes =
  (states: Partial<Record<'locked' | 'open' | 'alarmed', string>>) =>
  ({ before, snapshot }: Turnstile): string | undefined =>
    snapshot.value === (states[before.value] ?? before.value) ? undefined : `it was ${before.value}, it is ${snapshot.value}`;

/** Notices every mutant but {@link equivalent}. */
export const turnstileModel: TurnstileModel = {
  machine: turnstileMachine,
  events: {
    'coin.inserted': {
      'enough is paid': { payload: { cents: 50 }, owes: becomes({ locked: 'open' }) },
      'too little is paid': { payload: { cents: 20 }, owes: becomes({}) },
    },
    'arm.pushed': { 'somebody pushes': { owes: (turnstile) => becomes({ locked: 'alarmed', open: 'locked' })(turnstile) ?? counted(turnstile) } },
    'alarm.reset': { 'the alarm is reset': { owes: becomes({ alarmed: 'locked' }) } },
  },
  delays: { 'five seconds pass': { ms: 5_000, owes: becomes({ open: 'locked' }) } },
  key: ({ snapshot, clock }) => [Math.min(snapshot.context.visitors, 1), clock.pending()],
  invariants: {},
};

function counted({ before, snapshot }: Turnstile): string | undefined {
  const wanted = before.context.visitors + (before.value === 'open' ? 1 : 0);
  return snapshot.context.visitors === wanted ? undefined : `${snapshot.context.visitors} visitors, not ${wanted}`;
}
