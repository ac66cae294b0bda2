/**
 * A stream as its reader has it: iterated over, one event for each that is asked for.
 *
 * The next chunk is read when somebody waits for an event and none is left of the last one. Any number of loops may go on side by side; each event goes to
 * one of them. Leaving a loop cancels the stream.
 */
import type { AnyActorRef } from 'xstate';
import type { StreamEnd } from '../../machines/stream/outcome.js';
import type { MakeOutlet } from './delivery.js';
import type { Lane } from './lane.js';
import { cancelledError, StreamError } from './stream-error.js';

type Step<Value> = IteratorResult<Value, undefined>;

interface Waiting<Value> {
  resolve(step: Step<Value>): void;
  reject(error: StreamError): void;
}

/** See above. */
export class Reader<Value> implements AsyncIterableIterator<Value, undefined> {
  readonly #waiting: Waiting<Value>[] = [];
  #lane: Lane<unknown> | null = null;
  #wake: () => void = () => undefined;
  #stream: AnyActorRef | null = null;
  #end: StreamEnd | null = null;
  #isDrained = false;
  /** Has its reader gone, or been told the error? */
  #isOver = false;

  /** The outlet of a stream's delivery. */
  readonly make: MakeOutlet = ({ stream, wake }) => {
    this.#stream = stream;
    this.#wake = wake;
    return {
      use: (lane) => (this.#lane = lane),
      canTake: () => this.#isDrained || this.#waiting.length > 0,
      take: (value) => this.#waiting.shift()?.resolve({ done: false, value: value as Value }),
      end: (end) => this.#finish(end),
    };
  };

  /** From now on it is read to the end by nobody: what nobody waits for is dropped. */
  drain(): void {
    this.#isDrained = true;
    this.#wake();
  }

  next(): Promise<Step<Value>> {
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    const fetched = this.#lane?.fetch();
    if (fetched !== undefined) return Promise.resolve({ done: false, value: fetched.value as Value });
    if (this.#end !== null) return this.#last(this.#end);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#wake();
    });
  }

  return(): Promise<Step<Value>> {
    this.#isOver = true;
    if (this.#end === null) this.#stream?.send({ type: 'stream.cancel', reason: 'its reader has gone' });
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The end, told to the first who asks as an error where it is one. */
  #last(end: StreamEnd): Promise<Step<Value>> {
    this.#isOver = true;
    const error = errorOf(end);
    return error === null ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  }

  #finish(end: StreamEnd): void {
    this.#end = end;
    const [first, ...others] = this.#waiting.splice(0);
    if (first === undefined) return;
    const error = this.#isOver ? null : errorOf(end);
    this.#isOver = true;
    if (error === null) first.resolve({ done: true, value: undefined });
    else first.reject(error);
    for (const other of others) other.resolve({ done: true, value: undefined });
  }
}

function errorOf(end: StreamEnd): StreamError | null {
  if (end.type === 'stream.completed') return null;
  return end.type === 'stream.failed' ? new StreamError(end.failure) : cancelledError(end.cancellation);
}
