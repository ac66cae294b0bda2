/** Our stores, used as an app uses them. */
import { memoryEvents } from '../../src/events/memory.js';
import type { EventStore } from '../../src/events/port.js';
import { sqliteEvents } from '../../src/events/sqlite.js';
import { createEventStore } from '../../src/event-store/handle.js';
import { data, type Rig, streamOf, type Subject } from './subject.js';

type Asked = Pick<EventStore, 'append' | 'read' | 'close'>;

function rig(store: Asked): Rig {
  let n = 0;
  const append = async (): Promise<void> => {
    const outcome = await store.append(streamOf(n++), [{ type: 'measured', data }]);
    if (!outcome.ok) throw new Error(`expected it to be stored, got: ${outcome.reason}`);
  };
  return {
    oneByOne: async (count) => {
      for (let i = 0; i < count; i++) await append();
    },
    atOnce: async (count) => {
      await Promise.all(Array.from({ length: count }, append));
    },
    readStream: async (stream) => {
      let count = 0;
      for (let after: number | null = 0; after !== null; ) {
        const page: Awaited<ReturnType<EventStore['read']>> = await store.read({ stream, after });
        if (!page.ok) throw new Error(`expected a page, got: ${page.reason}`);
        count += page.events.length;
        after = page.next;
      }
      return count;
    },
    close: () => store.close(),
  };
}

const limits = { maxPending: 100_000 };

export const espalierSubjects: readonly Subject[] = [
  { name: 'espalier', open: async (path) => rig(await sqliteEvents({ path, ...limits })) },
  { name: 'espalier-service', open: async (path) => rig(createEventStore({ path, ...limits })) },
  { name: 'espalier-memory', open: async () => rig(memoryEvents(limits)) },
];
