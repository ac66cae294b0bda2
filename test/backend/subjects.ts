/** The backends that are held to the contract: in memory alone, on a store in memory, and on a store in a file by each engine that there is. */
import { memoryBackend } from '../../src/backend/memory.js';
import type { OpenBackend } from '../../src/backend/port.js';
import { memoryEvents } from '../../src/events/memory.js';
import type { EventStore } from '../../src/events/port.js';
import { sqliteEvents } from '../../src/events/sqlite.js';
import type { BackendSubject } from '../../src/testing/backend/contract.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { drivers, newFile } from '../events/store-world.js';

export const inMemory: BackendSubject = {
  open: async ({ limits }) => {
    const clock = new VirtualClock();
    return { backend: memoryBackend({ clock, ...limits }), clock, advance: (ms) => clock.advanceByAsync(ms) };
  },
};

/** Durable as its store is. */
function onStore(open: () => Promise<EventStore>): BackendSubject {
  return {
    open: async ({ limits }) => {
      const clock = new VirtualClock();
      const store = await open();
      const make = (): OpenBackend => memoryBackend({ clock, store, ...limits });
      let backend = make();
      return {
        backend,
        clock,
        advance: async (ms) => {
          // It is open, so that its leases count from before.
          await backend.status();
          await clock.advanceByAsync(ms);
        },
        reopen: async () => {
          await backend.close();
          return (backend = make());
        },
        takeOver: async () => make(),
      };
    },
  };
}

export const onMemoryEvents: BackendSubject = onStore(async () => memoryEvents());

const opened: EventStore[] = [];

export const inFiles: Readonly<Record<string, BackendSubject>> = Object.fromEntries(
  drivers.map((driver) => [
    driver,
    onStore(async () => {
      const store = await sqliteEvents({ path: newFile(), driver, durability: 'normal' });
      opened.push(store);
      return store;
    }),
  ]),
);

export async function closeFiles(): Promise<void> {
  for (const store of opened.splice(0)) await store.close();
}
