/** The timers of this process that were set while it was watched, and are still set: also those that would not keep it running. */
import { createHook } from 'node:async_hooks';

/** Watches from now on; `stop` ends that. */
export class TimerWatch {
  readonly #set = new Map<number, Partial<NodeJS.Timeout>>();
  readonly #hook = createHook({
    init: (id, type, _trigger, resource) => {
      if (type === 'Timeout') this.#set.set(id, resource);
    },
    destroy: (id) => this.#set.delete(id),
  });

  constructor() {
    this.#hook.enable();
  }

  /** Those that are set now: `Timeout`, or `Timeout (unref)` for one that keeps no process running. */
  async left(): Promise<readonly string[]> {
    // Node tells of what was cleared in a turn of its own.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    return [...this.#set.values()].map((timer) => (timer.hasRef?.() === false ? 'Timeout (unref)' : 'Timeout'));
  }

  stop(): void {
    this.#hook.disable();
  }
}
