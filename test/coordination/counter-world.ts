/** Four nodes that count together through a backend on a fifth: for runs through faults. */
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend, BackendEntry } from '../../src/backend/port.js';
import { type Counter, createCounter, type IncrementOutcome, type ReadOutcome } from '../../src/coordination/counter-handle.js';
import { type ShardRecord, shardRecord } from '../../src/coordination/counter-record.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import type { FaultWorld } from '../../src/testing/network/fault-run.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import { pause } from './pause.js';
import { altered, RemoteBackend, serve, watchOver, withLateWrites } from './remote-backend.js';

const clients = ['ann', 'bob', 'eve', 'joe'];
const prefix = 'counter/c/';
const isShard = (key: string): boolean => key.startsWith(`${prefix}shard/`);

/** What one was told of a key; `isOnlyCall`: it is asked for once. One without a key is told apart by its number, which no other has. */
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
  /** Are so few keys remembered that one may be asked for in vain? It counts again then, but never twice in one call. */
  readonly isForgetful: boolean;
  /** What the backend has taken. */
  readonly taken: Taken;
  /** What the sum was, and since which revision, as the shards say. */
  readonly sums: readonly { readonly revision: number; readonly value: number }[];
  readonly told: readonly Told[];
  readonly readings: readonly Extract<ReadOutcome, { readonly outcome: 'ok' }>['reading'][];
}

/** What may be wrong with a counter, planted on purpose: the backend, as it would use it. */
export type Defect = (backend: Backend) => Backend;

/** The key that was asked for, behind which a defect may have put something; or the number, where none was. */
const bare = (key: string, by: number): string => (key.startsWith('=') ? (key.slice(1).split('~')[0] ?? '') : unnamed(by));
const unnamed = (by: number): string => `#${by}`;
/** Is it of a call that nobody repeats? */
const isSingle = (key: string): boolean => /^[#o]/u.test(key);

/** Writes down what each write of a shard has taken. */
function writeDown(backend: Backend, taken: Taken, sums: { revision: number; value: number }[]): Promise<void> {
  const shards = new Map<string, ShardRecord>();
  return watchOver(backend, prefix, (change) => {
    if (change.type !== 'set' || !isShard(change.key)) return;
    const record = shardRecord(change.entry) as ShardRecord;
    const count = record.count - (shards.get(change.key)?.count ?? 0);
    for (const [key, by] of record.recent.slice(-count)) {
      const name = bare(key, by);
      if (taken.keys.has(name)) taken.again.push(name);
      taken.keys.set(name, by);
      taken.sum += by;
    }
    shards.set(change.key, record);
    sums.push({ revision: change.revision, value: [...shards.values()].reduce((sum, each) => sum + each.sum, 0) });
  });
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
      const isForgetful = network.seed % 3 === 0;
      const lines = new Map<string, ReturnType<typeof withLateWrites>>();
      network.boot((node) => {
        const backend = memoryBackend({ clock: node.clock });
        void writeDown(backend, taken, sums);
        serve(node, backend);
      }, 'backend');
      const boot = (node: SimulatedNode): void => {
        const options = {
          name: 'c',
          ...(isForgetful ? { shards: 1, remember: 1 } : { shards: 3, remember: 200 }),
          withinMs: 1_500,
          retryMs: 50,
          callMs: 300,
        };
        const late = withLateWrites(node, new RemoteBackend(node), isShard);
        lines.set(node.name, late);
        counters.set(node.name, createCounter(defect(late.line), options, { clock: node.clock }));
      };
      for (const name of clients) network.boot(boot, name);

      const add = async (node: SimulatedNode, key: string, by: number, isOnlyCall: boolean, withinMs = 1_500): Promise<boolean> => {
        const outcome = await (counters.get(node.name) as Counter).increment(by, { key, withinMs });
        told.push({ key, by, isOnlyCall, outcome });
        node.note(`${key}: ${outcome.outcome}`);
        return outcome.outcome === 'ok';
      };
      const addUnnamed = async (node: SimulatedNode): Promise<void> => {
        const by = 1_000 + ++keys;
        const outcome = await (counters.get(node.name) as Counter).increment(by);
        told.push({ key: unnamed(by), by, isOnlyCall: true, outcome });
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
        ...{ isForgetful, taken, sums, told, readings },
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
            run: async (node, ms) => void (await add(node, `o${++keys}`, 100, true, Number(ms))),
          },
          addLate: {
            // Its write comes when it may have given up, or ends.
            weight: 2,
            nodes,
            input: (chance) => chance.pick([100, 300, 600]),
            run: async (node, ms) => {
              lines.get(node.name)?.delay(2 * Number(ms));
              const counter = counters.get(node.name);
              const added = add(node, `o${++keys}`, 100, true);
              await pause(node, Number(ms));
              await counter?.close();
              boot(node);
              await added;
            },
          },
          addUnnamed: { weight: 2, nodes, run: addUnnamed },
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
      'each key is counted once, and the value is their sum': ({ isForgetful, taken, sums }) => {
        const again = taken.again.filter((key) => !isForgetful || isSingle(key));
        if (again.length > 0) return again.join();
        return sums.at(-1)?.value === taken.sum ? undefined : `${sums.at(-1)?.value}, not ${taken.sum}`;
      },
      'what was told to be counted is': ({ taken, told }) => {
        const wrong = told.find((each) => each.outcome.outcome === 'ok' && taken.keys.get(each.key) !== each.by);
        return wrong === undefined ? undefined : JSON.stringify(wrong);
      },
      'who alone asks for a key is not told that another did': ({ told }) => {
        const wrong = told.find(({ isOnlyCall, outcome }) => {
          return isOnlyCall && ((outcome.outcome === 'ok' && outcome.isRepeat) || (outcome.outcome === 'refused' && outcome.reason === 'reused'));
        });
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
  'what may be forgotten counts as not there': {
    defect: (backend) => {
      // How many were counted is not seen, and comes back with what is written.
      const hidden = new Map<string, number>();
      const hide = (entry: BackendEntry): BackendEntry =>
        withRecord(entry, (record) => {
          hidden.set(`${entry.key} ${entry.revision}`, record.count - record.recent.length);
          return { ...record, count: record.recent.length };
        });
      const get: Backend['get'] = async (...call) => {
        const there = await backend.get(...call);
        return there.outcome === 'ok' && there.entry !== null ? { ...there, entry: hide(there.entry) } : there;
      };
      const compareAndSet: Backend['compareAndSet'] = async (key, expected, value, options) => {
        const before = hidden.get(`${key} ${expected}`) ?? 0;
        const { count, ...rest } = value as ShardRecord;
        const written = await backend.compareAndSet(key, expected, isShard(key) ? { ...rest, count: count + before } : value, options);
        if (written.outcome === 'ok' && isShard(key)) hidden.set(`${key} ${written.revision}`, before);
        return written.outcome === 'conflict' && written.entry !== null ? { ...written, entry: hide(written.entry) } : written;
      };
      return altered(backend, { get, compareAndSet });
    },
    breaks: 'what was refused is not counted',
  },
  'all have one name': {
    defect: (backend) => altered(backend, { grant: async () => ({ outcome: 'ok', lease: 'one', ttlMs: 1 }) }),
    breaks: 'who alone asks for a key is not told that another did',
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
