/**
 * The channel to one agent: does what is sent to it flow, or wait?
 *
 * States   vacant ⇄ flowing ⇄ paused → closed
 * Emits    channel.flowing · channel.paused · channel.vacated · channel.closed
 * Output   the exit reason
 *
 * The messages are beside it, in the exchange that spawns it: that delivers while the channel flows. Whatever one agent does or does not, it is its own channel
 * alone that stands.
 */
import { emit, setup } from 'xstate';
import { exitWith } from '../supervision/exit.js';
import type { ChannelContext, ChannelEmitted, ChannelEvent, ChannelInput } from './channel-events.js';

type On<Type extends ChannelEvent['type']> = Extract<ChannelEvent, { type: Type }>;

export const channelMachine = setup({
  types: {
    input: {} as ChannelInput,
    context: {} as ChannelContext,
    events: {} as ChannelEvent,
    emitted: {} as ChannelEmitted,
    tags: {} as 'flowing',
  },
  guards: {
    takesNothing: ({ event }) => (event as On<'agent.came'>).credits <= 0,
  },
  actions: {
    tellFlowing: emit(({ context: { agent } }) => ({ type: 'channel.flowing' as const, agent })),
    tellPaused: emit(({ context: { agent } }) => ({ type: 'channel.paused' as const, agent })),
    tellVacated: emit(({ context: { agent } }) => ({ type: 'channel.vacated' as const, agent })),
    tellClosed: emit(({ context: { agent }, event }) => ({
      type: 'channel.closed' as const,
      agent,
      because: (event as On<'channel.close'>).because,
    })),
  },
}).createMachine({
  id: 'channel',
  description: 'The channel to one agent: does what is sent to it flow, or wait?',
  context: ({ input }) => ({ ...input }),
  output: () => exitWith('normal'),
  initial: 'vacant',
  on: { 'channel.close': { target: '.closed', actions: 'tellClosed' } },
  states: {
    vacant: {
      description: 'Nobody goes by the name now, and somebody is awaited: what is sent waits.',
      on: {
        'agent.came': [
          { guard: 'takesNothing', target: 'paused', actions: 'tellPaused' },
          { target: 'flowing', actions: 'tellFlowing' },
        ],
      },
    },
    flowing: {
      tags: 'flowing',
      description: 'What is sent is delivered at once.',
      on: {
        'credits.spent': { target: 'paused', actions: 'tellPaused' },
        'agent.left': { target: 'vacant', actions: 'tellVacated' },
      },
    },
    paused: {
      description: 'As much as the agent takes at once is out at it: what is sent waits.',
      on: {
        'credits.given': { target: 'flowing', actions: 'tellFlowing' },
        'agent.left': { target: 'vacant', actions: 'tellVacated' },
      },
    },
    closed: { type: 'final', description: 'Nobody used it, nobody goes by the name any more, or comms have ended.' },
  },
});
