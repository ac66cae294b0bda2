/**
 * A conversation as supervised logic: the chart with its model, its tools and whom it is for.
 *
 *   orchestrator({ actors: { helper: conversation({ model, input, tools }) }, children: [{ id: 'helper', src: 'helper', restart: 'temporary' }] })
 *
 * The handle that an app holds is in converse.ts.
 */
import type { ActorLogic, ActorRefFrom, AnyActorRef, SnapshotFrom } from 'xstate';
import type { JsonObject } from '../../machines/live/calls.js';
import type { ConversationEvent } from '../../machines/tools/conversation-events.js';
import { conversationMachine } from '../../machines/tools/conversation.js';
import { executionMachine } from '../../machines/tools/execution.js';
import { roundMachine } from '../../machines/tools/round.js';
import { withInput } from '../supervision/supervisors.js';
import { subjectOf, withSubject } from '../telemetry/subject.js';
import type { ConversationEmitted } from './events.js';
import { execute } from './execute.js';
import { conversationKeys, type ConversationOptions, type ConversationPlan, planConversation } from './options.js';
import { subscriberActor, toolsActor } from './task-place.js';
import { turn } from './turn.js';

/** The logic of one conversation; it needs no input. */
export type ConversationLogic = ActorLogic<
  SnapshotFrom<typeof conversationMachine>,
  ConversationEvent,
  undefined,
  AnyActorRef['system'],
  ConversationEmitted
>;

/** A running conversation. */
export type ConversationRef = ActorRefFrom<ConversationLogic>;

/**
 * The logic of a conversation with these options: for `createActor`, `invoke`, `spawn`, or as a supervisor's child, which exits `normal` when it is answered
 * or cancelled, and crashes when it failed. It emits what the handle's events are made of, and its output is a `ConversationOutput`. Restored from a snapshot, it
 * has failed, `interrupted`: nothing is asked or run a second time.
 * @throws EspalierError `tools/invalid-options`, `tools/invalid-tool` or `gate/invalid-options`; never with a key
 */
export function conversation<Answer, Item = JsonObject>(options: ConversationOptions<Answer, Item>): ConversationLogic {
  return logicOf(planConversation(options, conversationKeys));
}

const round = roundMachine.provide({ actors: { execution: executionMachine.provide({ actors: { execute } }) } });

/** The logic of what was planned. */
export function logicOf({ gate, input, model, readTools, signal, subscriber, toolMs }: ConversationPlan): ConversationLogic {
  const machine = conversationMachine.provide({
    actors: {
      tools: toolsActor(input.maxParallel, { signal, subscriber }),
      subscriber: subscriberActor({ signal, subscriber }),
      turn: turn({ gate, model, readTools, toolMs }),
      round,
    },
  });
  return withSubject(withInput(machine, input) as unknown as ConversationLogic, subjectOf(model));
}
