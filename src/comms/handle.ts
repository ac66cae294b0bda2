/**
 * What an app holds of comms.
 *
 * Nothing throws nor rejects but for misuse, and every call is answered: one on comms that have ended, or do not run, with `closed`.
 */
import { type AnyActorRef, createActor } from 'xstate';
import { commsMachine } from '../../machines/comms/comms.js';
import type { CommsEmitted } from '../../machines/comms/comms-events.js';
import type { RequestOutcome } from '../../machines/comms/request.js';
import { sortOf } from '../option-checks.js';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import { onFact } from '../supervision/on-fact.js';
import { ended } from '../supervision/watch.js';
import { hasStopped, runsMachine } from '../supervision/xstate-internals.js';
import { broadcast, type BroadcastOutcome, publish, type PublishOutcome, subscribe, type SubscribeOutcome, unsubscribe } from './cast.js';
import { comms as commsLogic, type CommsRef, exchangeOf } from './comms.js';
import { type CommsCounts, type CommsLoad, noCounts, noLoad } from './counts.js';
import type { DeadLetter } from './dead-letters.js';
import type { Exchange } from './exchange.js';
import type { ChannelRef } from './lane.js';
import type { DeliveryOutcome, RedeliveryOutcome } from './message.js';
import {
  type AskOptions,
  type BroadcastOptions,
  type CommsOptions,
  type NotifyOptions,
  requireAsk,
  requireBroadcast,
  requireNotify,
  requirePublish,
} from './options.js';
import type { Requests } from './port.js';
import { count, invalid, requireOptions, requireText } from './refusal.js';

type Fact<Type extends CommsEmitted['type']> = Extract<CommsEmitted, { type: Type }>;

/** Which dead letters. */
export interface DeadLetterQuery {
  /** Those to one agent, by name. Default: all. */
  readonly agent?: string;
  /** At most so many, the oldest first. Default: all. */
  readonly limit?: number;
}

/** How one channel stands. */
export interface ChannelStatus {
  readonly state: 'vacant' | 'flowing' | 'paused' | 'closed';
  /** In the mailbox. */
  readonly queued: number;
  /** Waiting for a place there. */
  readonly waiting: number;
  /** Out at the agent. */
  readonly out: number;
  /** How much more may go out. */
  readonly credits: number;
}

/** How comms stand. */
export interface CommsStatus extends CommsLoad {
  readonly state: 'serving' | 'ended';
  readonly counts: CommsCounts;
}

/** Comms, as an app holds them. Disposing of them closes them. */
export interface Comms extends Requests, AsyncDisposable {
  /** Their actor; undefined while none runs. */
  readonly ref: CommsRef | undefined;
  /**
   * Asks an agent by its name. Delivered once, to one; `again` (see {@link AskOptions}) once to each who comes after.
   * @returns rejects for misuse only, before anything happens
   * @throws EspalierError `comms/invalid-options`, as rejection
   */
  request(agent: string, body: unknown, options?: AskOptions): Promise<RequestOutcome>;
  /**
   * Sends a word to which there is no answer. `ok`: it was taken into the agent's mailbox; not, that the agent has read it, nor that it lives on.
   * @returns rejects for misuse only
   * @throws EspalierError `comms/invalid-options`, as rejection
   */
  notify(agent: string, body: unknown, options?: NotifyOptions): Promise<DeliveryOutcome>;
  /**
   * Sends a word to many, each once. The mailbox of one that has no room for it keeps nobody else from having it.
   * @returns rejects for misuse only
   * @throws EspalierError `comms/invalid-options`, as rejection
   */
  broadcast(agents: readonly string[], body: unknown, options?: BroadcastOptions): Promise<BroadcastOutcome>;
  /**
   * The same to all who can all of it: whose metadata in the registry has a list `capabilities` with each. Where that field is indexed, it costs what they are.
   * @returns rejects for misuse only, also where a function finds the agents, which knows no capabilities
   * @throws EspalierError `comms/invalid-options`, as rejection
   */
  multicast(capabilities: string | readonly string[], body: unknown, options?: BroadcastOptions): Promise<BroadcastOutcome>;
  /**
   * An agent hears a topic from now on: until it is unsubscribed, or its name is given up. Restarted, it goes on; twice is once.
   * @throws EspalierError `comms/invalid-options`
   */
  subscribe(topic: string, agent: string): SubscribeOutcome;
  /** @returns whether it had heard it. @throws EspalierError `comms/invalid-options` */
  unsubscribe(topic: string, agent: string): boolean;
  /** Who hears a topic, the earliest first. @throws EspalierError `comms/invalid-options` */
  subscribers(topic: string): string[];
  /**
   * Tells all who hear a topic, each through its own mailbox. Topics are compared as they are: there are none above others.
   * @returns rejects for misuse only
   * @throws EspalierError `comms/invalid-options`, as rejection
   */
  publish(topic: string, body: unknown, options?: NotifyOptions): Promise<PublishOutcome>;
  /** Messages that were taken and never delivered, the oldest first. @throws EspalierError `comms/invalid-options` */
  deadLetters(query?: DeadLetterQuery): DeadLetter[];
  /** Sends a dead letter again, and takes it away from them where it was taken. A question is asked anew, without its key. @throws EspalierError `comms/invalid-options`, as rejection */
  redeliver(id: string, options?: NotifyOptions): Promise<RedeliveryOutcome>;
  /** Throws a dead letter away. @returns whether it was there. @throws EspalierError `comms/invalid-options` */
  discard(id: string): boolean;
  /** How the channel to an agent stands; undefined where there is none. @throws EspalierError `comms/invalid-options` */
  channel(agent: string): ChannelStatus | undefined;
  /** The actor of that channel, for whoever looks at its chart. @throws EspalierError `comms/invalid-options` */
  channelRef(agent: string): ChannelRef | undefined;
  status(): CommsStatus;
  /** Facts of comms, as they emit them, and of those that come after them in their seat. What a listener throws goes to `console.error`. @throws EspalierError `comms/invalid-options` */
  on<Type extends CommsEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void };
  /** Answers whoever waits, and ends. Twice is once. */
  close(): Promise<void>;
}

/**
 * The handle of comms that a supervisor runs: with their reference, or with a function that finds them, which follows their restarts.
 * @throws EspalierError `comms/invalid-options` for a reference that runs none; from each call, for a function that finds one
 */
export function commsHandle(ref: AnyActorRef | (() => AnyActorRef | undefined)): Comms {
  if (typeof ref === 'function') return new Handle(ref);
  requireComms(ref);
  return new Handle(() => ref);
}

/**
 * Comms that an app starts by itself, the root of a system of their own. In an app with a tree, {@link commsLogic} is a child of that.
 * @throws EspalierError `comms/invalid-options`; `supervision/invalid-options` for what is no clock
 */
export function createComms(options: CommsOptions, where: { readonly clock?: Clock } = {}): Comms {
  requireOptions('where comms run', where, ['clock']);
  const { clock = systemClock } = where;
  requireClock(clock);
  const root = createActor(commsLogic(options), { clock, id: 'comms' });
  // Heard here, a crash is no uncaught exception: the handle answers `closed`.
  root.subscribe({ error: () => {} });
  root.start();
  return new Handle(() => root);
}

function isComms(ref: unknown): ref is CommsRef {
  return runsMachine(ref, commsMachine);
}

function requireComms(ref: unknown): asserts ref is CommsRef {
  if (!isComms(ref)) throw invalid('ref', 'an actor that runs comms()', sortOf(ref));
}

const factTypes: readonly CommsEmitted['type'][] = [
  ...(['comms.answered', 'comms.refused', 'comms.replyDropped', 'comms.deadLetter'] as const),
  ...(['comms.published', 'comms.subscribed', 'comms.unsubscribed'] as const),
];
const plain = {};

class Handle implements Comms {
  readonly #find: () => AnyActorRef | undefined;

  constructor(find: () => AnyActorRef | undefined) {
    this.#find = find;
  }

  get ref(): CommsRef | undefined {
    const ref = this.#find();
    if (ref !== undefined) requireComms(ref);
    return ref;
  }

  get #exchange(): Exchange | undefined {
    const { ref } = this;
    const exchange = ref === undefined ? undefined : exchangeOf(ref);
    return exchange?.isOver === false ? exchange : undefined;
  }

  async request(agent: string, body: unknown, options: AskOptions = plain): Promise<RequestOutcome> {
    requireAsk(agent, options);
    const exchange = this.#exchange;
    if (exchange === undefined) return { ok: false, reason: 'closed' };
    return new Promise((resolve) => exchange.request(agent, body, options, resolve));
  }

  async notify(agent: string, body: unknown, options: NotifyOptions = plain): Promise<DeliveryOutcome> {
    requireNotify(agent, options);
    const exchange = this.#exchange;
    if (exchange === undefined) return { ok: false, reason: 'closed' };
    return new Promise((resolve) => exchange.notify(agent, body, options, resolve));
  }

  async broadcast(agents: readonly string[], body: unknown, options: BroadcastOptions = plain): Promise<BroadcastOutcome> {
    const names = requireBroadcast(agents, options);
    return new Promise((resolve) => broadcast(this.#exchange, names, body, options, resolve));
  }

  async multicast(capabilities: string | readonly string[], body: unknown, options: BroadcastOptions = plain): Promise<BroadcastOutcome> {
    const wanted = requireBroadcast(typeof capabilities === 'string' ? [capabilities] : capabilities, options, 'capabilities');
    if (wanted.length === 0) throw invalid('capabilities', 'at least one', 'an empty list');
    const exchange = this.#exchange;
    const names = exchange?.directory.capable(wanted) ?? [];
    return new Promise((resolve) => broadcast(exchange, names, body, options, resolve));
  }

  subscribe(topic: string, agent: string): SubscribeOutcome {
    requireText('topic', topic);
    requireText('agent', agent);
    const exchange = this.#exchange;
    return exchange === undefined ? { ok: false, reason: 'closed' } : subscribe(exchange, topic, agent);
  }

  unsubscribe(topic: string, agent: string): boolean {
    requireText('topic', topic);
    requireText('agent', agent);
    const exchange = this.#exchange;
    return exchange !== undefined && unsubscribe(exchange, topic, agent);
  }

  subscribers(topic: string): string[] {
    requireText('topic', topic);
    return this.#exchange?.topics.of(topic) ?? [];
  }

  async publish(topic: string, body: unknown, options: NotifyOptions = plain): Promise<PublishOutcome> {
    requirePublish(topic, options);
    const exchange = this.#exchange;
    if (exchange === undefined) return { ok: false, reason: 'closed' };
    return new Promise((resolve) => publish(exchange, topic, body, options, resolve));
  }

  deadLetters(query: DeadLetterQuery = {}): DeadLetter[] {
    requireOptions('a query', query, ['agent', 'limit']);
    const { agent } = query;
    if (agent !== undefined) requireText('agent', agent);
    return this.#exchange?.letters.list(agent, count('limit', query.limit, Infinity)) ?? [];
  }

  async redeliver(id: string, options: NotifyOptions = plain): Promise<RedeliveryOutcome> {
    requireText('id', id);
    requireNotify(id, options);
    const exchange = this.#exchange;
    if (exchange === undefined) return { ok: false, reason: 'closed' };
    return new Promise((resolve) => exchange.redeliver(id, options, resolve));
  }

  discard(id: string): boolean {
    requireText('id', id);
    return this.#exchange?.letters.remove(id) ?? false;
  }

  channel(agent: string): ChannelStatus | undefined {
    requireText('agent', agent);
    const lane = this.#exchange?.laneAt(agent);
    if (lane === undefined) return undefined;
    const { state, out, credits } = lane;
    return { state, queued: lane.queued.size, waiting: lane.waiting.size, out, credits };
  }

  channelRef(agent: string): ChannelRef | undefined {
    requireText('agent', agent);
    return this.#exchange?.laneAt(agent)?.channel;
  }

  status(): CommsStatus {
    const { ref } = this;
    const exchange = ref === undefined ? undefined : exchangeOf(ref);
    const isServing = ref !== undefined && !hasStopped(ref) && exchange?.isOver === false;
    return {
      state: isServing ? 'serving' : 'ended',
      counts: exchange === undefined ? noCounts() : { ...exchange.counts },
      ...(isServing && exchange !== undefined ? exchange.load : noLoad),
    };
  }

  on<Type extends CommsEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void } {
    if (!factTypes.includes(type)) throw invalid('type', factTypes.join(', '), typeof type === 'string' ? 'another fact' : sortOf(type));
    if (typeof listener !== 'function') throw invalid('listener', 'a function', sortOf(listener));
    return onFact(() => this.ref, type, listener, isComms);
  }

  async close(): Promise<void> {
    const { ref } = this;
    if (ref !== undefined) await ended(ref, () => ref.send({ type: 'comms.close' }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
