/** Four nodes that agree on a log through a backend on a fifth: for runs through faults. A god records each vote that is given, and each write that is done. */
import type { ConsensusRecord, ConsensusVote } from '../../machines/coordination/consensus-record.js';
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend } from '../../src/backend/port.js';
import { type Consensus, createConsensus, type ProposeOutcome } from '../../src/coordination/consensus-handle.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import type { FaultWorld } from '../../src/testing/network/fault-run.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import { remoteBackend, serve } from './remote-backend.js';

const members = ['ann', 'bob', 'eve', 'joe'];
const ttlMs = 2_000;
const quorum = 3;
const logKey = 'consensus/a/log';

/** A value that says who proposed it, of no other proposal. */
type Value = string;

/** What must hold, always. */
const claims = {
  one: 'never two values at an index',
  once: 'no value at two indexes',
  quorum: 'no decision without a quorum of true accepts',
  aborted: 'what was aborted is never decided',
  order: 'everyone hears all of it in order',
} as const;

export interface ConsensusWorld extends FaultWorld {
  /** By index: the value that somebody was told first, or that stood in the backend as decided. */
  readonly decided: Map<number, Value>;
  /** By claim: what breaks it. It is looked for when something is told, and not at each event: that is dear. */
  readonly broken: Map<string, string>;
  /** How proposals ended. */
  readonly endings: Set<string>;
}

/** What may be wrong with a member, or with what it stands on, planted on purpose. */
export interface Defect {
  /** The backend, as a member that is wrong would use it. */
  readonly line?: (backend: Backend) => Backend;
  /** What it takes an app's vote for. */
  readonly hears?: (vote: ConsensusVote) => ConsensusVote;
}

/** A run of that world. */
export function consensusRun({ line = (backend) => backend, hears = (vote) => vote }: Defect = {}): FaultRunOptions<ConsensusWorld> {
  return {
    nodes: ['backend', ...members],
    // A backend whose clock is wrong breaks its own promise: what a lease lasts.
    spared: ['backend'],
    steps: 14,
    network: { links: { delay: [1, 20], drop: 0.02, duplicate: 0.02 } },
    world: (network) => {
      const world: ConsensusWorld = { decided: new Map(), broken: new Map(), endings: new Set(), operations: {} };
      const { decided, broken } = world;
      const running = new Map<string, Consensus>();
      const learned = new Map<string, number>();
      const won = new Set<string>();
      /** By value: who truly accepted it. */
      const accepts = new Map<Value, Set<string>>();
      /** Values of which the proposer was told that they are not decided, nor will be. */
      const refused = new Set<Value>();
      /** By value: where it was decided. */
      const places = new Map<Value, number>();
      let values = 0;
      const note = (index: number, told: unknown): void => {
        const value = String(told);
        const [first, place] = [decided.get(index) ?? value, places.get(value) ?? index];
        if (first !== value) broken.set(claims.one, `${index}: ${first}, ${value}`);
        if (place !== index) broken.set(claims.once, `${value}: ${place}, ${index}`);
        const by = accepts.get(value) ?? new Set();
        if (by.size < quorum) broken.set(claims.quorum, `${value}, by ${[...by].join(', ') || 'nobody'}`);
        if (refused.has(value)) broken.set(claims.aborted, value);
        decided.set(index, first);
        places.set(value, place);
      };
      network.boot((node) => {
        const memory = memoryBackend({ clock: node.clock });
        // The truth: what a write has done, whoever hears of it.
        const watched = altered(memory, {
          compareAndSet: async (key, expected, value, options) => {
            const outcome = await memory.compareAndSet(key, expected, value, options);
            const { last } = value as ConsensusRecord;
            if (outcome.outcome === 'ok' && key === logKey && last !== null) note(last.index, last.value);
            return outcome;
          },
        });
        serve(node, watched);
      }, 'backend');
      const boot = (node: SimulatedNode): void => {
        let told = 0;
        const member = createConsensus(
          line(remoteBackend(node)),
          {
            ...{ name: 'a', id: node.name, voters: members },
            ...{ ttlMs, renewEveryMs: ttlMs * 0.15, marginMs: ttlMs * 0.55, withinMs: 2_500, voteMs: 300, window: 200 },
            vote: (proposed) => {
              const value = proposed as Value;
              const said = judge(node.name, value);
              node.note(`says ${said} to ${value}`);
              if (said === 'accept') accepts.set(value, (accepts.get(value) ?? new Set()).add(node.name));
              return hears(said);
            },
          },
          { clock: node.clock },
        );
        running.set(node.name, member);
        learned.set(node.name, 0);
        member.on('consensus.decided', ({ index, value }) => {
          if (network.node(node.name) !== node || running.get(node.name) !== member) return;
          note(index, value);
          if (index !== told + 1) broken.set(claims.order, `${node.name} heard of ${index} after ${told}`);
          told = index;
          learned.set(node.name, index);
        });
        member.on('consensus.missed', ({ from, to }) => void broken.set(claims.order, `${node.name} missed ${from} to ${to}`));
      };
      for (const name of members) network.boot(boot, name);

      const ended = (value: Value, outcome: ProposeOutcome): boolean => {
        world.endings.add(outcome.ok ? 'decided' : outcome.reason);
        if (outcome.ok) {
          note(outcome.index, outcome.value);
          if (outcome.value !== value) broken.set(claims.one, `${value} was answered ${JSON.stringify(outcome.value)}`);
        } else if (outcome.reason !== 'unknown') {
          refused.add(value);
          if (places.has(value)) broken.set(claims.aborted, value);
        }
        return outcome.ok;
      };
      const propose = async (node: SimulatedNode, options: Parameters<Consensus['propose']>[1] = {}, sort = 'fair'): Promise<boolean> => {
        const value: Value = `${node.name} ${++values} ${sort}`;
        const outcome = await (running.get(node.name) as Consensus).propose(value, options);
        node.note(`${value}: ${outcome.ok ? `decided at ${outcome.index}` : outcome.reason}`);
        return ended(value, outcome);
      };
      const pause = (node: SimulatedNode, ms: number): Promise<void> => new Promise((resolve) => void node.clock.setTimeout(resolve, ms));
      const insist = async (node: SimulatedNode): Promise<void> => {
        if (await propose(node)) {
          won.add(node.name);
          return;
        }
        await pause(node, 100);
        await insist(node);
      };
      const nodes = members;
      return Object.assign(world, {
        operations: {
          propose: {
            weight: 4,
            nodes,
            input: (chance) => chance.pick(['fair', 'fair', 'doubtful', 'bad']),
            run: async (node, sort) => void (await propose(node, {}, String(sort))),
          },
          proposeThere: {
            weight: 2,
            nodes,
            run: async (node) => void (await propose(node, { index: (running.get(node.name) as Consensus).status().next })),
          },
          proposeInVain: {
            weight: 2,
            nodes,
            input: (chance) => chance.pick([20, 60, 120, 300]),
            run: async (node, ms) => {
              const vain = new AbortController();
              node.clock.setTimeout(() => vain.abort(), Number(ms));
              await propose(node, { signal: vain.signal });
            },
          },
          leave: {
            nodes,
            run: async (node) => {
              await running.get(node.name)?.close();
              boot(node);
            },
          },
        },
        progress: {
          // What is left of the lease of a dead one, what is under way, and a proposal for each of them, one after the other.
          withinMs: 15_000,
          begin: () => {
            for (const name of members) network.perform(name, 'propose, until it is decided', insist);
          },
          reached: () => {
            const most = decided.size;
            return won.size === members.length && members.every((name) => learned.get(name) === most);
          },
        },
      } satisfies Partial<ConsensusWorld>);
    },
    invariants: Object.fromEntries(Object.values(claims).map((claim) => [claim, ({ broken }: ConsensusWorld) => broken.get(claim)])),
  };
}

/** All accept what is fair; of what is doubtful one abstains and one rejects, and of what is bad two reject. */
function judge(name: string, value: Value): ConsensusVote {
  if (value.endsWith('fair')) return 'accept';
  const third = value.endsWith('bad') ? 'reject' : 'abstain';
  return (['accept', 'accept', third, 'reject'] as const)[members.indexOf(name)] ?? 'abstain';
}

/** A backend of which some methods are replaced. */
function altered(backend: Backend, methods: Partial<Backend>): Backend {
  return new Proxy(backend, {
    get: (target, name: keyof Backend) => methods[name] ?? (target[name] as (...call: unknown[]) => unknown).bind(target),
  });
}

/** One whose writes of the record are others. */
const rewriting = (change: (backend: Backend, ...write: Parameters<Backend['compareAndSet']>) => ReturnType<Backend['compareAndSet']>) => {
  return (backend: Backend): Backend =>
    altered(backend, {
      compareAndSet: (key, ...write) => (key === logKey ? change(backend, key, ...write) : backend.compareAndSet(key, ...write)),
    });
};

/** Members that are wrong, each in one way. */
export const defects: Readonly<Record<string, { readonly defect: Defect; readonly breaks: string }>> = {
  'an abstention counts as an accept': {
    defect: { hears: (vote) => (vote === 'abstain' ? 'accept' : vote) },
    breaks: claims.quorum,
  },
  'a quorum is one less': {
    defect: {
      line: rewriting((backend, key, expected, value, options) => {
        const record = value as ConsensusRecord;
        const { open, next: index } = record;
        if (open === null || open.ballots.filter(([, vote]) => vote === 'accept').length < quorum - 1)
          return backend.compareAndSet(key, expected, record, options);
        const last = { index, value: open.value, by: open.by, id: open.id, token: expected };
        return backend.compareAndSet(key, expected, { ...record, next: index + 1, last, open: null }, options);
      }),
    },
    breaks: claims.quorum,
  },
  'it is decided on a read': {
    // What was read is written, whatever stands there meanwhile.
    defect: {
      line: rewriting(async (backend, key, expected, value, options) => {
        const outcome = await backend.compareAndSet(key, expected, value, options);
        if (outcome.outcome !== 'conflict' || (value as ConsensusRecord).last === null) return outcome;
        return backend.compareAndSet(key, outcome.entry?.revision ?? 0, value, options);
      }),
    },
    breaks: claims.aborted,
  },
  'an index is decided twice': {
    defect: {
      line: rewriting((backend, key, expected, value, options) => {
        const record = value as ConsensusRecord;
        const next = record.last === null ? record.next : record.last.index;
        return backend.compareAndSet(key, expected, { ...record, next }, options);
      }),
    },
    breaks: claims.one,
  },
  'an abort is not written': {
    defect: {
      line: rewriting((backend, key, expected, value, options) => {
        const record = value as ConsensusRecord;
        const isWithdrawn = ['late', 'cancelled', 'closed', 'lost'].includes(record.past.at(-1)?.why ?? '') && record.open === null;
        if (isWithdrawn && record.last === null) return Promise.resolve({ outcome: 'ok', revision: expected });
        return backend.compareAndSet(key, expected, value, options);
      }),
    },
    breaks: claims.aborted,
  },
  'what nobody knows counts as not done': {
    defect: {
      line: (backend) => {
        // A proposal whose writing was not answered is taken for one that was aborted, wherever it is.
        const lost = new Set<string>();
        return altered(backend, {
          compareAndSet: async (key, expected, value, options) => {
            const outcome = await backend.compareAndSet(key, expected, value, options);
            const { open } = value as ConsensusRecord;
            if (key === logKey && outcome.outcome === 'unknown' && outcome.reason === 'lost' && open?.ballots.length === 0) lost.add(open.id);
            return outcome;
          },
          get: async (key, call) => {
            const read = await backend.get(key, call);
            if (key !== logKey || read.outcome !== 'ok' || read.entry === null) return read;
            const record = read.entry.value as unknown as ConsensusRecord;
            const wrong = [...lost].find((id) => [record.open?.id, record.last?.id].includes(id));
            if (wrong === undefined) return read;
            const past = [...record.past, { id: wrong, why: 'late' as const }];
            return { ...read, entry: { ...read.entry, value: { ...record, open: null, last: null, past } as never } };
          },
        });
      },
    },
    breaks: claims.aborted,
  },
};

/** Where most that happens is of the kind that a late answer is for, so that what is wrong shows early. */
export const doubtful = { faults: { slow: 3, pause: 2, partition: 2, crash: 1, drift: 1 }, faultShare: 0.4 } as const;
