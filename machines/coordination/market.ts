/**
 * A small market: buyers and sellers of one thing, who meet by price and then by time.
 *
 * States   trading → closed | failed
 * Emits    market.placed · market.repeated · market.traded · market.refused · market.cancelled · market.closed
 * Needs    `owners`, which sees those die with whom orders end — provided by src/coordination/; the placeholder here refuses to run
 * Output   the exit reason
 *
 * What comes of an order is in market-rules.ts, how orders meet in order-book.ts. The whole book is in the context: a snapshot has it.
 */
import { assign, enqueueActions, fromCallback, setup } from 'xstate';
import { missingActor } from '../missing-actor.js';
import { exitWith } from '../supervision/exit.js';
import type { CancelReason, MarketContext, MarketEmitted, MarketEvent, MarketInput, StandingOrder } from './market-events.js';
import { verdictOn } from './market-rules.js';
import { standing, without } from './order-book.js';

type On<Type extends MarketEvent['type']> = Extract<MarketEvent, { type: Type }>;

/** Who stands and is to be cancelled, of whoever stands; with what is told of each. */
function cancelling(
  { book }: MarketContext,
  isGone: (order: StandingOrder) => boolean,
  reason: CancelReason,
  ref: string | null = null,
): { readonly after: Pick<MarketContext, 'book'>; readonly told: readonly Extract<MarketEmitted, { type: 'market.cancelled' }>[] } {
  const told = standing(book)
    .filter(isGone)
    .map(({ id: order, trader, open }) => ({ type: 'market.cancelled' as const, ref, order, trader, open, reason }));
  return { after: { book: without(book, isGone) }, told };
}

/** The chart of a market, without a watch over owners: to be looked at, drawn and tested. What runs is `market()` of 'espalier'. */
export const marketMachine = setup({
  types: {
    input: {} as MarketInput,
    context: {} as MarketContext,
    events: {} as MarketEvent,
    emitted: {} as MarketEmitted,
    tags: {} as 'accepting',
  },
  actors: {
    owners: fromCallback<{ type: 'owners.none' }>(missingActor('market', 'owners', "market() of 'espalier'")),
  },
  guards: {
    isRefused: ({ context, event }) => verdictOn(context, (event as On<'market.submit'>).order).is === 'refused',
    isRepeated: ({ context, event }) => verdictOn(context, (event as On<'market.submit'>).order).is === 'repeated',
    stands: ({ context, event }) => {
      const { trader, order } = event as On<'market.cancel'>;
      return standing(context.book).some((one) => one.id === order && one.trader === trader);
    },
  },
  actions: {
    noteIncarnation: assign({
      incarnation: ({ context, event }) => context.incarnation || (event as On<'owners.opened'>).incarnation,
    }),
    refuse: enqueueActions(({ context, event, enqueue }) => {
      const { ref, order } = event as On<'market.submit'>;
      const verdict = verdictOn(context, order);
      if (verdict.is === 'refused') enqueue.emit({ type: 'market.refused', ref, trader: order.trader, reason: verdict.reason });
    }),
    repeat: enqueueActions(({ context, event, enqueue }) => {
      const { ref, order } = event as On<'market.submit'>;
      const verdict = verdictOn(context, order);
      if (verdict.is === 'repeated') enqueue.emit({ type: 'market.repeated', ref, trader: order.trader, ...verdict.placed });
    }),
    place: enqueueActions(({ context, event, enqueue }) => {
      const { ref, order } = event as On<'market.submit'>;
      const verdict = verdictOn(context, order);
      if (verdict.is !== 'placed') return;
      const { trader, side, price, quantity } = order;
      enqueue.assign(verdict.after);
      enqueue.emit({ type: 'market.placed', ref, trader, side, price, quantity, ...verdict.placed });
      for (const trade of verdict.placed.trades) enqueue.emit({ type: 'market.traded', ...trade });
    }),
    refuseCancel: enqueueActions(({ event, enqueue }) => {
      const { ref, trader } = event as On<'market.cancel'>;
      enqueue.emit({ type: 'market.refused', ref, trader, reason: 'notOpen' });
    }),
    cancelOne: enqueueActions(({ context, event, enqueue }) => {
      const { ref, order } = event as On<'market.cancel'>;
      const { after, told } = cancelling(context, ({ id }) => id === order, 'asked', ref);
      enqueue.assign(after);
      for (const each of told) enqueue.emit(each);
    }),
    cancelOwned: enqueueActions(({ context, event, enqueue }) => {
      const { owner } = event as On<'owner.ended'>;
      const { after, told } = cancelling(context, (order) => order.owner === owner, 'ownerEnded');
      enqueue.assign(after);
      for (const each of told) enqueue.emit(each);
    }),
    // Whoever is watched anew is unknown to who watches: of a snapshot, that is everybody.
    cancelAllOwned: enqueueActions(({ context, enqueue }) => {
      const { after, told } = cancelling(context, ({ owner }) => owner !== null, 'ownerEnded');
      enqueue.assign(after);
      for (const each of told) enqueue.emit(each);
    }),
    cancelAll: enqueueActions(({ context, enqueue }) => {
      const { after, told } = cancelling(context, () => true, 'closed');
      enqueue.assign(after);
      for (const each of told) enqueue.emit(each);
      enqueue.emit({ type: 'market.closed', trades: context.trades, cancelled: told.length });
    }),
    noteShutdown: assign({ reason: ({ event }) => (event as On<'supervisor.shutdown'>).reason ?? 'shutdown' }),
    noteFailure: assign({ reason: (_, p: { crash: string }) => ({ crash: p.crash }) }),
  },
}).createMachine({
  id: 'market',
  description: 'A small market: buyers and sellers of one thing, who meet by price and then by time.',
  context: ({ input }) => ({
    ...input,
    book: { bids: [], asks: [] },
    ...{ orders: 0, trades: 0, last: null, kept: [], incarnation: 0, reason: 'normal' },
  }),
  output: ({ context }) => exitWith(context.reason),
  initial: 'trading',
  states: {
    trading: {
      tags: 'accepting',
      description: 'Orders come, meet, stand and are cancelled; with whom they end is watched.',
      invoke: {
        id: 'owners',
        src: 'owners',
        onError: { target: 'failed', actions: { type: 'noteFailure', params: { crash: 'ownersCrashed' } } },
      },
      on: {
        'owners.opened': { actions: ['noteIncarnation', 'cancelAllOwned'] },
        'market.submit': [{ guard: 'isRefused', actions: 'refuse' }, { guard: 'isRepeated', actions: 'repeat' }, { actions: 'place' }],
        'market.cancel': [{ guard: 'stands', actions: 'cancelOne' }, { actions: 'refuseCancel' }],
        'owner.ended': { actions: 'cancelOwned' },
        'owners.ended': { target: 'failed', actions: { type: 'noteFailure', params: { crash: 'ownersLost' } } },
        'market.close': 'closed',
        'supervisor.shutdown': { target: 'closed', actions: 'noteShutdown' },
      },
    },
    closed: { type: 'final', description: 'In order, and for good: whatever stood is cancelled and told.', entry: 'cancelAll' },
    failed: {
      type: 'final',
      description:
        'Nobody watches owners any more, so that orders might outlive them: whatever stood is cancelled and told. To its supervisor a crash.',
      entry: 'cancelAll',
    },
  },
});
