/** An exchange on one node, whose book outlives it on its disk, and three traders on others who submit, cancel and close by calls: for runs through faults. */
import { type AnyActorRef, createActor, enqueueActions, fromCallback } from 'xstate';
import type { marketMachine } from '../../machines/coordination/market.js';
import type { MarketContext } from '../../machines/coordination/market-events.js';
import { verdictOn } from '../../machines/coordination/market-rules.js';
import { type CancelOutcome, type Market, marketHandle, type SubmitOutcome } from '../../src/coordination/market-handle.js';
import type { MarketOptions, OrderOptions } from '../../src/coordination/market-options.js';
import { market } from '../../src/coordination/market.js';
import { exit } from '../../src/supervision/watch.js';
import type { FaultRunOptions } from '../../src/testing/network/fault-run-options.js';
import type { FaultWorld } from '../../src/testing/network/fault-run.js';
import type { SimulatedNode } from '../../src/testing/network/node.js';
import type { Chance } from '../../src/testing/world/chance.js';
import { type Claim, claims, type Intent, MarketGod } from './market-god.js';

const traders = ['ann', 'bob', 'eve'];

type Asked =
  | { readonly ask: 'submit'; readonly incarnation: number; readonly intent: Intent }
  | { readonly ask: 'cancel'; readonly trader: string; readonly day: number; readonly order: string }
  | { readonly ask: 'close'; readonly day: number };

/** What the exchange answers; `day`: which is traded on now. */
interface Answer<Outcome = unknown> {
  readonly day: number;
  readonly outcome: Outcome;
}

export interface MarketWorld extends FaultWorld {
  readonly god: MarketGod;
}

type Actions = NonNullable<Parameters<(typeof marketMachine)['provide']>[0]['actions']>;

/** What may be wrong with a market, planted on purpose. */
export interface MarketDefect {
  readonly options?: MarketOptions;
  /** What the exchange has in place of a market's handle. */
  readonly stall?: (market: Market, node: SimulatedNode) => Market;
  /** What a process finds on its disk of the one before it. */
  readonly found?: (saved: unknown) => unknown;
  /** Actions of the chart in place of its own. */
  readonly actions?: Actions;
  /** Whoever gets no answer gives up for good. */
  readonly givesUp?: boolean;
}

/** One process of the exchange. A day is a market; closed, it makes room for the next. */
class Exchange {
  readonly #node: SimulatedNode;
  readonly #god: MarketGod;
  readonly #defect: MarketDefect;
  readonly #days = new Map<number, Market>();
  readonly #owners = new Map<string, { readonly incarnation: number; readonly actor: AnyActorRef }>();

  constructor(node: SimulatedNode, god: MarketGod, defect: MarketDefect) {
    [this.#node, this.#god, this.#defect] = [node, god, defect];
    god.boots();
    const { found = (saved) => saved } = defect;
    for (let day = 1; node.disk.read(`day ${day}`) !== undefined; day++) this.#open(day, found(node.disk.read(`day ${day}`)));
    this.#openNext();
    node.onRequest((request) => this.#answer(request as Asked));
  }

  get #today(): number {
    return this.#days.size;
  }

  #openNext(): void {
    if (this.#days.get(this.#today)?.status().state !== 'trading') this.#open(this.#today + 1);
  }

  #open(day: number, saved?: unknown): void {
    const { disk, clock, fail } = this.#node;
    const logic = market({ selfTrade: 'cancelNewest', maxPerTrader: 20, ...this.#defect.options });
    Object.assign((logic as unknown as { readonly implementations: { readonly actions: object } }).implementations.actions, this.#defect.actions);
    const restored = saved === undefined ? {} : { snapshot: saved as never };
    const actor = createActor(logic, { clock, ...restored });
    const held = marketHandle(actor);
    this.#god.watch(day, held);
    // Before anybody is answered: what was promised is on the disk.
    actor.subscribe({ next: () => disk.write(`day ${day}`, JSON.parse(JSON.stringify(actor.getPersistedSnapshot()))), error: fail });
    actor.start();
    this.#days.set(day, this.#defect.stall?.(held, this.#node) ?? held);
  }

  async #answer(asked: Asked): Promise<Answer> {
    const outcome =
      asked.ask === 'submit' ? await this.#submit(asked) : asked.ask === 'cancel' ? await this.#cancel(asked) : await this.#close(asked);
    return { day: this.#today, outcome };
  }

  #submit({ incarnation, intent }: Extract<Asked, { ask: 'submit' }>): Promise<SubmitOutcome> {
    const owner = this.#owner(intent.order.trader, incarnation);
    this.#god.submits(intent, incarnation);
    const order = { ...intent.order, ...(intent.isBound ? { owner } : {}) };
    return this.#days.get(intent.day)?.submit(order) ?? Promise.resolve({ ok: false, reason: 'closed' });
  }

  #cancel({ trader, day, order }: Extract<Asked, { ask: 'cancel' }>): Promise<CancelOutcome> {
    return this.#days.get(day)?.cancel({ trader, order }) ?? Promise.resolve({ ok: false, reason: 'closed' });
  }

  async #close({ day }: Extract<Asked, { ask: 'close' }>): Promise<null> {
    await this.#days.get(day)?.close();
    this.#openNext();
    return null;
  }

  /** Stands for a process of a trader: it ends as soon as another one is heard of. */
  #owner(trader: string, incarnation: number): AnyActorRef {
    const known = this.#owners.get(trader);
    if (known?.incarnation === incarnation) return known.actor;
    const actor = createActor(fromCallback(() => {})).start();
    if (known !== undefined && known.incarnation > incarnation) {
      exit(actor, 'kill');
      return actor;
    }
    this.#owners.set(trader, { incarnation, actor });
    if (known !== undefined) exit(known.actor, 'kill');
    this.#god.knows(trader, incarnation);
    return actor;
  }
}

/** One process of a trader: what it wants is on its disk before it is sent. */
class Trader {
  readonly #node: SimulatedNode;
  readonly #god: MarketGod;
  readonly #tries: number;
  /** Its own that may stand. */
  readonly #open: { readonly day: number; readonly order: string }[] = [];
  #count = 0;
  day = 1;

  constructor(node: SimulatedNode, god: MarketGod, tries: number) {
    [this.#node, this.#god, this.#tries] = [node, god, tries];
  }

  get #intents(): readonly Intent[] {
    return (this.#node.disk.read('intents') as Intent[] | undefined) ?? [];
  }

  /** @param insists  asks again until it is answered, however often */
  async submit(order: Omit<OrderOptions, 'trader' | 'key' | 'owner'>, isBound: boolean, insists = false): Promise<SubmitOutcome | undefined> {
    const { name, incarnation, disk } = this.#node;
    const intent: Intent = { day: this.day, order: { ...order, trader: name, key: `${incarnation}-${++this.#count}` }, isBound };
    disk.write('intents', [...this.#intents, intent]);
    return insists ? this.#insist(intent) : this.#send(intent);
  }

  async #insist(intent: Intent): Promise<SubmitOutcome | undefined> {
    return (await this.#send(intent)) ?? this.#insist(intent);
  }

  /** What it wanted once, again: in whatever process. */
  async again(nth: number): Promise<void> {
    const intents = this.#intents;
    const intent = intents[nth % intents.length];
    if (intent !== undefined) await this.#send(intent);
  }

  async cancel(): Promise<void> {
    const one = this.#open.shift();
    if (one === undefined) return;
    const outcome = await this.#ask<CancelOutcome>({ ask: 'cancel', trader: this.#node.name, ...one });
    if (outcome !== undefined) this.#god.confirmedCancel(one.day, one.order);
  }

  async close(): Promise<boolean> {
    const { day } = this;
    const outcome = await this.#ask<null>({ ask: 'close', day });
    if (outcome !== undefined) this.#god.confirmedClose(day);
    return outcome !== undefined;
  }

  async #send(intent: Intent): Promise<SubmitOutcome | undefined> {
    const outcome = await this.#ask<SubmitOutcome>({ ask: 'submit', incarnation: this.#node.incarnation, intent });
    if (outcome === undefined) return undefined;
    this.#god.told(intent, outcome);
    if (outcome.ok && outcome.open > 0) this.#open.push({ day: intent.day, order: outcome.order });
    return outcome;
  }

  /** Asks until it is answered; undefined: it never was. */
  async #ask<Outcome>(asked: Asked): Promise<Outcome | undefined> {
    for (let nth = 0; nth < this.#tries; nth++) {
      const reply = await this.#node.call<Answer<Outcome>>('exchange', asked, { timeoutMs: 80 });
      if (!reply.ok) continue;
      this.day = Math.max(this.day, reply.reply.day);
      return reply.reply.outcome;
    }
    return undefined;
  }
}

/** A run of that world. */
export function marketRun(defect: MarketDefect = {}): FaultRunOptions<MarketWorld> {
  return {
    nodes: ['exchange', ...traders],
    steps: 40,
    network: { links: { delay: [1, 30], drop: 0.03, duplicate: 0.05 } },
    world: (network) => {
      const god = new MarketGod();
      const running = new Map<string, Trader>();
      network.boot((node) => void new Exchange(node, god, defect), 'exchange');
      for (const name of traders) network.boot((node) => void running.set(name, new Trader(node, god, defect.givesUp ? 1 : 5)), name);
      const of = (node: SimulatedNode): Trader => running.get(node.name) as Trader;
      let settled = 0;
      let lastDay = Infinity;
      /** Until it is answered: on the day that is made for it. */
      const trade = async (node: SimulatedNode, side: 'buy' | 'sell'): Promise<void> => {
        const outcome = await of(node).submit({ side, quantity: 2, price: 5 }, false, defect.givesUp !== true);
        if (outcome !== undefined) settled++;
      };
      /** The first day that is closed may be long over: there may be others on the one that is heard of then. */
      const end = async (node: SimulatedNode, isFirst = true): Promise<void> => {
        const trader = of(node);
        const isClosed = await trader.close();
        if (isFirst || !isClosed) return end(node, isFirst && !isClosed);
        lastDay = trader.day;
        for (const [name, side] of [
          ['ann', 'sell'],
          ['bob', 'buy'],
        ] as const) {
          (running.get(name) as Trader).day = lastDay;
          network.perform(name, `${side}s on the last day`, (at) => trade(at, side));
        }
      };
      return {
        god,
        operations: {
          submit: {
            weight: 8,
            nodes: traders,
            input: (chance: Chance) => {
              const price = chance.pick([null, 3, 4, 5, 6, 7]);
              const order = { side: chance.pick(['buy', 'sell'] as const), quantity: chance.pick([1, 2, 3, 5]) };
              const terms = price === null ? { rest: chance.pick(['refuse', 'wait'] as const) } : { price };
              return { order: { ...order, ...terms }, isBound: chance.pick([false, false, true]) };
            },
            run: async (node, input) => {
              const { order, isBound } = input as { readonly order: OrderOptions; readonly isBound: boolean };
              await of(node).submit(order, isBound);
            },
          },
          again: { weight: 2, nodes: traders, input: (chance) => chance.pick([0, 1, 2, 3, 5, 7]), run: (node, nth) => of(node).again(nth as number) },
          cancel: { weight: 3, nodes: traders, run: (node) => of(node).cancel() },
          close: {
            weight: 0.3,
            nodes: ['eve'],
            run: async (node) => {
              await of(node).close();
            },
          },
        },
        progress: {
          withinMs: 4_000,
          begin: () => network.perform('eve', 'closes, so that there is a day for two who trade', (node) => end(node)),
          reached: () => settled === 2 && god.trades.some(({ day, buyer, seller }) => day === lastDay && buyer === 'bob' && seller === 'ann'),
        },
      } satisfies MarketWorld;
    },
    invariants: Object.fromEntries(
      claims.map((claim, nth) => [
        claim,
        ({ god }: MarketWorld) => {
          if (nth === 0) god.look();
          return god.problems.get(claim);
        },
      ]),
    ),
  };
}

/** A market that says another price than it was. */
const dearer: Actions = {
  place: enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'market.submit') return;
    const verdict = verdictOn(context, event.order);
    if (verdict.is !== 'placed') return;
    enqueue.assign(verdict.after);
    const { trader, side, price, quantity } = event.order;
    enqueue.emit({ type: 'market.placed', ref: event.ref, trader, side, price, quantity, ...verdict.placed });
    for (const trade of verdict.placed.trades) enqueue.emit({ type: 'market.traded', ...trade, price: trade.price + 1 });
  }),
};

/** An order that ends with nobody. */
const alone = (order: OrderOptions): OrderOptions =>
  Object.fromEntries(Object.entries(order).filter(([name]) => name !== 'owner')) as unknown as OrderOptions;

/** A handle whose calls go another way. */
const instead = (held: Market, calls: Partial<Market>): Market =>
  new Proxy(held, {
    get: (target, name) => {
      const found: unknown = calls[name as keyof Market] ?? Reflect.get(target, name, target);
      return typeof found === 'function' ? (found.bind(target) as unknown) : found;
    },
  });

/** Markets that are wrong, each in one way. */
export const marketDefects: Readonly<Record<string, { readonly defect: MarketDefect; readonly breaks: Claim | 'progress' }>> = {
  'keys are forgotten': { defect: { options: { maxKeys: 1 } }, breaks: 'one key is one order' },
  'keys die with the process': {
    defect: { found: (saved) => ({ ...(saved as object), context: { ...(saved as { context: object }).context, kept: [] } }) },
    breaks: 'one key is one order',
  },
  'what was filled is forgotten with the process': {
    defect: {
      found: (saved) => {
        const { context } = saved as { readonly context: MarketContext };
        const whole = context.book.bids.map((one) => ({ ...one, open: one.quantity }));
        return { ...(saved as object), context: { ...context, book: { ...context.book, bids: whole } } };
      },
    },
    breaks: 'quantity is conserved',
  },
  'who stood is paid another price than who came paid': { defect: { actions: dearer }, breaks: 'money is conserved' },
  'a trader may trade with itself': { defect: { options: { selfTrade: 'allow' } }, breaks: 'nobody trades beyond its limit, nor with itself' },
  'a cancel is confirmed before it is done': {
    defect: {
      stall: (held, { clock }) =>
        instead(held, {
          cancel: (one) => {
            clock.setTimeout(() => void held.cancel(one), 200);
            return Promise.resolve({ ok: true, open: 1 });
          },
        }),
    },
    breaks: 'nothing trades after its cancel was confirmed',
  },
  'a closed market stays active': {
    defect: {
      stall: (held) => {
        let state: 'trading' | 'ended' = 'trading';
        return instead(held, {
          close: () => {
            state = 'ended';
            return Promise.resolve();
          },
          status: () => ({ ...held.status(), state }),
        });
      },
    },
    breaks: 'nothing is placed or traded after the close was confirmed',
  },
  'nobody looks after owners': {
    defect: { stall: (held) => instead(held, { submit: (order) => held.submit(alone(order)) }) },
    breaks: 'no order outlives whom it ends with',
  },
  'an answer is another': {
    defect: {
      stall: (held) => {
        let former: SubmitOutcome | undefined;
        return instead(held, {
          submit: async (order) => {
            const outcome = await held.submit(order);
            const told = former ?? outcome;
            if (outcome.ok) former = outcome;
            return told;
          },
        });
      },
    },
    breaks: 'a trader is told what came of its order',
  },
  'who gets no answer gives up': { defect: { givesUp: true }, breaks: 'progress' },
};
