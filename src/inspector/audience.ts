/**
 * Those who are told of lines, each of them all lines in one order.
 *
 * A sink may send events from within: what that tells waits until the line that is under way has come to everybody, and then goes to those who were there when it
 * was told. One that answers without an end would be the loop of its app; so that the lines do not pile up, it is told nothing more at some point.
 */
import { EspalierError } from '../errors.js';
import type { RecordedLine } from '../wire/recording/lines.js';
import { factsOf, linesUnder } from './branch.js';

/** Who watches. Told at once, in the midst of what happens; one that throws is told nothing more. */
export interface LineSink {
  lines(lines: readonly RecordedLine[]): void;
}

export interface Subscriber {
  readonly sink: LineSink;
  readonly under: string | null;
  readonly details: boolean;
}

interface Delivery {
  readonly lines: readonly RecordedLine[];
  readonly to: readonly Subscriber[];
}

/** So often is told in answer to one line, by all sinks; beyond it, the one that is told then is told nothing more. */
const mostAnswers = 20_000;

export class Audience {
  readonly #fault: (fault: unknown) => void;
  /** Replaced and not changed: it is gone through for each line. */
  #subscribers: readonly Subscriber[] = [];
  /** The one that is told right now. */
  #told: Subscriber | undefined;
  readonly #waiting: Delivery[] = [];
  #answers = 0;

  constructor(fault: (fault: unknown) => void) {
    this.#fault = fault;
  }

  get size(): number {
    return this.#subscribers.length;
  }

  /** @param lines  what it begins with: told at once, since what waits for the others is in it */
  add(subscriber: Subscriber, lines: readonly RecordedLine[]): void {
    this.#subscribers = [...this.#subscribers, subscriber];
    this.#deliver(subscriber, lines);
    this.#goOn();
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers = this.#subscribers.filter((one) => one !== subscriber);
  }

  clear(): void {
    this.#subscribers = [];
  }

  tell(lines: readonly RecordedLine[]): void {
    const to = this.#subscribers;
    if (to.length === 0) return;
    if (this.#told !== undefined) {
      this.#wait({ lines, to }, this.#told);
      return;
    }
    for (let index = 0; index < to.length; index++) this.#deliver(to[index] as Subscriber, lines);
    this.#goOn();
  }

  #wait(delivery: Delivery, told: Subscriber): void {
    this.#waiting.push(delivery);
    this.#answers++;
    if (this.#answers <= mostAnswers) return;
    this.#answers = 0;
    this.remove(told);
    this.#fault(new EspalierError('inspector/endless-sink', { expected: `a sink that answers a line with at most ${mostAnswers}`, got: 'more' }));
  }

  #goOn(): void {
    if (this.#told !== undefined || this.#waiting.length === 0) return;
    // It grows meanwhile.
    for (let index = 0; index < this.#waiting.length; index++) {
      const { lines, to } = this.#waiting[index] as Delivery;
      for (const subscriber of to) this.#deliver(subscriber, lines);
    }
    this.#waiting.length = 0;
    this.#answers = 0;
  }

  #deliver(subscriber: Subscriber, lines: readonly RecordedLine[]): void {
    const before = this.#told;
    this.#told = subscriber;
    const { sink, under, details } = subscriber;
    try {
      const own = under === null ? lines : linesUnder(lines, under);
      const told = details ? own : factsOf(own);
      if (told.length > 0 && this.#subscribers.includes(subscriber)) sink.lines(told);
    } catch (fault) {
      // It is told nothing more; whoever holds its subscription still ends that.
      this.remove(subscriber);
      this.#fault(fault);
    }
    this.#told = before;
  }
}
