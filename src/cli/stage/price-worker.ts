/** A worker that reads a feed again and again, and crashes on what it cannot read: restarting it is its supervisor's business. */
import { fromPromise, type AnyActorLogic } from 'xstate';

import { systemClock, type Clock } from '../../supervision/clock.js';
import { pause } from './pause.js';

/** Between two readings, ms. */
const readEveryMs = 150;

/** A feed of prices, as JSON; once told to, it sends garbage, once. */
export class PriceFeed {
  #garbled = false;
  #readings = 0;

  /** The next reading is no JSON. */
  garble(): void {
    this.#garbled = true;
  }

  read(): string {
    const text = this.#garbled ? '<html>502 Bad Gateway' : JSON.stringify({ apples: 100 + (++this.#readings % 7) });
    this.#garbled = false;
    return text;
  }
}

/** The worker: never done, over when it is stopped or a reading is garbage. */
export function priceWorker(feed: PriceFeed, clock: Clock = systemClock): AnyActorLogic {
  return fromPromise(async ({ signal }) => {
    while (!signal.aborted) {
      await pause(readEveryMs, signal, clock);
      JSON.parse(feed.read());
    }
  });
}
