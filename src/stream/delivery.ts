/**
 * The actor `delivery` of a stream: its target, from the first event to the one end.
 *
 * The end that the target is told is that of the stream's actor, whatever has ended it: its chart, a crash, a kill, the stop of the whole tree. So there is
 * exactly one. An event never comes after it. When the target is an actor, its death cancels the stream.
 */
import { type AnyActorRef, fromCallback } from 'xstate';
import { wordsOf } from '../../machines/live/ending.js';
import { failureOf, type StreamEnd, type StreamOutput } from '../../machines/stream/outcome.js';
import type { DeliveryCommand, StreamEvent } from '../../machines/stream/stream-events.js';
import { exitReason, onExit } from '../supervision/watch.js';
import { childrenOf, hasStopped, parentOf } from '../supervision/xstate-internals.js';
import { hideInExcerpt } from '../wire/secrets.js';
import { Lane } from './lane.js';
import type { Outlet, StreamTarget } from './target.js';

/** What a stream's request gives its events to. */
export interface Delivery {
  readonly lane: Lane<unknown>;
  /** Restored from a snapshot, or aborted before it began: no request is made. */
  readonly isVoid: boolean;
}

const deliveries = new WeakMap<AnyActorRef, Delivery>();

/** The delivery of a stream that has begun. */
export function deliveryOf(stream: AnyActorRef): Delivery | undefined {
  return deliveries.get(stream);
}

/** An outlet of the library's own, made for each stream: an iterator. `wake` says that it may be able to take more. */
export type MakeOutlet = (lane: { wake(): void; readonly stream: AnyActorRef }) => Outlet<unknown> & { use?(lane: Lane<unknown>): void };

/** Options of {@link delivery}. */
export interface DeliveryOptions {
  readonly target: StreamTarget<never> | { readonly make: MakeOutlet };
  /** May an actor be given events that it has not asked for? */
  readonly demand: 'automatic' | 'manual';
  readonly signal: AbortSignal | undefined;
  secrets(): readonly string[];
  /** Told what a callback threw at the end, when nobody is left to be told. */
  onFault(error: unknown): void;
}

/** How a stream's actor has ended. */
export function endOfActor(stream: AnyActorRef): StreamEnd {
  const { status, output, error } = stream.getSnapshot() as { status: string; output?: StreamOutput; error?: unknown };
  if (status === 'done' && output !== undefined) return output.end;
  if (status === 'error') return { type: 'stream.failed', failure: failureOf('crashed', 'crash', wordsOf(error)) };
  if (exitReason(stream) === 'killed') return { type: 'stream.failed', failure: failureOf('killed', 'killed', 'it was killed') };
  return { type: 'stream.cancelled', cancellation: { by: 'supervisor', reason: 'stopped' } };
}

/** The logic of a stream's delivery. */
export function delivery(options: DeliveryOptions) {
  return fromCallback<DeliveryCommand, undefined>(({ self, sendBack, receive }) => {
    const stream = parentOf(self) as AnyActorRef;
    const { signal } = options;
    let isOver = false;
    const report = (event: StreamEvent): void => {
      if (!isOver) sendBack(event);
    };
    const outlet = outletOf(options, stream, { wake: () => lane.pump(), threw: (error) => report({ type: 'target.threw', reason: told(error) }) });
    const told = (error: unknown): string => hideInExcerpt(wordsOf(error), options.secrets());
    const lane = new Lane<unknown>(outlet);
    outlet.use?.(lane);
    const { hasBegun } = (stream.getSnapshot() as { context: { hasBegun: boolean } }).context;
    deliveries.set(stream, { lane, isVoid: hasBegun || signal?.aborted === true });

    const target = outlet.actor;
    const watch = target === undefined ? undefined : onExit(target, () => report({ type: 'target.gone', reason: 'the target has ended' }));
    const abort = (): void => report({ type: 'stream.cancel', by: 'signal', reason: wordsOf(signal?.reason) });
    signal?.addEventListener('abort', abort, { once: true });
    onExit(stream, () => {
      isOver = true;
      watch?.unsubscribe();
      signal?.removeEventListener('abort', abort);
      const end = endOfActor(stream);
      lane.close(end.type === 'stream.cancelled' && end.cancellation.by !== 'supervisor' ? 'drop' : 'keep');
      outlet.end(end);
    });

    tellLoss(self, 'delivery');

    report({ type: 'delivery.began' });
    if (signal?.aborted === true) abort();
    receive((command) => {
      outlet.demand?.(command.count);
      lane.pump();
    });
    return () => {
      isOver = true;
    };
  });
}

/** Has the stream told when one of its own actors is ended by anybody but itself: XState would not say a word. */
export function tellLoss(worker: AnyActorRef, name: 'delivery' | 'request' | 'exchange' | 'poll'): void {
  const stream = parentOf(worker) as AnyActorRef;
  onExit(worker, (reason) => {
    // One that its chart has left is not among its children any more; one that crashed is told of by XState.
    if (hasStopped(stream) || !childrenOf(stream).includes(worker) || typeof reason === 'object') return;
    stream.send({ type: 'worker.lost', worker: name, reason });
  });
}

interface Wiring {
  /** The target may be able to take more. */
  wake(): void;
  threw(error: unknown): void;
}

type Wired = Outlet<unknown> & { readonly actor?: AnyActorRef; use?(lane: Lane<unknown>): void };

function outletOf({ demand, onFault, target }: DeliveryOptions, stream: AnyActorRef, wiring: Wiring): Wired {
  if (typeof target === 'object' && 'make' in target) return target.make({ wake: wiring.wake, stream });
  if (typeof target === 'function') return callbackOutlet(target as (message: unknown) => unknown, stream.id, wiring, onFault);
  const actor = target === 'parent' ? parentOf(stream) : target;
  if (actor === undefined) throw new Error("target 'parent': the stream has none");
  return actorOutlet(actor, stream.id, demand);
}

/** An actor takes what it is sent, at once; with `manual` as many events as it has asked for. */
function actorOutlet(actor: AnyActorRef, streamId: string, demand: 'automatic' | 'manual'): Wired {
  let credit = demand === 'manual' ? 0 : Number.POSITIVE_INFINITY;
  return {
    actor,
    canTake: () => credit > 0,
    take: (event) => {
      credit--;
      actor.send({ type: 'stream.event', event, streamId });
    },
    demand: (count) => {
      credit += count;
    },
    end: (end) => {
      if (exitReason(actor) === null) actor.send({ ...end, streamId });
    },
  };
}

/** A callback takes one event at a time: the next when the promise that it returned, if any, is settled. */
function callbackOutlet(
  callback: (message: unknown) => unknown,
  streamId: string,
  { threw, wake }: Wiring,
  onFault: (error: unknown) => void,
): Wired {
  let isBusy = false;
  let isOver = false;
  const failed = (error: unknown): void => {
    if (isOver) onFault(error);
    else threw(error);
  };
  const free = (): void => {
    isBusy = false;
    wake();
  };
  return {
    canTake: () => !isBusy,
    take: (event) => {
      try {
        const result = callback({ type: 'stream.event', event, streamId });
        const then = (result as { then?: unknown } | null | undefined)?.then;
        if (typeof then !== 'function') return;
        isBusy = true;
        then.call(result, free, failed);
      } catch (error) {
        // Nothing more is taken: the stream has failed.
        isBusy = true;
        failed(error);
      }
    },
    end: (end) => {
      isOver = true;
      try {
        const result = callback({ ...end, streamId });
        const then = (result as { then?: unknown } | null | undefined)?.then;
        if (typeof then === 'function') then.call(result, undefined, onFault);
      } catch (error) {
        onFault(error);
      }
    },
  };
}
