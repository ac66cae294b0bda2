/** Messages that were taken into a mailbox, or were for a subscriber's, and will never be delivered: kept to be read, and to be sent again. */
import type { RequestRefusal } from '../../machines/comms/request.js';
import type { Letter } from './message.js';
import type { Topics } from './topics.js';

/** One of them. */
export interface DeadLetter extends Letter {
  readonly id: string;
  /** What had to become of it, instead. */
  readonly why: RequestRefusal;
  /** In words, where the agent does not know such messages. */
  readonly error?: unknown;
  /** When, monotonic ms of the clock of comms. */
  readonly at: number;
}

/** The newest of them, up to a bound. */
export class DeadLetters {
  readonly #most: number;
  readonly #byId = new Map<string, DeadLetter>();
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** How many there are. */
  get size(): number {
    return this.#byId.size;
  }

  bury(letter: Letter, why: RequestRefusal, at: number, error?: unknown): DeadLetter {
    const dead: DeadLetter = { ...letter, id: `letter-${++this.#count}`, why, at, ...(error === undefined ? {} : { error }) };
    this.#byId.set(dead.id, dead);
    if (this.#byId.size > this.#most) for (const oldest of this.#byId.keys()) return this.#forget(oldest, dead);
    return dead;
  }

  #forget(id: string, dead: DeadLetter): DeadLetter {
    this.#byId.delete(id);
    return dead;
  }

  get(id: string): DeadLetter | undefined {
    return this.#byId.get(id);
  }

  /** @returns whether it was there */
  remove(id: string): boolean {
    return this.#byId.delete(id);
  }

  /** The oldest first. */
  list(agent: string | undefined, limit: number): DeadLetter[] {
    const found: DeadLetter[] = [];
    for (const letter of this.#byId.values()) {
      if (found.length >= limit) break;
      if (agent === undefined || letter.agent === agent) found.push(letter);
    }
    return found;
  }
}

/** What outlives comms that are restarted. */
export interface Leaving {
  readonly letters: DeadLetters;
  readonly topics: Topics;
}
