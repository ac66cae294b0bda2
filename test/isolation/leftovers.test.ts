/** What a job leaves running when it is done is no affair of the next one. */
import { afterEach, describe, expect, it } from 'vitest';
import { isolationWorld, job, leaveNothing } from './isolation-world.js';
import { tickTold } from './jobs.mjs';

afterEach(leaveNothing);

describe.each(['process', 'thread'] as const)('inside a %s', { timeout: 60_000 }, (inside) => {
  const own = (leaving: string): object => (leaving === 'leave' ? { status: 'done' } : { status: 'failed', error: { message: 'own' } });

  it.each(['timer', 'rejection', 'rejectionAtOnce', 'nextTurn', 'interval', 'worker'])('a job that leaves a %s costs no other', async (kind) => {
    const { pool, facts } = isolationWorld({ inside, threads: 1, heapMb: 64 });
    for (const leaving of ['leave', 'throwAndLeave']) {
      const [left, next] = await Promise.all([pool.run(job(leaving, kind)), pool.run(job('takeATurn'))]);
      expect(left).toMatchObject(own(leaving));
      expect(next).toMatchObject({ status: 'done', value: 'own work' });
    }
    expect(facts.filter(({ type }) => type === 'isolation.threadLost')).toEqual([]);
  });

  it.each(['loop', 'loopNextTurn'])('a job that leaves a %s has its own outcome, and costs no other', async (kind) => {
    const { pool, clock, facts, answered } = isolationWorld({ inside, threads: 1, heapMb: 64 });
    for (const leaving of ['leave', 'throwAndLeave']) {
      const running = Promise.all([pool.run(job(leaving, kind), { deadlineMs: 500 }), pool.run(job('takeATurn'))]);
      await answered();
      // Its thread may never say that it has looked.
      clock.advanceBy(1_000);
      const [left, next] = await running;
      expect(left).toMatchObject(own(leaving));
      expect(next).toMatchObject({ status: 'done', value: 'own work' });
    }
    expect(facts.filter(({ type }) => type === 'isolation.threadLost')).toEqual([]);
  });

  it('a job that leaves nothing running leaves its thread to the next', async () => {
    const { pool } = isolationWorld({ inside, threads: 1, heapMb: 64 });
    const [one, two] = [await pool.run(job('tidy')), await pool.run(job('tidy'))];
    expect(one).toMatchObject({ status: 'done' });
    expect(two).toMatchObject({ status: 'done', value: (one as { value: unknown }).value });
  });
});

it('a job whose last word is taken late leaves its thread to the next', async () => {
  const { pool } = isolationWorld({ inside: 'thread', threads: 1, heapMb: 64 });
  const one = await pool.run(job('where'));
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const writing = pool.run(job('writeLast', cell));
  // It is this thread that takes what the other has written: not before that has had its turns, and more.
  expect(tickTold(cell)).not.toBe('timed-out');
  expect(await writing).toMatchObject({ status: 'done' });
  expect(await pool.run(job('where'))).toMatchObject({ status: 'done', value: (one as { value: unknown }).value });
});
