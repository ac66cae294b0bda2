/** Pauses between two attempts of one call. */
import type { AnyActorRef } from 'xstate';
import type { Deadline, DeadlineQueue } from '../supervision/deadlines.js';
import { isOver, type Owned, type Owner, type Owners } from './owners.js';

/** How one was over. */
export type RestOutcome = 'rested' | 'cancelled' | 'holderEnded' | 'closed';

/** On whose life it depends. */
export interface Resting {
  readonly holder?: AnyActorRef;
  readonly signal?: AbortSignal;
}

class Rest implements Deadline, Owned {
  /** Called once. */
  readonly ends: (outcome: RestOutcome) => void;
  readonly ties: Owner[] = [];
  dueAt = 0;
  place = -1;

  constructor(ends: (outcome: RestOutcome) => void) {
    this.ends = ends;
  }

  expired(): void {
    this.ends('rested');
  }

  ownerEnded({ isActor }: Owner): void {
    this.ends(isActor ? 'holderEnded' : 'cancelled');
  }
}

/** All of a gate. There are no more of them than calls of `run`. */
export class Rests {
  readonly #deadlines: DeadlineQueue;
  readonly #owners: Owners;
  readonly #all = new Set<Rest>();
  #isOver = false;

  constructor(deadlines: DeadlineQueue, owners: Owners) {
    this.#deadlines = deadlines;
    this.#owners = owners;
  }

  /** Over after `ms`, or with its owners, or with the gate. */
  begin(ms: number, { holder, signal }: Resting): Promise<RestOutcome> {
    if (this.#isOver) return Promise.resolve('closed');
    if (signal?.aborted === true) return Promise.resolve('cancelled');
    if (holder !== undefined && isOver(holder)) return Promise.resolve('holderEnded');
    return new Promise((resolve) => {
      const rest = new Rest((outcome) => {
        this.#all.delete(rest);
        this.#deadlines.remove(rest);
        for (const owner of rest.ties) this.#owners.untie(rest, owner);
        resolve(outcome);
      });
      this.#all.add(rest);
      this.#deadlines.add(rest, ms);
      for (const subject of [holder, signal]) if (subject !== undefined) rest.ties.push(this.#owners.tie(rest, subject));
    });
  }

  /** None begins any more, and those that there are end `closed`. */
  close(): void {
    this.#isOver = true;
    for (const rest of [...this.#all]) rest.ends('closed');
  }
}
