/**
 * The calls of an app, as its session tells of them: each that the server makes is told once, run once, and ended once.
 *
 * An id may name several calls, one after the other: one that was taken back, or given up, and is made again is another call. An earlier one that is open
 * or answered leaves that to the session: it may be the same once more.
 */
import type { FunctionResponse } from '../../../src/wire/gemini/content.js';
import type { ServerMessage } from '../../../src/wire/gemini/live.js';
import { callsIn } from './recorded-calls.js';

/** What one call came to. */
export type CallEnd = 'tool.answered' | 'tool.cancelled' | 'tool.abandoned';

/** A call, as the app has it. */
export interface AppCall {
  readonly id: string;
  readonly name: string;
  /** Is it answered by what the app's function returns or throws? Else by hand. */
  readonly isReturned: boolean;
  /** The message that it came with, by its number. */
  readonly message: number;
  /** Must its function run at once? Not before a setup is accepted, nor once the session takes its leave. */
  readonly isToRun: boolean;
  /** How the session says that it ended: once, at the end. */
  readonly ends: CallEnd[];
  /** How often its function was called. */
  runs: number;
  /** The last answer, once the app has given it; a part of an answer is none. */
  answer: FunctionResponse | undefined;
  /** Ends the function with the answer; undefined while it does not run. */
  settle: ((answer: FunctionResponse) => void) | undefined;
  /** Of the function that runs for it. */
  signal: AbortSignal | undefined;
}

/** See above. */
export class AppCalls {
  readonly #calls: AppCall[] = [];
  /** Calls that ended in an earlier turn of the session. */
  readonly #ended = new Set<AppCall>();
  /** Calls whose functions went on after their end. */
  readonly #running = new Set<AppCall>();
  /** Calls that the app has answered, and that were given up at the end all the same. */
  readonly #givenUp: AppCall[] = [];
  /** Ids of calls that came with the last message and that the session has not told yet; empty for one without. */
  #untold: string[] = [];
  /** Calls that the server took back after they were answered: nobody writes their answers again. */
  readonly #takenBack = new Set<AppCall>();
  #messageCount = 0;
  #isReady = false;
  /** What went wrong first with the beginning of a call. */
  #fault: string | undefined;

  /** How many there were. */
  get count(): number {
    return this.#calls.length;
  }

  /** The latest with this id. */
  latest(id: string): AppCall | undefined {
    return this.#calls.findLast((call) => call.id === id);
  }

  /** The session passes a message on, before it tells of its calls. @param isReady  does the session run what it is called for? */
  hear(message: ServerMessage, isReady: boolean): void {
    this.#lookAtEnded();
    this.#lookAtUntold();
    this.#messageCount += 1;
    this.#isReady = isReady;
    for (const id of message.toolCallCancellation?.ids ?? []) {
      const call = this.latest(id);
      if (call?.ends.includes('tool.answered') === true) this.#takenBack.add(call);
    }
    const ids = callsIn(message).map(({ id = '' }) => id);
    this.#untold = ids.filter((id, place) => id === '' || (ids.indexOf(id) === place && this.#isNew(id)));
  }

  /** The session tells of a call. */
  enter(id: string, name: string, isReturned: boolean): AppCall {
    const place = this.#untold.indexOf(id.startsWith('local:') ? '' : id);
    if (place !== -1) this.#untold.splice(place, 1);
    const fresh = { ends: [], runs: 0, answer: undefined, settle: undefined, signal: undefined };
    const call: AppCall = { id, name, isReturned, message: this.#messageCount, isToRun: this.#isReady, ...fresh };
    this.#calls.push(call);
    return call;
  }

  /** The session runs the function of the latest call with this id. */
  run(id: string): AppCall | undefined {
    const call = this.latest(id);
    if (call === undefined) this.#fault ??= `a function was run for ${id}, which was never called`;
    else if (++call.runs > 1) this.#fault ??= `the function of ${id} was run twice`;
    return call;
  }

  /** The session tells the end of a call. @returns that call */
  end(type: CallEnd, { id, reason }: { readonly id: string; readonly reason?: string }): AppCall | undefined {
    const named = this.#calls.filter((call) => call.id === id);
    // A second end of the same call is to be seen as one.
    const call = named.find(({ ends }) => ends.length === 0) ?? named.at(-1);
    if (call === undefined) return undefined;
    // One that is taken back in the message that makes it is not run.
    if (call.isToRun && call.runs === 0 && call.message < this.#messageCount) this.#fault ??= `call ${id} ended by ${type}, and was never run`;
    call.ends.push(type);
    this.#ended.add(call);
    if (type === 'tool.abandoned' && reason === 'closed' && call.answer !== undefined) this.#givenUp.push(call);
    return call;
  }

  /**
   * Whose answer it is that the app has for a call: one that was taken back and made again is wanted by the later call.
   * @returns undefined where the later call has its own
   */
  heirOf(call: AppCall): AppCall | undefined {
    const all = this.#calls.filter(({ id }) => id === call.id);
    let heir = call;
    for (const next of all.slice(all.indexOf(call) + 1)) if (isTakenBack(heir)) heir = next;
    const isLate = heir !== all.at(-1);
    return isLate || (heir !== call && (heir.ends.length > 0 || heir.answer !== undefined)) ? undefined : heir;
  }

  /** Why the calls are not accounted for; undefined when each was told, run and ended once, and its function ended with it. */
  unaccounted(): string | undefined {
    this.#lookAtUntold();
    const { id, ends } = this.#calls.find((call) => call.ends.length !== 1) ?? {};
    if (ends !== undefined) return `call ${id} ended ${ends.length} times: ${ends.join(', ') || 'not at all'}`;
    this.#lookAtEnded();
    const [still] = this.#running;
    return still === undefined ? this.#fault : `the function of ${still.id} went on after ${still.ends[0]}`;
  }

  /**
   * The first answer that was lost; undefined where none was.
   * @param heard  has the server the answer to this id?
   */
  lostAnswer(heard: (id: string) => boolean): string | undefined {
    // An id that was called again is answered again.
    const isLost = (call: AppCall): boolean =>
      call.ends.includes('tool.answered') && !call.id.startsWith('local:') && this.latest(call.id) === call && !this.#takenBack.has(call);
    const lost = this.#calls.find((call) => isLost(call) && !heard(call.id));
    if (lost !== undefined) return `the answer to ${lost.id} was lost: told as answered, and never heard`;
    const waited = this.#givenUp[0];
    return waited === undefined ? undefined : `the answer to ${waited.id} was lost: it waited until the session was closed`;
  }

  /** Is a call with this id another one than all before? */
  #isNew(id: string): boolean {
    const earlier = this.latest(id);
    return earlier === undefined || isTakenBack(earlier);
  }

  #lookAtUntold(): void {
    const [id] = this.#untold;
    if (id === undefined) return;
    const again = this.latest(id) === undefined ? '' : ` again after ${this.latest(id)?.ends[0] ?? ''}`;
    this.#fault ??= `${id === '' ? 'a call without an id' : `call ${id}`} was made${again}, and the session did not tell of it`;
    this.#untold = [];
  }

  #lookAtEnded(): void {
    for (const call of this.#ended) if (call.signal?.aborted === false) this.#running.add(call);
    this.#ended.clear();
  }
}

/** Has it ended without an answer? */
export function isTakenBack({ ends: [end] }: AppCall): boolean {
  return end === 'tool.cancelled' || end === 'tool.abandoned';
}
