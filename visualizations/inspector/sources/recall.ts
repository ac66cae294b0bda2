/**
 * What was before the page came: asked for once somebody goes back so far; after a refusal again, later each time and a few times. Then it is said that it
 * cannot be had, until there is another conversation, or somebody goes away from the beginning and comes back. Has no timers: who looks at the beginning
 * comes again with each picture.
 */
import type { RecordedLine } from '../../../src/wire/recording/lines.js';

/** Pauses before it is asked for again, ms; after the last of them it is given up. */
export const recallPausesMs: readonly number[] = [1_000, 3_000, 9_000];

/** What became of lines that came. */
export type Taken =
  | 'taken'
  /** The lines that they were to stand before are not the first any more. */
  | 'stale'
  /** The page cannot hold so many. */
  | 'noRoom';

export interface RecallDoors {
  /** Ms of a clock that only goes on. */
  now(): number;
  /** Asks for all that is known of before. Rejects with the words of a refusal. */
  ask(): Promise<readonly RecordedLine[]>;
  take(lines: readonly RecordedLine[]): Taken;
  /** Tells whoever looks. */
  tell(words: string): void;
}

export class Recall {
  readonly #doors: RecallDoors;
  #phase: 'open' | 'asking' | 'givenUp' | 'over' = 'open';
  #refusals = 0;
  #notBefore = Number.NEGATIVE_INFINITY;
  /** Answers of a conversation before count no more. */
  #conversation = 0;

  constructor(doors: RecallDoors) {
    this.#doors = doors;
  }

  /** Another conversation, or another recording. */
  reset(): void {
    this.#conversation++;
    this.#phase = 'open';
    this.#refusals = 0;
    this.#notBefore = Number.NEGATIVE_INFINITY;
  }

  /** Nobody looks at the beginning any more. */
  left(): void {
    if (this.#phase === 'givenUp') this.#phase = 'open';
    if (this.#phase === 'open') this.#refusals = 0;
  }

  /** Somebody looks at the beginning. Never rejects. */
  async came(): Promise<void> {
    const { now, ask } = this.#doors;
    if (this.#phase !== 'open' || now() < this.#notBefore) return;
    const conversation = this.#conversation;
    this.#phase = 'asking';
    try {
      const lines = await ask();
      if (conversation === this.#conversation) this.#settle(lines);
    } catch (error) {
      if (conversation === this.#conversation) this.#refused(error instanceof Error ? error.message : String(error));
    }
  }

  #settle(lines: readonly RecordedLine[]): void {
    const taken = this.#doors.take(lines);
    if (taken === 'stale') return this.#refused('the page lets go of its oldest lines faster than they come');
    this.#phase = 'over';
    if (taken === 'noRoom')
      this.#doors.tell('What was before cannot be shown: this page holds as many lines as it can. A recording of it can be saved.');
  }

  #refused(why: string): void {
    const pauseMs = recallPausesMs[this.#refusals] ?? recallPausesMs.at(-1) ?? 0;
    this.#notBefore = this.#doors.now() + pauseMs;
    this.#phase = this.#refusals < recallPausesMs.length ? 'open' : 'givenUp';
    this.#refusals++;
    if (this.#phase === 'givenUp') this.#doors.tell(`What was before cannot be had: ${why}. Go on and come back to the beginning to ask again.`);
  }
}
