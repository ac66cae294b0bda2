/** Permits: granted, waited for, refused, returned. */
import { afterEach, describe, expect, it } from 'vitest';
import { actor, gateWorld, leaveNothing, permitOf, refusalOf, settle, Watched } from './gate-world.js';

afterEach(leaveNothing);

const key = 'model';

describe('a free permit', () => {
  it('is granted within the call', async () => {
    const { gate } = gateWorld({ permits: 2 });
    const outcome = gate.acquire({ key });
    expect(gate.status(key)).toMatchObject({ held: 1, waiting: 0, permits: 2 });
    const permit = permitOf(await outcome);
    expect(permit).toMatchObject({ key, isHeld: true, ended: null, waitedMs: 0 });
    permit.release();
    expect(gate.status(key)).toMatchObject({ held: 0 });
  });

  it('is granted without a promise, or refused as busy', () => {
    const { gate } = gateWorld({ permits: 1 });
    const permit = permitOf(gate.tryAcquire({ key }));
    expect(refusalOf(gate.tryAcquire({ key }))).toEqual({ ok: false, reason: 'busy', key, waitedMs: 0, retryAfterMs: null });
    permit.release();
    expect(gate.tryAcquire({ key }).ok).toBe(true);
  });

  it('is released at the end of a block', async () => {
    const { gate } = gateWorld({ permits: 1 });
    {
      using permit = permitOf(await gate.acquire({ key }));
      expect(permit.isHeld).toBe(true);
    }
    expect(gate.status(key)).toMatchObject({ held: 0 });
  });

  it('of one key is nothing to another', async () => {
    const { gate } = gateWorld({ permits: 1, keys: { other: { permits: 2 } } });
    permitOf(await gate.acquire({ key }));
    permitOf(await gate.acquire({ key: 'other' }));
    permitOf(await gate.acquire({ key: 'other' }));
    permitOf(await gate.acquire({ key: '__proto__' }));
    expect([key, 'other', '__proto__', 'constructor'].map((each) => gate.status(each)?.held)).toEqual([1, 2, 1, undefined]);
  });
});

describe('a queue', () => {
  it('is served in the order of arrival', async () => {
    const { gate } = gateWorld({ permits: 1 });
    let permit = permitOf(await gate.acquire({ key }));
    const waiters = [1, 2, 3].map(() => new Watched(gate.acquire({ key })));
    for (let turn = 0; turn < 3; turn++) {
      permit.release();
      await settle();
      expect(waiters.map(({ state }) => state)).toEqual([0, 1, 2].map((n) => (n <= turn ? 'granted' : 'waiting')));
      permit = (waiters[turn] as Watched).permit;
    }
    permit.release();
  });

  it('lets nobody pass who comes later, even when a permit is free for a moment', async () => {
    const { gate } = gateWorld({ permits: 1 });
    const permit = permitOf(await gate.acquire({ key }));
    const first = new Watched(gate.acquire({ key }));
    permit.release();
    expect(gate.tryAcquire({ key })).toMatchObject({ ok: false, reason: 'busy' });
    await settle();
    expect(first.state).toBe('granted');
  });

  it('is bounded: who comes beyond is refused at once, and the others keep their places', async () => {
    const { gate, told } = gateWorld({ permits: 1, maxWaiting: 2 });
    const permit = permitOf(await gate.acquire({ key }));
    const waiters = [1, 2, 3].map(() => new Watched(gate.acquire({ key })));
    await settle();
    expect(waiters.map(({ state }) => state)).toEqual(['waiting', 'waiting', 'full']);
    permit.release();
    await settle();
    expect(waiters.map(({ state }) => state)).toEqual(['granted', 'waiting', 'full']);
    expect(told()).toEqual(['gate.refused', 'gate.waited']);
  });

  it('lets go of those whose time is up, shortest first, and of nobody else', async () => {
    const { gate, clock } = gateWorld({ permits: 1, waitMs: 400 });
    const permit = permitOf(await gate.acquire({ key }));
    const waiters = [300, 100, undefined, 200].map((waitMs) => new Watched(gate.acquire({ key, ...(waitMs === undefined ? {} : { waitMs }) })));
    const states: string[][] = [];
    for (let n = 0; n < 4; n++) {
      clock.advanceBy(100);
      await settle();
      states.push(waiters.map(({ state }) => state));
    }
    expect(states).toEqual([
      ['waiting', 'timeout', 'waiting', 'waiting'],
      ['waiting', 'timeout', 'waiting', 'timeout'],
      ['timeout', 'timeout', 'waiting', 'timeout'],
      ['timeout', 'timeout', 'timeout', 'timeout'],
    ]);
    expect(waiters.map(({ outcome }) => outcome && !outcome.ok && outcome.waitedMs)).toEqual([300, 100, 400, 200]);
    permit.release();
  });

  it('has a deadline for whoever moves up when the one before him leaves', async () => {
    const { gate, clock } = gateWorld({ permits: 1 });
    const permit = permitOf(await gate.acquire({ key }));
    const controller = new AbortController();
    const first = new Watched(gate.acquire({ key, waitMs: 100, signal: controller.signal }));
    const second = new Watched(gate.acquire({ key, waitMs: 150 }));
    controller.abort();
    clock.advanceBy(149);
    await settle();
    expect([first.state, second.state]).toEqual(['cancelled', 'waiting']);
    clock.advanceBy(1);
    await settle();
    expect(second.state).toBe('timeout');
    permit.release();
  });
});

describe('a grant that races a timeout', () => {
  it('is neither lost nor doubled, whichever comes first in the same millisecond', async () => {
    for (const releaseFirst of [true, false]) {
      const { gate, clock } = gateWorld({ permits: 1 });
      const permit = permitOf(await gate.acquire({ key }));
      if (releaseFirst) clock.setTimeout(() => permit.release(), 100);
      const waiter = new Watched(gate.acquire({ key, waitMs: 100 }));
      if (!releaseFirst) clock.setTimeout(() => permit.release(), 100);
      clock.advanceBy(100);
      await settle();
      expect([waiter.state, waiter.heard]).toEqual([releaseFirst ? 'granted' : 'timeout', 1]);
      expect(gate.status(key)).toMatchObject({ held: releaseFirst ? 1 : 0, waiting: 0 });
      clock.advanceBy(1_000);
      await settle();
      expect(waiter.heard).toBe(1);
    }
  });

  it('is returned where the waiter is cancelled between the grant and its hearing of it', async () => {
    const { gate } = gateWorld({ permits: 1 });
    const permit = permitOf(await gate.acquire({ key }));
    const controller = new AbortController();
    const waiter = new Watched(gate.acquire({ key, signal: controller.signal }));
    const next = new Watched(gate.acquire({ key }));
    permit.release();
    controller.abort();
    await settle();
    expect(waiter.permit).toMatchObject({ isHeld: false, ended: 'aborted' });
    expect(next.state).toBe('granted');
  });
});

describe('a release', () => {
  it('is told that the permit is not held, when it comes twice', async () => {
    const { gate } = gateWorld({ permits: 1 });
    const permit = permitOf(await gate.acquire({ key }));
    expect(permit.release()).toEqual({ ok: true });
    const other = permitOf(await gate.acquire({ key }));
    expect(permit.release()).toEqual({ ok: false, reason: 'notHeld', because: 'released' });
    expect(gate.release(permit)).toEqual({ ok: false, reason: 'notHeld', because: 'released' });
    expect(other.isHeld).toBe(true);
  });

  it('by a stranger changes nothing', async () => {
    const [{ gate }, { gate: another }] = [gateWorld({ permits: 1 }), gateWorld()];
    const [holder, stranger] = [actor(), actor()];
    const permit = permitOf(await gate.acquire({ key, holder }));
    expect(gate.release(permit, { holder: stranger })).toEqual({ ok: false, reason: 'notHolder' });
    expect(another.release(permit)).toEqual({ ok: false, reason: 'unknown' });
    expect(gate.release({ ...permit })).toEqual({ ok: false, reason: 'unknown' });
    expect(permit.isHeld).toBe(true);
    expect(gate.release(permit, { holder })).toEqual({ ok: true });
  });
});

describe('a limit that is changed', () => {
  it('upwards, lets in whoever waits, in order', async () => {
    const { gate, facts } = gateWorld({ permits: 1 });
    permitOf(await gate.acquire({ key }));
    const waiters = [1, 2, 3].map(() => new Watched(gate.acquire({ key })));
    expect(gate.setLimit(key, 3)).toBe(true);
    await settle();
    expect(waiters.map(({ state }) => state)).toEqual(['granted', 'granted', 'waiting']);
    expect(facts[0]).toEqual({ type: 'gate.waited', key, waitedMs: 0 });
    expect(facts.at(-1)).toEqual({ type: 'gate.levelChanged', key, from: 1, level: 3, because: 'set' });
  });

  it('below what is held, grants nothing until there is less', async () => {
    const { gate } = gateWorld({ permits: 3 });
    const permits = await Promise.all([1, 2, 3].map(async () => permitOf(await gate.acquire({ key }))));
    gate.setLimit(key, 1);
    const waiter = new Watched(gate.acquire({ key }));
    const states: string[] = [];
    for (const permit of permits) {
      permit.release();
      await settle();
      states.push(`${waiter.state}, ${gate.status(key)?.held} held`);
    }
    expect(states).toEqual(['waiting, 2 held', 'waiting, 1 held', 'granted, 1 held']);
  });

  it('to none, shuts the key: who waits and who comes is refused, and what is held stays', async () => {
    const { gate } = gateWorld({ permits: 1 });
    const permit = permitOf(await gate.acquire({ key }));
    const waiter = new Watched(gate.acquire({ key }));
    gate.setLimit(key, 0);
    await settle();
    expect([waiter.state, (await gate.acquire({ key })).ok, permit.isHeld]).toEqual(['disabled', false, true]);
    gate.setLimit(key, 'unlimited');
    expect(await gate.acquire({ key })).toMatchObject({ ok: true });
  });

  it('holds for a key that nobody has used yet', async () => {
    const { gate } = gateWorld({ permits: 1 });
    gate.setLimit('new', 2);
    permitOf(await gate.acquire({ key: 'new' }));
    expect(gate.tryAcquire({ key: 'new' }).ok).toBe(true);
    expect(gate.tryAcquire({ key: 'new' }).ok).toBe(false);
  });
});

describe('a lease', () => {
  it('runs out: the permit is back, its holder hears, and a late release changes nothing', async () => {
    const { gate, clock, facts } = gateWorld({ permits: 1 });
    const permit = permitOf(await gate.acquire({ key, leaseMs: 100 }));
    const waiter = new Watched(gate.acquire({ key }));
    const { lost } = permit;
    clock.advanceBy(100);
    await settle();
    expect([permit.ended, lost.aborted, lost.reason, waiter.state]).toEqual(['expired', true, 'expired', 'granted']);
    expect(permit.release()).toEqual({ ok: false, reason: 'notHeld', because: 'expired' });
    expect(waiter.permit.isHeld).toBe(true);
    expect(facts).toContainEqual({ type: 'gate.expired', key, heldMs: 100 });
  });

  it('can be begun anew', async () => {
    const { gate, clock } = gateWorld({ permits: 1 });
    const permit = permitOf(await gate.acquire({ key, leaseMs: 100 }));
    clock.advanceBy(60);
    expect(permit.renew()).toBe(true);
    clock.advanceBy(99);
    expect(permit.isHeld).toBe(true);
    expect(permit.renew(10)).toBe(true);
    clock.advanceBy(10);
    expect(permit.isHeld).toBe(false);
    expect(permit.renew()).toBe(false);
  });

  it('is given to whoever is not watched otherwise', async () => {
    const { gate, clock } = gateWorld({ leaseMs: 500 });
    const unwatched = permitOf(await gate.acquire({ key }));
    const watched = permitOf(await gate.acquire({ key, holder: actor() }));
    clock.advanceBy(500);
    expect([unwatched.ended, watched.ended]).toEqual(['expired', null]);
  });
});

describe('the number of keys', () => {
  it('is bounded: those at rest make room, those in use do not', async () => {
    const { gate } = gateWorld({ maxKeys: 2, permits: 1 });
    const a = permitOf(await gate.acquire({ key: 'a' }));
    permitOf(await gate.acquire({ key: 'b' }));
    expect(await gate.acquire({ key: 'c' })).toMatchObject({ ok: false, reason: 'tooManyKeys' });
    a.release();
    expect(await gate.acquire({ key: 'c' })).toMatchObject({ ok: true });
    expect(gate.status('a')).toBe(null);
  });

  it('makes a key at rest forget what it has learnt, and keep what the app has set', async () => {
    const { gate } = gateWorld({ maxKeys: 2, permits: 4, adaptive: true });
    permitOf(await gate.acquire({ key: 'a' })).release({ outcome: 'rateLimited' });
    gate.setLimit('b', 3);
    permitOf(await gate.acquire({ key: 'b' })).release();
    expect([gate.status('a')?.permits, gate.status('b')?.permits]).toEqual([2, 3]);
    for (const key of ['c', 'd']) permitOf(await gate.acquire({ key }));
    expect(gate.ref?.getSnapshot().context.levels).toEqual({});
    gate.setLimit('c', 'unlimited');
    expect(gate.setLimit('e', 1)).toBe(false);
  });

  it('keeps a limit that the app has set, also where the level had come there by itself', async () => {
    const { gate, facts } = gateWorld({ maxKeys: 1, permits: 4, adaptive: true });
    permitOf(await gate.acquire({ key: 'a' })).release({ outcome: 'rateLimited' });
    expect([gate.setLimit('a', 2), gate.status('a')?.permits]).toEqual([true, 2]);
    expect(facts.map(({ type }) => type)).toEqual(['gate.levelChanged']);
    permitOf(await gate.acquire({ key: 'b' })).release();
    permitOf(await gate.acquire({ key: 'a' })).release();
    expect(gate.status('a')?.permits).toBe(2);
    expect(gate.ref?.getSnapshot().context).toMatchObject({ limits: { a: 2 }, levels: {} });
  });
});

describe('an end', () => {
  it('by drain refuses who waits and who comes, and waits for what is held', async () => {
    const { gate } = gateWorld({ permits: 1 });
    const permit = permitOf(await gate.acquire({ key }));
    const waiter = new Watched(gate.acquire({ key }));
    let report: unknown = null;
    void gate.drain().then((ended) => (report = ended));
    await settle();
    expect([waiter.state, report, (await gate.acquire({ key: 'other' })).ok]).toEqual(['closed', null, false]);
    permit.release();
    await settle();
    expect(report).toEqual({ held: 0, waiting: 0 });
  });

  it.each([
    ['whose holder ends', 'holderEnded', ['gate.reclaimed']],
    ['whose lease runs out', 'expired', ['gate.expired', 'gate.expired']],
  ] as const)('by drain tells of the last permit, %s, as always', async (_, why, facts) => {
    const { gate, clock, told } = gateWorld({ permits: 2 });
    const holder = actor();
    const permits = [1, 2].map(() => permitOf(gate.tryAcquire({ key, ...(why === 'expired' ? { leaseMs: 20 } : { holder }) })));
    const drained = gate.drain();
    if (why === 'expired') clock.advanceBy(20);
    else holder.stop();
    expect(await drained).toEqual({ held: 0, waiting: 0 });
    expect([permits.map(({ ended }) => ended), told()]).toEqual([[why, why], facts]);
  });

  it('by drain has a deadline, at which what is held is lost', async () => {
    const { gate, clock } = gateWorld({ permits: 1 });
    const permit = permitOf(await gate.acquire({ key }));
    const { lost } = permit;
    const drained = gate.drain({ deadlineMs: 100 });
    clock.advanceBy(100);
    expect(await drained).toEqual({ held: 1, waiting: 0 });
    expect([permit.ended, lost.reason]).toEqual(['closed', 'closed']);
  });

  it('by close tells everybody once, and every call after is answered', async () => {
    const { gate } = gateWorld({ permits: 1 });
    const permit = permitOf(await gate.acquire({ key }));
    const waiter = new Watched(gate.acquire({ key }));
    expect(await gate.close()).toEqual({ held: 1, waiting: 1 });
    await settle();
    expect([waiter.state, waiter.heard, permit.ended, permit.lost.aborted]).toEqual(['closed', 1, 'closed', true]);
    expect(permit.release()).toEqual({ ok: false, reason: 'notHeld', because: 'closed' });
    expect(await gate.acquire({ key })).toMatchObject({ ok: false, reason: 'closed' });
    expect(gate.setLimit(key, 3)).toBe(false);
    expect(await gate.run(key, () => 1)).toMatchObject({ ok: false, reason: 'closed', attempts: 0 });
    expect(await gate.close()).toEqual({ held: 1, waiting: 1 });
  });
});
