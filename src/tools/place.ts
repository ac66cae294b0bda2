/** What the actors of one conversation have in common, beside its chart: what tools run on, which tools there are, who reads. */
import type { AnyActorRef } from 'xstate';
import type { TaskSupervisor } from '../supervision/tasks.js';
import { onExit } from '../supervision/watch.js';
import { childrenOf, emitFrom, hasStopped, parentOf } from '../supervision/xstate-internals.js';
import type { ConversationData } from './events.js';
import type { Feed } from './feed.js';
import type { ToolPlan } from './tool-plan.js';

/** The place of a conversation that has begun. */
export interface Place {
  /** Restored from a snapshot, or given up before it began: nothing is asked and nothing is run. */
  readonly isVoid: boolean;
  readonly tasks: TaskSupervisor;
  /** Of the turn that is under way. */
  plan: ToolPlan | null;
}

const places = new WeakMap<AnyActorRef, Place>();
const feeds = new WeakMap<AnyActorRef, Feed>();

export function takePlace(conversation: AnyActorRef, place: Place): void {
  places.set(conversation, place);
}

export function placeOf(conversation: AnyActorRef): Place | undefined {
  return places.get(conversation);
}

/** Has a conversation that is still to be started read by this. */
export function readBy(conversation: AnyActorRef, feed: Feed): void {
  feeds.set(conversation, feed);
}

export function feedOf(conversation: AnyActorRef): Feed | undefined {
  return feeds.get(conversation);
}

/** Tells what changes no state, beside the chart. */
export function tellData(conversation: AnyActorRef, data: ConversationData): void {
  emitFrom(conversation, data);
}

/** Has the conversation told when one of its own actors is ended by anybody but itself: XState would not say a word. */
export function tellLoss(worker: AnyActorRef): void {
  const conversation = parentOf(worker) as AnyActorRef;
  watchOver(worker, (reason) => conversation.send({ type: 'worker.lost', worker: worker.id, reason }));
}

const watchedRounds = new WeakSet<AnyActorRef>();

/** The same of a call's actor, which its round answers, and of the round itself, which has no actor of its own that could do it. */
export function tellCallLoss(execution: AnyActorRef, index: number): void {
  const round = parentOf(execution) as AnyActorRef;
  if (!watchedRounds.has(round)) {
    watchedRounds.add(round);
    tellLoss(round);
  }
  watchOver(execution, (reason) => round.send({ type: 'call.lost', index, reason }));
}

function watchOver(worker: AnyActorRef, lost: (reason: string) => void): void {
  const parent = parentOf(worker) as AnyActorRef;
  onExit(worker, (reason) => {
    // One that its chart has left is not among its children any more; one that crashed, or is done, XState tells of.
    if (typeof reason === 'object' || reason === 'normal' || hasStopped(parent) || !childrenOf(parent).includes(worker)) return;
    lost(reason);
  });
}
