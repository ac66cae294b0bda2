import { afterEach, describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, fromCallback } from 'xstate';
import { createIsolation, isolationHandle } from '../../src/isolation/handle.js';
import { isolation, isolationWith } from '../../src/isolation/isolation.js';
import { findSeats } from '../../src/isolation/peer.js';
import { orchestrator } from '../../src/supervision/orchestrator.js';
import { exit, exitReason } from '../../src/supervision/watch.js';
import { FakeSeat, fakeSeats, isolationWorld, job, leaveNothing } from './isolation-world.js';

afterEach(leaveNothing);

/** Lets everything that is due be heard. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await Promise.resolve();
}

describe('an isolation pool', () => {
  it('gives jobs to threads in order, and begins no more threads than it may', async () => {
    const { seats, open } = fakeSeats();
    const { pool, facts } = isolationWorld({ threads: 2 }, open);
    const outcomes = ['a', 'b', 'c', 'd'].map((ref) => pool.run(job('echo', ref), { ref }));
    await settle();
    expect(seats.map(({ task }) => task?.input)).toEqual(['a', 'b']);
    expect(pool.status()).toMatchObject({ state: 'serving', threads: 2, running: 2, waiting: 2 });
    seats[1]?.done('B');
    seats[0]?.done('A');
    expect(seats.map(({ task }) => task?.input)).toEqual(['d', 'c']);
    seats[0]?.done('D');
    seats[1]?.done('C');
    expect((await Promise.all(outcomes)).map(({ ref, status }) => `${ref} ${status}`)).toEqual(['a done', 'b done', 'c done', 'd done']);
    expect(facts.filter(({ type }) => type === 'isolation.started')).toHaveLength(4);
  });

  it('refuses what is more than may wait, with or without a signal, and takes more when there is place', async () => {
    const { seats, open } = fakeSeats();
    const { pool, facts } = isolationWorld({ threads: 1, maxQueue: 2 }, open);
    const { signal } = new AbortController();
    const outcomes = Array.from({ length: 5 }, (_, at) => pool.run(job('echo'), at % 2 === 0 ? { ref: `${at}`, signal } : { ref: `${at}` }));
    expect(await Promise.all(outcomes.slice(3))).toEqual(['3', '4'].map((ref) => ({ status: 'refused', ref, reason: 'full' })));
    expect(facts.filter(({ type }) => type === 'isolation.refused')).toHaveLength(2);
    await settle();
    seats[0]?.done();
    const late = pool.run(job('echo'), { ref: 'late' });
    for (let left = 0; left < 3; left++) seats[0]?.done();
    expect(await late).toMatchObject({ status: 'done' });
  });

  it('with maxQueue 0 has nobody wait but for the thread that is free for it', async () => {
    const { seats, open } = fakeSeats();
    const { pool } = isolationWorld({ threads: 1, maxQueue: 0 }, open);
    const first = pool.run(job('echo'));
    expect(await pool.run(job('echo'))).toMatchObject({ status: 'refused', reason: 'full' });
    await settle();
    seats[0]?.done();
    expect(await first).toMatchObject({ status: 'done' });
  });

  it('copies what a job is given at the call, and refuses what cannot be copied', async () => {
    const { seats, open } = fakeSeats();
    const { pool } = isolationWorld({ threads: 1 }, open);
    expect(await pool.run(job('echo', () => 1))).toMatchObject({ status: 'refused', reason: 'uncloneable' });
    const input = { at: 1 };
    const running = pool.run(job('echo', input));
    input.at = 2;
    await settle();
    expect(seats[0]?.task?.input).toEqual({ at: 1 });
    seats[0]?.done();
    await running;
  });

  it('has a job that waits end at its deadline, by its signal and with its caller, and no thread is touched', async () => {
    const { seats, open } = fakeSeats();
    const { pool, clock } = isolationWorld({ threads: 1 }, open);
    const running = pool.run(job('echo'));
    await settle();
    const control = new AbortController();
    const caller = createActor(fromCallback(() => undefined)).start();
    const late = pool.run(job('echo'), { deadlineMs: 100 });
    const aborted = pool.run(job('echo'), { signal: control.signal });
    const orphaned = pool.run(job('echo'), { from: caller });
    control.abort();
    caller.stop();
    clock.advanceBy(100);
    expect(await Promise.all([late, aborted, orphaned])).toMatchObject([
      { status: 'timeout', where: 'queue' },
      { status: 'cancelled', because: 'aborted' },
      { status: 'cancelled', because: 'callerEnded' },
    ]);
    expect(await pool.run(job('echo'), { signal: control.signal })).toMatchObject({ status: 'cancelled', because: 'aborted' });
    expect(await pool.run(job('echo'), { from: caller })).toMatchObject({ status: 'cancelled', because: 'callerEnded' });
    seats[0]?.done();
    expect(await running).toMatchObject({ status: 'done' });
    expect(seats).toHaveLength(1);
  });

  it('sends an actor one result for what it requested, by its name', async () => {
    const { seats, open } = fakeSeats();
    const { pool } = isolationWorld({ threads: 1 }, open);
    const heard: unknown[] = [];
    const caller = createActor(fromCallback(({ receive }) => receive((event) => heard.push(event)))).start();
    const first = pool.request(job('echo'), { from: caller });
    const second = pool.request(job('echo'), { from: caller, ref: 'second' });
    await settle();
    seats[0]?.done(1);
    seats[0]?.done(2);
    seats[0]?.done(3);
    expect(heard).toEqual([
      { type: 'isolation.result', ref: first, outcome: { status: 'done', ref: first, value: 1 } },
      { type: 'isolation.result', ref: second, outcome: { status: 'done', ref: 'second', value: 2 } },
    ]);
    caller.stop();
  });

  it('keeps a thread for the next job, ends it after so many, and when it had none for long', async () => {
    const { seats, open } = fakeSeats();
    const { pool, clock } = isolationWorld({ threads: 1, jobsPerThread: 2, idleMs: 1_000 }, open);
    const run = async (): Promise<void> => {
      const running = pool.run(job('echo'));
      await settle();
      seats.at(-1)?.done();
      await running;
    };
    await run();
    await run();
    expect(seats.map(({ isEnded }) => isEnded)).toEqual([true]);
    await run();
    clock.advanceBy(999);
    expect(seats.map(({ isEnded }) => isEnded)).toEqual([true, false]);
    clock.advanceBy(1);
    expect(seats.map(({ isEnded }) => isEnded)).toEqual([true, true]);
  });
});

describe('a thread that looks at what its job left', () => {
  it('has its job wait for its outcome, which is no more too late, and then is free', async () => {
    const { seats, open } = fakeSeats();
    const { pool, clock } = isolationWorld({ threads: 2 }, open);
    const first = pool.run(job('echo'), { deadlineMs: 500 });
    await settle();
    clock.advanceBy(499);
    seats[0]?.answer('mine');
    clock.advanceBy(999);
    expect(pool.status()).toMatchObject({ running: 1, ended: { done: 0, timeout: 0 } });
    seats[0]?.events.freed(0, false);
    expect(await first).toMatchObject({ status: 'done', value: 'mine' });
    const second = pool.run(job('echo'));
    seats[0]?.done('next');
    expect(await second).toMatchObject({ status: 'done', value: 'next' });
    expect(seats.map(({ isEnded }) => isEnded)).toEqual([false]);
  });

  it('is ended after a second, and its job is done', async () => {
    const { seats, open } = fakeSeats();
    const { pool, clock, facts } = isolationWorld({ threads: 1 }, open);
    const outcomes = [pool.run(job('echo'), { ref: 'mine' }), pool.run(job('echo'), { ref: 'next' })];
    await settle();
    seats[0]?.answer(7);
    clock.advanceBy(1_000);
    expect(await outcomes[0]).toEqual({ status: 'done', ref: 'mine', value: 7 });
    expect(seats.map(({ isEnded }) => isEnded)).toEqual([true, false]);
    seats[1]?.done();
    expect(await outcomes[1]).toMatchObject({ status: 'done' });
    expect(facts.filter(({ type }) => type === 'isolation.threadLost')).toEqual([]);
  });

  it.each<[string, (seat: FakeSeat, control: AbortController, pool: ReturnType<typeof isolationWorld>['pool']) => unknown]>([
    ['that is lost by it', (seat) => seat.lose()],
    ['whose job is called off', (_, control) => control.abort()],
    ['whose pool is closed', (_, __, pool) => pool.close({ drainMs: 0 })],
  ])('and %s costs its job nothing, nor the pool', async (_, strike) => {
    const { seats, open } = fakeSeats();
    const control = new AbortController();
    const { pool, clock, facts } = isolationWorld({ threads: 1 }, open);
    const running = pool.run(job('echo'), { signal: control.signal });
    await settle();
    seats[0]?.answer(7);
    void strike(seats[0] as FakeSeat, control, pool);
    clock.advanceBy(0);
    expect(await running).toMatchObject({ status: 'done', value: 7 });
    await settle();
    expect(pool.status()).toMatchObject({ threads: 0, running: 0 });
    expect(facts.filter(({ type }) => type === 'isolation.threadLost')).toEqual([]);
  });

  it('has the answer of its job told when its pool is killed', async () => {
    const { seats, open } = fakeSeats();
    const { pool, root } = isolationWorld({ threads: 1 }, open);
    const running = pool.run(job('echo'));
    await settle();
    seats[0]?.answer(7);
    exit(root, 'kill');
    expect(await running).toMatchObject({ status: 'done', value: 7 });
    expect(seats[0]?.isEnded).toBe(true);
  });
});

describe('a pool that ends', () => {
  it('lets jobs go on as long as they may, refuses new ones, and then ends what is left', async () => {
    const { seats, open } = fakeSeats();
    const { pool, clock } = isolationWorld({ threads: 1, drainMs: 500 }, open);
    const outcomes = [pool.run(job('echo')), pool.run(job('loop')), pool.run(job('echo'))];
    await settle();
    const closing = pool.close();
    expect(await pool.run(job('echo'))).toMatchObject({ status: 'refused', reason: 'closed' });
    seats[0]?.done();
    expect(pool.status()).toMatchObject({ state: 'draining', running: 1, waiting: 1 });
    clock.advanceBy(500);
    expect((await Promise.all(outcomes)).map(({ status }) => status)).toEqual(['done', 'cancelled', 'cancelled']);
    await closing;
    await pool.close();
    expect(pool.status()).toMatchObject({ state: 'closed', threads: 0 });
  });

  it('ends in order with the supervisor that stops it, and is found again by its handle after a restart', async () => {
    const { seats, open } = fakeSeats();
    const app = orchestrator({
      actors: { heavy: isolationWith({ threads: 1 }, async () => open) },
      children: [{ id: 'heavy', src: 'heavy' }],
    }).start();
    await app.started();
    const pool = isolationHandle(() => app.child('heavy'));
    const running = pool.run(job('loop'));
    await settle();
    const restarted = new Promise((resolve) => app.on('child.restarted', resolve));
    exit(app.child('heavy') as AnyActorRef, 'kill');
    expect(await running).toMatchObject({ status: 'cancelled', because: 'closed' });
    expect(seats[0]?.isEnded).toBe(true);
    await restarted;
    const again = pool.run(job('echo'));
    await settle();
    seats[1]?.done();
    expect(await again).toMatchObject({ status: 'done' });
    expect((await app.stop()).killed).toEqual([]);
    expect(await pool.run(job('echo'))).toMatchObject({ status: 'refused', reason: 'closed' });
    expect(seats.every(({ isEnded }) => isEnded)).toBe(true);
  });

  it('fails when its own threads actor is killed: its jobs are cancelled, its threads ended', async () => {
    const { seats, open } = fakeSeats();
    const { pool, root } = isolationWorld({ threads: 1 }, open);
    const running = pool.run(job('loop'));
    await settle();
    exit((root.getSnapshot() as { children: { threads: AnyActorRef } }).children.threads, 'kill');
    expect(await running).toMatchObject({ status: 'cancelled', because: 'closed' });
    expect(exitReason(root)).toEqual({ crash: 'threadsLost' });
    expect(seats[0]?.isEnded).toBe(true);
  });

  it('fails where a thread will not end', async () => {
    const stuck = (_: unknown, events: ConstructorParameters<typeof FakeSeat>[0]): FakeSeat =>
      Object.assign(new FakeSeat(events), {
        end() {
          setImmediate(() => events.gone(null));
        },
      });
    const { pool, clock, root } = isolationWorld({ threads: 1, endMs: 50 }, stuck);
    void pool.run(job('loop'));
    await settle();
    const closing = pool.close({ drainMs: 0 });
    clock.advanceBy(0);
    clock.advanceBy(50);
    await closing;
    expect(exitReason(root)).toEqual({ crash: 'endTimeout' });
  });

  it('crashes without the package that it needs, and says which', async () => {
    const missing = (): never => {
      throw new Error('nowhere');
    };
    for (const inside of ['process', 'thread'] as const)
      await expect(findSeats(inside, missing)).rejects.toMatchObject({
        code: 'isolation/missing-peer',
        message: expect.stringContaining('npm install piscina'),
      });
    const root = createActor(isolationWith({}, (inside) => findSeats(inside, missing)));
    root.subscribe({ error: () => {} });
    const pool = isolationHandle(root.start() as AnyActorRef);
    const running = pool.run(job('echo'));
    expect(await running).toMatchObject({ status: 'cancelled', because: 'closed' });
    expect(exitReason(root as AnyActorRef)).toEqual({ crash: 'isolation/missing-peer' });
  });
});

describe('misuse of a pool', () => {
  it('is refused before anything starts', () => {
    const wrong = [
      { threds: 1 },
      { threads: 0 },
      { inside: 'here' },
      { heapMb: 8 },
      { heapMb: 64, processMb: 64 },
      { inside: 'thread', processMb: 600 },
    ];
    for (const options of [
      ...wrong,
      { backoff: { minMs: 9, maxMs: 1 } },
      { backoff: { maxMs: 2 ** 31 } },
      { intensity: -1 },
      { deadlineMs: 0 },
      { maxQueue: 0.5 },
    ])
      expect(() => isolation(options as never)).toThrow(expect.objectContaining({ code: 'isolation/invalid-options' }));
    const pool = createIsolation();
    for (const one of [() => 1, {}, { module: './jobs.mjs' }, { module: 'file:///x', export: '' }, { module: 'file:///x', extra: 1 }])
      expect(() => pool.run(one as never)).toThrow(expect.objectContaining({ code: 'isolation/invalid-options' }));
    for (const options of [{ signal: {} }, { from: {} }, { deadlineMs: -1 }, { ref: '' }])
      expect(() => pool.run(job('echo'), options as never)).toThrow(expect.objectContaining({ code: 'isolation/invalid-options' }));
    expect(() => pool.request(job('echo'), {} as never)).toThrow(expect.objectContaining({ code: 'isolation/invalid-options' }));
    expect(() => pool.on('isolation.none' as never, () => {})).toThrow(expect.objectContaining({ code: 'isolation/invalid-options' }));
    const stranger = createActor(fromCallback(() => undefined)).start();
    expect(() => isolationHandle(stranger)).toThrow(expect.objectContaining({ code: 'isolation/invalid-options' }));
    stranger.stop();
    return pool.close();
  });
});
