/**
 * The events of a conversation as its reader has them.
 *
 * A loop that falls behind is felt by the model's stream: while `maxBuffered` events wait, no more of the answer is read. As long as nobody has begun a loop
 * nothing is held back, and the last `maxBuffered` are kept for the first; what was let go is told by one `dropped`. Each event goes to one loop. Leaving a loop
 * cancels the conversation.
 */
import type { ConversationNews } from './events.js';

type Step = IteratorResult<ConversationNews, undefined>;

interface Waiting {
  resolve(step: Step): void;
  reject(error: Error): void;
}

const done: Step = Object.freeze({ done: true, value: undefined });

/** See above. */
export class Feed implements AsyncIterableIterator<ConversationNews, undefined> {
  readonly #maxBuffered: number;
  readonly #leave: () => void;
  readonly #waiting: Waiting[] = [];
  #events: ConversationNews[] = [];
  #droppedCount = 0;
  #isRead = false;
  #isLeft = false;
  #resume: (() => void)[] = [];
  #end: { error: Error | null } | null = null;

  /** @param leave  called when its reader goes before the end */
  constructor(maxBuffered: number, leave: () => void) {
    this.#maxBuffered = maxBuffered;
    this.#leave = leave;
  }

  push(event: ConversationNews): void {
    if (this.#end !== null || this.#isLeft) return;
    const reader = this.#waiting.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: event });
      return;
    }
    this.#events.push(event);
    if (this.#isRead || this.#events.length <= this.#maxBuffered) return;
    this.#events.shift();
    this.#droppedCount++;
  }

  /** Settles when more may come; undefined where it may now. */
  ready(): Promise<void> | undefined {
    if (!this.#isRead || this.#events.length < this.#maxBuffered || this.#end !== null) return undefined;
    return new Promise((resolve) => this.#resume.push(resolve));
  }

  /** No more will come; what waits is still read. @param error  what the first to ask behind it is told */
  end(error: Error | null): void {
    this.#end ??= { error };
    this.#go();
    const [first, ...others] = this.#waiting.splice(0);
    if (first === undefined) return;
    this.#end = { error: null };
    if (error === null) first.resolve(done);
    else first.reject(error);
    for (const other of others) other.resolve(done);
  }

  next(): Promise<Step> {
    this.#isRead = true;
    if (this.#droppedCount > 0) {
      const value: ConversationNews = { type: 'dropped', count: this.#droppedCount };
      this.#droppedCount = 0;
      return Promise.resolve({ done: false, value });
    }
    const value = this.#events.shift();
    if (value !== undefined) {
      if (this.#events.length <= this.#maxBuffered / 2) this.#go();
      return Promise.resolve({ done: false, value });
    }
    if (this.#isLeft) return Promise.resolve(done);
    if (this.#end === null) return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    const { error } = this.#end;
    this.#end = { error: null };
    return error === null ? Promise.resolve(done) : Promise.reject(error);
  }

  return(): Promise<Step> {
    this.#isLeft = true;
    this.#events = [];
    this.#droppedCount = 0;
    for (const reader of this.#waiting.splice(0)) reader.resolve(done);
    this.#go();
    if (this.#end === null) this.#leave();
    return Promise.resolve(done);
  }

  [Symbol.asyncIterator](): this {
    this.#isRead = true;
    return this;
  }

  #go(): void {
    const resume = this.#resume;
    this.#resume = [];
    for (const go of resume) go();
  }
}
