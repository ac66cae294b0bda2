/** The actors `tools` and `subscriber` of a conversation: what its functions run on, and whom it is for. */
import { type AnyActorRef, fromCallback } from 'xstate';
import { wordsOf } from '../../machines/live/ending.js';
import type { ConversationEvent } from '../../machines/tools/conversation-events.js';
import { taskSupervisor, taskSupervisorHandle } from '../supervision/tasks.js';
import { exitReason, onExit } from '../supervision/watch.js';
import { createChild, parentOf, stopActor } from '../supervision/xstate-internals.js';
import { takePlace, tellLoss } from './place.js';

/** Whom a conversation is for: it is given up when one of these has gone. */
export interface SubscriberOptions {
  readonly signal: AbortSignal | undefined;
  readonly subscriber: AnyActorRef | undefined;
}

/** A task supervisor, as a child. Its tasks do not trap exits: told to end, one has ended for everybody at once, however long its function goes on. */
export function toolsActor(maxParallel: number, { signal, subscriber }: SubscriberOptions) {
  const logic = taskSupervisor({ maxChildren: maxParallel });
  return fromCallback<{ type: 'tools.none' }, undefined>(({ self, sendBack }) => {
    const report = (event: ConversationEvent): void => sendBack(event);
    const conversation = parentOf(self) as AnyActorRef;
    const { hasBegun } = (conversation.getSnapshot() as { context: { hasBegun: boolean } }).context;
    const isGone = signal?.aborted === true || (subscriber !== undefined && exitReason(subscriber) !== null);
    const ref = createChild(logic, { parent: self, id: 'tasks' });
    ref.start();
    takePlace(conversation, { isVoid: hasBegun || isGone, tasks: taskSupervisorHandle(ref), plan: null });
    tellLoss(self);
    const watch = onExit(ref, (reason) => report({ type: 'tools.failed', reason: wordsOf(reason) }));
    report({ type: 'tools.began' });
    return () => {
      watch.unsubscribe();
      stopActor(ref);
    };
  });
}

/** Watches the actor and the signal that the conversation depends on. */
export function subscriberActor({ signal, subscriber }: SubscriberOptions) {
  return fromCallback<{ type: 'subscriber.none' }, undefined>(({ self, sendBack }) => {
    const cancel = (by: 'signal' | 'subscriber', reason: string): void =>
      sendBack({ type: 'conversation.cancel', by, reason } satisfies ConversationEvent);
    const abort = (): void => cancel('signal', wordsOf(signal?.reason));
    tellLoss(self);
    const watch = subscriber === undefined ? undefined : onExit(subscriber, () => cancel('subscriber', 'its subscriber has ended'));
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
    return () => {
      watch?.unsubscribe();
      signal?.removeEventListener('abort', abort);
    };
  });
}
