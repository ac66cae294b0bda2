/** A market: who meets whom at what price, what is left, who is cancelled, and what a call on it is answered. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { type AnyActorRef, createActor, fromCallback } from 'xstate';
import type { MarketEmitted } from '../../machines/coordination/market-events.js';
import { createMarket, type Market, marketHandle } from '../../src/coordination/market-handle.js';
import { market } from '../../src/coordination/market.js';
import type { MarketOptions, OrderOptions } from '../../src/coordination/market-options.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit, exitReason } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** A market, everything that it tells, and short ways to submit. */
function stand(options: MarketOptions = {}) {
  const held = createMarket(options, { clock: new VirtualClock() });
  onTestFinished(() => held.close());
  const { facts, order } = hear(held);
  return { held, facts, ...order };
}

function hear(held: Market) {
  const facts: MarketEmitted[] = [];
  const types = ['market.placed', 'market.repeated', 'market.traded', 'market.refused', 'market.cancelled', 'market.closed'] as const;
  for (const type of types) held.on(type, (fact) => void facts.push(fact));
  const submit =
    (side: 'buy' | 'sell') =>
    (trader: string, quantity: number, price?: number, more: Partial<OrderOptions> = {}) =>
      held.submit({ trader, side, quantity, ...(price === undefined ? {} : { price }), ...more });
  return { facts, order: { buy: submit('buy'), sell: submit('sell') } };
}

const idOf = (outcome: { ok: true; order: string } | { ok: false; reason: string }): string => (outcome.ok ? outcome.order : outcome.reason);
const actor = (): AnyActorRef => {
  const made = createActor(fromCallback(() => {})).start();
  onTestFinished(() => void made.stop());
  return made;
};

describe('a market', () => {
  it('gives whoever offers more the turn, and of two who offer the same the first', async () => {
    const { held, buy, sell } = stand();
    const [low, first, second] = [await buy('ann', 1, 10), await buy('bob', 1, 12), await buy('eve', 1, 12)];
    const sold = await sell('dan', 3, 9);
    expect(sold).toMatchObject({ ok: true, filled: 3, money: 34, open: 0 });
    expect(sold.ok && sold.trades.map(({ buyOrder, price }) => [buyOrder, price])).toEqual([
      [idOf(first), 12],
      [idOf(second), 12],
      [idOf(low), 10],
    ]);
    expect(held.status()).toEqual({ state: 'trading', orders: 0, trades: 3, bid: null, ask: null, last: 10 });
  });

  it('fills a part, and lets the rest stand in its turn', async () => {
    const { held, buy, sell } = stand();
    const big = await buy('ann', 5, 10);
    await buy('bob', 5, 10);
    await sell('eve', 2, 10);
    expect(held.orders()).toMatchObject([
      { id: idOf(big), trader: 'ann', open: 3, quantity: 5 },
      { trader: 'bob', open: 5 },
    ]);
    expect(await sell('eve', 4, 10)).toMatchObject({
      trades: [
        { buyer: 'ann', quantity: 3 },
        { buyer: 'bob', quantity: 1 },
      ],
    });
  });

  it('has a market order take what stands, and refuses what is left, or lets it wait', async () => {
    const { held, buy, sell } = stand();
    await sell('ann', 2, 7);
    expect(await buy('bob', 5)).toMatchObject({ ok: true, filled: 2, money: 14, open: 0, refused: 3 });
    expect(await buy('bob', 5)).toEqual({ ok: false, reason: 'unfilled' });
    expect(await buy('bob', 5, undefined, { rest: 'wait' })).toMatchObject({ ok: true, filled: 0, open: 5, refused: 0 });
    expect(held.status()).toMatchObject({ orders: 1, bid: null });
    expect(await sell('ann', 2, 9)).toMatchObject({ trades: [{ price: 9, quantity: 2, buyer: 'bob' }] });
    // Who sells is not given less because somebody without a limit is before the one who offers more.
    await buy('eve', 1, 20);
    expect(await sell('ann', 4, 9)).toMatchObject({
      trades: [
        { price: 20, quantity: 3, buyer: 'bob' },
        { price: 20, quantity: 1, buyer: 'eve' },
      ],
    });
  });

  it('lets two without a limit not wait for each other, which nobody would end', async () => {
    const { buy, sell } = stand();
    await buy('bob', 1, undefined, { rest: 'wait' });
    expect(await sell('ann', 1, undefined, { rest: 'wait' })).toEqual({ ok: false, reason: 'unfilled' });
  });

  it('cancels what stands of an order, once, for its trader only; it trades no more', async () => {
    const { held, facts, buy, sell } = stand();
    const order = idOf(await buy('ann', 5, 10));
    await sell('bob', 2, 10);
    expect(await held.cancel({ trader: 'bob', order })).toEqual({ ok: false, reason: 'notOpen' });
    expect(await held.cancel({ trader: 'ann', order })).toEqual({ ok: true, open: 3 });
    expect(await held.cancel({ trader: 'ann', order })).toEqual({ ok: false, reason: 'notOpen' });
    expect(await sell('bob', 1)).toEqual({ ok: false, reason: 'unfilled' });
    expect(facts.filter(({ type }) => type === 'market.cancelled')).toMatchObject([{ order, open: 3, reason: 'asked' }]);
  });

  it('that was never started is closed at once', async () => {
    const held = marketHandle(createActor(market()));
    await held.close();
    expect(await held.submit({ trader: 'ann', side: 'buy', quantity: 1 })).toEqual({ ok: false, reason: 'closed' });
  });

  it('tells everybody who stands as it closes, and answers closed from then on', async () => {
    const { held, facts, buy, sell } = stand();
    await buy('ann', 1, 10);
    await sell('bob', 2, 12);
    await Promise.all([held.close(), held.close()]);
    expect(facts.slice(-3)).toMatchObject([
      { type: 'market.cancelled', trader: 'ann', open: 1, reason: 'closed', ref: null },
      { type: 'market.cancelled', trader: 'bob', open: 2, reason: 'closed', ref: null },
      { type: 'market.closed', trades: 0, cancelled: 2 },
    ]);
    expect(await buy('ann', 1, 12)).toEqual({ ok: false, reason: 'closed' });
    expect(await held.cancel({ trader: 'ann', order: '1-1' })).toEqual({ ok: false, reason: 'closed' });
    expect([held.status(), held.orders(), held.equilibrium()]).toMatchObject([{ state: 'ended', orders: 0 }, [], null]);
  });

  it('knows an order by its key, and answers it as before; another under that key is refused', async () => {
    const { held, facts, buy, sell } = stand({ maxKeys: 1 });
    await sell('bob', 1, 9);
    const first = await buy('ann', 2, 10, { key: 'k' });
    expect(first).toMatchObject({ ok: true, isRepeat: false, filled: 1, open: 1 });
    expect(await buy('ann', 2, 10, { key: 'k' })).toEqual({ ...first, isRepeat: true });
    expect(await buy('ann', 3, 10, { key: 'k' })).toEqual({ ok: false, reason: 'keyTaken' });
    expect(held.status()).toMatchObject({ orders: 1, trades: 1 });
    // Of another trader it is another key; and as many are kept as may.
    expect(await buy('eve', 2, 10, { key: 'k' })).toMatchObject({ ok: true, isRepeat: false });
    expect(await buy('ann', 2, 10, { key: 'k' })).toMatchObject({ ok: true, isRepeat: false });
    expect(facts.filter(({ type }) => type === 'market.repeated')).toHaveLength(1);
  });

  it('has nobody forget the keys of others: who submits much forgets his own', async () => {
    const { held, buy, sell } = stand({ maxKeys: 4 });
    const first = await buy('ann', 1, 1, { key: 'k' });
    for (let nth = 0; nth < 8; nth++) await sell('eve', 1, 5, { key: `k${nth}` });
    expect(await buy('ann', 1, 1, { key: 'k' })).toEqual({ ...first, isRepeat: true });
    expect(held.orders('ann')).toHaveLength(1);
    // Of eve's the last three are kept.
    expect([await sell('eve', 1, 5, { key: 'k5' }), await sell('eve', 1, 5, { key: 'k4' })]).toMatchObject([{ isRepeat: true }, { isRepeat: false }]);
  });

  it('says of an order that was placed what came of it, also when it has closed, or whom it ends with has ended', async () => {
    const { held, buy, sell } = stand();
    const owner = actor();
    await sell('bob', 1, 9);
    const first = await buy('ann', 2, 10, { key: 'k', owner });
    exit(owner, 'kill');
    expect(await buy('ann', 2, 10, { key: 'k', owner })).toEqual({ ...first, isRepeat: true });
    expect(await buy('ann', 2, 10, { key: 'l', owner })).toEqual({ ok: false, reason: 'ownerEnded' });
    await held.close();
    // Whoever has not heard the first answer must not hear that nothing came of it.
    expect(await buy('ann', 2, 10, { key: 'k' })).toEqual({ ...first, isRepeat: true });
    expect(await buy('ann', 3, 10, { key: 'k' })).toEqual({ ok: false, reason: 'closed' });
    expect(await buy('bob', 2, 10, { key: 'k' })).toEqual({ ok: false, reason: 'closed' });
  });

  it('keeps no refusal under a key: the next time it may be placed', async () => {
    const { buy, sell } = stand();
    expect(await buy('ann', 1, undefined, { key: 'k' })).toMatchObject({ ok: false });
    await sell('bob', 1, 9);
    expect(await buy('ann', 1, undefined, { key: 'k' })).toMatchObject({ ok: true, filled: 1 });
  });

  it('refuses an order that would stand where no more may, with nothing traded; one that is filled needs no room', async () => {
    const { held, buy, sell } = stand({ maxOrders: 3, maxPerTrader: 2 });
    await buy('ann', 1, 10);
    await buy('ann', 1, 9);
    expect(await buy('ann', 1, 8)).toEqual({ ok: false, reason: 'tooMany' });
    await buy('bob', 1, 8);
    expect(await buy('eve', 1, 8)).toEqual({ ok: false, reason: 'full' });
    // What is filled by it makes room for its rest.
    expect(await sell('eve', 2, 10)).toMatchObject({ ok: true, filled: 1, open: 1 });
    expect(await sell('dan', 1, 11)).toEqual({ ok: false, reason: 'full' });
    expect(await buy('dan', 2, 10)).toMatchObject({ ok: true, filled: 1, open: 1 });
    expect(held.status()).toMatchObject({ orders: 3, trades: 2 });
  });

  it('lets a trader trade with itself where nothing else is said', async () => {
    const { buy, sell } = stand();
    await sell('ann', 1, 9);
    expect(await buy('ann', 1, 9)).toMatchObject({ ok: true, trades: [{ buyer: 'ann', seller: 'ann' }] });
  });

  it('refuses, where it is to, what a trader would trade with itself, and all behind that', async () => {
    const { held, buy, sell } = stand({ selfTrade: 'cancelNewest' });
    await sell('bob', 1, 8);
    await sell('ann', 2, 9);
    await sell('bob', 4, 10);
    expect(await buy('ann', 5, 10)).toMatchObject({ ok: true, filled: 1, open: 0, refused: 4, trades: [{ seller: 'bob', price: 8 }] });
    expect(await buy('ann', 5, undefined, { rest: 'wait' })).toEqual({ ok: false, reason: 'selfTrade' });
    expect(await buy('ann', 5, 10, { key: 'k' })).toEqual({ ok: false, reason: 'selfTrade' });
    // What does not meet its own may stand beside it, and others meet both.
    expect(await buy('ann', 5, 7)).toMatchObject({ ok: true, open: 5 });
    expect(await buy('eve', 3, 10)).toMatchObject({ ok: true, filled: 3, money: 28 });
    expect(held.orders().map(({ trader, open, price }) => [trader, open, price])).toEqual([
      ['ann', 5, 7],
      ['bob', 3, 10],
    ]);
  });

  it('reads where supply meets demand', async () => {
    const { held, buy, sell } = stand();
    await buy('ann', 5, 10);
    expect(held.equilibrium()).toBeNull();
    await sell('bob', 5, 14);
    expect(held.equilibrium()).toEqual({ price: 12, low: 11, high: 13, quantity: 0 });
    expect(held.status()).toMatchObject({ bid: 10, ask: 14, last: null });
    expect(held.orders('bob')).toEqual([{ id: '1-2', trader: 'bob', side: 'sell', price: 14, quantity: 5, open: 5 }]);
  });
});

describe('whoever an order ends with', () => {
  it('takes what stands of it along, and of nobody else', async () => {
    const { held, facts, buy, sell } = stand();
    const [mine, other] = [actor(), actor()];
    await buy('ann', 5, 10, { owner: mine });
    await buy('ann', 1, 9, { owner: mine });
    await buy('ann', 1, 8, { owner: other });
    await buy('ann', 1, 7);
    await sell('bob', 1, 10);
    exit(mine, 'kill');
    expect(facts.filter(({ type }) => type === 'market.cancelled')).toMatchObject([
      { open: 4, reason: 'ownerEnded' },
      { open: 1, reason: 'ownerEnded' },
    ]);
    expect(held.orders().map(({ price }) => price)).toEqual([8, 7]);
    expect(await sell('bob', 1)).toMatchObject({ trades: [{ price: 8 }] });
    expect(await buy('ann', 1, 10, { owner: mine })).toEqual({ ok: false, reason: 'ownerEnded' });
  });

  it('is unknown after a restart from a snapshot: its orders are cancelled, and the others stand, under ids of their own', async () => {
    const logic = market();
    const first = createActor(logic).start();
    const { order } = hear(marketHandle(first));
    await order.buy('ann', 1, 10, { owner: actor() });
    await order.buy('bob', 1, 9, { key: 'k' });
    const saved = JSON.parse(JSON.stringify(first.getPersistedSnapshot())) as never;
    first.stop();
    const second = createActor(logic, { snapshot: saved }).start();
    const held = marketHandle(second);
    onTestFinished(() => held.close());
    expect(held.orders()).toMatchObject([{ id: '1-2', trader: 'bob' }]);
    const { buy } = hear(held).order;
    expect(await buy('bob', 1, 9, { key: 'k' })).toMatchObject({ isRepeat: true, order: '1-2' });
    expect(await buy('bob', 1, 8)).toMatchObject({ order: '1-3' });
  });
});

describe('a market under a supervisor', () => {
  it('stays closed where it is transient', async () => {
    const app = orchestrator({ actors: { market: market() }, children: [{ id: 'market', src: 'market', restart: 'transient' }] }).start();
    onTestFinished(async () => void (await app.stop()));
    const held = marketHandle(() => app.child('market'));
    const { order } = hear(held);
    await order.buy('ann', 1, 10);
    await held.close();
    expect(await order.sell('bob', 1, 10)).toEqual({ ok: false, reason: 'closed' });
    expect(held.status()).toMatchObject({ state: 'ended', orders: 0 });
  });

  it('has ids that none had before it, also after one that was restored', async () => {
    const crashed = orchestrator({ actors: { market: market() }, children: [{ id: 'market', src: 'market' }] }).start();
    const first = marketHandle(() => crashed.child('market'));
    exit(first.ref as AnyActorRef, 'kill');
    await crashed.whichChildren();
    expect(await hear(first).order.buy('ann', 1, 10)).toMatchObject({ order: '2-1' });
    const saved = JSON.parse(JSON.stringify(first.ref?.getPersistedSnapshot())) as never;
    await crashed.stop();
    // Another process, which counts anew.
    const logic = market();
    const restored = createActor(logic, { snapshot: saved }).start();
    expect(await hear(marketHandle(restored)).order.buy('ann', 1, 9)).toMatchObject({ order: '2-2' });
    await marketHandle(restored).close();
    const next = marketHandle(createActor(logic).start());
    onTestFinished(() => next.close());
    expect(await hear(next).order.buy('ann', 1, 10)).toMatchObject({ order: '3-1' });
  });

  it('begins empty after a crash, with what stood told and ids of its own; its handle follows', async () => {
    const clock = new VirtualClock();
    const app = orchestrator({ actors: { market: market() }, children: [{ id: 'market', src: 'market' }] }).start({ clock });
    onTestFinished(async () => void (await app.stop()));
    const held = marketHandle(() => app.child('market'));
    const { facts, order } = hear(held);
    expect(await order.buy('ann', 1, 10)).toMatchObject({ order: '1-1' });
    const watch = (held.ref?.getSnapshot().children as { owners?: AnyActorRef } | undefined)?.owners as AnyActorRef;
    exit(watch, 'kill');
    await clock.flush();
    expect(facts.slice(-2)).toMatchObject([{ type: 'market.cancelled', order: '1-1' }, { type: 'market.closed' }]);
    expect(held.status()).toMatchObject({ state: 'trading', orders: 0 });
    expect(await order.buy('ann', 1, 10)).toMatchObject({ order: '2-1' });
    expect(await held.cancel({ trader: 'ann', order: '1-1' })).toEqual({ ok: false, reason: 'notOpen' });
  });

  it('closes on its order', async () => {
    const app = orchestrator({ actors: { market: market() }, children: [{ id: 'market', src: 'market' }] }).start();
    const held = marketHandle(() => app.child('market'));
    const { facts, order } = hear(held);
    await order.sell('ann', 1, 10);
    const ref = held.ref as AnyActorRef;
    await app.stop();
    expect([facts.at(-1)?.type, exitReason(ref)]).toEqual(['market.closed', 'shutdown']);
    expect(await order.sell('ann', 1, 10)).toEqual({ ok: false, reason: 'closed' });
  });
});

describe('misuse', () => {
  const refused = { code: 'market/invalid-options' };

  it.each<[string, unknown]>([
    ['a bound of none', { maxOrders: 0 }],
    ['a bound beyond what a book is made for', { maxPerTrader: 10_001 }],
    ['money that no number holds', { maxPrice: 2 ** 40, maxQuantity: 2 ** 20 }],
    ['orders that no number holds together', { maxPrice: 1, maxQuantity: 2 ** 50, maxOrders: 16 }],
    ['a way to trade with oneself that there is not', { selfTrade: 'cancel' }],
    ['a word that nobody knows', { maxOrder: 1 }],
  ])('of a market: %s', (_, options) => {
    expect(() => market(options as MarketOptions)).toThrow(expect.objectContaining(refused) as Error);
  });

  it.each<[string, unknown]>([
    ['nobody', { side: 'buy', quantity: 1 }],
    ['no side', { trader: 'ann', side: 'both', quantity: 1 }],
    ['a fraction', { trader: 'ann', side: 'buy', quantity: 1.5, price: 1 }],
    ['nothing', { trader: 'ann', side: 'buy', quantity: 0, price: 1 }],
    ['more than may be', { trader: 'ann', side: 'buy', quantity: 1_000_001, price: 1 }],
    ['a price of a fraction', { trader: 'ann', side: 'buy', quantity: 1, price: 0.5 }],
    ['a price below 0', { trader: 'ann', side: 'buy', quantity: 1, price: -1 }],
    ['a limit, and yet a rest', { trader: 'ann', side: 'buy', quantity: 1, price: 1, rest: 'wait' }],
    ['a rest that there is not', { trader: 'ann', side: 'buy', quantity: 1, rest: 'stand' }],
    ['a key that is none', { trader: 'ann', side: 'buy', quantity: 1, key: '' }],
    ['an owner that is no actor', { trader: 'ann', side: 'buy', quantity: 1, owner: 'me' }],
    ['a word that nobody knows', { trader: 'ann', side: 'buy', quantity: 1, amount: 2 }],
  ])('of an order: %s', async (_, order) => {
    const { held, facts } = stand();
    await expect(held.submit(order as OrderOptions)).rejects.toMatchObject(refused);
    expect(facts).toEqual([]);
  });

  it('of a handle', async () => {
    const { held } = stand();
    expect(() => marketHandle(actor())).toThrow(expect.objectContaining(refused) as Error);
    expect(() => held.on('market.sold' as never, () => {})).toThrow(expect.objectContaining(refused) as Error);
    expect(() => held.on('market.traded', null as never)).toThrow(expect.objectContaining(refused) as Error);
    expect(() => held.orders('')).toThrow(expect.objectContaining(refused) as Error);
    await expect(held.cancel({ trader: 'ann' } as never)).rejects.toMatchObject(refused);
  });
});
