/** Four nodes that share a lock through a backend on a fifth, and write under its token into a store on a sixth: for runs through faults. */
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend } from '../../src/backend/port.js';
import { createLock, type Lock, type LockGrip } from '../../src/coordination/lock-handle.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import type { FaultWorld } from '../../src/testing/network/fault-run.js';
import type { SimulatedNetwork } from '../../src/testing/network/network.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import { bootCrashing, disk } from './crashing-backend.js';
import { pause } from './pause.js';
import { altered, RemoteBackend, serve } from './remote-backend.js';

const clients = ['ann', 'bob', 'eve', 'joe'];
const ttlMs = 2_000;

/** Somebody who has the lock, as a god would see it. */
interface Holder {
  readonly node: SimulatedNode;
  readonly grip: LockGrip;
  isGivenBack: boolean;
}

export interface LockWorld extends FaultWorld {
  /** Everybody who ever had it, in true order. */
  readonly holders: readonly Holder[];
  /** Tokens of what the store has taken, in its order. */
  readonly written: readonly number[];
  /** Writes that it refused. */
  fenced: number;
}

/** What may be wrong with a lock, or with what it stands on, planted on purpose. */
export interface Defect {
  /** The backend, as a lock that is wrong would use it. */
  readonly line?: (backend: Backend, prefix: string) => Backend;
  /** The store looks at no token. */
  readonly isFenceless?: boolean;
  /** The backend that is crashed has nothing left when it is opened again. */
  readonly forgets?: boolean;
  /** It lets so many more in than it may. */
  readonly tooMany?: number;
}

/** Does it think that it has it, at this moment of true time? Told by its own clock, without waking it. */
function has({ node, grip, isGivenBack }: Holder, network: SimulatedNetwork): boolean {
  return !isGivenBack && network.node(node.name) === node && !grip.signal.aborted && node.clock.now() < grip.until;
}

/** How long it is used: draws of ms; and within how many ms of healing everybody has had it. */
interface Pace {
  readonly usesMs: readonly number[];
  readonly withinMs: number;
}

/** What is left of the leases of the dead, and a turn for each of those who still waits and each of ours. */
const brisk: Pace = { usesMs: [50, 200, 600], withinMs: 8_000 };

/** A run of that world. @param permits  how many may have it at once @param crashes  is the backend crashed and paused, too? It is durable then. */
export function lockRun(
  { line = (backend) => backend, isFenceless = false, tooMany = 0, forgets = false }: Defect = {},
  permits = 1,
  { usesMs, withinMs } = brisk,
  crashes = false,
): FaultRunOptions<LockWorld> {
  const servers = ['backend', 'store', ...(crashes ? [disk] : [])];
  return {
    nodes: [...servers, ...clients],
    // A backend whose clock is wrong breaks its own promise: what a lease lasts.
    spared: servers,
    steps: 20,
    network: { links: { delay: [1, 20], drop: 0.02, duplicate: 0.02 } },
    world: (network) => {
      const [holders, written]: [Holder[], number[]] = [[], []];
      const locks = new Map<string, Lock>();
      const done = new Set<string>();
      const world: LockWorld = { holders, written, fenced: 0, operations: {} };
      const strikes = crashes ? bootCrashing(network, forgets) : {};
      if (!crashes) network.boot((node) => serve(node, memoryBackend({ clock: node.clock })), 'backend');
      network.boot((node) => {
        let highest = 0;
        node.onRequest((asked) => {
          const { token } = asked as { readonly token: number };
          if (token < highest && !isFenceless) {
            world.fenced++;
            return 'fenced';
          }
          highest = Math.max(highest, token);
          written.push(token);
          return 'ok';
        });
      }, 'store');
      const boot = (node: SimulatedNode): void => {
        // The margin covers a clock that goes half as fast as the backend's.
        const options = { name: 'a', permits: permits + tooMany, ttlMs, renewEveryMs: ttlMs * 0.15, marginMs: ttlMs * 0.55, withinMs: 5_000 };
        locks.set(node.name, createLock(line(new RemoteBackend(node), 'lock/a/'), options, { clock: node.clock }));
      };
      for (const name of clients) network.boot(boot, name);

      const use = async (node: SimulatedNode, forMs: number, signal?: AbortSignal): Promise<boolean> => {
        const outcome = await (locks.get(node.name) as Lock).acquire(signal === undefined ? {} : { signal });
        if (!outcome.ok) return false;
        const { grip } = outcome;
        const holder: Holder = { node, grip, isGivenBack: false };
        holders.push(holder);
        node.note(`has it, token ${grip.token}`);
        // What is written goes on its way while it is held, and may come late.
        for (let spent = 0; spent < forMs && grip.isHeld(); spent += 60) {
          void node.call('store', { token: grip.token }, { timeoutMs: 50 });
          await pause(node, 60);
        }
        holder.isGivenBack = true;
        node.note(`gives it back, token ${grip.token}`);
        await grip.release();
        return true;
      };
      const insist = async (node: SimulatedNode): Promise<void> => {
        if (await use(node, 50)) {
          done.add(node.name);
          return;
        }
        await pause(node, 100);
        await insist(node);
      };
      const nodes = clients;
      return Object.assign(world, {
        operations: {
          ...strikes,
          use: {
            weight: 4,
            nodes,
            input: (chance) => chance.pick(usesMs),
            run: async (node, forMs) => void (await use(node, Number(forMs))),
          },
          wantInVain: {
            nodes,
            input: (chance) => chance.pick([30, 300]),
            run: async (node, ms) => {
              const vain = new AbortController();
              node.clock.setTimeout(() => vain.abort(), Number(ms));
              await use(node, 50, vain.signal);
            },
          },
          leave: {
            nodes,
            run: async (node) => {
              await locks.get(node.name)?.close();
              boot(node);
            },
          },
        },
        progress: {
          withinMs,
          begin: () => {
            for (const name of clients) network.perform(name, 'use, until it was had', insist);
          },
          reached: () => done.size === clients.length,
        },
      } satisfies Partial<LockWorld>);
    },
    invariants: {
      'never have more it than may': ({ holders }, network) => {
        const now = holders.filter((holder) => has(holder, network)).map(({ node, grip }) => `${node.name} (${grip.token})`);
        return now.length > permits ? now.join(', ') : undefined;
      },
      'tokens rise in the order in which it was had': ({ holders }) => {
        if (permits > 1) return undefined;
        const fallen = holders.findIndex(({ grip }, index) => index > 0 && grip.token <= (holders[index - 1]?.grip.token ?? 0));
        return fallen === -1 ? undefined : holders.map(({ grip }) => grip.token).join();
      },
      'the store takes nothing from whoever had it before': ({ written }) =>
        permits === 1 && written.some((token, index) => token < (written[index - 1] ?? 0)) ? written.join() : undefined,
    },
  };
}

/** A run of a semaphore of two permits: the same room with another bound, and busier, for a third to come in. */
export function semaphoreRun(defect: Defect = {}): FaultRunOptions<LockWorld> {
  return { ...lockRun(defect, 2, { usesMs: [600, 1_500, 3_000], withinMs: 20_000 }), steps: 40, mostGapMs: 80 };
}

/** A run where the backend is crashed and paused, too, and opened again on its store. */
export function crashingLockRun(defect: Defect = {}): FaultRunOptions<LockWorld> {
  return lockRun(defect, 1, brisk, true);
}

/** Locks that are wrong, each in one way. */
export const defects: Readonly<Record<string, { readonly defect: Defect; readonly breaks: string }>> = {
  'the fence is not asked': { defect: { isFenceless: true }, breaks: 'the store takes nothing from whoever had it before' },
  'its own deadline is ignored': {
    // No renewal comes through, and each counts as done.
    defect: { line: (backend) => altered(backend, { renew: async () => ({ outcome: 'ok', ttlMs }) }) },
    breaks: 'never have more it than may',
  },
  'what nobody knows counts as had': {
    defect: {
      line: (backend, prefix) => {
        // Whose write was not answered sees itself first in the queue.
        const believed = new Map<string, string>();
        return altered(backend, {
          compareAndSet: async (key, expected, value, options) => {
            const outcome = await backend.compareAndSet(key, expected, value, options);
            if (outcome.outcome !== 'unknown' || outcome.reason !== 'lost') return outcome;
            believed.set(prefix, key);
            return { outcome: 'ok', revision: 1 };
          },
          list: async (...call) => {
            const key = believed.get(prefix);
            if (key === undefined) return backend.list(...call);
            believed.delete(prefix);
            const entry = { key, value: { permits: 1 }, revision: 1, created: 1, lease: null };
            return { outcome: 'ok', entries: [entry], next: null, revision: 1 };
          },
        });
      },
    },
    breaks: 'never have more it than may',
  },
  'one of those before it is not counted': {
    defect: {
      line: (backend) => {
        const own = new Set<string>();
        return altered(backend, {
          compareAndSet: (key, ...call) => {
            own.add(key);
            return backend.compareAndSet(key, ...call);
          },
          list: async (...call) => {
            const page = await backend.list(...call);
            if (page.outcome !== 'ok') return page;
            const [first] = page.entries.filter(({ key }) => !own.has(key)).sort((a, b) => a.created - b.created);
            return { ...page, entries: page.entries.filter((entry) => entry !== first) };
          },
        });
      },
    },
    breaks: 'never have more it than may',
  },
  "another's is given back": {
    defect: {
      line: (backend, prefix) =>
        altered(backend, {
          revoke: async (lease, call) => {
            const there = await backend.list(prefix);
            const first = there.outcome === 'ok' ? [...there.entries].sort((a, b) => a.created - b.created)[0] : undefined;
            return backend.revoke(first?.lease ?? lease, call);
          },
        }),
    },
    breaks: 'never have more it than may',
  },
};

const { 'the fence is not asked': _, ...shown } = defects;

/** Semaphores that are wrong. Several hold one at a time, so its tokens fence nobody. */
export const semaphoreDefects: typeof defects = {
  ...shown,
  'one more is let in': { defect: { tooMany: 1 }, breaks: 'never have more it than may' },
};
