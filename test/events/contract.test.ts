/** Every store keeps the contract: in memory, and in a file by each engine that there is. */
import { afterEach, describe, expect, it } from 'vitest';
import { memoryEvents } from '../../src/events/memory.js';
import type { EventStore } from '../../src/events/port.js';
import { sqliteEvents } from '../../src/events/sqlite.js';
import type { DriverName } from '../../src/events/sqlite-drivers.js';
import { eventStoreContract, type EventStoreSubject } from '../../src/testing/event-store/contract.js';
import { drivers, newFile, removeFiles } from './store-world.js';

afterEach(removeFiles);

const inFile = (driver: DriverName): EventStoreSubject => {
  const reopened = new WeakMap<EventStore, () => Promise<EventStore>>();
  return {
    open: async ({ limits, wallNow }) => {
      const path = newFile();
      const open = async (): Promise<EventStore> => {
        const store = await sqliteEvents({ path, driver, wallNow, ...limits });
        reopened.set(store, open);
        return store;
      };
      return open();
    },
    reopen: async (store) => {
      await store.close();
      return (reopened.get(store) as () => Promise<EventStore>)();
    },
  };
};

const subjects: Readonly<Record<string, EventStoreSubject>> = {
  'a store in memory': { open: async ({ limits, wallNow }) => memoryEvents({ ...limits, wallNow }) },
  ...Object.fromEntries(drivers.map((driver) => [`a store in a file, by ${driver}`, inFile(driver)])),
};

describe.each(Object.entries(subjects))('%s', (_, subject) => {
  for (const { title, run } of eventStoreContract(subject)) it(title, run);
});

describe('the contract', () => {
  it('is broken by a store that lets an id replace another', async () => {
    const { append } = Object.getPrototypeOf(memoryEvents()) as EventStore;
    const faulty: EventStoreSubject = {
      open: async ({ limits, wallNow }) => {
        const store = memoryEvents({ ...limits, wallNow });
        const bare = (events: Parameters<EventStore['append']>[1]) => events.map(({ id: _id, ...event }) => event);
        return Object.assign(store, {
          append: ((stream, events, options) => append.call(store, stream, bare(events), options)) satisfies EventStore['append'],
        });
      },
    };
    const [broken] = eventStoreContract(faulty).filter(({ title }) => title.startsWith('an id that is there'));
    await expect(broken?.run()).rejects.toMatchObject({ code: 'ERR_ASSERTION' });
  });
});
