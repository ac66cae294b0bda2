/** Four nodes that meet at a barrier of three, or of two in every third run, through a backend on a fifth: for runs through faults. */
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend, BackendEntry } from '../../src/backend/port.js';
import { type ArriveOutcome, type Barrier, createBarrier } from '../../src/coordination/barrier-handle.js';
import { type BarrierRecord, type Opening, recordOf } from '../../src/coordination/barrier-record.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import type { FaultWorld } from '../../src/testing/network/fault-run.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import { pause } from './pause.js';
import { altered, RemoteBackend, serve, watchOver, withLateWrites } from './remote-backend.js';

const clients = ['ann', 'bob', 'eve', 'joe'];
const ttlMs = 2_000;
const prefix = 'barrier/b/';

/** What one was told, and under which lease it had written, if it had. */
interface Told {
  readonly lease: string | null;
  readonly outcome: ArriveOutcome;
}

/** A generation, and the revision of the write that opened it. */
interface Opened extends Opening {
  readonly written: number;
}

export interface BarrierWorld extends FaultWorld {
  readonly parties: number;
  /** As the backend has had them, in order. */
  readonly openings: readonly Opened[];
  /** Of each lease that has waited: when its key was made, and when it was deleted; null: it stands. */
  readonly stood: ReadonlyMap<string, { readonly from: number; to: number | null }>;
  readonly told: readonly Told[];
  /** Leases of whom one who waits has said, by the number of those who wait, that they have left: as of which revision. */
  readonly departed: ReadonlyMap<string, number>;
  /** Hears what those who wait say of how many they are. */
  hear(): void;
}

/** What one who waits has looked at, since it came. */
interface Looked {
  /** How many wait, as it said last. */
  said: number;
  readonly seen: Set<string>;
  /** Those of the newest look, and the revision of that. */
  last: ReadonlySet<string>;
  revision: number;
}

/** What may be wrong with a barrier, planted on purpose: the backend, as it would use it. */
export type Defect = (backend: Backend) => Backend;

/** Writes down all that happens at the backend, revision by revision. */
function writeDown(backend: Backend, openings: Opened[], stood: Map<string, { from: number; to: number | null }>): Promise<void> {
  return watchOver(backend, prefix, (change) => {
    const lease = change.key.slice(`${prefix}there/`.length);
    if (change.type === 'deleted') {
      const standing = stood.get(lease);
      if (standing !== undefined) standing.to = change.revision;
    } else if (change.key === `${prefix}record`) {
      const newest = recordOf(change.entry)?.openings.at(-1);
      const last = openings.at(-1);
      const isNew = newest !== undefined && JSON.stringify({ ...newest, written: last?.written }) !== JSON.stringify(last);
      if (isNew) openings.push({ ...newest, written: change.revision });
    } else stood.set(lease, { from: change.entry.created, to: null });
  });
}

/** A run of that world. */
export function barrierRun(defect: Defect = (backend) => backend): FaultRunOptions<BarrierWorld> {
  return {
    nodes: ['backend', ...clients],
    // A backend whose clock is wrong breaks its own promise: what a lease lasts.
    spared: ['backend'],
    steps: 20,
    network: { links: { delay: [1, 20], drop: 0.02, duplicate: 0.02 } },
    world: (network) => {
      const parties = network.seed % 3 === 0 ? 2 : 3;
      const openings: Opened[] = [];
      const stood: Map<string, { from: number; to: number | null }> = new Map();
      const told: Told[] = [];
      const barriers = new Map<string, Barrier>();
      /** Under which lease each waits now. */
      const leases = new Map<string, string>();
      const done = new Set<string>();
      const looks = new Map<string, Looked>();
      const lines = new Map<string, ReturnType<typeof withLateWrites>>();
      const departed = new Map<string, number>();
      const hear = (): void => {
        for (const [name, looked] of looks) {
          const { state, arrived } = (barriers.get(name) as Barrier).status();
          if (state !== 'waiting') continue;
          if (arrived < looked.said) {
            for (const lease of looked.seen) if (!looked.last.has(lease) && !departed.has(lease)) departed.set(lease, looked.revision);
          }
          looked.said = arrived;
        }
      };
      network.boot((node) => {
        const backend = memoryBackend({ clock: node.clock });
        void writeDown(backend, openings, stood);
        serve(node, backend);
      }, 'backend');
      const boot = (node: SimulatedNode): void => {
        const remote = new RemoteBackend(node);
        const compareAndSet: Backend['compareAndSet'] = (key, ...rest) => {
          if (key.startsWith(`${prefix}there/`)) leases.set(node.name, key.slice(`${prefix}there/`.length));
          return remote.compareAndSet(key, ...rest);
        };
        looks.delete(node.name);
        const list: Backend['list'] = async (...call) => {
          const page = await remote.list(...call);
          const looked = looks.get(node.name);
          if (page.outcome !== 'ok' || looked === undefined) return page;
          const there = page.entries.filter(({ key }) => !isRecord(key)).map(({ key }) => key.slice(`${prefix}there/`.length));
          for (const lease of there) looked.seen.add(lease);
          Object.assign(looked, { last: new Set(there), revision: page.revision });
          return page;
        };
        const line = withLateWrites(node, altered(remote, { compareAndSet, list }), isRecord);
        lines.set(node.name, line);
        // The margin covers a clock that goes half as fast as the backend's.
        const options = { name: 'b', parties, ttlMs, renewEveryMs: ttlMs * 0.15, marginMs: ttlMs * 0.55, withinMs: 3_000 };
        barriers.set(node.name, createBarrier(defect(line.line), options, { clock: node.clock }));
      };
      for (const name of clients) network.boot(boot, name);

      const meet = async (node: SimulatedNode, options: Parameters<Barrier['arrive']>[0] = {}): Promise<boolean> => {
        const barrier = barriers.get(node.name) as Barrier;
        if (barrier.status().state !== 'idle') return false;
        leases.delete(node.name);
        looks.set(node.name, { said: 0, seen: new Set(), last: new Set(), revision: 0 });
        const outcome = await barrier.arrive(options);
        const lease = leases.get(node.name) ?? null;
        told.push({ lease, outcome });
        node.note(outcome.ok ? `is through, generation ${outcome.generation}` : `is not through: ${outcome.reason}`);
        return outcome.ok;
      };
      const insist = async (node: SimulatedNode): Promise<void> => {
        if (await meet(node)) done.add(node.name);
        // Those who came through go on, so that nobody waits for ever for the third.
        if (done.size === clients.length) return;
        await pause(node, 20);
        await insist(node);
      };
      const nodes = clients;
      return {
        ...{ parties, openings, stood, told, departed, hear },
        operations: {
          meet: { weight: 5, nodes, run: async (node) => void (await meet(node)) },
          giveUp: {
            weight: 2,
            nodes,
            input: (chance) => chance.pick([10, 30, 100, 300]),
            run: async (node, ms) => {
              const vain = new AbortController();
              node.clock.setTimeout(() => vain.abort(), Number(ms));
              await meet(node, { signal: vain.signal });
            },
          },
          meetLate: {
            // Whatever it writes of generations comes when others may have left.
            weight: 2,
            nodes,
            input: (chance) => chance.pick([300, 600, 1_200]),
            run: async (node, ms) => {
              lines.get(node.name)?.delay(Number(ms));
              await meet(node);
            },
          },
          leave: {
            nodes,
            run: async (node) => {
              await barriers.get(node.name)?.close();
              boot(node);
            },
          },
        },
        progress: {
          // What is left of the leases of the dead and of those who still give up, and a generation or two.
          withinMs: 10_000,
          begin: () => {
            for (const name of clients) network.perform(name, 'meet, until all have met', insist);
          },
          reached: () => done.size === clients.length,
        },
      } satisfies BarrierWorld;
    },
    invariants: {
      'a generation counts as many as it takes, who all waited at one moment': ({ parties, openings, stood }) => {
        for (const { generation, members, at } of openings) {
          if (new Set(members).size !== parties || members.length !== parties) return `${generation}: ${members.join()}`;
          const missing = members.find((lease) => {
            const { from, to } = stood.get(lease) ?? { from: at + 1, to: null };
            return from > at || (to !== null && to <= at);
          });
          if (missing !== undefined) return `${generation}, at ${at}: ${missing} did not`;
        }
        return undefined;
      },
      'generations open one after the other, and count nobody twice': ({ openings }) => {
        const members = openings.flatMap((opening) => opening.members);
        if (openings.some(({ generation }, index) => generation !== index + 1)) return openings.map(({ generation }) => generation).join();
        return new Set(members).size === members.length ? undefined : members.join();
      },
      'who came through is counted, by the generation that it was told': ({ openings, told }) => {
        const wrong = told.find(({ lease, outcome }) => {
          if (!outcome.ok) return false;
          const opening = openings[outcome.generation - 1];
          return opening?.at !== outcome.token || !opening.members.includes(lease ?? '');
        });
        return wrong === undefined ? undefined : JSON.stringify(wrong);
      },
      'who was seen to leave is counted by none that opens later': ({ openings, departed, hear }) => {
        hear();
        const wrong = openings.find(({ members, written }) => members.some((lease) => written > (departed.get(lease) ?? written)));
        return wrong === undefined ? undefined : JSON.stringify(wrong);
      },
      'who was refused is counted by none': ({ openings, told }) => {
        const counted = new Set(openings.flatMap(({ members }) => members));
        const wrong = told.find(({ lease, outcome }) => lease !== null && !outcome.ok && outcome.reason !== 'unknown' && counted.has(lease));
        return wrong === undefined ? undefined : JSON.stringify(wrong);
      },
    },
  };
}

/** A backend on which writes that open nothing are left out. */
function voidingNothing(backend: Backend): Pick<Backend, 'get' | 'list' | 'compareAndSet'> {
  // Generations, by the revision of the record.
  const seen = new Map<number, number>([[0, 0]]);
  const note = (entry: BackendEntry | null): void => {
    if (entry !== null && isRecord(entry.key)) seen.set(entry.revision, recordOf(entry)?.generation ?? 0);
  };
  return {
    get: async (...call) => {
      const there = await backend.get(...call);
      if (there.outcome === 'ok') note(there.entry);
      return there;
    },
    list: listing(backend, (entries) => {
      for (const entry of entries) note(entry);
      return entries;
    }),
    compareAndSet: async (key, expected, value, options) => {
      const isVoiding = isRecord(key) && (value as BarrierRecord).generation === seen.get(expected);
      return isVoiding ? { outcome: 'ok', revision: expected } : backend.compareAndSet(key, expected, value, options);
    },
  };
}

/** What a list says, with some of it replaced. */
const listing = (backend: Backend, altering: (entries: readonly BackendEntry[]) => readonly BackendEntry[]): Backend['list'] => {
  return async (...call) => {
    const page = await backend.list(...call);
    return page.outcome === 'ok' ? { ...page, entries: altering(page.entries) } : page;
  };
};

const isRecord = (key: string): boolean => key === `${prefix}record`;

/** Barriers that are wrong, each in one way. */
export const defects: Readonly<Record<string, { readonly defect: Defect; readonly breaks: string }>> = {
  'the dead are counted': {
    defect: (backend) => {
      const known = new Map<string, BackendEntry>();
      const list = listing(backend, (entries) => {
        for (const entry of entries) if (!isRecord(entry.key)) known.set(entry.key, entry);
        return [...entries.filter(({ key }) => isRecord(key)), ...known.values()];
      });
      return altered(backend, { list });
    },
    breaks: 'a generation counts as many as it takes, who all waited at one moment',
  },
  'it opens with one too few': {
    defect: (backend) =>
      altered(backend, { list: listing(backend, (entries) => [...entries, ...entries.filter(({ key }) => !isRecord(key)).slice(0, 1)]) }),
    breaks: 'a generation counts as many as it takes, who all waited at one moment',
  },
  'it does not begin anew': {
    defect: (backend) => {
      const blank = (entry: BackendEntry): BackendEntry => {
        const record: BarrierRecord = { ...(entry.value as unknown as BarrierRecord), through: 0 };
        return { ...entry, value: { ...record, openings: record.openings.map((opening) => ({ ...opening, members: [...opening.members] })) } };
      };
      return altered(backend, { list: listing(backend, (entries) => entries.map((entry) => (isRecord(entry.key) ? blank(entry) : entry))) });
    },
    breaks: 'generations open one after the other, and count nobody twice',
  },
  'who gives up does not void what others have seen': {
    defect: (backend) => altered(backend, voidingNothing(backend)),
    breaks: 'who was refused is counted by none',
  },
  'what nobody knows counts as open': {
    defect: (backend) => {
      const compareAndSet: Backend['compareAndSet'] = async (key, ...rest) => {
        const written = await backend.compareAndSet(key, ...rest);
        return isRecord(key) && written.outcome === 'unknown' && written.reason === 'lost' ? { outcome: 'ok', revision: 1 } : written;
      };
      return altered(backend, { compareAndSet });
    },
    breaks: 'who came through is counted, by the generation that it was told',
  },
};

/** Where most that happens is of the kind that makes answers late, so that what is wrong shows early. */
export const slowThroughout = {
  ...{ faults: { slow: 3, pause: 2, partition: 2, crash: 2, drift: 1 }, faultShare: 0.3, steps: 60 },
  network: { links: { delay: [1, 70], drop: 0.05, duplicate: 0.02 } },
} as const;
