/** A house that sells by auction, and four bidders on other nodes who hear of it by calls: for runs through faults. */
import { type Actor, createActor } from 'xstate';
import type { AuctionEnd, AuctionQuestion } from '../../machines/coordination/auction-events.js';
import { drawnOrder } from '../../machines/coordination/tie.js';
import { hash } from '../../machines/hash.js';
import type { Requests } from '../../src/comms/port.js';
import type { AuctionOptions } from '../../src/coordination/auction-options.js';
import { auction, type AuctionLogic } from '../../src/coordination/auction.js';
import { exit } from '../../src/supervision/watch.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import type { FaultWorld } from '../../src/testing/network/fault-run.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import type { Chance } from '../../src/testing/world/chance.js';
import { remoteAgents, serveAgent } from './remote-agents.js';
import { askingByPlace, waiting } from './wrong-lines.js';

const bidders = ['ann', 'bob', 'eve', 'joe'];
const withinMs = 120;

/** One sale, as a god sees it. */
interface Sale {
  readonly session: string;
  readonly options: AuctionOptions;
  readonly seed: number;
  /** Bids that the house heard, each with how long it took by the house's clock. */
  readonly heard: { readonly agent: string; readonly round: number; readonly bid: number; readonly tookMs: number }[];
  readonly ends: AuctionEnd[];
}

export interface AuctionWorld extends FaultWorld {
  readonly sales: readonly Sale[];
  /** Every bid that a bidder really gave: session, round, name, price. */
  readonly given: ReadonlySet<string>;
  /** What was wrong with a sale as it ended, by the claim that it breaks. */
  readonly faults: Partial<Record<Claim, string>>;
}

/** What may be wrong with an auction, planted on purpose. */
export interface Defect {
  /** The rules that are followed in place of those that were named. */
  readonly rules?: (options: AuctionOptions) => AuctionOptions;
  /** How bidders are asked in place of how they should be. */
  readonly line?: (requests: Requests) => Requests;
}

/** Values are few, so that there are ties; whoever has been started anew, or is in another mood, thinks otherwise. */
function valueOf(node: SimulatedNode, session: string, mood: number): number {
  return hash(`${session} ${node.name} ${node.incarnation + mood}`) % 9;
}

function answerOf(value: number, { auction: kind, least }: AuctionQuestion): unknown {
  if (value === 8) return { bid: 'much' };
  if (kind === 'firstPrice' || kind === 'vickrey') return { bid: value };
  return { bid: least <= value ? least : null };
}

/** The bids that count: heard in time, by the house's own clock, from whoever gave them. */
function counted({ session, heard }: Sale, { given }: AuctionWorld): Sale['heard'] {
  return heard.filter(({ agent, round, bid, tookMs }) => tookMs <= withinMs && given.has([session, round, agent, bid].join()));
}

interface Due {
  readonly winner: string;
  readonly price: number;
  readonly top: number;
  /** Who bid that much. */
  readonly first: readonly string[];
}

/** Who has to win, and what it has to pay, by the bids that count; null: nobody bid. */
function due(sale: Sale, world: AuctionWorld): Due | null {
  const bids = counted(sale, world);
  if (bids.length === 0) return null;
  const { options, seed } = sale;
  const top = Math.max(...bids.map(({ bid }) => bid));
  const first = [...new Set(bids.filter(({ bid }) => bid === top).map(({ agent }) => agent))].sort();
  const winner = drawnOrder(seed, `price ${top}`, first)[0] as string;
  const others = bids.filter(({ agent }) => agent !== winner).map(({ bid }) => bid);
  return { winner, price: options.kind === 'vickrey' ? Math.max(options.reserve ?? 0, ...others) : top, top, first };
}

/** What has to hold of a sale that has ended, by the bids that count: what is wrong, or undefined. */
const claims = {
  'each bid that is told was given, and came in time': (end, sale, world) => {
    const good = counted(sale, world);
    const rows = end.outcome === 'decided' ? end.value.bidders : end.details.bidders;
    const bad = rows.find(({ agent, bid }) => bid !== null && !good.some((one) => one.agent === agent && one.bid === bid));
    return bad === undefined ? undefined : `${bad.agent} ${bad.bid}`;
  },
  'nothing is sold below its reserve': (end, sale, world) => {
    const most = due(sale, world)?.top ?? -1;
    return end.outcome === 'decided' && most < (sale.options.reserve ?? 0) ? `${most} was the highest bid` : undefined;
  },
  'the winner is one of those who bid highest': (end, sale, world) =>
    end.outcome === 'failed' || due(sale, world)?.first.includes(end.value.winner) === true ? undefined : `${end.value.winner} has won`,
  'a tie is broken by the seed': (end, sale, world) => {
    const first = due(sale, world);
    return end.outcome === 'failed' || first?.winner === end.value.winner ? undefined : `${end.value.winner} of ${first?.first.join()}`;
  },
  'the price is what the rule says': (end, sale, world) => {
    const right = due(sale, world)?.price;
    return end.outcome === 'failed' || end.value.price === right ? undefined : `${end.value.price}, not ${right}`;
  },
  'what can be sold is': (end, sale, world) => {
    const most = due(sale, world)?.top ?? -1;
    return end.outcome === 'failed' && most >= (sale.options.reserve ?? 0) ? `${end.why}, where ${most} was bid` : undefined;
  },
  'a sale has one end': (_, { ends }) => (ends.length > 1 ? `${ends.length}` : undefined),
  // Looked at as it is heard.
  'an answer is one to what was asked': () => undefined,
} satisfies Readonly<Record<string, (end: AuctionEnd, sale: Sale, world: AuctionWorld) => string | undefined>>;
type Claim = keyof typeof claims;
const claimNames = Object.keys(claims) as Claim[];

/** A run of that world. */
export function auctionRun({ rules = (options) => options, line = (requests) => requests }: Defect = {}): FaultRunOptions<AuctionWorld> {
  return {
    nodes: ['house', ...bidders],
    steps: 20,
    network: { links: { delay: [1, 20], drop: 0.02, duplicate: 0.02 } },
    world: (network) => {
      const [sales, given, names]: [Sale[], Set<string>, Set<string>] = [[], new Set(), new Set()];
      const answers = new Set<string>();
      const minds = new Map<string, { mood: number; readonly forget: () => void }>();
      /** What the house sells, each with what begins it anew where it was killed. */
      const running = new Map<Actor<AuctionLogic>, () => void>();
      let isSold = false;
      network.boot(() => running.clear(), 'house');
      for (const name of bidders) {
        network.boot((node) => {
          const forget = serveAgent(node, (body, key = '') => {
            const question = body as AuctionQuestion;
            const [session = ''] = key.split('/');
            const answer = answerOf(valueOf(node, session, mind.mood), question);
            answers.add(JSON.stringify([session, name, body, answer]));
            const { bid } = answer as { readonly bid: unknown };
            if (typeof bid === 'number' && !question.isLeading) given.add([session, question.round, name, bid].join());
            return answer;
          });
          const mind = { mood: 0, forget };
          minds.set(name, mind);
        }, name);
      }
      /** What the house hears of bids goes into the god's book. */
      const listening = (node: SimulatedNode, sale: Sale, requests: Requests): Requests => ({
        request: async (agent, body, call) => {
          const askedAt = node.clock.now();
          const outcome = await requests.request(agent, body, call);
          const { round, isLeading, least } = body as AuctionQuestion;
          const bid: unknown = outcome.ok ? (outcome.value as { readonly bid: unknown }).bid : null;
          if (outcome.ok && !answers.has(JSON.stringify([sale.session, agent, body, outcome.value])))
            world.faults['an answer is one to what was asked'] ??= `${agent} in round ${round} of ${sale.session}: ${JSON.stringify(outcome.value)}`;
          if (typeof bid === 'number' && bid >= least && !isLeading) sale.heard.push({ agent, round, bid, tookMs: node.clock.now() - askedAt });
          return outcome;
        },
      });
      const sell = (node: SimulatedNode, options: AuctionOptions, seed: number): Promise<AuctionEnd> => {
        const session = `sale${names.size + 1}`;
        names.add(session);
        const sale: Sale = { session, options, seed, heard: [], ends: [] };
        sales.push(sale);
        const requests = line(listening(node, sale, remoteAgents(node)));
        const input = { session, agents: bidders, seed };
        const begin = (resolve: (end: AuctionEnd) => void): void => {
          const actor = createActor(auction(rules({ ...options, withinMs })).logic(requests), { clock: node.clock, input });
          sale.heard.length = 0;
          running.set(actor, () => begin(resolve));
          actor.subscribe({
            complete: () => {
              running.delete(actor);
              if (actor.getSnapshot().status !== 'done') return;
              const end = actor.getSnapshot().output as AuctionEnd;
              sale.ends.push(end);
              for (const claim of claimNames) {
                const problem = claims[claim](end, sale, world);
                if (problem !== undefined) world.faults[claim] ??= `${session}: ${problem}`;
              }
              node.note(`${session}: ${end.outcome === 'decided' ? `${end.value.winner} pays ${end.value.price}` : end.why}`);
              resolve(end);
            },
          });
          actor.start();
        };
        return new Promise(begin);
      };
      const insist = async (node: SimulatedNode, seed: number): Promise<void> => {
        const { outcome } = await sell(node, { kind: 'english' }, seed);
        isSold ||= outcome === 'decided';
        if (!isSold) await insist(node, seed + 1);
      };
      const draw = (chance: Chance): { readonly options: AuctionOptions; readonly seed: number } => {
        const [kind, reserve] = [chance.pick(['firstPrice', 'vickrey', 'vickrey', 'dutch', 'english'] as const), chance.pick([0, 2, 5])];
        return { seed: chance.pick([1, 2, 3, 4]), options: kind === 'dutch' ? { kind, reserve, startPrice: 9 } : { kind, reserve } };
      };
      const world: AuctionWorld = {
        ...{ sales, given, faults: {} },
        operations: {
          sell: {
            weight: 4,
            nodes: ['house'],
            input: draw,
            run: async (node, input) => {
              const { options, seed } = input as ReturnType<typeof draw>;
              await sell(node, options, seed);
            },
          },
          // As a session does with a protocol that has crashed.
          beginAgain: {
            nodes: ['house'],
            run: () => {
              for (const [actor, begin] of running) {
                running.delete(actor);
                exit(actor, 'kill');
                begin();
                return;
              }
            },
          },
          forget: {
            nodes: bidders,
            run: ({ name }) => {
              const mind = minds.get(name);
              if (mind === undefined) return;
              mind.forget();
              mind.mood++;
            },
          },
        },
        progress: {
          withinMs: 8_000,
          begin: () => network.perform('house', 'sells, until something is sold', (node) => insist(node, 1)),
          reached: () => isSold,
        },
      };
      return world;
    },
    // Each sale is judged once, as it ends: nothing of it changes later.
    invariants: Object.fromEntries(claimNames.map((claim) => [claim, ({ faults }: AuctionWorld) => faults[claim]])),
  };
}

/** Auctions that are wrong, each in one way. */
export const defects: Readonly<Record<string, { readonly defect: Defect; readonly breaks: string }>> = {
  'who wins by Vickrey pays its own bid': {
    defect: { rules: (options) => (options.kind === 'vickrey' ? { ...options, kind: 'firstPrice' } : options) },
    breaks: 'the price is what the rule says',
  },
  'a late bid counts': {
    defect: { line: waiting(withinMs * 4) },
    breaks: 'each bid that is told was given, and came in time',
  },
  'the reserve is ignored': {
    defect: { rules: (options) => (options.kind === 'firstPrice' ? { ...options, reserve: 0 } : options) },
    breaks: 'nothing is sold below its reserve',
  },
  'of equal bids the first that arrives wins': {
    defect: {
      line: (requests) => {
        // Whoever comes second with the same bid in one round is heard to pass.
        const taken = new Set<string>();
        return {
          request: async (agent, body, call = {}) => {
            const outcome = await requests.request(agent, body, call);
            const bid: unknown = outcome.ok ? (outcome.value as { readonly bid: unknown }).bid : null;
            const place = `${call.key} ${String(bid)}`;
            const { auction: kind, isLeading } = body as AuctionQuestion;
            if (typeof bid !== 'number' || isLeading || kind === 'vickrey') return outcome;
            if (!taken.has(place)) {
              taken.add(place);
              return outcome;
            }
            return { ok: true, value: { bid: null } };
          },
        };
      },
    },
    breaks: 'a tie is broken by the seed',
  },
  'an answer to one question counts for another in its place': {
    defect: { line: askingByPlace },
    breaks: 'an answer is one to what was asked',
  },
  'a bid is made up for who was silent': {
    defect: {
      line: (requests) => ({
        request: async (agent, body, call = {}) => {
          const outcome = await requests.request(agent, body, call);
          return outcome.ok ? outcome : { ok: true, value: { bid: 7 } };
        },
      }),
    },
    breaks: 'each bid that is told was given, and came in time',
  },
};
