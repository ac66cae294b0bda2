/** One subject that obeys the orders of the bench, in whatever process it is. */
import { collectionMs, heldBytes, sweep } from '../heap.js';
import { holds } from './hold.js';
import { bytesKept, bytesPerLive, fill, latencies, restarts, stopAll, sustain } from './measure.js';
import type { Figures, Order } from './orders.js';
import type { Rig, Subject, WorkersRig } from './subject.js';

/** A supervisor that runs. */
interface Open {
  readonly rig: Rig;
  readonly live: number;
  /** What keeps its live tasks alive, where it does not itself. */
  readonly held: readonly unknown[];
}

/** A subject with its supervisor, between two orders. */
export class Obedient {
  readonly #subject: Subject;
  #open: Open | undefined;

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  /** @throws (as rejection) Error for an order that needs an open supervisor, while there is none */
  async obey(order: Order): Promise<Figures> {
    switch (order.do) {
      case 'warm':
        return this.#warm(order.count);
      case 'open':
        return order.live > (this.#subject.maxLive ?? order.live) ? {} : this.#fill(order);
      case 'task':
        return this.#withRig(async (rig) => ({ task: await sustain(rig, this.#share(order.count)) }));
      case 'latency':
        return this.#withRig((rig) => this.#latency(rig, this.#share(order.count)));
      case 'collect':
        return this.#withRig(async () => ({ collection: collectionMs(order.times) }));
      case 'stop':
        return this.#stop(order.round);
      case 'kept':
        return this.#kept(order.count);
      case 'burst':
        return order.count > (this.#subject.maxLive ?? order.count) ? {} : this.#burst(order.count);
      case 'restart':
        return this.#restart(order.siblings, order.count);
    }
  }

  #share(count: number, live = this.#open?.live ?? 0): number {
    return Math.ceil(count * (this.#subject.share?.(live) ?? 1));
  }

  /** Nothing is measured of a supervisor that was not feasible. */
  async #withRig(measure: (rig: Rig) => Promise<Figures>): Promise<Figures> {
    return this.#open === undefined ? {} : measure(this.#open.rig);
  }

  async #warm(count: number): Promise<Figures> {
    const rig = await this.#subject.open();
    await sustain(rig, this.#share(count, 0));
    await latencies(rig, this.#share(count / 4, 0));
    await rig.stop?.();
    return {};
  }

  async #fill({ live, bytesOver, runIn }: Order & { do: 'open' }): Promise<Figures> {
    const isFew = live < bytesOver;
    const few = isFew && live > 0 ? { bytes: await bytesPerLive(this.#subject, live, Math.ceil(bytesOver / live)) } : {};
    const rig = await this.#subject.open();
    const before = isFew ? 0 : await heldBytes();
    const held = fill(rig, live);
    const figures = isFew ? few : { bytes: ((await heldBytes()) - before) / live };
    this.#open = { rig, live, held };
    // What the full collections have taken of the machine code is made anew: that is their cost, and of no task.
    sweep();
    await sustain(rig, this.#share(runIn));
    return figures;
  }

  async #latency(rig: Rig, count: number): Promise<Figures> {
    await latencies(rig, Math.ceil(count / 4));
    const { startToEntry, endToNotice } = await latencies(rig, count);
    return {
      'start-to-entry p50': startToEntry.p50,
      'start-to-entry p99': startToEntry.p99,
      'end-to-notice p50': endToNotice.p50,
      'end-to-notice p99': endToNotice.p99,
    };
  }

  async #stop(round: number): Promise<Figures> {
    const { rig, live = 0 } = this.#open ?? {};
    const isMeasured = round === 0 || live <= (this.#subject.maxLiveStoppedEachRound ?? live);
    sweep();
    const figures: Figures = rig?.stop !== undefined && isMeasured ? { 'stop-all': await stopAll(rig) } : {};
    this.#open = undefined;
    return figures;
  }

  async #kept(count: number): Promise<Figures> {
    const { keptShare } = this.#subject;
    const rig = await this.#subject.open();
    const kept = await bytesKept(rig, keptShare === undefined ? this.#share(count, 0) : Math.ceil(count * keptShare));
    await rig.stop?.();
    return { kept };
  }

  async #burst(count: number): Promise<Figures> {
    const rig = await this.#subject.open();
    await holds(rig, Math.ceil(count / 10));
    sweep();
    const { starts, startsAndEnds, release } = await holds(rig, count);
    await rig.stop?.();
    return {
      'longest hold, starts': starts.all,
      'longest hold, starts and ends': startsAndEnds.all,
      'longest hold, all let go in one turn': release.all,
      'longest hold without collections, starts': starts.own,
      'longest hold without collections, starts and ends': startsAndEnds.own,
    };
  }

  async #restart(siblings: number, count: number): Promise<Figures> {
    const { openRestarted, openWorkers } = this.#subject;
    return {
      ...(await this.#restarts('restart', openRestarted, siblings, count)),
      ...(await this.#restarts('restart of a machine', openWorkers, siblings, count)),
    };
  }

  async #restarts(
    metric: string,
    open: ((siblings: number, restarted: () => void) => Promise<WorkersRig>) | undefined,
    siblings: number,
    count: number,
  ): Promise<Figures> {
    if (open === undefined) return {};
    // Each crash is waited for, one in a turn of the loop: the share of a raw XState that has ten thousand siblings is a few dozen.
    const many = Math.max(20, this.#share(count, siblings));
    await restarts(open, Math.ceil(siblings / 100), many);
    const { p50, p99 } = await restarts(open, siblings, many);
    return { [`${metric} p50`]: p50, [`${metric} p99`]: p99 };
  }
}
