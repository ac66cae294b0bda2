/** Saves a tree as it changes: not more often than it may, never twice at a time, and once more at the end. */
import { type Actor, createActor, fromCallback } from 'xstate';
import { clockOf, type Clock, systemClock } from '../../supervision/clock.js';

/** What is told when the tree has moved. */
type Changed = { readonly type: 'tree.changed' };

export class Saver {
  readonly #actor: Actor<ReturnType<typeof saving>>;
  readonly #save: () => Promise<void>;
  #running: Promise<void> = Promise.resolve();

  /** @param save  never rejects @param everyMs  from the beginning of one save to that of the next */
  constructor(save: () => Promise<void>, everyMs: number, clock: Clock = systemClock) {
    this.#save = save;
    this.#actor = createActor(
      saving(() => (this.#running = save()), everyMs),
      { clock, id: 'saver' },
    );
    this.#actor.start();
  }

  /** The tree has moved, or may have. */
  changed(): void {
    this.#actor.send({ type: 'tree.changed' });
  }

  /** Saves it as it is now, after which nothing more is saved. */
  async last(): Promise<void> {
    this.close();
    await this.#running;
    await this.#save();
  }

  close(): void {
    this.#actor.stop();
  }
}

function saving(save: () => Promise<void>, everyMs: number) {
  return fromCallback<Changed>(({ self, receive }) => {
    const clock = clockOf(self.system);
    let timer: unknown;
    let isDirty = false;
    let isBusy = false;
    let isOver = false;
    let nextAt = clock.now();
    const begin = async (): Promise<void> => {
      timer = undefined;
      isDirty = false;
      isBusy = true;
      nextAt = clock.now() + everyMs;
      await save();
      isBusy = false;
      if (isDirty) arm();
    };
    const arm = (): void => {
      if (timer !== undefined || isBusy || isOver) return;
      timer = clock.setTimeout(() => void begin(), Math.max(0, nextAt - clock.now()));
    };
    receive(() => {
      isDirty = true;
      arm();
    });
    return () => {
      isOver = true;
      if (timer !== undefined) clock.clearTimeout(timer);
    };
  });
}
