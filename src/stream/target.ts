/** Whom a stream tells, and what. */
import type { AnyActorRef } from 'xstate';
import type { StreamEnd } from '../../machines/stream/outcome.js';

/** What a target is told: any number of events, then exactly one end. `streamId` is the id of the stream's actor. */
export type StreamMessage<Value> = ({ readonly type: 'stream.event'; readonly event: Value } | StreamEnd) & { readonly streamId: string };

/**
 * An actor, which is sent the messages; `parent`, for whoever invoked or spawned the stream; or a callback. A callback that returns a promise is not told
 * the next event before that is settled; what it throws, or rejects with, fails the stream.
 */
export type StreamTarget<Value> = AnyActorRef | 'parent' | ((message: StreamMessage<Value>) => unknown);

/** Where events go: told one at a time, when it can take one. */
export interface Outlet<Value> {
  canTake(): boolean;
  take(value: Value): void;
  end(end: StreamEnd): void;
  /** More of its own is wanted; of an actor that is given no more than it wants. */
  demand?(count: number): void;
}
