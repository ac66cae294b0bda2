/** Four nodes that stamp what they do and what they say with vector clocks, and a god who knows what has caused what: for runs through faults. */
import { type ClockOrder, compareClocks, incrementClock, mergeClocks, newClock, type VectorClock } from '../../src/coordination/vector-clock.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import type { FaultWorld } from '../../src/testing/network/fault-run.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import { pause } from './pause.js';
import { seenBy } from './session-world.js';

const nodes = ['ann', 'bob', 'eve', 'joe'];
/** How often each tells another what it knows, in turn, ms. */
const gossipMs = 100;
/** Everybody has told everybody in 300 ms; the rest is for gossip that the links lose. */
const knownWithinMs = 1_500;

/** Something that happened on a node, by what the node has stamped it with; it is called by its place in the list of all. */
interface Stamped {
  readonly node: string;
  readonly clock: VectorClock;
  /** All that had happened before it, as is true whatever the clocks say. */
  readonly causes: ReadonlySet<number>;
}

/**
 * What goes over a link. A message is an event where it is sent and where it is received; gossip passes on what is known, and is none, or there would be no last one
 * of which all could know.
 */
interface Letter {
  readonly sort: 'message' | 'gossip';
  readonly clock: VectorClock;
  /** What the god knows it by; nodes make nothing of it. */
  readonly ticket: number;
  /** How often it is answered and passed on. */
  readonly hops: number;
}

type Claim =
  | 'no node stamps twice alike'
  | 'what has caused another is before it, and that after it'
  | 'what has not caused another is concurrent with it'
  | 'each is equal to itself, and to no other';

const claims: readonly Claim[] = [
  ...(['no node stamps twice alike', 'what has caused another is before it, and that after it'] as const),
  ...(['what has not caused another is concurrent with it', 'each is equal to itself, and to no other'] as const),
];

export interface VectorClockWorld extends FaultWorld {
  readonly events: readonly Stamped[];
  /** Pairs of events, by what is true of them; events of a node that had lost its memory before; and gossip that was heard. */
  readonly counts: { readonly caused: number; readonly concurrent: number; readonly afterCrash: number; readonly gossip: number };
  readonly problems: ReadonlyMap<Claim, string>;
}

/** What may be wrong, planted on purpose: a function in the place of the sound one, or a step that is left out. */
export interface Defect {
  readonly increment?: typeof incrementClock;
  readonly merge?: typeof mergeClocks;
  readonly compare?: typeof compareClocks;
  /** The clock that a process begins with, of what the one before has kept. */
  readonly begin?: (kept: VectorClock, node: string) => VectorClock;
  /** Is what is received stamped with what is known then, without counting it? */
  readonly receivesUncounted?: boolean;
  /** Is what comes by gossip heard, and not kept until something happens? */
  readonly keepsLate?: boolean;
  readonly isSilent?: boolean;
}

type Ways = Required<Pick<Defect, 'increment' | 'merge' | 'begin'>>;
const sound: Ways = { increment: incrementClock, merge: mergeClocks, begin: (kept) => newClock(kept) };

/** Knows of each event which others had happened before it: sets that go with the letters, and are no clocks. */
class God {
  readonly events: Stamped[] = [];
  readonly counts = { caused: 0, concurrent: 0, afterCrash: 0, gossip: 0 };
  readonly problems = new Map<Claim, string>();
  readonly #compare: typeof compareClocks;
  /** By node, also over its crashes: what it has done and heard it has on its disk. */
  readonly #known = new Map<string, ReadonlySet<number>>();
  readonly #tickets: ReadonlySet<number>[] = [];
  readonly #stamps = new Set<string>();

  constructor(compare: typeof compareClocks) {
    this.#compare = compare;
  }

  sawStamped({ name, incarnation }: SimulatedNode, clock: VectorClock): void {
    const event = { node: name, clock, causes: this.#knownTo(name) };
    const stamp = `${name} ${clock[name]}`;
    if (this.#stamps.has(stamp)) this.#wrong('no node stamps twice alike', stamp);
    this.#stamps.add(stamp);
    for (const [id, former] of this.events.entries()) this.#lookAt(former, event, event.causes.has(id));
    this.#expect('each is equal to itself, and to no other', [event, event], 'equal');
    this.#known.set(name, new Set([...event.causes, this.events.length]));
    this.events.push(event);
    if (incarnation > 1) this.counts.afterCrash++;
  }

  /** @returns the ticket of what a node knows now */
  ticketOf(node: string): number {
    return this.#tickets.push(this.#knownTo(node)) - 1;
  }

  sawHeard(node: string, { sort, ticket }: Letter): void {
    this.#known.set(node, new Set([...this.#knownTo(node), ...(this.#tickets[ticket] as ReadonlySet<number>)]));
    if (sort === 'gossip') this.counts.gossip++;
  }

  /** The last event of a node. */
  lastOf(node: string): Stamped | undefined {
    return this.events.findLast((event) => event.node === node);
  }

  #knownTo(node: string): ReadonlySet<number> {
    return this.#known.get(node) ?? new Set();
  }

  #lookAt(former: Stamped, event: Stamped, isCause: boolean): void {
    this.counts[isCause ? 'caused' : 'concurrent']++;
    if (isCause) {
      this.#expect('what has caused another is before it, and that after it', [former, event], 'before');
      this.#expect('what has caused another is before it, and that after it', [event, former], 'after');
    } else {
      this.#expect('what has not caused another is concurrent with it', [former, event], 'concurrent');
      this.#expect('what has not caused another is concurrent with it', [event, former], 'concurrent');
    }
  }

  #expect(claim: Claim, [one, other]: readonly [Stamped, Stamped], order: ClockOrder): void {
    const said = this.#compare(one.clock, other.clock);
    if (said === order) return;
    const problem = `${one.node} ${JSON.stringify(one.clock)} is ${said}, not ${order}, to ${other.node} ${JSON.stringify(other.clock)}`;
    this.#wrong(one !== other && said === 'equal' ? 'each is equal to itself, and to no other' : claim, problem);
  }

  /** Of each claim the first problem counts. */
  #wrong(claim: Claim, problem: string): void {
    if (!this.problems.has(claim)) this.problems.set(claim, problem);
  }
}

/** What runs on a node: it has its clock on its disk before anybody hears of an event. */
class Stamping {
  readonly #node: SimulatedNode;
  readonly #god: God;
  readonly #ways: Defect & Ways;
  #clock: VectorClock;

  constructor(node: SimulatedNode, god: God, defect: Defect) {
    this.#node = node;
    this.#god = god;
    this.#ways = { ...sound, ...defect };
    this.#clock = this.#ways.begin((node.disk.read('clock') ?? {}) as VectorClock, node.name);
    node.onMessage((letter) => this.#hear(letter as Letter));
    if (defect.isSilent !== true) this.#gossip(0);
  }

  get clock(): VectorClock {
    return this.#clock;
  }

  /** Something happens. @returns the letter that tells of it */
  stamp(hops = 0): Letter {
    this.#keep(this.#ways.increment(this.#clock, this.#node.name));
    return this.#stamped(hops);
  }

  #stamped(hops: number): Letter {
    this.#god.sawStamped(this.#node, this.#clock);
    return this.#letter('message', hops);
  }

  #letter(sort: Letter['sort'], hops: number): Letter {
    return { sort, clock: this.#clock, ticket: this.#god.ticketOf(this.#node.name), hops };
  }

  #hear(letter: Letter): void {
    this.#god.sawHeard(this.#node.name, letter);
    const merged = this.#ways.merge(this.#clock, newClock(letter.clock));
    if (letter.sort === 'gossip' && this.#ways.keepsLate === true) this.#clock = merged;
    else this.#keep(merged);
    if (letter.sort === 'gossip') return;
    if (this.#ways.receivesUncounted === true) this.#stamped(0);
    else this.stamp();
    if (letter.hops > 0) this.#node.send(this.#node.chance.pick(this.#node.others), this.stamp(letter.hops - 1));
  }

  #keep(clock: VectorClock): void {
    this.#clock = clock;
    this.#node.disk.write('clock', clock);
  }

  #gossip(turn: number): void {
    const { others, clock } = this.#node;
    clock.setTimeout(() => {
      this.#node.send(others[turn % others.length] as string, this.#letter('gossip', 0));
      this.#gossip(turn + 1);
    }, gossipMs);
  }
}

/** A run of that world. */
export function vectorClockRun(defect: Defect = {}): FaultRunOptions<VectorClockWorld> {
  return {
    nodes,
    steps: 30,
    network: { links: { delay: [1, 20], drop: 0.03, duplicate: 0.05 } },
    world: (network) => {
      const god = new God(defect.compare ?? compareClocks);
      const running = new Map<string, Stamping>();
      network.boot((node) => void running.set(node.name, new Stamping(node, god, defect)));
      const on = ({ name }: SimulatedNode): Stamping => running.get(name) as Stamping;
      const ended = new Set<string>();
      const knowsAll = (name: string): boolean =>
        nodes.every((other) => {
          const last = god.lastOf(other)?.clock[other] ?? 0;
          return (running.get(name)?.clock[other] ?? 0) >= last;
        });
      return {
        ...{ events: god.events, counts: god.counts, problems: god.problems },
        operations: {
          act: { weight: 3, run: (node) => void on(node).stamp() },
          say: {
            weight: 4,
            input: (chance) => chance.pick([0, 1, 3]),
            run: (node, hops) => node.send(node.chance.pick(node.others), on(node).stamp(Number(hops))),
          },
          sayToAll: {
            run: (node) => {
              const letter = on(node).stamp();
              for (const other of node.others) node.send(other, letter);
            },
          },
          sayLate: {
            // It has heard and done more by then, of which the letter says nothing.
            weight: 2,
            input: (chance) => chance.pick([50, 300]),
            run: async (node, ms) => {
              const letter = on(node).stamp(1);
              await pause(node, Number(ms));
              node.send(node.chance.pick(node.others), letter);
            },
          },
        },
        progress: {
          withinMs: knownWithinMs,
          begin: () => {
            for (const name of nodes) {
              network.perform(name, 'acts, for all to know of it', (node) => {
                on(node).stamp();
                ended.add(name);
              });
            }
          },
          reached: () => ended.size === nodes.length && nodes.every(knowsAll),
        },
      } satisfies VectorClockWorld;
    },
    invariants: seenBy(claims),
  };
}

const countOf = (clock: VectorClock): number => Object.values(clock).reduce((sum, count) => sum + count, 0);
const saying =
  (concurrent: ClockOrder): typeof compareClocks =>
  (one, other) => {
    const order = compareClocks(one, other);
    return order === 'concurrent' ? concurrent : order;
  };

/** Clocks that are wrong, each in one way. */
export const defects: Readonly<Record<string, { readonly defect: Defect; readonly breaks: Claim | 'progress' }>> = {
  'a merge forgets one node': {
    defect: { merge: (one, other) => mergeClocks(one, { ...other, ann: 0 }) },
    breaks: 'what has caused another is before it, and that after it',
  },
  'a merge takes the other over': { defect: { merge: (_, other) => other }, breaks: 'no node stamps twice alike' },
  'a merge hears only of who knows of more': {
    defect: {
      // Nothing is lost of its own, so that no stamp comes again.
      merge: (one, other) => (countOf(other) > countOf(one) ? mergeClocks(other, one) : one),
    },
    breaks: 'what has caused another is before it, and that after it',
  },
  'a merge adds up': {
    // What comes twice, by another way or again, counts twice.
    defect: {
      merge: (one, other) => {
        const sum = (node: string): number => Math.min((one[node] ?? 0) + (other[node] ?? 0), 1_000_000);
        return newClock(Object.fromEntries([...Object.keys(one), ...Object.keys(other)].map((node) => [node, sum(node)])));
      },
    },
    breaks: 'what has not caused another is concurrent with it',
  },
  'an event is counted for another': {
    defect: { increment: (clock, node) => incrementClock(clock, node === 'joe' ? 'eve' : node) },
    breaks: 'no node stamps twice alike',
  },
  // It is the same then as what was sent.
  'what is received is not counted': { defect: { receivesUncounted: true }, breaks: 'each is equal to itself, and to no other' },
  // Gossip brings back how many it has counted, most often before it counts on, and not at once all that it has heard.
  'a crash forgets the clock': { defect: { begin: () => newClock() }, breaks: 'what has caused another is before it, and that after it' },
  'a crash forgets its own count': {
    defect: { begin: (kept, node) => newClock({ ...kept, [node]: 0 }) },
    breaks: 'no node stamps twice alike',
  },
  'what was heard is not kept over a crash': {
    defect: { keepsLate: true },
    breaks: 'what has caused another is before it, and that after it',
  },
  'who is concurrent counts as before': {
    defect: { compare: saying('before') },
    breaks: 'what has not caused another is concurrent with it',
  },
  'who is concurrent counts as equal': { defect: { compare: saying('equal') }, breaks: 'each is equal to itself, and to no other' },
  'it is compared how many events are known': {
    defect: {
      compare: (one, other) => {
        const more = countOf(other) - countOf(one);
        return more === 0 ? compareClocks(one, other) : more > 0 ? 'before' : 'after';
      },
    },
    breaks: 'what has not caused another is concurrent with it',
  },
  'who was before counts as concurrent': {
    defect: {
      compare: (one, other) => {
        const order = compareClocks(one, other);
        return order === 'before' ? 'concurrent' : order;
      },
    },
    breaks: 'what has caused another is before it, and that after it',
  },
  'nobody tells what it knows': { defect: { isSilent: true }, breaks: 'progress' },
};

/** Where most that happens makes nodes forget, and letters come late, twice or never, so that what is wrong shows early. */
export const forgetful = {
  faults: { crash: 3, partition: 2, duplicate: 2, reorder: 1, slow: 1, pause: 1 },
  faultShare: 0.4,
  steps: 40,
} as const;
