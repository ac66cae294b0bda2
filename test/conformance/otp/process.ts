/**
 * A bare process of the corpus, as XState logic: it traps exits or not, keeps a mailbox, and dies when told to.
 *
 * States   notTrapping ⇄ trapping → ended
 */
import { assign, createActor, setup, type AnyActorRef } from 'xstate';

import { exitWith, type ExitReason } from '../../../src/index.js';
import type { Json } from './line.js';
import { toExit } from './terms.js';

/** What a process hears. Notices are handed to `hear` as they come. */
export type ProcessEvent =
  | { readonly type: 'test.trap'; readonly on: boolean }
  | { readonly type: 'test.exit'; readonly reason: Json }
  | { readonly type: 'link.exit'; readonly from: AnyActorRef; readonly reason: ExitReason | 'noproc' }
  | { readonly type: 'monitor.down'; readonly ref: string; readonly actor: AnyActorRef; readonly reason: ExitReason | 'noproc' };

const machine = setup({
  types: {
    input: {} as { trap: boolean; hear: (event: ProcessEvent) => void },
    context: {} as { trap: boolean; hear: (event: ProcessEvent) => void; reason: ExitReason },
    events: {} as ProcessEvent,
  },
  guards: {
    trapping: ({ context }) => context.trap,
    trapOn: ({ event }) => event.type === 'test.trap' && event.on,
    abnormal: ({ context }) => typeof context.reason === 'object' && 'crash' in context.reason,
  },
  actions: {
    hear: ({ context, event }) => {
      context.hear(event);
    },
    rememberReason: assign({ reason: ({ context, event }) => (event.type === 'test.exit' ? toExit(event.reason) : context.reason) }),
    crash: ({ context }) => {
      throw (context.reason as { crash: unknown }).crash;
    },
  },
}).createMachine({
  id: 'otpProcess',
  context: ({ input }) => ({ ...input, reason: 'normal' }),
  initial: 'choosing',
  on: {
    'monitor.down': { actions: 'hear' },
    'test.exit': { actions: 'rememberReason', target: '.ending' },
    'test.trap': [{ guard: 'trapOn', target: '.trapping' }, { target: '.notTrapping' }],
  },
  states: {
    choosing: { always: [{ guard: 'trapping', target: 'trapping' }, { target: 'notTrapping' }] },
    trapping: { on: { 'link.exit': { actions: 'hear' } } },
    notTrapping: {},
    ending: { always: [{ guard: 'abnormal', actions: 'crash', target: 'ended' }, { target: 'ended' }] },
    ended: { type: 'final' },
  },
  output: ({ context }) => exitWith(context.reason),
});

/** Makes a process below `driver`, which pays no heed to its end, and starts it. */
export function spawnProcess(driver: AnyActorRef, id: string, trap: boolean, hear: (event: ProcessEvent) => void): AnyActorRef {
  return createActor(machine, { id, parent: driver, input: { trap, hear } }).start();
}

/** Does it trap exits now? */
export function isTrapping(process: AnyActorRef): boolean {
  return (process.getSnapshot() as { readonly value?: unknown }).value === 'trapping';
}
