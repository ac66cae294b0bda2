/** Whoever dies returns what it held, and leaves the queue; whoever watches may die too. */
import { createActor, fromCallback } from 'xstate';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { exit } from '../../src/supervision/watch.js';
import { watchEnd } from '../../src/gate/owners.js';
import { actor, gateWorld, leaveNothing, permitOf, settle, Watched } from './gate-world.js';

afterEach(leaveNothing);

const key = 'model';

describe('a holder that is killed', () => {
  it('returns exactly what it held, and nobody elses', async () => {
    const { gate, facts } = gateWorld({ permits: 3 });
    const [holder, other] = [actor(), actor()];
    const mine = [permitOf(await gate.acquire({ key, holder })), permitOf(await gate.acquire({ key, holder }))];
    const theirs = permitOf(await gate.acquire({ key, holder: other }));
    const waiters = [1, 2, 3].map(() => new Watched(gate.acquire({ key })));
    exit(holder, 'kill');
    await settle();
    expect(waiters.map(({ state }) => state)).toEqual(['granted', 'granted', 'waiting']);
    expect(mine.map(({ ended, lost }) => [ended, lost.reason])).toEqual([
      ['holderEnded', 'holderEnded'],
      ['holderEnded', 'holderEnded'],
    ]);
    expect(theirs.isHeld).toBe(true);
    expect(facts.filter(({ type }) => type === 'gate.reclaimed')).toEqual([{ type: 'gate.reclaimed', key, count: 2, because: 'holderEnded' }]);
    expect(gate.status(key)).toMatchObject({ held: 3 });
  });

  it('leaves the queue before its own permits are given on', async () => {
    const { gate } = gateWorld({ permits: 1 });
    const holder = actor();
    permitOf(await gate.acquire({ key, holder }));
    const own = new Watched(gate.acquire({ key, holder }));
    const next = new Watched(gate.acquire({ key }));
    exit(holder, 'kill');
    await settle();
    expect([own.state, next.state]).toEqual(['holderEnded', 'granted']);
  });

  it('or is over before it asks, is refused', async () => {
    const { gate } = gateWorld();
    const holder = actor();
    holder.stop();
    expect(await gate.acquire({ key, holder })).toMatchObject({ ok: false, reason: 'holderEnded' });
    expect(await gate.acquire({ key, signal: AbortSignal.abort() })).toMatchObject({ ok: false, reason: 'cancelled' });
  });
});

describe('a listener of the gate', () => {
  it.each(['gate.paused', 'gate.levelChanged'] as const)(
    'that ends a holder at `%s`, while its permit is being returned, has it returned once',
    async (type) => {
      const { gate, table } = gateWorld({ permits: 2, adaptive: true });
      const holder = actor();
      const permit = permitOf(await gate.acquire({ key, holder }));
      gate.on(type, () => exit(holder, 'kill'));
      expect(permit.release({ outcome: 'rateLimited', retryAfterMs: 10 })).toEqual({ ok: true });
      expect([gate.status(key)?.held, table.heldCount, permit.isHeld]).toEqual([0, 0, false]);
    },
  );

  it('that closes it while a key makes room for another has nothing granted, and no lease goes on', async () => {
    const { clock, gate } = gateWorld({ permits: 2, adaptive: true, maxKeys: 1 });
    permitOf(await gate.acquire({ key })).release({ outcome: 'rateLimited' });
    gate.ref?.subscribe(() => void gate.close());
    expect(gate.tryAcquire({ key: 'another' })).toMatchObject({ ok: false, reason: 'closed' });
    expect(clock.pending()).toBe(0);
  });
});

describe('an abort listener of a permit that throws', () => {
  it('is printed, ends nothing, and keeps the others from nothing', async () => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { gate } = gateWorld({ permits: 1 });
    const holder = actor();
    const { lost } = permitOf(await gate.acquire({ key, holder }));
    const heard: unknown[] = [];
    const careless = new Error('a careless listener');
    lost.addEventListener('abort', () => {
      throw careless;
    });
    lost.addEventListener('abort', () => heard.push(lost.reason));
    const next = new Watched(gate.acquire({ key }));
    exit(holder, 'kill');
    await settle();
    expect([heard, next.state, said.mock.calls]).toEqual([['holderEnded'], 'granted', [['espalier: an abort listener of a permit threw', careless]]]);
    said.mockRestore();
  });
});

describe('an abort signal', () => {
  it('ends the wait, or gives the permit back', async () => {
    const { gate, facts } = gateWorld({ permits: 1 });
    const [first, second] = [new AbortController(), new AbortController()];
    const permit = permitOf(await gate.acquire({ key, signal: first.signal }));
    const waiters = [second.signal, undefined].map((signal) => new Watched(gate.acquire({ key, ...(signal === undefined ? {} : { signal }) })));
    second.abort();
    await settle();
    expect(waiters.map(({ state }) => state)).toEqual(['cancelled', 'waiting']);
    first.abort();
    await settle();
    expect([permit.ended, waiters[1]?.state]).toEqual(['aborted', 'granted']);
    expect(facts).toContainEqual({ type: 'gate.reclaimed', key, count: 1, because: 'aborted' });
  });

  it('is let go when the permit is back', async () => {
    const { gate, table } = gateWorld();
    const { signal } = new AbortController();
    const permits = [permitOf(await gate.acquire({ key, signal })), permitOf(await gate.acquire({ key, signal, holder: actor() }))];
    expect(table.owners.size).toBe(2);
    for (const permit of permits) permit.release();
    expect(table.owners.size).toBe(0);
  });
});

describe('a watcher that is killed', () => {
  it.each(['watcher', 'supervisor', 'watchers'])('as the %s, is replaced, and holders are watched as before', async (id) => {
    const { gate, part } = gateWorld({ permits: 1 });
    const [holder, controller] = [actor(), new AbortController()];
    const permit = permitOf(await gate.acquire({ key, holder }));
    const waiter = new Watched(gate.acquire({ key, signal: controller.signal }));
    const last = new Watched(gate.acquire({ key }));
    const before = part('watcher');
    exit(part(id), 'kill');
    expect(part('watcher')).not.toBe(before);
    expect([permit.isHeld, gate.status(key)]).toMatchObject([true, { held: 1, waiting: 2 }]);
    controller.abort();
    exit(holder, 'kill');
    await settle();
    expect([permit.ended, waiter.state, last.state]).toEqual(['holderEnded', 'cancelled', 'granted']);
  });

  it('loses no end that comes while nobody watches', async () => {
    const { gate, table } = gateWorld({ permits: 2 });
    const [holder, controller] = [actor(), new AbortController()];
    const held = permitOf(await gate.acquire({ key, holder }));
    permitOf(await gate.acquire({ key }));
    const waiter = new Watched(gate.acquire({ key, signal: controller.signal }));
    const watch: typeof watchEnd = (owner, ended) => watchEnd(owner, ended);
    table.owners.attach(watch);
    table.owners.detach(watch);
    exit(holder, 'kill');
    controller.abort();
    await settle();
    expect([held.isHeld, waiter.state]).toEqual([true, 'waiting']);
    table.owners.attach(watchEnd);
    await settle();
    expect([held.ended, waiter.state, gate.status(key)?.held]).toEqual(['holderEnded', 'cancelled', 1]);
  });

  it('again and again, ends the gate: everybody hears of it', async () => {
    const { gate, part } = gateWorld({ permits: 1 });
    const permit = permitOf(await gate.acquire({ key }));
    const waiter = new Watched(gate.acquire({ key }));
    for (let n = 0; n <= 10; n++) exit(part('supervisor'), 'kill');
    await settle();
    expect([gate.ref?.getSnapshot().value, permit.ended, waiter.state, waiter.heard]).toEqual(['failed', 'closed', 'closed', 1]);
  });
});

describe('a holder that was not started yet', () => {
  it('has a lease, since XState tells nobody of its end', async () => {
    const { gate, clock, facts } = gateWorld({ permits: 1, leaseMs: 100 });
    const holder = createActor(fromCallback(() => undefined));
    const controller = new AbortController();
    const permit = permitOf(await gate.acquire({ key, holder, signal: controller.signal }));
    holder.stop();
    expect(await gate.acquire({ key, holder })).toMatchObject({ ok: false, reason: 'holderEnded' });
    expect(permit.isHeld).toBe(true);
    clock.advanceBy(100);
    expect([permit.ended, facts]).toEqual(['expired', [expect.anything(), { type: 'gate.expired', key, heldMs: 100 }]]);
  });

  it('keeps the permit beyond it once it runs, and its end returns it', async () => {
    const { gate, clock } = gateWorld({ permits: 1, leaseMs: 100 });
    const holder = createActor(fromCallback(() => undefined));
    const permit = permitOf(await gate.acquire({ key, holder }));
    holder.start();
    clock.advanceBy(1_000);
    expect(permit.isHeld).toBe(true);
    holder.stop();
    expect(permit.ended).toBe('holderEnded');
  });

  it('has the lease that was asked for all the same', async () => {
    const { gate, clock } = gateWorld({ permits: 1 });
    const holder = createActor(fromCallback(() => undefined));
    const permit = permitOf(await gate.acquire({ key, holder, leaseMs: 50 }));
    holder.start();
    clock.advanceBy(50);
    expect(permit.ended).toBe('expired');
    holder.stop();
  });
});

describe('a gate whose permits are killed', () => {
  it('fails, and everybody hears of it', async () => {
    const { gate, part } = gateWorld({ permits: 1 });
    const permit = permitOf(await gate.acquire({ key }));
    const waiter = new Watched(gate.acquire({ key }));
    exit(part('permits'), 'kill');
    await settle();
    expect([gate.ref?.getSnapshot().value, permit.ended, waiter.state]).toEqual(['failed', 'closed', 'closed']);
  });
});
