/**
 * Streams over HTTP, as supervised logic and as a handle.
 *
 *   orchestrator({ actors: { feed: httpStream({ url, target: (message) => … }) }, children: [{ id: 'feed', src: 'feed' }] })
 *
 *   const stream = openStream({ url, headers });
 *   for await (const { event, data } of stream) …
 *   const outcome = await stream.ended();   // { ok: true, summary } | { ok: false, failure }, and never rejects
 */
import { type ActorLogic, type ActorRefFrom, type AnyActorRef, createActor, type SnapshotFrom } from 'xstate';
import { httpStreamMachine } from '../../machines/stream/http-stream.js';
import type { StreamFailure, StreamSummary } from '../../machines/stream/outcome.js';
import type { StreamEvent, StreamFact } from '../../machines/stream/stream-events.js';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import { printFault } from '../supervision/last-resort.js';
import { withInput } from '../supervision/supervisors.js';
import { createChild } from '../supervision/xstate-internals.js';
import type { SseEvent } from '../wire/sse.js';
import { withSubject } from '../telemetry/subject.js';
import { delivery, type DeliveryOptions, endOfActor } from './delivery.js';
import { type HttpStreamOptions, planStream, type StreamPlan } from './options.js';
import { Reader } from './reader.js';
import { isActor, sortOf } from '../option-checks.js';
import { invalid } from './refusal.js';
import { request } from './request.js';
import type { StreamTarget } from './target.js';

/** The logic of one stream; it needs no input. */
export type HttpStreamLogic = ActorLogic<SnapshotFrom<typeof httpStreamMachine>, StreamEvent, undefined, AnyActorRef['system'], StreamFact>;

/** A running stream. */
export type HttpStreamRef = ActorRefFrom<HttpStreamLogic>;

/** Beside the options of the stream itself. */
export interface TargetOptions<Value> {
  /** Who is told the events and the end. Default `parent`: whoever invoked or spawned the stream. */
  readonly target?: StreamTarget<Value>;
  /**
   * `manual`: a target that is an actor is given as many events as it has asked for, by `stream.demand` with a `count`, sent to the stream. Default
   * `automatic`: as they come.
   */
  readonly demand?: 'automatic' | 'manual';
}

/** Why a stream did not come to its end: its failure, or `cancelled`, with who did it as `code` and the reason as `message`. */
export interface Unfinished extends Omit<StreamFailure, 'kind'> {
  readonly kind: StreamFailure['kind'] | 'cancelled';
}

/** How a stream has ended. */
export type HttpStreamOutcome = { readonly ok: true; readonly summary: StreamSummary } | { readonly ok: false; readonly failure: Unfinished };

/** A running stream, as an app holds it. Disposing of it cancels it. */
export interface HttpStream<Value> extends AsyncIterable<Value>, AsyncDisposable {
  /** The stream's actor. */
  readonly ref: HttpStreamRef;
  [Symbol.asyncIterator](): AsyncIterableIterator<Value, undefined>;
  /** Aborts the request, and settles at the stream's end. Twice is once. */
  cancel(reason?: string): Promise<HttpStreamOutcome>;
  /** Settles at the stream's end. It reads nothing by itself: where nobody iterates, that is the total deadline. */
  ended(): Promise<HttpStreamOutcome>;
  /** Reads to the end by itself; what nobody iterates over is dropped. */
  drain(): Promise<HttpStreamOutcome>;
}

/** Beside the options of the stream itself. */
export interface OpenOptions {
  /** The time of its deadlines. Default: the machine's. */
  readonly clock?: Clock;
}

/**
 * The logic of a stream of server-sent events with these options: for `createActor`, `invoke`, `spawn`, or as a supervisor's child. The target is told
 * `stream.event` for each event, then exactly one of `stream.completed`, `stream.failed` and `stream.cancelled`, whatever happens to the stream.
 * @throws EspalierError `stream/invalid-options` or `gate/invalid-options`; never with a secret
 */
export function httpStream<Value = SseEvent>(options: HttpStreamOptions<Value> & TargetOptions<Value>): HttpStreamLogic {
  return streamLogic(planStream(options, ['target', 'demand']), options);
}

/** The logic of what was planned, for this target. @throws EspalierError `stream/invalid-options` */
export function streamLogic<Value>(plan: StreamPlan, { demand = 'automatic', target = 'parent' }: TargetOptions<Value>): HttpStreamLogic {
  requireTarget({ demand, target });
  return logicOf(plan, { target: target as StreamTarget<never>, demand });
}

/** @throws EspalierError `stream/invalid-options` for what is no target, and no demand */
export function requireTarget<Value>({ demand, target }: Required<TargetOptions<Value>>): void {
  if (target !== 'parent' && typeof target !== 'function' && !isActor(target))
    throw invalid('target', "an actor, a function, or 'parent'", sortOf(target));
  if (demand !== 'automatic' && demand !== 'manual') throw invalid('demand', 'automatic or manual', sortOf(demand));
}

/**
 * Starts a stream of server-sent events by itself, the root of an actor system of its own, to be iterated over. The request is made at once; its answer
 * is read as the loop asks for it. It ends by its deadlines, by `cancel()`, by `signal`, or when the loop is left.
 * @throws EspalierError `stream/invalid-options` or `gate/invalid-options`; never with a secret
 */
export function openStream<Value = SseEvent>(options: HttpStreamOptions<Value> & OpenOptions): HttpStream<Value> {
  const plan = planStream(options, ['clock']);
  const { clock = systemClock } = options;
  requireClock(clock);
  return openPlan<Value>(plan, clock);
}

/** Starts what was planned: by itself, or beneath an actor, which has to cancel it when it ends. */
export function openPlan<Value>(plan: StreamPlan, clock: Clock, parent?: AnyActorRef): HttpStream<Value> {
  const reader = new Reader<Value>();
  const logic = logicOf(plan, { target: { make: reader.make }, demand: 'automatic' });
  const ref = parent === undefined ? createActor(logic, { clock, id: 'stream' }) : (createChild(logic, { parent, id: 'stream' }) as HttpStreamRef);
  // Heard here, a crash is no uncaught exception: it is the stream's outcome.
  ref.subscribe({ error: () => undefined });
  ref.start();
  return new Handle<Value>(ref, reader);
}

function logicOf(plan: StreamPlan, { demand, target }: Pick<DeliveryOptions, 'demand' | 'target'>): HttpStreamLogic {
  const { address, body, fetch, gate, input, method, openBody, secrets, signal } = plan;
  const machine = httpStreamMachine.provide({
    actors: {
      delivery: delivery({ target, demand, signal, secrets, onFault: (error) => printFault('the target of a stream', error) }),
      request: request({ address, body, fetch, gate, method, openBody, secrets }),
    },
  });
  return withSubject(withInput(machine, input), plan.subject);
}

class Handle<Value> implements HttpStream<Value> {
  readonly ref: HttpStreamRef;
  readonly #reader: Reader<Value>;

  constructor(ref: HttpStreamRef, reader: Reader<Value>) {
    this.ref = ref;
    this.#reader = reader;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Value, undefined> {
    return this.#reader;
  }

  cancel(reason = ''): Promise<HttpStreamOutcome> {
    const ended = this.ended();
    if (this.ref.getSnapshot().status === 'active') this.ref.send({ type: 'stream.cancel', by: 'app', reason });
    return ended;
  }

  ended(): Promise<HttpStreamOutcome> {
    return new Promise((resolve) => {
      const look = (): void => resolve(outcomeOf(this.ref));
      if (this.ref.getSnapshot().status === 'active') this.ref.subscribe({ complete: look, error: look });
      else look();
    });
  }

  drain(): Promise<HttpStreamOutcome> {
    const ended = this.ended();
    this.#reader.drain();
    return ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cancel();
  }
}

/** How a stream that is no longer active has ended. */
export function outcomeOf(ref: AnyActorRef): HttpStreamOutcome {
  const end = endOfActor(ref);
  if (end.type === 'stream.completed') return { ok: true, summary: end.summary };
  if (end.type === 'stream.failed') return { ok: false, failure: end.failure };
  const { by, reason } = end.cancellation;
  return { ok: false, failure: { kind: 'cancelled', code: by, status: '', message: reason } };
}
