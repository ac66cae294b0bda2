/** Auctions: bidders are really asked, the price rules hold, and whoever cannot bid is named and harms nobody. */
import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import type { AuctionEnd, AuctionQuestion } from '../../machines/coordination/auction-events.js';
import { auction } from '../../src/coordination/auction.js';
import { exit } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { begin, crashOf, run as runProtocol, settled } from './protocol-room.js';
import { refusal, type Script, scriptedAgents, silent } from './scripted-agents.js';

const run = runProtocol<AuctionEnd>;
const bids =
  (bid: unknown): Script =>
  () => ({ bid });
/** Bids what is asked for, as long as that is not above what the lot is worth to it. */
const worth =
  (value: number): Script =>
  (body) => {
    const { least } = body as AuctionQuestion;
    return { bid: least <= value ? least : null };
  };
/** One answer for each round, and then it passes. */
const inTurn =
  (...answers: readonly unknown[]): Script =>
  (body) =>
    answers[(body as AuctionQuestion).round - 1] ?? { bid: null };
const statuses = (end: AuctionEnd): unknown => {
  const { bidders } = end.outcome === 'decided' ? end.value : end.details;
  return Object.fromEntries(bidders.map(({ agent, status }) => [agent, status]));
};

describe('a sealed auction', () => {
  it('is won by the highest bid, which is what it costs', async () => {
    const { end, agents } = await run(auction({ kind: 'firstPrice', reserve: 10, lot: { id: 'a1' } }), {
      ann: bids(12),
      bob: bids(30),
      eve: bids(25),
    });
    expect(end).toMatchObject({ outcome: 'decided', value: { winner: 'bob', price: 30, rounds: 1, tied: [], isCut: false } });
    const question = { ask: 'bid', auction: 'firstPrice', lot: { id: 'a1' }, round: 1, least: 0, highest: null, isLeading: false };
    expect(agents.asked).toEqual(['ann', 'bob', 'eve'].map((agent) => ({ agent, body: question, key: 's1/round-1' })));
  });

  it('of Vickrey costs the second highest bid, or the reserve where that is more', async () => {
    const price = async (reserve: number, ...values: number[]): Promise<unknown> => {
      const scripts = Object.fromEntries(values.map((value, index) => [`b${index}`, bids(value)]));
      const { end } = await run(auction({ kind: 'vickrey', reserve }), scripts);
      return end.outcome === 'decided' ? [end.value.winner, end.value.price] : end.why;
    };
    expect(await price(0, 10, 30, 25)).toEqual(['b1', 25]);
    expect(await price(28, 10, 30, 25)).toEqual(['b1', 28]);
    expect(await price(20, 30)).toEqual(['b0', 20]);
    expect(await price(0, 30)).toEqual(['b0', 0]);
    expect(await price(31, 30, 25)).toBe('reserveNotMet');
    expect(await price(20, 15, 30)).toEqual(['b1', 20]);
  });

  it.each(['firstPrice', 'vickrey'] as const)('%s has no winner below the reserve, nor without a bid', async (kind) => {
    const low = await run(auction({ kind, reserve: 50 }), { ann: bids(49), bob: bids(null) });
    expect(low.end).toMatchObject({ outcome: 'failed', why: 'reserveNotMet', details: { rounds: 1 } });
    expect((await run(auction({ kind, reserve: 50 }), { ann: bids(50) })).end).toMatchObject({ value: { winner: 'ann', price: 50 } });
    expect((await run(auction({ kind }), { ann: bids(null), bob: mute })).end).toMatchObject({ why: 'noBids' });
  });

  it.each(['firstPrice', 'vickrey', 'dutch', 'english'] as const)('%s ends at once where there is nobody', async (kind) => {
    const protocol = kind === 'dutch' ? auction({ kind, startPrice: 5 }) : auction({ kind });
    const { end, agents, facts } = await run(protocol, {});
    expect(end).toEqual({ outcome: 'failed', why: 'noBids', details: { rounds: 0, tied: [], bidders: [] } });
    expect([agents.asked, facts]).toEqual([[], [{ type: 'auction.unsold', session: 's1', rounds: 0, why: 'noBids' }]]);
  });

  it('has a tie broken by the seed, whoever is named first, or fails by it', async () => {
    const tied = { ann: bids(30), bob: bids(30), eve: bids(30), joe: bids(2) };
    const winners = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const who = ['ann', 'bob', 'eve', 'joe'];
      const ends = [(await run(auction({ kind: 'firstPrice' }), tied, { seed, who })).end];
      ends.push((await run(auction({ kind: 'firstPrice' }), tied, { seed, who: who.reverse() })).end);
      const [one, other] = ends.map((end) => (end.outcome === 'decided' ? end.value : null));
      expect([other?.winner, one?.tied, other?.tied]).toEqual([one?.winner, ['ann', 'bob', 'eve'], ['ann', 'bob', 'eve']]);
      winners.add(one?.winner ?? '');
    }
    expect([...winners].sort()).toEqual(['ann', 'bob', 'eve']);
    expect((await run(auction({ kind: 'vickrey' }), tied)).end).toMatchObject({ value: { price: 30 } });
    expect((await run(auction({ kind: 'firstPrice', ties: 'fail' }), tied)).end).toMatchObject({
      why: 'tie',
      details: { tied: ['ann', 'bob', 'eve'] },
    });
  });

  it('names what is no bid, and goes on', async () => {
    const odd: readonly unknown[] = [-1, Number.NaN, Infinity, 1.5, 2 ** 53, '9', true, undefined, {}, [9]];
    const thrower = new Proxy(
      {},
      {
        get: () => {
          throw new Error('no');
        },
      },
    );
    const scripts = Object.fromEntries(odd.map((bid, index) => [`b${index}`, bids(bid)]));
    const shapes: Record<string, Script> = {
      none: () => undefined,
      nil: () => null,
      text: () => '7',
      bare: () => 7,
      trap: () => ({ ok: true, value: thrower }),
    };
    const { end } = await run(auction({ kind: 'firstPrice' }), { ...scripts, ...shapes, ann: bids(3) });
    expect(end).toMatchObject({ value: { winner: 'ann', price: 3 } });
    const { ann, ...others } = statuses(end) as Record<string, string>;
    expect([ann, new Set(Object.values(others))]).toEqual(['bid', new Set(['invalid'])]);
  });

  it('takes all that a safe whole number can hold, and a zero of either sign', async () => {
    const { end } = await run(auction({ kind: 'vickrey' }), { ann: bids(Number.MAX_SAFE_INTEGER), bob: bids(Number.MAX_SAFE_INTEGER - 1) });
    expect(end).toMatchObject({ value: { winner: 'ann', price: Number.MAX_SAFE_INTEGER - 1 } });
    const zero = (await run(auction({ kind: 'firstPrice' }), { ann: bids(-0) })).end;
    expect(zero.outcome === 'decided' && Object.is(zero.value.price, 0)).toBe(true);
  });

  it('waits for nobody longer than for its round, and says why each was out of it', async () => {
    const reasons = ['noAgent', 'full', 'dropped', 'error', 'crashed', 'late', 'cancelled', 'closed'] as const;
    const refused = Object.fromEntries(reasons.map((reason) => [reason, () => refusal(reason)]));
    const scripts: Record<string, Script> = { ...refused, quiet: mute, ann: bids(8) };
    const { end, atMs } = await run(auction({ kind: 'firstPrice', withinMs: 300 }), scripts, { who: [...Object.keys(scripts), 'nobody'] });
    expect([end.outcome, atMs]).toEqual(['decided', 300]);
    expect(statuses(end)).toEqual({ ...Object.fromEntries(reasons.map((reason) => [reason, reason])), quiet: 'late', ann: 'bid', nobody: 'noAgent' });
  });

  it('tells no amount of a bid but the price', async () => {
    const { facts } = await run(auction({ kind: 'vickrey', reserve: 7 }), { ann: bids(12345), bob: bids(11) });
    expect(facts).toEqual([
      { type: 'auction.asked', session: 's1', round: 1, least: 0 },
      { type: 'auction.answered', session: 's1', round: 1, agent: 'ann', status: 'bid' },
      { type: 'auction.answered', session: 's1', round: 1, agent: 'bob', status: 'bid' },
      { type: 'auction.sold', session: 's1', rounds: 1, winner: 'ann', price: 11 },
    ]);
  });
});

describe('a Dutch auction', () => {
  it('falls until somebody takes it', async () => {
    const { end, agents } = await run(auction({ kind: 'dutch', startPrice: 100, decrement: 15, reserve: 40 }), { ann: worth(60), bob: worth(72) });
    expect(end).toMatchObject({ value: { winner: 'bob', price: 70, rounds: 3 } });
    expect(agents.asked.map(({ agent, body }) => `${agent} ${(body as AuctionQuestion).least}`)).toEqual(
      [100, 85, 70].flatMap((price) => [`ann ${price}`, `bob ${price}`]),
    );
  });

  it('falls to the reserve and no further', async () => {
    const { end, agents } = await run(auction({ kind: 'dutch', startPrice: 100, decrement: 45, reserve: 30 }), { ann: worth(29) });
    expect(agents.asked.map(({ body }) => (body as AuctionQuestion).least)).toEqual([100, 55, 30]);
    expect(end).toMatchObject({ outcome: 'failed', why: 'reserveNotMet', details: { rounds: 3 } });
    expect((await run(auction({ kind: 'dutch', startPrice: 100, decrement: 45, reserve: 30 }), { ann: worth(30) })).end).toMatchObject({
      value: { price: 30, rounds: 3 },
    });
    expect((await run(auction({ kind: 'dutch', startPrice: 3 }), { ann: mute })).end).toMatchObject({ why: 'noBids', details: { rounds: 4 } });
  });

  it('has a tie where several take it in one round, and whoever offers more pays what is asked', async () => {
    const scripts = { ann: bids(90), bob: bids(10), eve: bids(3) };
    const end = (await run(auction({ kind: 'dutch', startPrice: 10 }), scripts)).end;
    expect(end).toMatchObject({ value: { price: 10, tied: ['ann', 'bob'] } });
    expect(statuses(end)).toEqual({ ann: 'bid', bob: 'bid', eve: 'tooLow' });
    expect((await run(auction({ kind: 'dutch', startPrice: 10, ties: 'fail' }), scripts)).end).toMatchObject({ why: 'tie' });
  });

  it('asks whoever was late or has crashed again in the next round', async () => {
    const { end } = await run(auction({ kind: 'dutch', startPrice: 10, withinMs: 50 }), {
      ann: inTurn(silent, { bid: 9 }),
      bob: inTurn(refusal('crashed'), { bid: 8 }),
    });
    expect(end).toMatchObject({ value: { winner: 'ann', price: 9, rounds: 2 } });
    expect(statuses(end)).toEqual({ ann: 'bid', bob: 'tooLow' });
  });
});

describe('an English auction', () => {
  it('rises until nobody raises, and costs the last bid', async () => {
    const scripts = { ann: worth(35), bob: worth(52) };
    const { end, agents } = await run(auction({ kind: 'english', startPrice: 10, increment: 10 }), scripts, { seed: 3 });
    expect(end).toMatchObject({ outcome: 'decided', value: { winner: 'bob', isCut: false } });
    // Ann bids 30 at most: by steps of 10, and no more often than it is not leading.
    expect(end.outcome === 'decided' && [30, 40].includes(end.value.price)).toBe(true);
    const last = agents.asked.slice(-2).map(({ agent, body }) => [agent, (body as AuctionQuestion).isLeading]);
    expect(last).toEqual([
      ['ann', false],
      ['bob', true],
    ]);
  });

  it('lets nobody raise its own bid, and takes no bid below the increment', async () => {
    const { end } = await run(auction({ kind: 'english', increment: 5 }), {
      ann: inTurn({ bid: 20 }, { bid: 90 }, { bid: 91 }),
      bob: inTurn({ bid: null }, { bid: 24 }, { bid: 25 }),
    });
    // Nobody raised in the second round: 24 is no raise of 20 by 5, and ann leads.
    expect(end).toMatchObject({ value: { winner: 'ann', price: 20, rounds: 2 } });
    expect(statuses(end)).toEqual({ ann: 'bid', bob: 'tooLow' });
  });

  it('has no winner below the reserve, which nobody is told, nor without a bid', async () => {
    const { end, agents } = await run(auction({ kind: 'english', startPrice: 0, increment: 10, reserve: 57 }), { ann: worth(30), bob: worth(45) });
    expect(end).toMatchObject({ why: 'reserveNotMet' });
    expect(JSON.stringify(agents.asked.map(({ body }) => body))).not.toContain('57');
    expect((await run(auction({ kind: 'english', reserve: 50 }), { ann: worth(49) })).end).toMatchObject({ why: 'noBids' });
    expect((await run(auction({ kind: 'english', reserve: 50 }), { ann: worth(50) })).end).toMatchObject({ value: { price: 50 } });
  });

  it('draws between equal highest bids, which may be raised still; one that is not is a tie', async () => {
    const equal = { ann: inTurn({ bid: 20 }), bob: inTurn({ bid: 20 }) };
    expect((await run(auction({ kind: 'english' }), equal)).end).toMatchObject({ value: { price: 20, tied: ['ann', 'bob'] } });
    expect((await run(auction({ kind: 'english', ties: 'fail' }), equal)).end).toMatchObject({ why: 'tie', details: { tied: ['ann', 'bob'] } });
    const raised = { ...equal, eve: inTurn({ bid: null }, { bid: 21 }) };
    expect((await run(auction({ kind: 'english', ties: 'fail' }), raised)).end).toMatchObject({ value: { winner: 'eve', price: 21, tied: [] } });
  });

  it('stops at its ceiling of rounds, where the hammer falls', async () => {
    const { end } = await run(auction({ kind: 'english', maxRounds: 5 }), { ann: worth(1_000), bob: worth(1_000) });
    expect(end).toMatchObject({ value: { rounds: 5, price: 4, isCut: true } });
    // Equal first bids of 0, then one raise by whoever does not lead in each round.
    const most = Number.MAX_SAFE_INTEGER;
    const full = (await run(auction({ kind: 'english', increment: 3 }), { ann: bids(most - 2), bob: bids(5) })).end;
    expect(full).toMatchObject({ value: { winner: 'ann', price: most - 2, rounds: 1, isCut: true } });
  });

  describe('whose leader dies', () => {
    const dead = refusal('crashed');
    const scripts = {
      ann: inTurn({ bid: 20 }),
      bob: inTurn({ bid: 10 }, { bid: 30 }, dead),
      eve: inTurn({ bid: 15 }, { bid: 5 }),
    };

    it('falls to the next highest bid that stands, or fails, as it was chosen', async () => {
      const { end } = await run(auction({ kind: 'english' }), scripts);
      expect(end).toMatchObject({ value: { winner: 'ann', price: 20, rounds: 3 } });
      expect(end.outcome === 'decided' && end.value.bidders[1]).toEqual({ agent: 'bob', status: 'crashed', bid: null });
      expect((await run(auction({ kind: 'english', whenLeaderDies: 'fail' }), scripts)).end).toMatchObject({ why: 'leaderDied' });
    });

    it('falls to nobody who has died before, below the reserve, or did not bid', async () => {
      const alone = { bob: inTurn({ bid: 10 }, dead), ann: inTurn() };
      expect((await run(auction({ kind: 'english' }), alone)).end).toMatchObject({ why: 'leaderDied' });
      expect((await run(auction({ kind: 'english', startPrice: 1, reserve: 25 }), scripts)).end).toMatchObject({ why: 'reserveNotMet' });
      const both = { ...scripts, ann: inTurn({ bid: 20 }, refusal('noAgent')) };
      expect((await run(auction({ kind: 'english' }), both)).end).toMatchObject({ value: { winner: 'eve', price: 15 } });
    });

    it('goes on where somebody raises, and binds whoever is only late', async () => {
      const raised = { ...scripts, eve: inTurn({ bid: 15 }, { bid: null }, { bid: 40 }) };
      expect((await run(auction({ kind: 'english', whenLeaderDies: 'fail' }), raised)).end).toMatchObject({ value: { winner: 'eve', price: 40 } });
      const late = { ...scripts, bob: inTurn({ bid: 10 }, { bid: 30 }, silent) };
      const { end } = await run(auction({ kind: 'english', whenLeaderDies: 'fail' }), late);
      expect(end).toMatchObject({ value: { winner: 'bob', price: 30 } });
      expect(statuses(end)).toEqual({ ann: 'passed', bob: 'late', eve: 'passed' });
    });
  });
});

describe('an auction', () => {
  it('asks all of a round at once, so that its time is that of one question', async () => {
    const scripts = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`b${index}`, mute]));
    expect((await run(auction({ kind: 'firstPrice', withinMs: 700 }), scripts)).atMs).toBe(700);
  });

  it('asks each bidder with a signal of its own, which nobody else listens to', async () => {
    const signals = new Set<unknown>();
    const script: Script = (_, { signal }) => {
      signals.add(signal);
      return { bid: 1 };
    };
    await run(auction({ kind: 'firstPrice' }), { ann: script, bob: script, eve: script });
    expect(signals.size).toBe(3);
  });

  it('takes back what is open when it is stopped', async () => {
    const { actor, agents, clock } = begin(auction({ kind: 'firstPrice' }), { ann: bids(1), bob: mute });
    await clock.flush();
    exit(actor, 'shutdown');
    expect([agents.taken.map(({ agent }) => agent), clock.pending()]).toEqual([['bob'], 0]);
  });

  it('is a crash where a stranger ends what asks, or asking is refused as misuse', async () => {
    const killed = begin(auction({ kind: 'firstPrice' }), { ann: mute });
    exit((killed.actor.getSnapshot() as { children: Record<string, AnyActorRef> }).children['questions'] as AnyActorRef, 'kill');
    expect([killed.actor.getSnapshot().value, crashOf(killed.actor)]).toEqual(['broken', 'killed']);
    const actor = createActor(auction({ kind: 'firstPrice' }).logic({ request: () => Promise.reject(new Error('no such port')) }), {
      input: { session: 's1', agents: ['ann'], seed: 1 },
    }).start();
    await new VirtualClock().flush();
    expect(crashOf(actor)).toBe('Error: no such port');
  });

  it('goes on from a snapshot where it was, asks under the same keys, and keeps what it had heard', async () => {
    const clock = new VirtualClock();
    const protocol = auction({ kind: 'firstPrice' });
    const before = begin(protocol, { ann: bids(5), bob: mute }, { clock });
    await clock.flush();
    const snapshot = JSON.parse(JSON.stringify(before.actor.getPersistedSnapshot()));
    exit(before.actor, 'shutdown');
    const agents = scriptedAgents(clock, { ann: bids(99), bob: bids(7) });
    const actor = createActor(protocol.logic(agents), { clock, snapshot, input: { session: 's1', agents: [], seed: 1 } }).start();
    await settled(actor, clock);
    expect(actor.getSnapshot().output).toMatchObject({ value: { winner: 'bob', price: 7 } });
    expect(agents.asked.map(({ key }) => key)).toEqual(['s1/round-1', 's1/round-1']);
  });

  it('leaves a lot as it was when it was named', async () => {
    const lot = { id: 'a1', tags: ['red'] };
    const protocol = auction({ kind: 'firstPrice', lot });
    lot.tags.push('blue');
    const { agents } = await run(protocol, { ann: bids(1) });
    expect(agents.asked[0]?.body).toMatchObject({ lot: { id: 'a1', tags: ['red'] } });
  });

  it('refuses options that cannot be meant', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const wrong: readonly unknown[] = [
      ...[undefined, null, {}, [], { kind: 'sealed' }, { kind: 'toString' }, { kind: 'english', reserve: -1 }, { kind: 'english', reserve: 1.5 }],
      ...[
        { kind: 'english', reserve: '5' },
        { kind: 'english', reserve: Number.NaN },
        { kind: 'firstPrice', increment: 1 },
      ],
      ...[
        { kind: 'vickrey', resreve: 1 },
        { kind: 'dutch' },
        { kind: 'dutch', startPrice: 9, reserve: 10 },
        { kind: 'dutch', startPrice: 9, decrement: 0 },
      ],
      ...[
        { kind: 'dutch', startPrice: 10_001 },
        { kind: 'english', increment: 0 },
        { kind: 'english', maxRounds: 10_001 },
      ],
      ...[
        { kind: 'english', whenLeaderDies: 'wait' },
        { kind: 'firstPrice', ties: 'first' },
        { kind: 'firstPrice', withinMs: 0 },
      ],
      ...[
        { kind: 'firstPrice', lot: () => 1 },
        { kind: 'firstPrice', lot: circle },
        { kind: 'firstPrice', lot: 1n },
      ],
    ];
    for (const options of wrong) expect(() => auction(options as never)).toThrow(expect.objectContaining({ code: 'auction/invalid-options' }));
    const { requireAgents } = auction({ kind: 'dutch', startPrice: 9_999 });
    for (const who of ['ann', null, ['ann', 'ann'], [''], [7], Array.from({ length: 1_001 }, (_, index) => `b${index}`)])
      expect(() => requireAgents(who as never)).toThrow(expect.objectContaining({ code: 'auction/invalid-options' }));
    expect(() => requireAgents([])).not.toThrow();
  });
});

/** Somebody who never answers. */
function mute(): symbol {
  return silent;
}
