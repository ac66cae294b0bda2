/** How protocols ask, by the example of auctions: each question is the one that it was, each agent has a copy, and what is no answer harms nothing. */
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import type { AuctionEnd, AuctionQuestion } from '../../machines/coordination/auction-events.js';
import { createComms } from '../../src/comms/handle.js';
import { respondent } from '../../src/comms/respondent.js';
import { auction } from '../../src/coordination/auction.js';
import { createCoordinator } from '../../src/coordination/coordinator-handle.js';
import { exit } from '../../src/supervision/watch.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { crashOf, run, settled } from './protocol-room.js';
import type { Script } from './scripted-agents.js';

describe('an auction', () => {
  it('that is begun again asks nobody twice, and takes no answer for that to another question', async () => {
    const clock = new VirtualClock();
    const [asked, values]: [string[], Record<string, number>] = [[], { ann: 90, bob: 60 }];
    let isSlow = true;
    const bidder = (name: string) => (body: unknown) => {
      const { round, least, isLeading } = body as AuctionQuestion;
      asked.push(`${name} ${round} ${least}`);
      if (name === 'bob' && round === 1) return isSlow ? new Promise(() => {}) : { bid: 40 };
      return { bid: isLeading || least > (values[name] ?? 0) ? null : least };
    };
    const agents = new Map(['ann', 'bob'].map((name) => [name, createActor(respondent({ request: bidder(name) })).start()]));
    const comms = createComms({ agents: (name) => agents.get(name) }, { clock });
    const begun = () =>
      createActor(auction({ kind: 'english', withinMs: 50 }).logic(comms), {
        clock,
        input: { session: 's1', agents: ['ann', 'bob'], seed: 1 },
      }).start();
    const killed = begun();
    await clock.advanceToAsync(50);
    await clock.flush();
    exit(killed, 'kill');
    isSlow = false;
    asked.length = 0;
    const actor = begun();
    await settled(actor, clock);
    // Ann, who led with 0 in the second round of before, has not passed where bob leads with 40.
    expect(asked.slice(0, 2)).toEqual(['bob 1 0', 'ann 2 41']);
    expect(actor.getSnapshot().output).toMatchObject({ value: { winner: 'ann', price: 61 } });
    await comms.close();
  });

  it('asks with a copy that nobody can change', async () => {
    const lots: unknown[] = [];
    const lot = { id: 'a1' };
    const thief: Script = (body) => {
      const { lot } = body as { readonly lot: object };
      return { bid: Reflect.set(lot, 'id', 'nothing') ? 0 : null };
    };
    const { end } = await run<AuctionEnd>(auction({ kind: 'dutch', startPrice: 1, lot }), {
      thief,
      ann: (body) => {
        const { lot: shown, least } = body as AuctionQuestion;
        lots.push(shown);
        return { bid: least === 0 ? 0 : null };
      },
    });
    expect([end.outcome, lots]).toEqual(['decided', [{ id: 'a1' }, { id: 'a1' }]]);
    expect(Reflect.set(lot, 'id', 'the app’s own is its own')).toBe(true);
  });

  it('takes for no bid what is something else each time it is looked at, and goes on', async () => {
    const deep: unknown = Array.from({ length: 3_000 }).reduce((inner: unknown) => [inner], 1);
    let looks = 0;
    const { end } = await run<AuctionEnd>(auction({ kind: 'firstPrice' }), {
      ann: () => ({ bid: 3 }),
      // Deep enough that a copy could not be frozen; and a bid that grows.
      bob: () => Object.defineProperty({ bid: 5 }, 'toJSON', { value: () => deep }),
      eve: () => ({
        get bid() {
          return 5 + looks++;
        },
      }),
    });
    expect(end).toMatchObject({ outcome: 'decided', value: { winner: 'ann', price: 3 } });
  });

  it.each([undefined, null, 7, {}, { ok: 'yes' }, { ok: false }])(
    'is a crash, not an error in its midst, where %j comes of a question',
    async (odd) => {
      const actor = createActor(auction({ kind: 'firstPrice' }).logic({ request: () => Promise.resolve(odd as never) }), {
        input: { session: 's1', agents: ['ann'], seed: 1 },
      }).start();
      await new VirtualClock().flush();
      expect([actor.getSnapshot().value, crashOf(actor)]).toEqual(['broken', expect.stringMatching(/came back with .+ that is no outcome$/)]);
    },
  );
});

describe('the keys of questions', () => {
  it('have place for the longest id that a session may have, whose agents are asked', async () => {
    const bids = (body: unknown) => ({ bid: (body as AuctionQuestion).least });
    const agents = new Map(['ann', 'bob'].map((name) => [name, createActor(respondent({ request: bids })).start()]));
    await using comms = createComms({ agents: (name) => agents.get(name) });
    await using coordinator = createCoordinator({ requests: comms });
    const protocol = auction({ kind: 'english', maxRounds: 12 });
    const begun = coordinator.run(protocol, { agents: ['ann', 'bob'], id: 'i'.repeat(160) });
    expect(begun.ok && (await begun.session.result())).toMatchObject({ outcome: 'decided', value: { rounds: 12, isCut: true }, attempts: 1 });
    expect(() => coordinator.run(protocol, { agents: ['ann'], id: 'i'.repeat(161) })).toThrow(
      expect.objectContaining({
        code: 'coordination/invalid-options',
        message: expect.stringContaining('at most 160 characters, got: 161') as string,
      }),
    );
  });
});
