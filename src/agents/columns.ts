/**
 * What agents are ordered by, as numbers side by side: of each agent one place in every column.
 *
 * An assignment looks at an agent for each step down a heap of all of them. Ten thousand agents as objects do not fit into the core's cache, and each look would
 * wait for memory; of numbers side by side the same many fit.
 */
import type { Seat } from './seat.js';

const fewest = 16;

export class Columns {
  /** Who is there, by place. */
  readonly seats: (Seat | undefined)[] = [];
  /** Sum of the costs in hand. */
  load = new Float64Array(fewest);
  /** When it had its last turn, or came; of no other agent. */
  turn = new Float64Array(fewest);
  /** How many things it can do. */
  abilities = new Float64Array(fewest);
  /** What a task that was done took for each unit of its cost, lately, ms; NaN: none has been done. */
  pace = new Float64Array(fewest);
  /** Which part of its tasks has failed, lately. */
  failing = new Float64Array(fewest);
  /** 1 as long as no task of it has ended. */
  isNew = new Float64Array(fewest);
  /** How long one more of cost 1 would have to wait for its end there, ms; of one that has done none nobody knows. */
  expected = new Float64Array(fewest);
  readonly #left: number[] = [];

  /** Gives an agent its place. */
  enter(seat: Seat): number {
    const place = this.#left.pop() ?? this.seats.length;
    if (place >= this.load.length) this.#widen();
    this.seats[place] = seat;
    this.load[place] = 0;
    this.pace[place] = Number.NaN;
    this.failing[place] = 0;
    this.isNew[place] = 1;
    this.expect(place);
    return place;
  }

  /** The place may be another's from now on. */
  leave(place: number): void {
    this.seats[place] = undefined;
    this.#left.push(place);
  }

  /** What a task took it for each unit of cost, and what it takes for those that fail too; NaN: none has been done. */
  meanMs(place: number): number {
    // One that has only failed for long is a hundred times as slow, not for ever: it may be well again.
    return (this.pace[place] as number) / (1 - Math.min(0.99, this.failing[place] as number));
  }

  /** Reckons anew what is expected of an agent, whose load or pace is another. */
  expect(place: number): void {
    const mean = this.meanMs(place);
    // Where all took no time, the load still counts.
    this.expected[place] = Number.isNaN(mean) ? Number.MAX_VALUE : (mean + 0.001) * ((this.load[place] as number) + 1);
  }

  #widen(): void {
    const wider = (column: Float64Array): Float64Array<ArrayBuffer> => {
      const all = new Float64Array(2 * column.length);
      all.set(column);
      return all;
    };
    this.load = wider(this.load);
    this.turn = wider(this.turn);
    this.abilities = wider(this.abilities);
    this.pace = wider(this.pace);
    this.failing = wider(this.failing);
    this.isNew = wider(this.isNew);
    this.expected = wider(this.expected);
  }
}
