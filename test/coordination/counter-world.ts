/** Four nodes that count together through a backend on a fifth: for runs through faults. */
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend, BackendEntry } from '../../src/backend/port.js';
import { type Counter, createCounter, type IncrementOutcome, type ReadOutcome } from '../../src/coordination/counter-handle.js';
import { type ShardRecord, shardRecord } from '../../src/coordination/counter-record.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import type { FaultWorld } from '../../src/testing/network/fault-run.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import { altered, RemoteBackend, serve } from './remote-backend.js';

const clients = ['ann', 'bob', 'eve', 'joe'];
const prefix = 'counter/c/';
const isShard = (key: string): boolean => key.startsWith(`${prefix}shard/`);

/** What one was told of a key; `isOnlyCall`: nobody else ever asks for it. */
interface Told {
  readonly key: string;
  readonly by: number;
  readonly isOnlyCall: boolean;
  readonly outcome: IncrementOutcome;
}

/** What all writes of shards together have taken: by key, those that came again, and the sum. */
interface Taken {
  readonly keys: Map<string, number>;
  readonly again: string[];
  sum: number;
}

export interface CounterWorld extends FaultWorld {
  /** What the backend has taken. */
  readonly taken: Taken;
  /** What the sum was, and since which revision, as the shards say. */
  readonly sums: readonly { readonly revision: number; readonly value: number }[];
  readonly told: readonly Told[];
  readonly readings: readonly Extract<ReadOutcome, { readonly outcome: 'ok' }>['reading'][];
}

/** What may be wrong with a counter, planted on purpose: the backend, as it would use it. */
export type Defect = (backend: Backend) => Backend;

/** The key that was asked for: a defect may have put something behind it. */
const bare = (key: string): string => key.slice(1).split('~')[0] ?? '';

/** Writes down what each write of a shard has taken. */
async function watchOver(backend: Backend, taken: Taken, sums: { revision: number; value: number }[]): Promise<void> {
  const begun = await backend.watch(prefix);
  if (begun.outcome !== 'ok') throw new Error(`nobody watches over it: ${begun.outcome}`);
  const shards = new Map<string, ShardRecord>();
  for (;;) {
    const heard = await begun.watch.next();
    if (heard.outcome === 'gap') throw new Error('nobody watched over it');
    if (heard.outcome !== 'changes') continue;
    for (const change of heard.changes) {
      if (change.type !== 'set' || !isShard(change.key)) continue;
      const record = shardRecord(change.entry) as ShardRecord;
      const count = record.count - (shards.get(change.key)?.count ?? 0);
      for (const [key, by] of record.recent.slice(-count)) {
        if (taken.keys.has(bare(key))) taken.again.push(bare(key));
        taken.keys.set(bare(key), by);
        taken.sum += by;
      }
      shards.set(change.key, record);
      sums.push({ revision: change.revision, value: [...shards.values()].reduce((sum, each) => sum + each.sum, 0) });
    }
  }
}

/** A run of that world. */
export function counterRun(defect: Defect = (backend) => backend): FaultRunOptions<CounterWorld> {
  return {
    nodes: ['backend', ...clients],
    // Where it went on after a crash it would be another backend, with nothing in it.
    spared: ['backend'],
    steps: 20,
    network: { links: { delay: [1, 20], drop: 0.02, duplicate: 0.02 } },
    world: (network) => {
      const taken: Taken = { keys: new Map(), again: [], sum: 0 };
      const sums: { revision: number; value: number }[] = [{ revision: 0, value: 0 }];
      const told: Told[] = [];
      const readings: { value: number; revision: number }[] = [];
      const counters = new Map<string, Counter>();
      /** What shall be counted in the end, whoever has to ask for it. */
      const owed = new Map<string, number>();
      const done = new Set<string>();
      let keys = 0;
      network.boot((node) => {
        const backend = memoryBackend({ clock: node.clock });
        void watchOver(backend, taken, sums);
        serve(node, backend);
      }, 'backend');
      const boot = (node: SimulatedNode): void => {
        const options = { name: 'c', shards: 3, remember: 200, withinMs: 1_500, retryMs: 50, callMs: 300 };
        counters.set(node.name, createCounter(defect(new RemoteBackend(node)), options, { clock: node.clock }));
      };
      for (const name of clients) network.boot(boot, name);

      const pause = (node: SimulatedNode, ms: number): Promise<void> => new Promise((resolve) => void node.clock.setTimeout(resolve, ms));
      const add = async (node: SimulatedNode, key: string, by: number, isOnlyCall: boolean, withinMs = 1_500): Promise<boolean> => {
        const outcome = await (counters.get(node.name) as Counter).increment(by, { key, withinMs });
        told.push({ key, by, isOnlyCall, outcome });
        node.note(`${key}: ${outcome.outcome}`);
        return outcome.outcome === 'ok';
      };
      const read = async (node: SimulatedNode): Promise<boolean> => {
        const outcome = await (counters.get(node.name) as Counter).read();
        if (outcome.outcome === 'ok') readings.push(outcome.reading);
        return outcome.outcome === 'ok';
      };
      const insist = async (node: SimulatedNode, ask: () => Promise<boolean>): Promise<void> => {
        if (await ask()) return;
        await pause(node, 50);
        await insist(node, ask);
      };
      const settle = async (node: SimulatedNode): Promise<void> => {
        await Promise.all([...owed].map(([key, by]) => insist(node, () => add(node, key, by, false))));
        await insist(node, () => read(node));
        done.add(node.name);
      };
      const nodes = clients;
      return {
        ...{ taken, sums, told, readings },
        operations: {
          add: {
            weight: 4,
            nodes,
            input: (chance) => chance.pick([1, 5, -3]),
            run: async (node, by) => {
              const key = `k${++keys}`;
              owed.set(key, Number(by));
              await add(node, key, Number(by), false);
            },
          },
          addTogether: {
            weight: 2,
            nodes,
            run: async (node) => {
              const made = [1, 2, 3].map(() => `k${++keys}`);
              for (const key of made) owed.set(key, 1);
              // Another asks for the same at the same time.
              const other = [...counters.values()].find((counter) => counter !== counters.get(node.name));
              await Promise.all([...made.map((key) => add(node, key, 1, false)), other?.increment(1, { key: made[0] ?? '' })]);
            },
          },
          addOnce: {
            weight: 3,
            nodes,
            input: (chance) => chance.pick([60, 200, 1_000]),
            run: async (node, ms) => void (await add(node, `k${++keys}`, 100, true, Number(ms))),
          },
          read: { weight: 2, nodes, run: async (node) => void (await read(node)) },
          leave: {
            nodes,
            run: async (node) => {
              await counters.get(node.name)?.close();
              boot(node);
            },
          },
        },
        progress: {
          // All four ask for all that is owed, and meet at every shard.
          withinMs: 10_000,
          begin: () => {
            for (const name of clients) network.perform(name, 'ask for all that is owed', settle);
          },
          reached: () => done.size === clients.length,
        },
      } satisfies CounterWorld;
    },
    invariants: {
      'each key is counted once, and the value is their sum': ({ taken, sums }) => {
        if (taken.again.length > 0) return taken.again.join();
        return sums.at(-1)?.value === taken.sum ? undefined : `${sums.at(-1)?.value}, not ${taken.sum}`;
      },
      'what was told to be counted is': ({ taken, told }) => {
        const wrong = told.find((each) => each.outcome.outcome === 'ok' && taken.keys.get(each.key) !== each.by);
        return wrong === undefined ? undefined : JSON.stringify(wrong);
      },
      'what was refused is not counted': ({ taken, told }) => {
        const wrong = told.find((each) => each.isOnlyCall && each.outcome.outcome === 'refused' && taken.keys.has(each.key));
        return wrong === undefined ? undefined : JSON.stringify(wrong);
      },
      'a reading is what the sum was at its revision': ({ sums, readings }) => {
        const wrong = readings.find(({ value, revision }) => sums.findLast((sum) => sum.revision <= revision)?.value !== value);
        return wrong === undefined ? undefined : JSON.stringify(wrong);
      },
    },
  };
}

const withRecord = (entry: BackendEntry, alter: (record: ShardRecord) => ShardRecord): BackendEntry =>
  isShard(entry.key) ? { ...entry, value: alter(entry.value as unknown as ShardRecord) as unknown as BackendEntry['value'] } : entry;

/** A backend of which each shard is seen otherwise. */
function seeing(backend: Backend, alter: (record: ShardRecord) => ShardRecord): Pick<Backend, 'get' | 'compareAndSet'> {
  return {
    get: async (...call) => {
      const there = await backend.get(...call);
      return there.outcome === 'ok' && there.entry !== null ? { ...there, entry: withRecord(there.entry, alter) } : there;
    },
    compareAndSet: async (...call) => {
      const written = await backend.compareAndSet(...call);
      return written.outcome === 'conflict' && written.entry !== null ? { ...written, entry: withRecord(written.entry, alter) } : written;
    },
  };
}

/** Counters that are wrong, each in one way. */
export const defects: Readonly<Record<string, { readonly defect: Defect; readonly breaks: string }>> = {
  'it forgets its keys': {
    defect: (backend) =>
      altered(
        backend,
        seeing(backend, (record) => ({ ...record, recent: record.recent.map(([, by]) => ['=another', by] as const) })),
      ),
    breaks: 'each key is counted once, and the value is their sum',
  },
  'it counts again what nobody knows': {
    defect: (backend) => {
      // Each try has a key of its own.
      let tries = 0;
      const compareAndSet: Backend['compareAndSet'] = (key, expected, value, options) => {
        if (!isShard(key)) return backend.compareAndSet(key, expected, value, options);
        const record = value as ShardRecord;
        const recent = record.recent.map(([name, by]) => [name.includes('~') ? name : `${name}~${++tries}`, by] as const);
        return backend.compareAndSet(key, expected, { ...record, recent }, options);
      };
      return altered(backend, { compareAndSet });
    },
    breaks: 'each key is counted once, and the value is their sum',
  },
  'what nobody knows counts as done': {
    defect: (backend) => {
      const compareAndSet: Backend['compareAndSet'] = async (key, ...rest) => {
        const written = await backend.compareAndSet(key, ...rest);
        return isShard(key) && written.outcome === 'unknown' && written.reason === 'lost' ? { outcome: 'ok', revision: 1 } : written;
      };
      return altered(backend, { compareAndSet });
    },
    breaks: 'what was told to be counted is',
  },
  'what nobody knows counts as not done': {
    defect: (backend) => {
      const compareAndSet: Backend['compareAndSet'] = async (key, ...rest) => {
        const written = await backend.compareAndSet(key, ...rest);
        return isShard(key) && written.outcome === 'unknown' ? { outcome: 'refused', reason: 'unavailable' } : written;
      };
      return altered(backend, { compareAndSet });
    },
    breaks: 'what was refused is not counted',
  },
  'it reads one shard only': {
    defect: (backend) => {
      const list: Backend['list'] = async (...call) => {
        const page = await backend.list(...call);
        return page.outcome === 'ok' ? { ...page, entries: page.entries.slice(0, 1) } : page;
      };
      return altered(backend, { list });
    },
    breaks: 'a reading is what the sum was at its revision',
  },
};

/** Where most that happens makes answers late, so that what is wrong shows early. */
export const lossy = {
  ...{ faults: { slow: 3, pause: 2, partition: 2, crash: 1 }, faultShare: 0.3, steps: 40 },
  network: { links: { delay: [1, 90], drop: 0.1, duplicate: 0.02 } },
} as const;
