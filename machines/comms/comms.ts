/**
 * How agents are reached: the channels to all of them.
 *
 * States   serving → closed; failed
 * Emits    past the chart comms.answered · comms.refused · comms.replyDropped · comms.deadLetter · comms.published ·
 *          comms.subscribed · comms.unsubscribed
 * Needs    `exchange`, which has the mailboxes — provided by src/comms/; the placeholder here refuses to run
 * Output   the exit reason
 *
 * What is sent passes the chart by: it would pay for each message. Each agent has a channel chart of its own, which the exchange spawns and watches.
 */
import { assign, fromCallback, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import type { CommsContext, CommsEmitted, CommsEvent } from './comms-events.js';
import type { CommsCredit, CommsReply } from './message.js';

type On<Type extends CommsEvent['type']> = Extract<CommsEvent, { type: Type }>;

/** The chart of comms, without mailboxes: to be looked at, drawn and tested. What runs is `comms()` of 'espalier'. */
export const commsMachine = setup({
  types: {
    context: {} as CommsContext,
    events: {} as CommsEvent,
    emitted: {} as CommsEmitted,
    tags: {} as 'accepting',
  },
  actors: {
    exchange: fromCallback<CommsReply | CommsCredit>(missingActor('comms', 'exchange', "comms() of 'espalier'")),
  },
  actions: {
    noteShutdown: assign({ reason: ({ event }) => (event as On<'supervisor.shutdown'>).reason ?? 'shutdown' }),
    noteFailure: assign({ reason: (_, p: { crash: string }) => ({ crash: p.crash }) }),
  },
}).createMachine({
  id: 'comms',
  description: 'How agents are reached: the channels to all of them.',
  context: { reason: 'normal' },
  output: ({ context }) => exitWith(context.reason),
  initial: 'serving',
  states: {
    serving: {
      tags: 'accepting',
      description: 'Messages are taken, delivered and answered.',
      invoke: {
        id: 'exchange',
        src: 'exchange',
        onError: { target: 'failed', actions: { type: 'noteFailure', params: { crash: 'exchangeCrashed' } } },
      },
      on: {
        'exchange.ended': { target: 'failed', actions: { type: 'noteFailure', params: { crash: 'exchangeLost' } } },
        'comms.close': 'closed',
        'supervisor.shutdown': { target: 'closed', actions: 'noteShutdown' },
      },
    },
    closed: { type: 'final', description: 'In order. Who waited was answered, and agents were told that nobody does.' },
    failed: { type: 'final', description: 'The mailboxes were lost: to its supervisor a crash. Who waited was answered.' },
  },
});
