/** Holds the state, and tells who listens that there is another: at most once in each frame, however much has happened. */
import { type Action, reduce } from './reduce.js';
import { initialState, type State } from './state.js';

/** Calls back before the next picture; `requestAnimationFrame` in a browser. */
export type NextFrame = (callback: () => void) => void;

export class Store {
  #state: State;
  #isDue = false;
  readonly #listeners: ((state: State) => void)[] = [];
  readonly #nextFrame: NextFrame;

  constructor(nextFrame: NextFrame, state: State = initialState) {
    this.#nextFrame = nextFrame;
    this.#state = state;
  }

  get state(): State {
    return this.#state;
  }

  readonly dispatch = (action: Action): void => {
    const before = this.#state;
    this.#state = reduce(before, action);
    if (this.#state !== before) this.refresh();
  };

  /** Something outside the state has changed: the app that is watched, the size of the window. */
  readonly refresh = (): void => {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#nextFrame(() => {
      this.#isDue = false;
      for (const listener of this.#listeners) listener(this.#state);
    });
  };

  subscribe(listener: (state: State) => void): void {
    this.#listeners.push(listener);
  }
}
