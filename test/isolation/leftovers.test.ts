/** What a job leaves running when it is done is no affair of the next one. */
import { afterEach, describe, expect, it } from 'vitest';
import { isolationWorld, job, leaveNothing } from './isolation-world.js';

afterEach(leaveNothing);

describe.each(['process', 'thread'] as const)('inside a %s', (inside) => {
  it.each(['timer', 'rejection', 'rejectionAtOnce', 'nextTurn', 'loop', 'interval', 'worker'])(
    'a job that leaves a %s costs no other',
    async (kind) => {
      const { pool, facts } = isolationWorld({ inside, threads: 1, heapMb: 64 });
      for (const leaving of ['leave', 'throwAndLeave']) {
        const [left, next] = await Promise.all([pool.run(job(leaving, kind)), pool.run(job('takeATurn'))]);
        expect(left).toMatchObject(leaving === 'leave' ? { status: 'done' } : { status: 'failed', error: { message: 'own' } });
        expect(next).toMatchObject({ status: 'done', value: 'own work' });
      }
      expect(facts.filter(({ type }) => type === 'isolation.threadLost')).toEqual([]);
    },
  );

  it('a job that leaves nothing running leaves its thread to the next', async () => {
    const { pool } = isolationWorld({ inside, threads: 1, heapMb: 64 });
    const [one, two] = [await pool.run(job('tidy')), await pool.run(job('tidy'))];
    expect(one).toMatchObject({ status: 'done' });
    expect(two).toMatchObject({ status: 'done', value: (one as { value: unknown }).value });
  });
});
