/** One message on its way: who sent it, who waits for what comes of it, and the queue in which it stands. */
import type { MessageKind } from '../../machines/comms/message.js';
import type { RequestOutcome, RequestRefusal } from '../../machines/comms/request.js';
import type { Deadline } from '../supervision/deadlines.js';
import type { Holder } from './holder.js';
import type { Lane } from './lane.js';

/** What an agent may have sent instead of an answer, or of credit. */
export interface FromAgent extends Partial<Record<'ref' | 'ok' | 'value' | 'error' | 'to' | 'holder' | 'more', unknown>> {
  readonly type: string;
}

/** Whether a message was taken into the agent's mailbox; why not. */
export type DeliveryOutcome = { readonly ok: true } | { readonly ok: false; readonly reason: RequestRefusal; readonly error?: unknown };

/** What became of a dead letter that was sent again: of a question its answer, of anything else whether it was taken. `noLetter`: it is not there. */
export type RedeliveryOutcome = RequestOutcome | DeliveryOutcome | { readonly ok: false; readonly reason: 'noLetter' };

/** One who waits for what comes of a message: for its answer, or, where that is none, for a place in the mailbox. */
export class Caller implements Deadline {
  readonly message: Message;
  readonly from: string | null;
  readonly since: number;
  /** Does he want it asked again of the agent's successor? */
  readonly again: boolean;
  readonly #settle: (outcome: RequestOutcome) => void;
  readonly #left: (caller: Caller, reason: 'late' | 'cancelled') => void;
  readonly #signal: AbortSignal | undefined;
  readonly #aborted = (): void => this.#left(this, 'cancelled');
  dueAt = 0;
  place = -1;

  /** @param left  of one whose time is over, or whose signal has aborted; `settle` is called once */
  constructor(
    message: Message,
    { from, since, again, signal }: Pick<Caller, 'from' | 'since' | 'again'> & { readonly signal: AbortSignal | undefined },
    left: (caller: Caller, reason: 'late' | 'cancelled') => void,
    settle: (outcome: RequestOutcome) => void,
  ) {
    this.message = message;
    this.from = from;
    this.since = since;
    this.again = again;
    this.#left = left;
    this.#settle = settle;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#aborted, { once: true });
  }

  expired(): void {
    this.#left(this, 'late');
  }

  end(outcome: RequestOutcome): void {
    this.#signal?.removeEventListener('abort', this.#aborted);
    this.#settle(outcome);
  }
}

/** What is sent, as its sender gives it. */
export interface Letter {
  readonly kind: MessageKind;
  readonly agent: string;
  readonly from: string | null;
  readonly body: unknown;
  /** Of an event; else null. */
  readonly topic: string | null;
}

/** How a message is taken. */
export interface Sending {
  /** Is it a dead letter? Refused, it stays that one. */
  readonly wasDead?: boolean;
  /** Was room made for it already? Then nothing is delivered for it. */
  readonly isQuiet?: boolean;
}

/** A message. `over`: it was delivered and nobody waits for an answer, or it never will be. */
export class Message {
  readonly letter: Letter;
  readonly lane: Lane;
  readonly callers = new Set<Caller>();
  /** The same question of the same agent; null: it has no key. */
  key: string | null = null;
  /** How long its answer is kept, ms: as long as the one wants of its callers who wants that longest. */
  keyMs = 0;
  state: 'new' | 'waiting' | 'queued' | 'out' | 'over' = 'new';
  /** Was it a dead letter? One that is not delivered is one again. */
  wasDead = false;
  /** Was it at one who has ended, and waits for the next? */
  isAgain = false;
  /** Of its last delivery. */
  ref = '';
  /** At whom it is out. */
  holder: Holder | null = null;
  // The queue's.
  queue: MessageQueue | null = null;
  before: Message | null = null;
  after: Message | null = null;

  constructor(letter: Letter, lane: Lane) {
    this.letter = letter;
    this.lane = lane;
  }

  /** Is it asked again of the agent's successor? Where one of those who wait for it wants that. */
  get again(): boolean {
    for (const { again } of this.callers) if (again) return true;
    return false;
  }
}

/** First in, first out; whoever does not want to wait any more leaves at once, wherever he stands. */
export class MessageQueue {
  size = 0;
  #first: Message | null = null;
  #last: Message | null = null;

  push(message: Message): void {
    message.queue = this;
    message.before = this.#last;
    if (this.#last === null) this.#first = message;
    else this.#last.after = message;
    this.#last = message;
    this.size++;
  }

  /** Before all others. */
  unshift(message: Message): void {
    message.queue = this;
    message.after = this.#first;
    if (this.#first === null) this.#last = message;
    else this.#first.before = message;
    this.#first = message;
    this.size++;
  }

  shift(): Message | null {
    const first = this.#first;
    if (first !== null) this.remove(first);
    return first;
  }

  /** Nothing happens to one that stands in another queue, or in none. */
  remove(message: Message): void {
    if (message.queue !== this) return;
    const { before, after } = message;
    if (before === null) this.#first = after;
    else before.after = after;
    if (after === null) this.#last = before;
    else after.before = before;
    message.queue = null;
    message.before = null;
    message.after = null;
    this.size--;
  }
}
