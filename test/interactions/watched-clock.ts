/** A virtual clock that tells when somebody begins to wait for so long. */
import { VirtualClock } from '../../src/testing/virtual-clock.js';

export class WatchedClock extends VirtualClock {
  readonly #watches: { readonly ms: number; resolve(): void }[] = [];

  override setTimeout(fn: () => void, ms: number): unknown {
    for (const watch of this.#watches.splice(0)) {
      if (watch.ms === ms) watch.resolve();
      else this.#watches.push(watch);
    }
    return super.setTimeout(fn, ms);
  }

  isSetFor(ms: number): Promise<void> {
    return new Promise((resolve) => this.#watches.push({ ms, resolve }));
  }
}
