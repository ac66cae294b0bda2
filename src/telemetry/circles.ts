/**
 * Handlers in a circle: one that causes, by what it does, the event that it is told of. Where it sends to an actor that is in the midst of an event, that waits
 * in the actor's mailbox, and no call is ever within another: the process would be busy with it for ever.
 */

/** Turns of the event loop; where they cannot be counted, seconds. @see uv_metrics_info of libuv */
export function loopTurn(): number {
  const { nodeTiming } = performance as { readonly nodeTiming?: { readonly uvMetricsInfo?: { readonly loopCount: number } } };
  return nodeTiming?.uvMetricsInfo?.loopCount ?? Math.floor(performance.now() / 1_000);
}

/** So many calls of one handler may have put events into mailboxes before the event loop turns. */
export const mostCauses = 1_000;
/** A handler that was called so often, for so many ms, is in a circle of another kind: of promises, or by actors that nobody watches. */
export const mostCalls = 10_000;
export const mostMs = 5_000;
/** At every so many calls the time is looked at. */
const step = 1_024;

/** What one handler has done since the event loop last turned. */
export class TurnCount {
  #turn = Number.NaN;
  #causes = 0;
  #calls = 0;
  #callsTurn = Number.NaN;
  #since = 0;
  #all = 0;

  /** A call of it has put an event into a mailbox. @returns what is wrong with that; null for nothing */
  caused(): string | null {
    const turn = loopTurn();
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#causes = 0;
    }
    return ++this.#causes > mostCauses
      ? `expected no circle, got: ${mostCauses} calls, each of which sent to an actor in the midst of an event`
      : null;
  }

  /** It is called. @returns what is wrong with that; null for nothing */
  called(): string | null {
    if (++this.#all % step !== 1) return null;
    const turn = loopTurn();
    if (turn !== this.#callsTurn) {
      this.#callsTurn = turn;
      this.#calls = this.#all;
      this.#since = performance.now();
      return null;
    }
    if (this.#all - this.#calls <= mostCalls || performance.now() - this.#since <= mostMs) return null;
    return `expected a turn of the event loop, got: ${this.#all - this.#calls} calls within ${mostMs} ms and none`;
  }
}
