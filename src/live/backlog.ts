/**
 * Events that wait to be read, at most a number of them.
 *
 * Beyond it one is let go for each that comes: the oldest audio, which is of the least use by then, and where there is none the oldest of all. How many
 * were is told first of all when the next one is taken, as `stream.dropped`.
 */
import type { LiveEvent } from './events.js';

/** See above. */
export class Backlog {
  readonly #most: number;
  readonly #events: LiveEvent[] = [];
  #audioCount = 0;
  #otherCount = 0;

  /** @param most  events that may wait, at least 1; the word about those that were let go is not counted */
  constructor(most: number) {
    this.#most = most;
  }

  get length(): number {
    return this.#events.length;
  }

  push(event: LiveEvent): void {
    this.#events.push(event);
    if (this.#events.length <= this.#most) return;
    const oldestAudio = this.#events.findIndex(({ type }) => type === 'audio');
    this.#events.splice(Math.max(oldestAudio, 0), 1);
    if (oldestAudio === -1) this.#otherCount++;
    else this.#audioCount++;
  }

  /** The next one; undefined where none waits. */
  take(): LiveEvent | undefined {
    const [audioCount, otherCount] = [this.#audioCount, this.#otherCount];
    if (audioCount + otherCount === 0) return this.#events.shift();
    this.#audioCount = 0;
    this.#otherCount = 0;
    return { type: 'stream.dropped', audioCount, otherCount };
  }

  clear(): void {
    this.#events.length = 0;
    this.#audioCount = 0;
    this.#otherCount = 0;
  }
}
