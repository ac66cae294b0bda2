/**
 * The calls of a recorded server, as its conversation has them: which are open, which answers it has had, and which would be one too many.
 *
 * A call is open from its delivery until its answer is heard, it is taken back, or the client begins another conversation, which knows nothing of it. A
 * conversation that is resumed is where it was when the handle was given: what was answered since is open again.
 */
import type { ClientMessage, ServerMessage } from '../../../src/wire/gemini/live.js';
import { answersIn, callsIn } from './recorded-calls.js';

/** How many answers to each call a client may send on one connection: one for each time that the call came, and one where the resumed conversation knows it. */
export type AnswersDue = Map<string, number>;

/** See above. None of its methods throws. */
export class PeerCalls {
  #answered = new Set<string>();
  readonly #complain: (violation: string) => void;
  /** What the conversation had when each handle was given. */
  readonly #answeredAt = new Map<string, ReadonlySet<string>>();
  readonly #open = new Set<string>();
  readonly #cancelled = new Set<string>();
  readonly #everCancelled = new Set<string>();
  readonly #everCalled = new Set<string>();
  /** Of the conversation that is going on, and of those that it resumes. */
  readonly #ofConversation = new Set<string>();
  /** The names of open calls that have no id, in order. */
  #unnamed: string[] = [];

  /** @param complain  told what the client did that no client may */
  constructor(complain: (violation: string) => void) {
    this.#complain = complain;
  }

  /** Ids of calls whose answers the conversation has. */
  get answered(): ReadonlySet<string> {
    return this.#answered;
  }

  /** Ids of the open calls. */
  get open(): ReadonlySet<string> {
    return this.#open;
  }

  /** Was a call with this id ever made? */
  wasMade(id: string): boolean {
    return this.#everCalled.has(id);
  }

  /** Was one ever taken back? What the client had said of it by then is gone, or on its way: nobody knows which. */
  wasTakenBack(id: string): boolean {
    return this.#everCancelled.has(id);
  }

  /** A message of the server goes out. @param due  of its connection; null where that is gone */
  deliver(message: ServerMessage, due: AnswersDue | null): void {
    for (const { id, name } of callsIn(message)) {
      if (id) this.#call(id, due);
      else this.#unnamed.push(name);
    }
    this.cancel(message.toolCallCancellation?.ids ?? []);
    const handle = message.sessionResumptionUpdate?.newHandle;
    if (handle) this.give(handle);
  }

  /** Taken back, they are answered no more. */
  cancel(ids: readonly string[]): void {
    for (const id of ids) {
      this.#open.delete(id);
      this.#cancelled.add(id);
      this.#everCancelled.add(id);
    }
  }

  /** The handle stands for the conversation as it is now. @param handle  default: one of its own */
  give(handle = `handle-${this.#answeredAt.size}`): string {
    this.#answeredAt.set(handle, new Set(this.#answered));
    return handle;
  }

  /** The conversation goes on over a new connection, from where it was when the handle was given. */
  resume(handle: string, due: AnswersDue): void {
    for (const id of this.#ofConversation) due.set(id, 1);
    const had = this.#answeredAt.get(handle);
    if (had === undefined) {
      this.#complain(`the client resumes with a handle that was never given: ${handle}`);
      return;
    }
    this.#answered = new Set(had);
    for (const id of this.#ofConversation) if (!had.has(id) && !this.#cancelled.has(id)) this.#open.add(id);
  }

  /** Another conversation begins. @returns the names of calls without an id that nobody will answer now */
  beginAfresh(): readonly string[] {
    const gone = this.#unnamed;
    this.#unnamed = [];
    this.#open.clear();
    this.#ofConversation.clear();
    return gone;
  }

  /** What is sent after a cancellation has come must not answer it; what is on its way may cross it. */
  judge(message: ClientMessage, due: AnswersDue): void {
    for (const { id, willContinue } of answersIn([message])) {
      if (!id || !this.#everCalled.has(id)) continue;
      if (this.#cancelled.has(id)) this.#complain(`${id} was answered after it was cancelled`);
      else if (willContinue !== true) this.#count(id, due);
    }
  }

  /** The conversation has had these answers. */
  hear(message: ClientMessage): void {
    const last = answersIn([message]).filter(({ willContinue }) => willContinue !== true);
    for (const { id, name = '' } of last) {
      if (id) {
        this.#open.delete(id);
        this.#answered.add(id);
        continue;
      }
      const place = this.#unnamed.indexOf(name);
      if (place !== -1) this.#unnamed.splice(place, 1);
    }
  }

  #call(id: string, due: AnswersDue | null): void {
    this.#open.add(id);
    this.#everCalled.add(id);
    this.#ofConversation.add(id);
    // Made again, it is another call.
    if (this.#cancelled.delete(id)) this.#answered.delete(id);
    due?.set(id, (due.get(id) ?? 0) + 1);
  }

  #count(id: string, due: AnswersDue): void {
    const left = due.get(id);
    if (left === undefined) this.#complain(`${id} was answered, and this conversation never called it`);
    else if (left === 0) this.#complain(`${id} was answered once more than it was called`);
    else due.set(id, left - 1);
  }
}
