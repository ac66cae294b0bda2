/**
 * What an app holds of a market: it submits orders and cancels them, and reads how the market stands.
 *
 * Nothing throws nor rejects but for misuse; a call on a market that has ended is answered, where XState would drop the event: `closed`, or, of an order that was
 * placed under its key, what came of it.
 */
import { type AnyActorRef, createActor } from 'xstate';
import { marketMachine } from '../../machines/coordination/market.js';
import type { MarketEmitted, OrderRefusal, OrderTerms, Placed, StandingOrder } from '../../machines/coordination/market-events.js';
import { verdictOn } from '../../machines/coordination/market-rules.js';
import { type Equilibrium, equilibriumOf, standing } from '../../machines/coordination/order-book.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { sortOf } from '../option-checks.js';
import { type Clock, requireClock, systemClock } from '../supervision/clock.js';
import { onFact } from '../supervision/on-fact.js';
import { ended, exitReason, onExit } from '../supervision/watch.js';
import { hasStopped, runsMachine } from '../supervision/xstate-internals.js';
import { market as marketLogic, type MarketRef, planOf, stallOf } from './market.js';
import { invalid, type MarketOptions, type OrderOptions, planMarket, planOrder, requireOptions, requireText } from './market-options.js';

type Fact<Type extends MarketEmitted['type']> = Extract<MarketEmitted, { type: Type }>;

/** What came of an order that was submitted. `isRepeat`: it had been before, under the same key, and this is what came of it then. */
export type SubmitOutcome = ({ readonly ok: true; readonly isRepeat: boolean } & Placed) | { readonly ok: false; readonly reason: OrderRefusal };

/** Whether what stood of an order was cancelled, and how much that was; `notOpen`: of that trader, no such order stands. */
export type CancelOutcome = { readonly ok: true; readonly open: number } | { readonly ok: false; readonly reason: 'notOpen' | 'closed' };

/** How a market stands. */
export interface MarketStatus {
  readonly state: 'trading' | 'ended';
  /** Orders that stand. */
  readonly orders: number;
  /** Trades so far. */
  readonly trades: number;
  /** The highest limit of those who buy; null: none. */
  readonly bid: number | null;
  /** The lowest limit of those who sell; null: none. */
  readonly ask: number | null;
  /** The price of the last trade; null before one. */
  readonly last: number | null;
}

/** An order that stands, as it is read. */
export type OpenOrder = Omit<StandingOrder, 'owner'>;

/** A market, as an app holds it. Disposing of it closes it. */
export interface Market extends AsyncDisposable {
  /** The market's actor; undefined while none runs. */
  readonly ref: MarketRef | undefined;
  /** Places an order. @returns rejects for misuse only, with EspalierError `market/invalid-options` */
  submit(order: OrderOptions): Promise<SubmitOutcome>;
  /** Cancels what stands of an order. @returns rejects for misuse only, with EspalierError `market/invalid-options` */
  cancel(order: { readonly trader: string; readonly order: string }): Promise<CancelOutcome>;
  /** Orders that stand, those who buy first, of each side in turn; of one trader, or of all. Of one that has ended, none. @throws EspalierError `market/invalid-options` */
  orders(trader?: string): readonly OpenOrder[];
  /** Where what is wanted meets what is offered, of what stands; null where one side has nobody. */
  equilibrium(): Equilibrium | null;
  status(): MarketStatus;
  /** Facts of the market, and of each that comes after it in its seat. What a listener throws goes to `console.error`. @throws EspalierError `market/invalid-options` */
  on<Type extends MarketEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void };
  /** Cancels whatever stands, tells it (`market.cancelled`), and ends for good. Twice is once. */
  close(): Promise<void>;
}

/**
 * The handle of a market that a supervisor runs: with its reference, or with a function that finds it, which follows its restarts.
 * @throws EspalierError `market/invalid-options` for a reference that runs no market; from each call, for a function that finds one
 */
export function marketHandle(ref: AnyActorRef | (() => AnyActorRef | undefined)): Market {
  if (typeof ref === 'function') return new Handle(ref);
  requireMarket(ref);
  return new Handle(() => ref);
}

/**
 * A market that an app starts by itself, the root of a system of its own. In an app with a tree, {@link marketLogic} is a child of that.
 * @throws EspalierError `market/invalid-options`; `supervision/invalid-options` for what is no clock
 */
export function createMarket(options: MarketOptions = {}, where: { readonly clock?: Clock } = {}): Market {
  requireOptions('where the market runs', where, ['clock']);
  const { clock = systemClock } = where;
  requireClock(clock);
  const root = createActor(marketLogic(options), { clock, id: 'market' });
  // Heard here, a crash is no uncaught exception: the handle answers `closed`.
  root.subscribe({ error: () => {} });
  root.start();
  return new Handle(() => root);
}

function isMarket(ref: unknown): ref is MarketRef {
  return runsMachine(ref, marketMachine);
}

function requireMarket(ref: unknown): asserts ref is MarketRef {
  if (!isMarket(ref) || planOf(ref) === undefined) throw invalid('ref', 'an actor that runs market()', sortOf(ref));
}

const byDefault = planMarket({});
const factTypes = keysOf<Record<MarketEmitted['type'], true>>({
  ...({ 'market.placed': true, 'market.repeated': true, 'market.traded': true } as const),
  ...({ 'market.refused': true, 'market.cancelled': true, 'market.closed': true } as const),
});

class Handle implements Market {
  readonly #find: () => AnyActorRef | undefined;

  constructor(find: () => AnyActorRef | undefined) {
    this.#find = find;
  }

  get ref(): MarketRef | undefined {
    const ref = this.#find();
    if (ref !== undefined) requireMarket(ref);
    return ref;
  }

  async submit(options: OrderOptions): Promise<SubmitOutcome> {
    const { ref } = this;
    const order = planOrder(options, (ref === undefined ? undefined : planOf(ref)) ?? byDefault);
    const { owner } = options;
    if (ref === undefined) return { ok: false, reason: 'closed' };
    const stall = stallOf(ref);
    if (hasStopped(ref) || stall === undefined) return afterEnd(ref, order);
    const ownerEnded = owner !== undefined && exitReason(owner) !== null;
    const watched = owner === undefined || ownerEnded ? null : stall.watch(owner);
    const name = `c${++stall.calls}`;
    return new Promise((resolve) => {
      const call = new Call<SubmitOutcome>(ref, name, resolve, () => afterEnd(ref, order));
      call.hear('market.placed', (fact) => ({ ok: true, isRepeat: false, ...placedOf(fact) }));
      call.hear('market.repeated', (fact) => ({ ok: true, isRepeat: true, ...placedOf(fact) }));
      call.hear('market.refused', ({ reason }) => ({ ok: false, reason: reason as OrderRefusal }));
      ref.send({ type: 'market.submit', ref: name, order: { ...order, owner: watched, ownerEnded } });
    });
  }

  async cancel(options: { readonly trader: string; readonly order: string }): Promise<CancelOutcome> {
    requireOptions('what is cancelled', options, ['trader', 'order']);
    const { trader, order } = options;
    requireText('trader', trader);
    requireText('order', order);
    const { ref } = this;
    const stall = ref === undefined || hasStopped(ref) ? undefined : stallOf(ref);
    if (ref === undefined || stall === undefined) return { ok: false, reason: 'closed' };
    const name = `c${++stall.calls}`;
    return new Promise((resolve) => {
      const call = new Call<CancelOutcome>(ref, name, resolve, () => ({ ok: false, reason: 'closed' }));
      call.hear('market.cancelled', ({ open }) => ({ ok: true, open }));
      call.hear('market.refused', () => ({ ok: false, reason: 'notOpen' }));
      ref.send({ type: 'market.cancel', ref: name, trader, order });
    });
  }

  orders(trader?: string): readonly OpenOrder[] {
    if (trader !== undefined) requireText('trader', trader);
    return this.#standing()
      .filter((order) => trader === undefined || order.trader === trader)
      .map(({ id, trader: whose, side, price, quantity, open }) => ({ id, trader: whose, side, price, quantity, open }));
  }

  equilibrium(): Equilibrium | null {
    return equilibriumOf(this.#standing());
  }

  status(): MarketStatus {
    const { ref } = this;
    const orders = this.#standing();
    const { trades, last } = ref?.getSnapshot().context ?? { trades: 0, last: null };
    const best = (side: 'buy' | 'sell'): number | null => orders.find((order) => order.side === side && order.price !== null)?.price ?? null;
    const state = ref === undefined || hasStopped(ref) ? 'ended' : 'trading';
    return { state, orders: orders.length, trades, bid: best('buy'), ask: best('sell'), last };
  }

  on<Type extends MarketEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void } {
    if (!factTypes.includes(type)) throw invalid('type', factTypes.join(', '), typeof type === 'string' ? 'another fact' : sortOf(type));
    if (typeof listener !== 'function') throw invalid('listener', 'a function', sortOf(listener));
    return onFact(() => this.ref, type, listener, isMarket);
  }

  async close(): Promise<void> {
    const { ref } = this;
    if (ref !== undefined) await ended(ref, () => ref.send({ type: 'market.close' }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Of one that was stopped by a stranger its last book is no market any more. */
  #standing(): readonly StandingOrder[] {
    const { ref } = this;
    return ref === undefined || hasStopped(ref) ? [] : standing(ref.getSnapshot().context.book);
  }
}

/** What an order is answered by a market that has ended: whoever did not hear what came of it must not be told that nothing did. */
function afterEnd(ref: MarketRef, order: Omit<OrderTerms, 'owner'>): SubmitOutcome {
  const verdict = verdictOn(ref.getSnapshot().context, { ...order, owner: null });
  return verdict.is === 'repeated' ? { ok: true, isRepeat: true, ...verdict.placed } : { ok: false, reason: 'closed' };
}

function placedOf({ order, filled, money, open, refused, trades }: Placed): Placed {
  return { order, filled, money, open, refused, trades };
}

/** One call, until it is answered: by the chart, or by its end. */
class Call<Outcome> {
  readonly #market: MarketRef;
  readonly #name: string;
  readonly #answer: (outcome: Outcome) => void;
  readonly #heard: { unsubscribe(): unknown }[] = [];

  constructor(market: MarketRef, name: string, answer: (outcome: Outcome) => void, closed: () => Outcome) {
    this.#market = market;
    this.#name = name;
    this.#answer = answer;
    this.#heard.push(onExit(market, () => this.#settle(closed())));
  }

  hear<Type extends 'market.placed' | 'market.repeated' | 'market.refused' | 'market.cancelled'>(
    type: Type,
    outcomeOf: (fact: Fact<Type>) => Outcome,
  ): void {
    const heard = this.#market.on(type, (fact) => {
      if ((fact as { readonly ref: string | null }).ref === this.#name) this.#settle(outcomeOf(fact as Fact<Type>));
    });
    this.#heard.push(heard);
  }

  #settle(outcome: Outcome): void {
    for (const each of this.#heard) each.unsubscribe();
    this.#answer(outcome);
  }
}
