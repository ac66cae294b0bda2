/** How many losses of threads a pool makes good, and when it gives up. */
import { afterEach, describe, expect, it } from 'vitest';
import { exitReason } from '../../src/supervision/watch.js';
import { type FakeSeat, fakeSeats, isolationWorld, job, leaveNothing } from './isolation-world.js';

afterEach(leaveNothing);

/** Lets everything that is due be heard. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await Promise.resolve();
}

describe('a pool whose threads are lost', () => {
  const budget = { threads: 2, intensity: 2, periodMs: 10_000, maxTrials: 2, backoff: { minMs: 100, maxMs: 1_000, factor: 2, jitter: 0 } };

  /** Loses the newest thread, by a job that has it. */
  async function lose(pool: ReturnType<typeof isolationWorld>['pool'], seats: FakeSeat[]): Promise<string> {
    const running = pool.run(job('exit'));
    await settle();
    seats.at(-1)?.lose();
    return (await running).status;
  }

  it('makes good as many as it may, then waits, tries one, and serves again when that serves', async () => {
    const { seats, open } = fakeSeats();
    const { pool, clock, facts } = isolationWorld(budget, open);
    for (let time = 0; time < 3; time++) expect(await lose(pool, seats)).toBe('failed');
    expect(pool.status()).toMatchObject({ state: 'degraded', threads: 0 });
    const waiting = [pool.run(job('echo')), pool.run(job('echo'))];
    clock.advanceBy(99);
    expect(seats).toHaveLength(3);
    clock.advanceBy(1);
    expect(pool.status()).toMatchObject({ state: 'recovering', threads: 1, waiting: 1 });
    seats[3]?.done();
    expect(pool.status()).toMatchObject({ state: 'serving' });
    seats[3]?.done();
    expect(await Promise.all(waiting)).toMatchObject([{ status: 'done' }, { status: 'done' }]);
    expect(facts.filter(({ type }) => /degraded|recovered/.test(type))).toEqual([
      { type: 'isolation.degraded', cause: 'exited', trial: 0, pauseMs: 100 },
      { type: 'isolation.recovered' },
    ]);
  });

  it.each<[string, (seat: FakeSeat, clock: ReturnType<typeof isolationWorld>['clock']) => void]>([
    ['is ended for what its job left', (_, clock) => clock.advanceBy(1_000)],
    ['is lost by what its job left', (seat) => seat.lose()],
  ])('serves again by a thread that has done its job and %s', async (_, strike) => {
    const { seats, open } = fakeSeats();
    const { pool, clock, facts } = isolationWorld(budget, open);
    for (let time = 0; time < 3; time++) await lose(pool, seats);
    const tried = pool.run(job('echo'));
    clock.advanceBy(100);
    seats[3]?.answer();
    strike(seats[3] as FakeSeat, clock);
    expect(await tried).toMatchObject({ status: 'done' });
    expect(pool.status()).toMatchObject({ state: 'serving' });
    expect(facts.filter(({ type }) => type === 'isolation.threadLost')).toHaveLength(3);
  });

  it('serves again when what it tries is lost to its job: that it began is all that is asked', async () => {
    const { seats, open } = fakeSeats();
    const { pool, clock, facts } = isolationWorld(budget, open);
    const outcomes = Array.from({ length: 30 }, (_, at) => pool.run(job(at < 20 ? 'grow' : 'echo')));
    await settle();
    for (let left = 20; left > 0; left--) {
      if (pool.status().state === 'degraded') clock.advanceBy(100);
      seats.find(({ isLost }) => !isLost)?.lose('outOfMemory');
    }
    clock.advanceBy(100);
    while (pool.status().running > 0) for (const seat of seats) if (!seat.isLost) seat.done();
    const statuses = (await Promise.all(outcomes)).map(({ status }) => status);
    expect(statuses).toEqual([...Array.from({ length: 20 }, () => 'outOfMemory'), ...Array.from({ length: 10 }, () => 'done')]);
    expect(facts.flatMap((fact) => (fact.type === 'isolation.degraded' ? [fact.trial] : [])).every((trial) => trial === 0)).toBe(true);
    expect(pool.status()).toMatchObject({ state: 'serving', waiting: 0 });
  });

  it('does not take for its trial what another, that began before, loses to its job; nor what none has had', async () => {
    const { seats, open } = fakeSeats();
    const { pool, clock } = isolationWorld({ ...budget, intensity: 0 }, open);
    const outcomes = [pool.run(job('grow')), pool.run(job('grow')), pool.run(job('grow'))];
    await settle();
    seats[0]?.lose();
    clock.advanceBy(100);
    expect(pool.status()).toMatchObject({ state: 'recovering', threads: 2 });
    seats[1]?.lose();
    expect(pool.status()).toMatchObject({ state: 'recovering', threads: 1 });
    seats[2]?.lose('unstartable');
    expect(pool.status()).toMatchObject({ state: 'degraded' });
    expect((await Promise.all(outcomes)).map(({ status }) => status)).toEqual(['failed', 'failed', 'failed']);
  });

  it('has whoever waits end at its deadline meanwhile', async () => {
    const { seats, open } = fakeSeats();
    const { pool, clock } = isolationWorld({ ...budget, backoff: { minMs: 1_000, maxMs: 1_000 } }, open);
    for (let time = 0; time < 3; time++) await lose(pool, seats);
    const waiting = pool.run(job('echo'), { deadlineMs: 50 });
    clock.advanceBy(50);
    expect(await waiting).toMatchObject({ status: 'timeout', where: 'queue' });
  });

  it('waits for longer after each trial that is lost, and then fails, which to its supervisor is a crash', async () => {
    const { seats, open } = fakeSeats();
    const { pool, clock, facts, root } = isolationWorld(budget, open);
    for (let time = 0; time < 3; time++) await lose(pool, seats);
    for (const pauseMs of [100, 200, 400]) {
      const running = pool.run(job('exit'));
      clock.advanceBy(pauseMs);
      seats.at(-1)?.lose('unstartable');
      expect((await running).status).toBe('failed');
    }
    expect(facts.flatMap((fact) => (fact.type === 'isolation.degraded' ? [fact.pauseMs] : []))).toEqual([100, 200, 400]);
    const waiting = pool.run(job('echo'));
    expect(exitReason(root)).toEqual({ crash: 'unstartable' });
    expect(await waiting).toMatchObject({ status: 'refused', reason: 'closed' });
    expect(pool.status().state).toBe('failed');
  });
});
