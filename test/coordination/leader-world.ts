/**
 * Elections on a simulated network: three participants, and a backend that is reached by messages. Links lose, double, delay and reorder them; nodes are cut off,
 * paused and crashed; clocks jump, and run apart.
 *
 * What must hold after each event:
 * - at every moment of true time at most one process believes that it leads: that is what its handle says, reckoned by its own clock;
 * - the terms of those who were elected rise strictly, in the order in which they were, and so do their tokens: no term has two leaders.
 * And what must come to be: within 6 s after everything is healed, one leads, and all see it.
 */
import { type AnyActorRef, createActor, fromCallback } from 'xstate';
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend } from '../../src/backend/port.js';
import { leader } from '../../src/coordination/leader.js';
import { leaderHandle } from '../../src/coordination/leader-handle.js';
import type { LeaderOptions } from '../../src/coordination/leader-options.js';
import { holdOf } from '../../src/coordination/leader-parts.js';
import type { FaultWorld } from '../../src/testing/network/fault-run.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import type { SimulatedNetwork } from '../../src/testing/network/network.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import { networkFaultKinds } from '../../src/testing/network/schedule.js';
import { bootCrashing, disk } from './crashing-backend.js';
import { pause } from './pause.js';
import { remoteBackend, serve } from './remote-backend.js';

interface Elected {
  readonly who: string;
  readonly term: number;
  readonly token: number;
}

export interface LeaderWorld extends FaultWorld {
  readonly elected: readonly Elected[];
  /** Those whose handle would say that they lead. */
  believing(): string[];
}

interface Seat {
  readonly node: SimulatedNode;
  readonly actor: AnyActorRef;
}

const ids = ['a', 'b', 'c'];

/** What may be wrong with an election, planted on purpose: in the backend that a participant sees, or in what it believes. */
export interface Defect {
  backend?(backend: Backend): Backend;
  /** Believes the chart alone, whatever the clock says, and holds its lease for longer than the backend does. */
  readonly ignoresDeadline?: boolean;
  /** The backend that is crashed has nothing left when it is opened again. */
  readonly forgets?: boolean;
}

/** How a participant sees the backend from where it is. */
type Far = (backend: Backend, node: SimulatedNode) => Backend;

/** A lease is heard of long after it was granted, and often none of its renewals arrives: what it lasts is what its grant says. */
const grantingSlowly: Far = (bare, node) => {
  const lost = new Set<string>();
  return {
    ...bare,
    grant: async (...call) => {
      const answer = await bare.grant(...call);
      await pause(node, node.chance.pick([0, 200, 500]));
      if (answer.outcome === 'ok' && node.chance.pick([true, false])) lost.add(answer.lease);
      return answer;
    },
    renew: async (lease, ...call) => (lost.has(lease) ? { outcome: 'unknown', reason: 'lost' } : bare.renew(lease, ...call)),
  };
};

function election(options: Partial<LeaderOptions>, planted: Defect, crashes: boolean, far: Far): (network: SimulatedNetwork) => LeaderWorld {
  return (network) => {
    const seats = new Map<string, Seat>();
    const elected: Elected[] = [];
    const strikes = crashes ? bootCrashing(network, planted.forgets) : {};
    if (!crashes) network.boot((node) => serve(node, memoryBackend({ clock: node.clock })), 'backend');
    const boot = (node: SimulatedNode): void => {
      const bare = far(remoteBackend(node), node);
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

const invariants: FaultRunOptions<LeaderWorld>['invariants'] = {
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

/** What elections with the usual margin are made for: clocks that are wrong, and yet go as fast as others. */
export const withoutDrift = networkFaultKinds.filter((kind) => kind !== 'drift');

/** A run of that world. @param crashes  is the backend crashed and paused, too? It is durable then. */
export function leaderRun(planted: Defect = {}, options: Partial<LeaderOptions> = {}, crashes = false): FaultRunOptions<LeaderWorld> {
  // A backend whose clock is wrong breaks its own promise: what a lease lasts.
  const spared = ['backend', ...(crashes ? [disk] : [])];
  return {
    nodes: [...spared, ...ids],
    spared,
    network: { links: { delay: [1, 20], drop: 0.02, duplicate: 0.02 } },
    ...{ steps: 24, faultShare: 0.6, faults: withoutDrift, world: election(options, planted, crashes, (bare) => bare), invariants },
  };
}

/** The same where the backend is crashed and paused, too, and opened again on its store. */
export function crashingLeaderRun(planted: Defect = {}): FaultRunOptions<LeaderWorld> {
  return leaderRun(planted, {}, true);
}

/** The same where a lease is heard of long after it was granted. */
export function slowlyGrantedLeaderRun(planted: Defect = {}): FaultRunOptions<LeaderWorld> {
  return { ...leaderRun(planted), world: election({}, planted, false, grantingSlowly) };
}

/** The same where clocks run apart, by less than the margin is made for. */
export function driftingLeaderRun(planted: Defect = {}): FaultRunOptions<LeaderWorld> {
  const options = { ttlMs: 2_000, marginMs: 1_700, renewEveryMs: 100 };
  return { ...leaderRun(planted, options), faults: ['drift', 'pause', 'slow', 'partition', 'drop'] };
}

type CompareAndSet = Backend['compareAndSet'];

/** The seat's writes go another way. */
const seatBy =
  (change: (set: CompareAndSet) => CompareAndSet) =>
  (backend: Backend): Backend => {
    const changed = change(backend.compareAndSet);
    return { ...backend, compareAndSet: (key, ...call) => (key.endsWith('/seat') ? changed : backend.compareAndSet)(key, ...call) };
  };

/** It sees no other candidate than itself. */
function alone(bare: Backend): Backend {
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
}

/** Elections that are wrong, each in one way. */
export const defects: Readonly<Record<string, { readonly defect: Defect; readonly breaks: string }>> = {
  'a leader believes its chart, and not the clock': { defect: { ignoresDeadline: true }, breaks: 'at most one leads at a time' },
  'a lease is held for as long as the backend holds it, and longer': {
    defect: {
      // Its renewals count from when they are heard of, and each says that it was done.
      backend: (bare) => ({
        ...bare,
        renew: async (...call) => {
          const answer = await bare.renew(...call);
          return answer.outcome === 'ok' ? answer : { outcome: 'ok', ttlMs: 1_000 };
        },
      }),
    },
    breaks: 'at most one leads at a time',
  },
  'a term does not rise': {
    defect: { backend: seatBy((set) => (key, expected, value, options) => set(key, expected, { ...(value as object), term: 0 }, options)) },
    breaks: 'terms and tokens rise',
  },
  'an unknown write is taken for a success': {
    defect: {
      backend: seatBy((set) => async (...call) => {
        const answer = await set(...call);
        return answer.outcome === 'unknown' ? { outcome: 'ok', revision: call[1] + 1 } : answer;
      }),
    },
    breaks: 'terms and tokens rise',
  },
  'a candidate does not wait for its turn': { defect: { backend: alone }, breaks: 'at most one leads at a time' },
};

/** What is wrong only where the backend is crashed. */
export const crashingDefects: Readonly<Record<string, { readonly defect: Defect; readonly breaks: string }>> = {
  'a backend has nothing left when it is opened again': { defect: { forgets: true }, breaks: 'terms and tokens rise' },
};

/** It hears of what it is granted only as it asks again: what it holds it counts from then. */
function hearingLate(bare: Backend): Backend {
  let kept: Awaited<ReturnType<Backend['grant']>> | undefined;
  return {
    ...bare,
    grant: async (...call) => {
      const former = kept;
      kept = undefined;
      if (former !== undefined) return former;
      const answer = await bare.grant(...call);
      if (answer.outcome === 'ok') kept = answer;
      return answer.outcome === 'ok' ? { outcome: 'unknown', reason: 'lost' } : answer;
    },
  };
}

/** What is wrong only where a grant is all that a lease has. */
export const slowlyGrantedDefects: Readonly<Record<string, { readonly defect: Defect; readonly breaks: string }>> = {
  'a grant counts from when it is heard of': { defect: { backend: hearingLate }, breaks: 'at most one leads at a time' },
};
