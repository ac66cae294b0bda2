/** Programs for a network of nodes, each with a fault that only other faults show, and one that is right. */
import { assign, createActor, fromCallback, sendTo, setup } from 'xstate';
import type { FaultRunOptions, FaultWorld, SimulatedNetwork, SimulatedNode } from '../../../src/testing/index.js';

// ---- (a) an election by timeouts alone

interface Beat {
  readonly type: 'beat';
  readonly term: number;
}

interface Electing {
  readonly node: SimulatedNode;
  readonly led: (term: number) => void;
}

/** Hands on what its node is told, and says it to all others. */
const radio = fromCallback<Beat, { readonly node: SimulatedNode }>(({ input: { node }, receive, sendBack }) => {
  receive((beat) => {
    for (const other of node.others) node.send(other, beat);
  });
  return node.onMessage((message) => sendBack(message as Beat));
});

/** Who hears no leader for a while calls itself the leader of the next term: nobody was asked. */
const naiveLeader = setup({
  types: { input: {} as Electing, context: {} as Electing & { readonly term: number }, events: {} as Beat },
  actors: { radio },
  delays: {
    patience: ({ context: { node } }) => 150 + Math.floor(node.chance.next() * 150),
    rhythm: 50,
  },
  guards: { isNewer: ({ context, event }) => event.term > context.term, isCurrent: ({ context, event }) => event.term >= context.term },
  actions: {
    follow: assign({ term: ({ event }) => event.term }),
    stand: assign({ term: ({ context }) => context.term + 1 }),
    tell: ({ context }) => context.led(context.term),
    beat: sendTo('radio', ({ context }) => ({ type: 'beat' as const, term: context.term })),
  },
}).createMachine({
  id: 'naiveLeader',
  context: ({ input }) => ({ ...input, term: 0 }),
  invoke: { id: 'radio', src: 'radio', input: ({ context }) => context },
  initial: 'following',
  states: {
    following: {
      on: { beat: { guard: 'isCurrent', target: 'following', reenter: true, actions: 'follow' } },
      after: { patience: { target: 'leading', actions: ['stand', 'tell'] } },
    },
    leading: {
      entry: 'beat',
      on: { beat: { guard: 'isNewer', target: 'following', actions: 'follow' } },
      after: { rhythm: { target: 'leading', reenter: true } },
    },
  },
});

export interface ElectionWorld extends FaultWorld {
  /** Who has led, by term. */
  readonly leaders: ReadonlyMap<number, ReadonlySet<string>>;
}

export const naiveElection: FaultRunOptions<ElectionWorld> = {
  nodes: ['a', 'b', 'c'],
  faults: ['partition'],
  faultShare: 1,
  steps: 20,
  world: (network) => {
    const leaders = new Map<number, Set<string>>();
    network.boot((node) => {
      const led = (term: number): void => {
        node.note(`leads term ${term}`);
        leaders.set(term, (leaders.get(term) ?? new Set()).add(node.name));
      };
      createActor(naiveLeader, { clock: node.clock, input: { node, led } }).start();
    });
    return { leaders, operations: {} };
  },
  invariants: {
    'one leader a term': ({ leaders }) => {
      const [doubled] = [...leaders].filter(([, names]) => names.size > 1);
      return doubled === undefined ? undefined : `${[...doubled[1]].sort().join(' and ')} lead term ${doubled[0]}`;
    },
  },
};

// ---- (b) a lock, with and without fencing

const leaseMs = 500;

type LockRequest = { readonly ask: 'grant' } | { readonly ask: 'write'; readonly token: number };

export interface LockWorld extends FaultWorld {
  /** The tokens under which something was written, in order. */
  readonly written: readonly number[];
}

/** The node `store` grants leases and is written to; the others take the lock, work, and write. */
function lockWorld(network: SimulatedNetwork, { isFenced }: { readonly isFenced: boolean }): LockWorld {
  const written: number[] = [];
  const serve = (node: SimulatedNode): void => {
    let [token, endsAt, highest] = [0, -Infinity, 0];
    node.onRequest((request) => {
      const asked = request as LockRequest;
      if (asked.ask === 'grant') {
        if (node.clock.now() < endsAt) return { ok: false };
        endsAt = node.clock.now() + leaseMs;
        return { ok: true, token: ++token };
      }
      if (isFenced && asked.token < highest) return { ok: false };
      highest = Math.max(highest, asked.token);
      written.push(asked.token);
      return { ok: true };
    });
  };
  const work = async (node: SimulatedNode): Promise<void> => {
    const grant = await node.call<{ ok: boolean; token: number }>('store', { ask: 'grant' }, { timeoutMs: 100 });
    if (!grant.ok || !grant.reply.ok) return;
    const until = node.clock.now() + leaseMs;
    await new Promise<void>((done) => {
      node.clock.setTimeout(done, 50);
    });
    // Between this look at the clock and the write's arrival anything may happen.
    if (node.clock.now() < until) await node.call('store', { ask: 'write', token: grant.reply.token }, { timeoutMs: 100 });
  };
  network.boot(serve, 'store');
  network.boot(() => undefined);
  return { written, operations: { work: { nodes: network.names.filter((name) => name !== 'store'), run: work } } };
}

export const lock = (isFenced: boolean): FaultRunOptions<LockWorld> => ({
  nodes: ['store', 'a', 'b'],
  spared: ['store'],
  faults: ['pause', 'slow', 'duplicate', 'drop'],
  steps: 30,
  world: (network) => lockWorld(network, { isFenced }),
  invariants: {
    'no write by an older holder': ({ written }) => {
      const late = written.findIndex((token, index) => token < Math.max(0, ...written.slice(0, index)));
      return late < 0 ? undefined : `token ${written[late]} after ${Math.max(...written.slice(0, late))}`;
    },
  },
});

// ---- (c) a quorum

export interface QuorumWorld extends FaultWorld {
  readonly decided: readonly string[];
}

type Ballot = 'yes' | 'abstains';

/** Each node gives its one vote to the first value it is asked for, and abstains from all others. */
export const quorum = (countsAbstentions: boolean): FaultRunOptions<QuorumWorld> => ({
  nodes: 3,
  faults: ['drop', 'partition', 'slow', 'duplicate', 'reorder', 'pause'],
  steps: 20,
  world: (network) => {
    const decided: string[] = [];
    const choose = (node: SimulatedNode, value: string): Ballot => {
      if (node.disk.read('vote') === undefined) node.disk.write('vote', value);
      return node.disk.read('vote') === value ? 'yes' : 'abstains';
    };
    network.boot((node) => {
      node.onRequest((value) => choose(node, value as string));
    });
    return {
      decided,
      operations: {
        propose: {
          input: (chance) => chance.pick(['red', 'blue', 'green']),
          run: async (node, value: string) => {
            const asked = node.others.map((other) => node.call<Ballot>(other, value, { timeoutMs: 200 }));
            const ballots = [choose(node, value), ...(await Promise.all(asked)).flatMap((one) => (one.ok ? [one.reply] : []))];
            const counted = ballots.filter((ballot) => ballot === 'yes' || (countsAbstentions && ballot === 'abstains'));
            if (counted.length * 2 > network.names.length) decided.push(value);
          },
        },
      },
    };
  },
  invariants: {
    'one value': ({ decided }) => {
      const values = [...new Set(decided)];
      return values.length < 2 ? undefined : `decided ${values.join(' and ')}`;
    },
  },
});

// ---- what is right: a counter on one server, each increment of which has a key

export interface CounterWorld extends FaultWorld {
  /** Increments that a client has asked for. */
  wanted(): number;
  /** The server's sum. */
  sum(): number;
}

const openKeys = (node: SimulatedNode): readonly string[] => (node.disk.read('open') ?? []) as string[];

/** A client asks until it is answered; what it has not been answered for it finds on its disk after a crash. */
async function increment(node: SimulatedNode, key: string, done: () => void): Promise<void> {
  const { ok } = await node.call('server', key, { timeoutMs: 100 });
  if (!ok) return increment(node, key, done);
  if (openKeys(node).includes(key)) done();
  node.disk.write(
    'open',
    openKeys(node).filter((one) => one !== key),
  );
}

export const counter = (hasKeys: boolean): FaultRunOptions<CounterWorld> => ({
  nodes: ['server', 'a', 'b'],
  world: (network) => {
    let [wanted, done, sum] = [0, 0, 0];
    const count = (): void => {
      done++;
    };
    network.boot((node) => {
      node.onRequest((key) => {
        if (hasKeys && node.disk.read(key as string) === true) return 'done';
        sum = ((node.disk.read('sum') ?? 0) as number) + 1;
        node.disk.write('sum', sum);
        node.disk.write(key as string, true);
        return 'done';
      });
    }, 'server');
    network.boot((node) => {
      for (const key of openKeys(node)) void increment(node, key, count);
    });
    return {
      wanted: () => wanted,
      sum: () => sum,
      operations: {
        increment: {
          nodes: ['a', 'b'],
          run: (node) => {
            const key = `${node.name} ${++wanted}`;
            node.disk.write('open', [...openKeys(node), key]);
            return increment(node, key, count);
          },
        },
      },
      progress: { withinMs: 5_000, reached: () => done === wanted && sum === wanted },
    };
  },
  invariants: {
    'each increment counts once': ({ sum, wanted }) => (sum() <= wanted() ? undefined : `${sum()} of ${wanted()}`),
  },
});
