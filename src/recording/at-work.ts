/** Who is processing something now, each in the midst of the one before: XState's actors run to completion in whoever sends to them. */
import { atWorkOn, isAtWork, type Watched } from './watched.js';

export class AtWork {
  /** The innermost last. Who has finished is taken away when it is next looked at. */
  readonly #actors: Watched[] = [];

  push(watched: Watched): void {
    this.#actors.push(watched);
  }

  /** The number of what the innermost is processing: the cause of what is sent or started now. */
  cause(): number | undefined {
    for (let last = this.#actors.at(-1); last !== undefined; last = this.#actors.at(-1)) {
      if (isAtWork(last)) return atWorkOn(last);
      this.#actors.pop();
    }
    return undefined;
  }

  clear(): void {
    this.#actors.length = 0;
  }
}
