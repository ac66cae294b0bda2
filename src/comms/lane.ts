/**
 * The messages of one agent: its mailbox, what is out at it, and how much more it takes. Whether they flow is said by the channel's chart.
 *
 * A successor under the agent's name goes on with the mailbox; what was out at who has ended does not come back by itself.
 */
import type { ActorRefFrom, AnyActorRef } from 'xstate';
import type { channelMachine } from '../../machines/comms/channel.js';
import type { ChannelEnd } from '../../machines/comms/channel-events.js';
import type { AgentEvent } from '../../machines/comms/message.js';
import type { RequestRefusal } from '../../machines/comms/request.js';
import type { Deadline } from '../supervision/deadlines.js';
import { onStart } from '../supervision/start-watch.js';
import { exitReason, handles, names, onExit } from '../supervision/watch.js';
import { hasStopped, isInTurn, isUnstarted, logicOf } from '../supervision/xstate-internals.js';
import type { Directory } from './directory.js';
import type { Holder, Holders } from './holder.js';
import { type Message, MessageQueue } from './message.js';
import type { ChannelOptions } from './options.js';

export type ChannelRef = ActorRefFrom<typeof channelMachine>;

/** What a lane needs of the exchange. */
export interface LaneHost {
  readonly directory: Directory;
  readonly holders: Holders;
  /** Does all that is delivered wait for the thread to do something else? (turns.ts) */
  readonly isResting: boolean;
  /** Whom agents answer. */
  readonly replyTo: AnyActorRef;
  /** Does something, and then what that has made due. */
  turn(act: () => void): void;
  /** There may be something to deliver. */
  due(lane: Lane): void;
  /** A reference that no delivery has had. */
  nextRef(): string;
  /** A message goes out. */
  sending(message: Message): void;
  /** Whom it was out at has ended: what that one says is nobody's. */
  recalled(message: Message): void;
  /** It waits again, for the one who comes after. */
  requeued(message: Message): void;
  /** It stands in the mailbox. */
  admitted(message: Message): void;
  /** It was delivered, and this came of it. */
  fail(message: Message, reason: RequestRefusal, error?: unknown): void;
  /** It will never be delivered. */
  undeliverable(message: Message, why: RequestRefusal, error?: unknown): void;
  spawn(lane: Lane): ChannelRef;
  /** Nothing goes through it any more. */
  forget(lane: Lane, because: ChannelEnd): void;
  /** Does the agent hear a topic? */
  isSubscriber(agent: string): boolean;
  /** When nobody has used it for the time that is allowed, it is to end. */
  idle(lane: Lane): void;
}

/** Would the event reach anything in the actor? Of logic that says nothing of its events nobody can tell. */
export function takes(ref: AnyActorRef, event: { readonly type: string }): boolean {
  if ((logicOf(ref) as { events?: unknown }).events === undefined) return true;
  // In the midst of an event it may be on its way to where it takes it.
  const isMachine = typeof (ref.getSnapshot() as { can?: unknown } | undefined)?.can === 'function';
  return isMachine && !isInTurn(ref) ? handles(ref, event) : names(ref, event.type);
}

/** What the agent is sent; a request has its reference from now on. Written out: a spread would cost more than the rest. */
function eventOf(message: Message, { id: holder }: Holder, host: LaneHost): AgentEvent {
  const { kind, agent: to, from, body, topic } = message.letter;
  const { replyTo } = host;
  if (kind === 'notice') return { type: 'comms.notice', to, holder, from, body, replyTo };
  if (kind === 'event') return { type: 'comms.event', topic: topic ?? '', to, holder, from, body, replyTo };
  message.ref = host.nextRef();
  return { type: 'comms.request', ref: message.ref, to, holder, from, body, replyTo };
}

export class Lane implements Deadline {
  readonly agent: string;
  readonly options: Required<ChannelOptions>;
  readonly queued = new MessageQueue();
  readonly waiting = new MessageQueue();
  isDue = false;
  isOver = false;
  #because: ChannelEnd | null = null;
  /** Was it used since it was last looked at? */
  wasUsed = true;
  dueAt = 0;
  place = -1;
  readonly #host: LaneHost;
  #channel: ChannelRef;
  #holder: Holder | null = null;
  #isFlowing = false;
  /** Those who went by the name, live on, and have not answered all, or have given or taken credit. */
  readonly #former = new Map<AnyActorRef, Holder>();
  /** Who goes by the name and is not started yet. */
  #coming: { readonly ref: AnyActorRef; readonly unsubscribe: () => void } | null = null;
  /** Requests that are not answered, and what lies before an agent that is in the midst of something: of all who went by the name. */
  #out = 0;

  constructor(agent: string, options: Required<ChannelOptions>, host: LaneHost) {
    this.agent = agent;
    this.options = options;
    this.#host = host;
    this.#channel = this.#spawn();
  }

  get channel(): ChannelRef {
    return this.#channel;
  }

  get out(): number {
    return this.#out;
  }

  /** How much may go out now, to whoever goes by the name: what another has not answered is nothing to him. */
  get credits(): number {
    const { given, busy } = this.#holder ?? { given: 0, busy: 0 };
    return this.options.credits + given - busy;
  }

  get state(): 'vacant' | 'flowing' | 'paused' | 'closed' {
    return this.#channel.getSnapshot().value;
  }

  /** A channel that a stranger has ended is replaced: what it carries is not in it. */
  #spawn(): ChannelRef {
    const channel = this.#host.spawn(this);
    channel.on('*', ({ type }) => {
      this.#isFlowing = type === 'channel.flowing';
      this.#reconcile();
      if (this.#isFlowing) this.#host.due(this);
    });
    channel.start();
    onExit(channel, () => {
      if (this.isOver || this.#channel !== channel) return;
      this.#isFlowing = false;
      this.#channel = this.#spawn();
      this.#host.turn(() => {
        if (this.#holder !== null) this.#channel.send({ type: 'agent.came', credits: this.credits });
      });
    });
    return channel;
  }

  /** Tells the channel what it does not know yet. */
  #reconcile(): void {
    if (this.isOver || this.#holder === null) return;
    const mayFlow = this.credits > 0;
    if (mayFlow !== this.#isFlowing) this.#channel.send({ type: mayFlow ? 'credits.given' : 'credits.spent' });
  }

  /**
   * Who goes by the name now? Closes the lane where nobody does, and nobody is awaited. An actor that is not started is awaited: XState would keep all that it is
   * sent, without any bound, and nobody could tell that it has handled nothing of it.
   */
  look(): void {
    const ref = this.#host.directory.find(this.agent);
    if (ref === undefined && !this.#host.directory.awaits(this.agent)) return this.close('gone');
    const isComing = ref !== undefined && isUnstarted(ref);
    this.#await(isComing ? ref : null);
    if (ref !== undefined && !isComing) return this.#take(ref);
    if (this.#holder !== null) this.#leave(this.#holder);
    this.#channel.send({ type: 'agent.left' });
  }

  /** Looks again when it is started. */
  #await(ref: AnyActorRef | null): void {
    if (this.#coming?.ref === ref) return;
    this.#coming?.unsubscribe();
    this.#coming = ref && { ref, ...onStart(ref, () => this.#host.turn(() => this.isOver || this.look())) };
  }

  #take(ref: AnyActorRef): void {
    if (this.#holder?.ref === ref) return;
    if (this.#holder !== null) this.#leave(this.#holder);
    const known = this.#former.get(ref);
    const holder = known ?? this.#host.holders.make(this.agent, ref);
    this.#former.delete(ref);
    this.#holder = holder;
    if (known === undefined) holder.watch = onExit(ref, () => this.#host.turn(() => this.#lost(holder)));
    if (this.#holder !== holder) return;
    this.#channel.send({ type: 'agent.came', credits: this.credits });
    this.#reconcile();
  }

  /** The name is another's, or nobody's. What is out at it may still be answered, and what credit it took may come back. */
  #leave(holder: Holder): void {
    this.#holder = null;
    this.#former.set(holder.ref, holder);
    this.#release(holder);
  }

  /** Lets one go who has the name no more, and nothing of the channel. */
  #release(holder: Holder): void {
    if (holder === this.#holder || holder.out.size > 0) return;
    if (!this.isOver && (holder.busy > 0 || holder.given !== 0)) return;
    holder.watch.unsubscribe();
    this.#former.delete(holder.ref);
    if (this.#because !== 'idle') this.#host.holders.forget(this.agent, holder);
  }

  #lost(holder: Holder): void {
    const unanswered = [...holder.out];
    holder.out.clear();
    this.#out -= unanswered.length;
    this.#former.delete(holder.ref);
    if (this.#holder === holder) this.#holder = null;
    if (!this.isOver) this.look();
    for (const message of unanswered.reverse()) {
      message.holder = null;
      this.#host.recalled(message);
      const mayWait = message.again && !this.isOver && this.queued.size < this.options.maxQueued;
      if (!mayWait) this.#host.fail(message, 'crashed');
      else {
        this.#host.requeued(message);
        this.queued.unshift(message);
      }
    }
    this.#reconcile();
    this.#host.due(this);
  }

  /** Is somebody there, or awaited? */
  isReachable(): boolean {
    this.wasUsed = true;
    const holder = this.#holder;
    const isKnown = holder !== null && exitReason(holder.ref) === null && this.#isTold;
    if (!isKnown && !this.isOver) this.look();
    return !this.isOver;
  }

  /** Set by the exchange: is it told when the name is another's? Else it asks each time. */
  #isTold = true;
  set isTold(isTold: boolean) {
    this.#isTold = isTold;
  }

  /** Is there a place for a message? Where there is none, one that may go out goes at once, though it would be its turn only later. */
  makeRoom(): boolean {
    if (this.queued.size >= this.options.maxQueued && !this.#host.isResting) this.step();
    return this.#hasRoom;
  }

  get #hasRoom(): boolean {
    return !this.isOver && this.waiting.size === 0 && (this.queued.size < this.options.maxQueued || this.options.policy === 'dropOldest');
  }

  /** Why an event of that type would not be taken now by an agent that lives; null where it would. Looks, and does nothing. */
  refusalOf(type: string): RequestRefusal | null {
    if (this.isOver || this.#holder === null || exitReason(this.#holder.ref) !== null) return 'noAgent';
    if (!takes(this.#holder.ref, { type })) return 'error';
    return this.#hasRoom ? null : 'full';
  }

  /** Takes a message in, to be delivered later. @param isQuiet  without delivering another for it @returns whether it has a place; why not; or that it waits for one */
  offer(message: Message, isQuiet = false): 'taken' | 'waits' | 'full' | 'noAgent' {
    const { policy, maxWaiting } = this.options;
    if (!(isQuiet ? this.#hasRoom : this.makeRoom())) {
      // Whom the message before it was delivered to is gone by that: nothing comes out of a mailbox that has ended.
      if (this.isOver) return 'noAgent';
      if (policy !== 'wait' || this.waiting.size >= maxWaiting) return 'full';
      message.state = 'waiting';
      this.waiting.push(message);
      return 'waits';
    }
    const oldest = this.queued.size < this.options.maxQueued ? null : this.queued.shift();
    if (oldest !== null) this.#host.undeliverable(oldest, 'dropped');
    message.state = 'queued';
    this.queued.push(message);
    return 'taken';
  }

  /** Delivers one message, if it may. @returns may there be more? */
  step(): boolean {
    if (!this.#isFlowing || this.credits <= 0) return false;
    if (!this.isReachable() || this.#holder === null || !this.#isFlowing) return false;
    const message = this.queued.shift();
    if (message === null) return false;
    this.#deliver(message, this.#holder);
    this.admit();
    return this.queued.size > 0;
  }

  /** There is room: those who wait come in. */
  admit(): void {
    while (!this.isOver && this.queued.size < this.options.maxQueued) {
      const next = this.waiting.shift();
      if (next === null) return;
      next.state = 'queued';
      this.queued.push(next);
      this.#host.admitted(next);
      this.#host.due(this);
    }
  }

  #deliver(message: Message, holder: Holder): void {
    const { ref } = holder;
    const { kind } = message.letter;
    const event = eventOf(message, holder, this.#host);
    if (!takes(ref, event)) {
      this.#host.undeliverable(message, 'error', `it does not take ${event.type}, or not now`);
      return;
    }
    const isInQueue = isInTurn(ref);
    if (kind === 'request' || isInQueue) {
      this.#out++;
      holder.busy++;
    }
    if (kind === 'request') {
      message.holder = holder;
      holder.out.add(message);
    }
    this.#host.sending(message);
    this.#reconcile();
    try {
      ref.send(event);
    } catch (error) {
      // No actor of XState: those do not throw at who sends.
      if (kind === 'request' && holder.out.has(message)) {
        this.release(message);
        this.#host.fail(message, 'error', String(error));
      }
    }
    // By then it has taken what lay before it.
    if (kind !== 'request' && isInQueue) void Promise.resolve().then(() => this.#host.turn(() => this.#back(holder)));
  }

  #back(holder: Holder): void {
    this.#out--;
    holder.busy--;
    this.#release(holder);
    this.#reconcile();
    this.#host.due(this);
  }

  /** It is not out any more. */
  release(message: Message): void {
    const { holder } = message;
    if (holder === null || !holder.out.delete(message)) return;
    message.holder = null;
    this.#back(holder);
  }

  /** One takes more at once, or less: whoever goes by the name, or went by it and is known still. */
  give(id: string, more: number): void {
    const holder = this.#holder?.id === id ? this.#holder : [...this.#former.values()].find((each) => each.id === id);
    if (holder === undefined) return;
    holder.given = Math.max(-1_000_000, Math.min(1_000_000, holder.given + more));
    this.#release(holder);
    this.#reconcile();
    this.#host.due(this);
  }

  /** Of whatever is not delivered nothing will be. What is out may still be answered. Twice is once. */
  close(because: ChannelEnd): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#because = because;
    this.#isFlowing = false;
    this.#host.forget(this, because);
    this.#await(null);
    if (this.#holder !== null) this.#leave(this.#holder);
    for (const holder of [...this.#former.values()]) this.#release(holder);
    const why = because === 'closed' ? 'closed' : 'noAgent';
    for (const queue of [this.queued, this.waiting])
      for (let next = queue.shift(); next !== null; next = queue.shift()) this.#host.undeliverable(next, why);
    if (!hasStopped(this.#channel)) this.#channel.send({ type: 'channel.close', because });
  }

  /** Does anything need it? A subscriber is watched through it. */
  get #isIdle(): boolean {
    if (this.queued.size + this.waiting.size + this.#out + this.#former.size > 0) return false;
    return (this.#holder?.given ?? 0) === 0 && !this.#host.isSubscriber(this.agent);
  }

  expired(): void {
    this.#host.turn(() => {
      if (!this.wasUsed && this.#isIdle) return this.close('idle');
      this.wasUsed = false;
      // One that was never started may have been stopped, of which XState tells nobody.
      if (this.#holder === null) this.look();
      this.#host.idle(this);
    });
  }
}
