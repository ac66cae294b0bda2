/**
 * `@statelyai/inspect` as a subject of the inspect benchmark, in the shape of bench/inspect/subject.ts: its core with an adapter that only takes the
 * messages, without a socket, as the others have none either.
 */
import { createInspector } from '@statelyai/inspect';

export const statelyai = {
  name: '@statelyai/inspect',
  share: 0.05,
  /** @param createActor  of the xstate that runs the machine */
  open: (machine, size, createActor) => {
    let count = 0;
    const adapter = {
      start: () => undefined,
      stop: () => undefined,
      send: (message) => {
        // What goes over the wire is text.
        count += JSON.stringify(message).length > 0 ? 1 : 0;
      },
    };
    const inspector = createInspector(adapter);
    const actor = createActor(machine, { input: { size }, inspect: inspector.inspect }).start();
    return {
      actor,
      watcher: {
        // It converts in a timer of its own for each event; one that is set after all of them comes after all of them.
        settle: () => new Promise((resolve) => setTimeout(resolve, 0)),
        close: () => inspector.stop(),
        count: () => count,
      },
    };
  },
};
