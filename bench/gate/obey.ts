/** One subject that obeys the orders of the bench, in whatever process it is. */
import { sweep } from '../heap.js';
import { cancellable, cancelled, contended, uncontended } from './measure.js';
import type { Figures, Load, Metric, Order } from './orders.js';
import type { Rig, Subject } from './subject.js';

const measures: Readonly<Record<Metric, (rig: Rig, load: Load) => Promise<number>>> = {
  uncontended: (rig, { tasks }) => uncontended(rig, tasks),
  contended: (rig, { waiters, times }) => contended(rig, waiters, times),
  'contended, signals': (rig, { waiters, times }) => cancellable(rig, waiters, times),
  cancelled: (rig, { waiters, times }) => cancelled(rig, waiters, times),
};

/** What is measured with a signal for each waiter. */
const withSignals: readonly Metric[] = ['contended, signals', 'cancelled'];

/** A subject with its limiter, between two orders. */
export class Obedient {
  readonly #subject: Subject;
  #open: { readonly rig: Rig; readonly metric: Metric } | undefined;

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  async obey(order: Order): Promise<Figures> {
    switch (order.do) {
      case 'open':
        return this.#begin(order);
      case 'pass':
        return this.#pass(order.load);
      case 'close':
        return this.#close();
    }
  }

  async #begin({ metric, limit, runIn }: Order & { do: 'open' }): Promise<Figures> {
    const rig = this.#subject.open(limit, runIn.waiters + 1);
    if (withSignals.includes(metric) && rig.passUntil === undefined) {
      await rig.close?.();
      return {};
    }
    this.#open = { rig, metric };
    sweep();
    // What the full collection has taken of the machine code is made anew: that is its cost, and of no task.
    await this.#pass(runIn);
    return {};
  }

  /** Nothing is measured of a limiter that was not opened, since nobody can do there what would be measured. */
  async #pass(load: Load): Promise<Figures> {
    if (this.#open === undefined) return {};
    const { rig, metric } = this.#open;
    return { [metric]: await measures[metric](rig, this.#share(load)) };
  }

  #share(load: Load): Load {
    const { share } = this.#subject;
    return share === undefined ? load : { tasks: Math.ceil(load.tasks * share), waiters: Math.ceil(load.waiters * share), times: 1 };
  }

  async #close(): Promise<Figures> {
    await this.#open?.rig.close?.();
    this.#open = undefined;
    return {};
  }
}
