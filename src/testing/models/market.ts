/** The model of a market's chart: ann buys, bob sells, eve gives her orders an owner; whoever watches owners, the app and the supervisor. */
import { marketMachine } from '../../../machines/coordination/market.js';
import type { MarketInput, OrderTerms, StandingOrder } from '../../../machines/coordination/market-events.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';
import { same } from './looks.js';

type MarketRun = Run<typeof marketMachine>;
type Owes = NonNullable<EventCase<typeof marketMachine, never>['owes']>;

const input: MarketInput = { maxOrders: 2, maxPerTrader: 1, maxKeys: 1, selfTrade: 'allow' };

const standing = ({ context: { book } }: MarketRun['snapshot']): readonly StandingOrder[] => [...book.bids, ...book.asks];
const bare: OrderTerms = { trader: 'ann', side: 'buy', quantity: 1, price: null, rest: 'refuse', key: null, owner: null };

/** What stands, as `<trader> <open> @ <price>`, in turn. */
const view = (orders: readonly StandingOrder[]): readonly string[] => orders.map(({ trader, open, price }) => `${trader} ${open} @ ${price}`);

const types = ({ emittedNow }: Pick<MarketRun, 'emittedNow'>): readonly string[] => emittedNow.map(({ type }) => type);

/** Refused, with nothing else changed. */
const refuses =
  (reason: string, trader: string): Owes =>
  ({ before, snapshot, emittedNow }) =>
    same('told', emittedNow, [{ type: 'market.refused', ref: 'c1', trader, reason }]) ?? same('context', snapshot.context, before.context);

/** What comes of an order here: each trader but ann has one way to trade, and stands once. */
const submits = (order: OrderTerms): { readonly payload: { readonly ref: string; readonly order: OrderTerms }; readonly owes: Owes } => ({
  payload: { ref: 'c1', order },
  owes: (run) => {
    const { before, snapshot, emittedNow } = run;
    const { kept, incarnation, orders, trades: count, maxOrders, maxPerTrader, selfTrade } = before.context;
    const { trader, side, quantity, price, key, rest } = order;
    const known = kept.find((one) => one.key === key);
    if (known !== undefined && known.terms.price !== price) return refuses('keyTaken', trader)(run);
    if (known !== undefined) {
      const told = { type: 'market.repeated', ref: 'c1', trader, ...known.placed };
      return same('told', emittedNow, [told]) ?? same('context', snapshot.context, before.context);
    }
    if (order.ownerEnded === true) return refuses('ownerEnded', trader)(run);
    const facing = standing(before).filter((one) => one.side !== side);
    // All limits here meet: who buys offers 10, who sells takes 8. Whoever stands makes the price, or has the best for the other that somebody named.
    const named = [price, ...facing.map((one) => one.price)].filter((one) => one !== null);
    const best = named.length === 0 ? null : side === 'sell' ? Math.max(...named) : Math.min(...named);
    const prices: number[] = [];
    const gone = new Set<StandingOrder>();
    let left = quantity;
    let isOwn = false;
    for (const maker of facing) {
      const at = maker.price ?? best;
      isOwn = selfTrade === 'cancelNewest' && left > 0 && at !== null && maker.trader === trader;
      if (left === 0 || at === null || isOwn) break;
      prices.push(at);
      if (maker.open <= left) gone.add(maker);
      left -= Math.min(left, maker.open);
    }
    const others = standing(before).filter((one) => !gone.has(one));
    const open = isOwn || (price === null && (rest === 'refuse' || others.some((one) => one.side !== side))) ? 0 : left;
    if (left === quantity && open === 0) return refuses(isOwn ? 'selfTrade' : 'unfilled', trader)(run);
    if (open > 0 && others.length >= maxOrders) return refuses('full', trader)(run);
    if (open > 0 && others.filter((one) => one.trader === trader).length >= maxPerTrader) return refuses('tooMany', trader)(run);
    const id = `${incarnation}-${orders + 1}`;
    const [placed, ...trades] = emittedNow as readonly Readonly<Record<string, unknown>>[];
    const { placed: remembered } = snapshot.context.kept.find((one) => one.key === key) ?? {};
    const mine = standing(snapshot).filter((one) => one.id === id);
    return (
      same('told', types(run), ['market.placed', ...prices.map(() => 'market.traded')]) ??
      same('placed', [placed?.['order'], placed?.['filled'], placed?.['open'], placed?.['ref']], [id, quantity - left, open, 'c1']) ??
      same('refused', placed?.['refused'], left - open) ??
      same('what stands of it', mine, open === 0 ? [] : [{ id, trader, side, price, quantity, open, owner: order.owner }]) ??
      same(
        'prices',
        trades.map((trade) => trade['price']),
        prices,
      ) ??
      same('counted', [snapshot.context.orders, snapshot.context.trades], [orders + 1, count + trades.length]) ??
      same('last', snapshot.context.last, trades.at(-1)?.['price'] ?? before.context.last) ??
      same('kept', remembered?.order, key === null ? undefined : id)
    );
  },
});

const cancels = (
  trader: string,
): Pick<EventCase<typeof marketMachine>, 'owes'> & { payload(run: MarketRun): { ref: string; trader: string; order: string } } => ({
  payload: ({ snapshot }) => ({ ref: 'c1', trader, order: standing(snapshot).find((one) => one.trader === 'ann')?.id ?? 'none' }),
  owes: (run) => {
    const { before, snapshot, emittedNow } = run;
    const found = standing(before).find((one) => one.trader === 'ann');
    if (found === undefined || trader !== 'ann') return refuses('notOpen', trader)(run);
    const told = { type: 'market.cancelled', ref: 'c1', order: found.id, trader, open: found.open, reason: 'asked' };
    const rest = standing(before).filter((one) => one !== found);
    return same('told', emittedNow, [told]) ?? same('what stands', view(standing(snapshot)), view(rest));
  },
});

const told = (gone: readonly StandingOrder[], reason: string): readonly object[] =>
  gone.map(({ id, trader, open }) => ({ type: 'market.cancelled', ref: null, order: id, trader, open, reason }));

/** Those who stand and have this owner, or any, are cancelled. */
const losesOwned = (isGone: (owner: string) => boolean): Owes => {
  return ({ before, snapshot, emittedNow }) => {
    const gone = standing(before).filter(({ owner }) => owner !== null && isGone(owner));
    const rest = standing(before).filter((one) => !gone.includes(one));
    return same('told', emittedNow, told(gone, 'ownerEnded')) ?? same('what stands', view(standing(snapshot)), view(rest));
  };
};

const ends = (state: string, reason: unknown): Owes => {
  return ({ before, snapshot, emittedNow }) => {
    const all = standing(before);
    const last = { type: 'market.closed', trades: before.context.trades, cancelled: all.length };
    return (
      same('state', snapshot.value, state) ??
      same('reason', reasonOfOutput(snapshot.output), reason) ??
      same('told', emittedNow, [...told(all, 'closed'), last]) ??
      same('what stands', standing(snapshot), [])
    );
  };
};

const opens: Owes = (run) =>
  losesOwned(() => true)(run) ??
  same('incarnation', run.snapshot.context.incarnation, run.before.context.incarnation === 0 ? 4 : run.before.context.incarnation);

export const marketModel: Model<typeof marketMachine> = {
  machine: marketMachine,
  inputs: {
    'a market': input,
    'a market with room': { ...input, maxOrders: 3, maxPerTrader: 2 },
    'a market in which nobody meets himself': { ...input, maxPerTrader: 2, selfTrade: 'cancelNewest' },
  },
  events: {
    'market.submit': {
      'ann buys two at 10': submits({ ...bare, quantity: 2, price: 10 }),
      'ann buys one at any price, or waits': submits({ ...bare, rest: 'wait' }),
      'ann sells one at 8': {
        ...submits({ ...bare, side: 'sell', price: 8 }),
        when: ({ snapshot: { context } }) => context.selfTrade === 'cancelNewest',
      },
      'bob sells one at 8': submits({ ...bare, trader: 'bob', side: 'sell', price: 8 }),
      'bob sells three at any price': submits({ ...bare, trader: 'bob', side: 'sell', quantity: 3 }),
      'bob sells one at any price, or waits': submits({ ...bare, trader: 'bob', side: 'sell', rest: 'wait' }),
      'eve buys one at 10, as long as she lives': submits({ ...bare, trader: 'eve', price: 10, key: 'k', owner: 'a1' }),
      'eve buys one at 10, and lives no more': submits({ ...bare, trader: 'eve', price: 10, key: 'k', ownerEnded: true }),
      'eve has another price under that key': submits({ ...bare, trader: 'eve', price: 9, key: 'k', owner: 'a1' }),
    },
    'market.cancel': { 'ann cancels': cancels('ann'), 'bob cancels what is not his': cancels('bob') },
    'market.close': { 'app: closes': { weight: 0.2, owes: ends('closed', 'normal') } },
    'supervisor.shutdown': {
      'supervisor: shutdown': { weight: 0.2, owes: ends('closed', 'shutdown') },
      'supervisor: shutdown for a reason': { weight: 0.2, payload: { reason: ['shutdown', 'late'] }, owes: ends('closed', ['shutdown', 'late']) },
    },
  },
  outcomes: {
    owners: {
      reports: {
        'owners.opened': { 'the watch begins': { payload: { incarnation: 4 }, owes: opens } },
        'owner.ended': {
          "eve's owner ends": { payload: { owner: 'a1' }, owes: losesOwned((owner) => owner === 'a1') },
          'another owner ends': { payload: { owner: 'a2' }, owes: losesOwned((owner) => owner === 'a2') },
        },
        'owners.ended': { 'the watch is lost': { weight: 0.2, owes: ends('failed', { crash: 'ownersLost' }) } },
      },
      error: { 'the watch crashes': { error: new Error('no more'), weight: 0.2, owes: ends('failed', { crash: 'ownersCrashed' }) } },
    },
  },
  cases: {
    'the process starts again': {
      weight: 0.2,
      when: ({ isActive }) => isActive,
      run: (market) => market.restore(),
      owes: ({ before, snapshot, emittedNow }) => same('book', snapshot.context.book, before.context.book) ?? same('emitted', emittedNow, []),
    },
  },
  key: ({ snapshot: { context } }) => {
    const { book, kept, incarnation, maxOrders, selfTrade } = context;
    return [maxOrders, selfTrade, view([...book.bids, ...book.asks]), kept.map(({ placed, terms }) => [terms.price, placed.open]), incarnation];
  },
  invariants: {
    'its watch runs exactly as long as it does': (market) =>
      same(
        'running',
        market.running().map(({ src }) => src),
        market.isActive ? ['owners'] : [],
      ),
    'it accepts exactly while it trades': ({ snapshot }) => same('accepting', snapshot.hasTag('accepting'), snapshot.value === 'trading'),
    'whoever could trade has': ({ snapshot: { context } }) => {
      const [bid, ask] = [context.book.bids[0], context.book.asks[0]];
      return bid === undefined || ask === undefined ? undefined : `${bid.id} meets ${ask.id}`;
    },
    'no more stand than may': ({ snapshot }) => {
      const all = standing(snapshot);
      const { maxOrders, maxPerTrader } = snapshot.context;
      const isTooMany = all.length > maxOrders || all.some(({ trader }) => all.filter((one) => one.trader === trader).length > maxPerTrader);
      return isTooMany ? view(all).join(', ') : undefined;
    },
    'whatever stands is open, and has never been more': ({ snapshot }) =>
      standing(snapshot).every(({ open, quantity }) => open >= 1 && open <= quantity) ? undefined : view(standing(snapshot)).join(', '),
  },
  finish: (market) => market.send({ type: 'market.close' }),
};
