/**
 * Elections on a simulated network: three participants, and a backend that is reached by messages. Links lose, double, delay and reorder them; nodes are cut off,
 * paused and crashed; clocks jump, and run apart.
 *
 * What must hold after each event:
 * - at every moment of true time at most one process believes that it leads: that is what its handle says, reckoned by its own clock;
 * - the terms of those who were elected rise strictly, in the order in which they were, and so do their tokens: no term has two leaders.
 * And what must come to be: within 6 s after everything is healed, one leads, and all see it.
 */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, fromCallback } from 'xstate';
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend } from '../../src/backend/port.js';
import { leader } from '../../src/coordination/leader.js';
import { leaderHandle } from '../../src/coordination/leader-handle.js';
import type { LeaderOptions } from '../../src/coordination/leader-options.js';
import { holdOf } from '../../src/coordination/leader-parts.js';
import { faultRun, type FaultWorld } from '../../src/testing/network/fault-run.js';
import { FaultRunFailure } from '../../src/testing/network/fault-run-failure.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import type { SimulatedNetwork } from '../../src/testing/network/network.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import { networkFaultKinds } from '../../src/testing/network/schedule.js';
import { bootCrashing, disk } from './crashing-backend.js';
import { remoteBackend, serve } from './remote-backend.js';

interface Elected {
  readonly who: string;
  readonly term: number;
  readonly token: number;
}

interface World extends FaultWorld {
  readonly elected: readonly Elected[];
  /** Those whose handle would say that they lead. */
  believing(): string[];
}

interface Seat {
  readonly node: SimulatedNode;
  readonly actor: AnyActorRef;
}

const ids = ['a', 'b', 'c'];

/** What is planted: in the backend that a participant sees, or in what it believes. */
interface Planted {
  backend?(backend: Backend): Backend;
  /** Believes the chart alone, whatever the clock says, and holds its lease for longer than the backend does. */
  readonly ignoresDeadline?: boolean;
  /** The backend is crashed and stopped, and opened again: with its store, or with nothing. */
  readonly crashes?: 'durable' | 'forgets';
}

function election(options: Partial<LeaderOptions>, planted: Planted = {}): (network: SimulatedNetwork) => World {
  return (network) => {
    const seats = new Map<string, Seat>();
    const elected: Elected[] = [];
    const strikes = planted.crashes === undefined ? {} : bootCrashing(network, planted.crashes === 'forgets');
    if (planted.crashes === undefined) network.boot((node) => serve(node, memoryBackend({ clock: node.clock })), 'backend');
    const boot = (node: SimulatedNode): void => {
      const bare = remoteBackend(node);
      const backend = planted.backend?.(bare) ?? bare;
      const work = fromCallback(() => {});
      const ttl = { ttlMs: 1_000, callMs: 200, backoff: { minMs: 50, maxMs: 400, seed: ids.indexOf(node.name) } };
      const actor = createActor(leader({ backend, election: 'planner', id: node.name, work, ...ttl, ...options }), { clock: node.clock });
      actor.subscribe({ error: node.fail });
      actor.on('leader.elected', ({ term, token }) => {
        if (network.node(node.name) !== node) return;
        node.note(`elected ${term} ${token}`);
        elected.push({ who: `${node.name}#${node.incarnation}`, term, token });
      });
      seats.set(node.name, { node, actor });
      actor.start();
    };
    network.boot(boot);
    const living = (): Seat[] => [...seats.values()].filter(({ node }) => network.node(node.name) === node);
    const believes = ({ node, actor }: Seat): boolean => {
      if (!actor.getSnapshot().hasTag('leading')) return false;
      if (planted.ignoresDeadline === true) return true;
      // As the handle reckons, without telling the actor: whoever is paused does nothing.
      const hold = holdOf(actor);
      return hold !== undefined && !hold.signal.aborted && node.clock.now() < hold.until;
    };
    const order =
      (command: 'resign' | 'withdraw' | 'stand') =>
      ({ name }: { readonly name: string }) => {
        const seat = seats.get(name);
        if (seat !== undefined) leaderHandle(seat.actor)[command]();
      };
    return {
      elected,
      believing: () =>
        living()
          .filter(believes)
          .map(({ node }) => node.name),
      operations: {
        ...strikes,
        resign: { nodes: ids, weight: 2, run: order('resign') },
        withdraw: { nodes: ids, run: order('withdraw') },
        stand: { nodes: ids, run: order('stand') },
        leave: {
          nodes: ids,
          run: (node) => {
            const actor = seats.get(node.name)?.actor;
            actor?.subscribe({
              complete: () => {
                if (network.node(node.name) === node && seats.get(node.name)?.actor === actor) boot(node);
              },
            });
            actor?.send({ type: 'leader.close' });
          },
        },
      },
      progress: {
        withinMs: 6_000,
        begin: () => ids.forEach((name) => order('stand')({ name })),
        reached: () => {
          const [first, ...others] = living().filter(believes);
          const { length } = living().filter(({ actor }) => leaderHandle(actor).status().leader?.id === first?.node.name);
          return first !== undefined && others.length === 0 && length === ids.length;
        },
      },
    };
  };
}

const invariants: FaultRunOptions<World>['invariants'] = {
  'at most one leads at a time': ({ believing }) => {
    const names = believing();
    return names.length > 1 ? `${names.join(' and ')} lead` : undefined;
  },
  'terms and tokens rise': ({ elected }) => {
    const [last, before] = [elected.at(-1), elected.at(-2)];
    if (last === undefined || before === undefined || (last.term > before.term && last.token > before.token)) return undefined;
    return `${last.who} leads in term ${last.term} with token ${last.token}, after ${before.who} in term ${before.term} with ${before.token}`;
  },
};

const withoutDrift = networkFaultKinds.filter((kind) => kind !== 'drift');

function run(seed: number, options: Partial<LeaderOptions> = {}, more: Partial<FaultRunOptions<World>> = {}, planted?: Planted) {
  const network = { links: { delay: [1, 20] as const, drop: 0.02, duplicate: 0.02 } };
  const spared = ['backend', ...(planted?.crashes === undefined ? [] : [disk])];
  const nodes = [...spared, ...ids];
  return faultRun<World>({
    ...{ seed, nodes, spared, network, steps: 24, faultShare: 0.6, faults: withoutDrift },
    ...{ world: election(options, planted), invariants, ...more },
  });
}

describe('elections on a network with faults', () => {
  // In parts: a slow machine has a minute for each.
  it.each([1, 51, 101, 151])(
    'have one leader at a time, in terms that rise, and go on after it is healed: 50 seeds from %i',
    { timeout: 60_000 },
    async (from) => {
      const struck: Record<string, number> = {};
      for (let seed = from; seed < from + 50; seed++) {
        const { struck: now } = await run(seed);
        for (const [kind, count] of Object.entries(now)) struck[kind] = (struck[kind] ?? 0) + count;
      }
      expect(Object.keys(struck).sort()).toEqual([...withoutDrift].sort());
    },
  );

  it('also where the backend is crashed and stopped, too, and opened again with its store: 50 seeds', { timeout: 60_000 }, async () => {
    let lines: string[] = [];
    for (let seed = 1; seed <= 50; seed++) lines = lines.concat((await run(seed, {}, {}, { crashes: 'durable' })).trace);
    const struck = ['crash', 'pause'].map((fault) => lines.some((line) => line.includes(` fault ${fault} backend`)));
    expect([...struck, lines.some((line) => line.includes('boot backend#3'))]).toEqual([true, true, true]);
  });

  it('also where clocks run apart, by less than the margin is made for: 50 seeds', { timeout: 60_000 }, async () => {
    const options = { ttlMs: 2_000, marginMs: 1_700, renewEveryMs: 100 };
    for (let seed = 1; seed <= 50; seed++) await run(seed, options, { faults: ['drift', 'pause', 'slow', 'partition', 'drop'] });
  });
});

/** The first failure of a planted fault. */
async function caught(planted: Planted, options: Partial<LeaderOptions> = {}): Promise<FaultRunFailure> {
  for (let seed = 1; seed <= 200; seed++) {
    try {
      await run(seed, options, { mostShrinkRuns: 0 }, planted);
    } catch (error) {
      if (error instanceof FaultRunFailure) return error;
      throw error;
    }
  }
  throw new Error('it was not caught');
}

type Set = Backend['compareAndSet'];

/** The seat's writes go another way. */
const seatBy =
  (change: (set: Set) => Set) =>
  (backend: Backend): Backend => {
    const changed = change(backend.compareAndSet);
    return { ...backend, compareAndSet: (key, ...call) => (key.endsWith('/seat') ? changed : backend.compareAndSet)(key, ...call) };
  };

describe('a planted fault of an election is caught:', { timeout: 60_000 }, () => {
  it('a leader that believes its chart, and not the clock', async () => {
    const { claim } = await caught({ ignoresDeadline: true });
    expect(claim).toBe('at most one leads at a time');
  });

  it('one that holds its lease for as long as the backend does, and longer', async () => {
    // Its renewals count from when they are heard of, and each says that it was done.
    const backend = (bare: Backend): Backend => ({
      ...bare,
      renew: async (...call) => {
        const answer = await bare.renew(...call);
        return answer.outcome === 'ok' ? answer : { outcome: 'ok', ttlMs: 1_000 };
      },
    });
    const { claim } = await caught({ backend });
    expect(claim).toBe('at most one leads at a time');
  });

  it('a backend that has nothing left when it is opened again', async () => {
    const { claim } = await caught({ crashes: 'forgets' });
    expect(claim).toBe('terms and tokens rise');
  });

  it('a term that does not rise', async () => {
    const keeping = seatBy((set) => (key, expected, value, options) => set(key, expected, { ...(value as object), term: 0 }, options));
    const { claim } = await caught({ backend: keeping });
    expect(claim).toBe('terms and tokens rise');
  });

  it('an unknown write that is taken for a success', async () => {
    const believing = seatBy((set) => async (...call) => {
      const answer = await set(...call);
      return answer.outcome === 'unknown' ? { outcome: 'ok', revision: call[1] + 1 } : answer;
    });
    const { claim } = await caught({ backend: believing });
    expect(claim).toBe('terms and tokens rise');
  });

  it('a candidate that does not wait for its turn', async () => {
    // It sees no other candidate than itself.
    const alone = (bare: Backend): Backend => {
      const own = new Set<string>();
      return {
        ...bare,
        compareAndSet: (key, ...call) => {
          own.add(key);
          return bare.compareAndSet(key, ...call);
        },
        list: async (...call) => {
          const page = await bare.list(...call);
          return page.outcome === 'ok' ? { ...page, entries: page.entries.filter(({ key }) => own.has(key)) } : page;
        },
        watch: async (...call) => {
          const begun = await bare.watch(...call);
          if (begun.outcome !== 'ok') return begun;
          const next: typeof begun.watch.next = async (...asked) => {
            const answer = await begun.watch.next(...asked);
            if (answer.outcome !== 'changes') return answer;
            return { ...answer, changes: answer.changes.filter(({ key }) => own.has(key)) };
          };
          return { outcome: 'ok', watch: { next, close: () => begun.watch.close() } };
        },
      };
    };
    const { claim } = await caught({ backend: alone });
    expect(claim).toBe('at most one leads at a time');
  });
});
