/**
 * All channels of comms: takes messages, has them delivered, and matches answers to questions.
 *
 * Nothing here waits, and nothing that an app or an agent does is done in the midst of a change (turns.ts). So an agent that does not answer, or is slow to, holds
 * up its own mailbox and nothing else.
 */
import type { AnyActorRef } from 'xstate';
import { channelMachine } from '../../machines/comms/channel.js';
import type { CommsEmitted } from '../../machines/comms/comms-events.js';
import type { CommsCancelled } from '../../machines/comms/message.js';
import type { RequestOutcome, RequestRefusal } from '../../machines/comms/request.js';
import type { Clock } from '../supervision/clock.js';
import { DeadlineQueue } from '../supervision/deadlines.js';
import { exitReason } from '../supervision/watch.js';
import { createChild } from '../supervision/xstate-internals.js';
import { type CommsLoad, noCounts } from './counts.js';
import type { ChannelEnd } from '../../machines/comms/channel-events.js';
import type { DeadLetters, Leaving } from './dead-letters.js';
import type { Directory } from './directory.js';
import { Holders } from './holder.js';
import { KeptAnswers } from './kept-answers.js';
import { type ChannelRef, Lane, type LaneHost, takes } from './lane.js';
import { Caller, type DeliveryOutcome, type FromAgent, type Letter, Message, type RedeliveryOutcome, type Sending } from './message.js';
import type { AskOptions, CommsPlan, NotifyOptions } from './options.js';
import type { Topics } from './topics.js';
import { Turns } from './turns.js';

/** How many there have been in this process: an agent may be asked by two at once, or by those that come after others, and knows what it is asked by the reference alone. */
let exchanges = 0;

export class Exchange implements LaneHost {
  readonly directory: Directory;
  readonly replyTo: AnyActorRef;
  readonly letters: DeadLetters;
  readonly topics: Topics;
  readonly plan: CommsPlan;
  readonly counts = noCounts();
  readonly holders = new Holders();
  readonly #clock: Clock;
  readonly #deadlines: DeadlineQueue;
  readonly #answers: KeptAnswers;
  readonly #lanes = new Map<string, Lane>();
  /** What is out, by the reference of its delivery. */
  readonly #out = new Map<string, Message>();
  readonly #turns: Turns;
  readonly #id = ++exchanges;
  #refs = 0;
  #isOver = false;
  #unwatch: (() => void) | null | undefined;

  /** @param left  what those before it have left */
  constructor(plan: CommsPlan, clock: Clock, replyTo: AnyActorRef, left: Leaving, emit: (fact: CommsEmitted) => void) {
    this.plan = plan;
    this.directory = plan.directory;
    this.replyTo = replyTo;
    this.letters = left.letters;
    this.topics = left.topics;
    this.#clock = clock;
    this.#deadlines = new DeadlineQueue(clock);
    this.#answers = new KeptAnswers(clock, plan.maxKeys);
    this.#turns = new Turns(emit, clock, this.#deadlines);
  }

  get isOver(): boolean {
    return this.#isOver;
  }
  get isResting(): boolean {
    return this.#turns.isResting;
  }

  get load(): CommsLoad {
    let queued = 0;
    for (const lane of this.#lanes.values()) queued += lane.queued.size + lane.waiting.size;
    return {
      ...{ channels: this.#lanes.size, queued, out: this.#out.size, subscriptions: this.topics.size },
      ...{ deadLetters: this.letters.size, keptAnswers: this.#answers.size },
    };
  }

  /** The channel to an agent, if there is one. */
  laneAt(agent: string): Lane | undefined {
    return this.#lanes.get(agent);
  }

  turn(act: () => void): void {
    this.#turns.run(act);
  }

  due(lane: Lane): void {
    this.#turns.due(lane);
  }

  /** Answers whoever asks for the next thing as soon as he hears: at once, but while comms rest after that. */
  whenRested(answer: () => void): void {
    this.#turns.whenRested(answer);
  }

  idle(lane: Lane): void {
    if (!lane.isOver) this.#deadlines.add(lane, this.plan.idleMs);
  }

  spawn(lane: Lane): ChannelRef {
    return createChild(channelMachine, { parent: this.replyTo, id: `channel.${lane.agent}`, input: { agent: lane.agent } }) as ChannelRef;
  }

  forget(lane: Lane, because: ChannelEnd): void {
    const { agent } = lane;
    this.#deadlines.remove(lane);
    this.#lanes.delete(agent);
    if (because === 'gone') for (const topic of this.topics.removeAgent(agent)) this.tell({ type: 'comms.unsubscribed', topic, agent, because });
  }

  isSubscriber(agent: string): boolean {
    return this.topics.hears(agent);
  }

  tell(fact: CommsEmitted): void {
    this.#turns.tell(fact);
  }

  /** The channel to an agent, made where there is none. */
  lane(agent: string): Lane | 'noAgent' | 'full' {
    const known = this.#lanes.get(agent);
    if (known !== undefined) return known.isReachable() ? known : 'noAgent';
    const { directory } = this;
    this.begin();
    if (directory.find(agent) === undefined && !directory.awaits(agent)) return 'noAgent';
    if (this.#lanes.size >= this.plan.maxChannels) return 'full';
    const lane = new Lane(agent, this.plan.channelOf(agent), this);
    lane.isTold = this.#unwatch !== null;
    this.#lanes.set(agent, lane);
    lane.look();
    if (lane.isOver) return 'noAgent';
    this.idle(lane);
    return lane;
  }

  /** Not as comms begin: what finds the registry may be the tree that is just being started. */
  begin(): void {
    if (this.#unwatch !== undefined) return;
    this.#unwatch = this.directory.watch((name) => this.turn(() => this.#lanes.get(name)?.look()));
    // Those of before are watched again. One who has gone meanwhile hears nothing any more.
    for (const agent of this.topics.agents)
      if (this.lane(agent) === 'noAgent')
        for (const topic of this.topics.removeAgent(agent)) this.tell({ type: 'comms.unsubscribed', topic, agent, because: 'gone' });
  }

  /** Asks. `settle` is called once. */
  request(agent: string, body: unknown, options: AskOptions, settle: (outcome: RequestOutcome) => void): void {
    this.turn(() => this.#ask(agent, body, options, settle));
  }

  #ask(agent: string, body: unknown, options: AskOptions, settle: (outcome: RequestOutcome) => void): void {
    const { key, from = null } = options;
    if (this.#isOver) return settle({ ok: false, reason: 'closed' });
    if (options.signal?.aborted === true) return settle({ ok: false, reason: 'cancelled' });
    const name = key === undefined ? null : JSON.stringify([agent, key]);
    if (name !== null && this.#isKnown(name, options, settle)) return;
    const message = this.#take({ kind: 'request', agent, from, body, topic: null }, settle);
    if (message === null) return;
    if (name !== null) {
      Object.assign(message, { key: name, keyMs: options.keyMs ?? this.plan.keyMs });
      this.#answers.open.set(name, message);
    }
    this.#wait(message, options, settle);
  }

  /** Is the same asked already, or answered? Then the caller hears that. */
  #isKnown(name: string, options: AskOptions, settle: (outcome: RequestOutcome) => void): boolean {
    const kept = this.#answers.get(name);
    const open = this.#answers.open.get(name);
    if (kept !== undefined) {
      this.counts.kept++;
      this.#turns.spend();
      this.whenRested(() => settle({ ok: true, value: kept.value }));
    } else if (open !== undefined) {
      this.counts.joined++;
      open.keyMs = Math.max(open.keyMs, options.keyMs ?? this.plan.keyMs);
      this.#wait(open, options, settle);
    }
    return kept !== undefined || open !== undefined;
  }

  /** Takes a message into its agent's mailbox, or has it wait for a place there; null: it was refused. */
  #take(
    letter: Letter,
    refuse: (outcome: DeliveryOutcome & { ok: false }) => void,
    { wasDead = false, isQuiet = false }: Sending = {},
  ): Message | null {
    this.counts.sent++;
    const lane = this.lane(letter.agent);
    const message = typeof lane === 'string' ? null : new Message(letter, lane);
    const offered = typeof lane === 'string' ? lane : message === null ? 'full' : lane.offer(message, isQuiet);
    if (message === null || offered === 'noAgent' || offered === 'full') {
      // What was delivered to make room may have ended all.
      const reason = this.#isOver ? 'closed' : offered === 'noAgent' ? 'noAgent' : 'full';
      if (wasDead) this.#refused(letter, reason);
      else this.refuse(letter, reason, true);
      this.whenRested(() => refuse({ ok: false, reason }));
      return null;
    }
    message.wasDead = wasDead;
    this.due(message.lane);
    return message;
  }

  /** Notes that a message was not taken. Whoever publishes looks not after each subscriber: so that is a dead letter. @param isCounted  as sent */
  refuse(letter: Letter, reason: RequestRefusal | 'notAll', isCounted = false): void {
    if (!isCounted) this.counts.sent++;
    if (letter.kind === 'event' && reason !== 'notAll') this.#bury(letter, reason);
    else this.#refused(letter, reason);
  }

  #refused({ agent, from, kind }: Letter, reason: RequestRefusal | 'notAll'): void {
    this.counts.refused++;
    this.tell({ type: 'comms.refused', agent, from, kind, reason });
  }

  #wait(message: Message, options: AskOptions, settle: (outcome: RequestOutcome) => void): void {
    const { from = null, signal, withinMs = this.plan.withinMs, onRestart } = options;
    const left = (who: Caller, reason: 'late' | 'cancelled'): void => this.turn(() => this.#leave(who, reason));
    const caller = new Caller(message, { from, since: this.#clock.now(), again: onRestart === 'again', signal }, left, settle);
    message.callers.add(caller);
    this.#deadlines.add(caller, withinMs);
    // What was delivered to make room may have taken it back; of that nobody is told twice.
    if (signal?.aborted === true) this.#leave(caller, 'cancelled');
  }

  /** Sends a word. `settle` is called once, when it stands in the mailbox or will not. */
  notify(agent: string, body: unknown, options: NotifyOptions, settle: (outcome: DeliveryOutcome) => void): void {
    const { from = null } = options;
    this.turn(() => this.send({ kind: 'notice', agent, from, body, topic: null }, options, settle));
  }

  /** @param how  `taken`: called where it was not refused */
  send(
    letter: Letter,
    options: NotifyOptions,
    settle: (outcome: RequestOutcome | DeliveryOutcome) => void,
    how: Sending & { readonly taken?: () => void } = {},
  ): void {
    if (this.#isOver) return settle({ ok: false, reason: 'closed' });
    if (options.signal?.aborted === true) return settle({ ok: false, reason: 'cancelled' });
    const message = this.#take(letter, settle, how);
    if (message === null) return;
    how.taken?.();
    if (letter.kind === 'request') this.#wait(message, options, settle);
    else if (message.state === 'waiting') this.#wait(message, options, (outcome) => settle(outcome.ok ? { ok: true } : outcome));
    else this.whenRested(() => settle({ ok: true }));
  }

  /** Sends a dead letter again; it stays one where it is refused. */
  redeliver(id: string, options: NotifyOptions, settle: (outcome: RedeliveryOutcome) => void): void {
    const dead = this.letters.get(id);
    if (dead === undefined) return settle({ ok: false, reason: 'noLetter' });
    const { kind, agent, from, body, topic } = dead;
    this.turn(() => this.send({ kind, agent, from, body, topic }, options, settle, { wasDead: true, taken: () => this.letters.remove(id) }));
  }

  #leave(caller: Caller, reason: 'late' | 'cancelled'): void {
    const { message } = caller;
    this.#answer(caller, { ok: false, reason });
    if (message.callers.size > 0 || message.state === 'over') return;
    this.#close(message);
    const { queue, holder, ref, lane } = message;
    if (queue !== null) {
      queue.remove(message);
      if (message.letter.kind === 'event' || message.wasDead) this.#bury(message.letter, reason);
      else this.counts.withdrawn++;
      lane.admit();
      return;
    }
    lane.release(message);
    if (holder !== null) this.#takeBack(holder.ref, { type: 'comms.cancelled', ref, to: lane.agent });
  }

  #takeBack(agent: AnyActorRef, event: CommsCancelled): void {
    if (exitReason(agent) === null && takes(agent, event)) agent.send(event);
  }

  /** Nobody's any more: a later answer is to nothing. */
  #close(message: Message): void {
    message.state = 'over';
    this.#out.delete(message.ref);
    if (message.key !== null && this.#answers.open.get(message.key) === message) this.#answers.open.delete(message.key);
  }

  #answer(caller: Caller, outcome: RequestOutcome): void {
    const { message, from, since } = caller;
    const { kind, agent } = message.letter;
    if (!message.callers.delete(caller)) return;
    this.#deadlines.remove(caller);
    if (kind === 'request') {
      this.counts.answered++;
      const tookMs = this.#clock.now() - since;
      this.tell({ type: 'comms.answered', agent, from, outcome: outcome.ok ? 'ok' : outcome.reason, tookMs });
    }
    caller.end(outcome);
  }

  #settle(message: Message, outcome: RequestOutcome): void {
    this.#close(message);
    for (const caller of [...message.callers]) this.#answer(caller, outcome);
  }

  admitted(message: Message): void {
    if (message.letter.kind !== 'request') for (const caller of [...message.callers]) this.#answer(caller, { ok: true, value: undefined });
  }

  nextRef(): string {
    return `${this.#id}.${++this.#refs}`;
  }

  sending(message: Message): void {
    this.counts.delivered++;
    if (message.letter.kind !== 'request') {
      message.state = 'over';
      return;
    }
    message.state = 'out';
    this.#out.set(message.ref, message);
  }

  recalled(message: Message): void {
    this.#out.delete(message.ref);
  }

  fail(message: Message, reason: RequestRefusal, error?: unknown): void {
    this.#settle(message, { ok: false, reason, ...(error === undefined ? {} : { error }) });
  }

  requeued(message: Message): void {
    message.state = 'queued';
    message.isAgain = true;
    this.counts.delivered--;
    for (const caller of [...message.callers]) if (!caller.again) this.#answer(caller, { ok: false, reason: 'crashed' });
  }

  undeliverable(message: Message, reason: RequestRefusal, error?: unknown): void {
    const why = message.isAgain && reason === 'noAgent' ? 'crashed' : reason;
    this.#bury(message.letter, why, error);
    this.fail(message, why, error);
  }

  #bury(letter: Letter, why: RequestRefusal, error?: unknown): void {
    const { id, agent, kind } = this.letters.bury(letter, why, this.#clock.now(), error);
    this.counts.dead++;
    if (why === 'dropped') this.counts.dropped++;
    this.tell({ type: 'comms.deadLetter', id, agent, kind, why });
  }

  /** What agents send, which may be anything; and what XState tells of channels that have ended, which is known. */
  receive(event: FromAgent): void {
    if (event.type !== 'comms.reply' && event.type !== 'comms.credit') return;
    this.#turns.receive(() => {
      const { to, holder, more } = event;
      if (event.type === 'comms.reply') this.#reply(event);
      else if (typeof holder === 'string' && Number.isFinite(more)) this.#lanes.get(to as string)?.give(holder, more as number);
    });
  }

  #reply({ ref, ok, value, error }: FromAgent): void {
    const message = this.#out.get(ref as string);
    if (message === undefined) {
      this.counts.lateReplies++;
      this.tell({ type: 'comms.replyDropped', ref: typeof ref === 'string' ? ref : '' });
      return;
    }
    this.#out.delete(message.ref);
    const { key, keyMs, lane } = message;
    lane.release(message);
    // Whatever says not plainly that it is an answer is none.
    if (ok !== true) return this.fail(message, 'error', error ?? 'it gave no reason');
    if (key !== null) this.#answers.keep(key, value, keyMs);
    this.#settle(message, { ok: true, value });
  }

  /** It ends: whoever waits is told, agents are told that nobody does. Twice is once. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#unwatch?.();
    this.#turns.end();
    this.turn(() => {
      for (const lane of [...this.#lanes.values()]) lane.close('closed');
      for (const message of [...this.#out.values()]) {
        const { holder, ref, lane } = message;
        lane.release(message);
        this.fail(message, 'closed');
        if (holder !== null) this.#takeBack(holder.ref, { type: 'comms.cancelled', ref, to: lane.agent });
      }
      this.#deadlines.clear();
    });
  }
}
