/** The subjects that the isolation bench measures do what they are measured for, and end. */
import { describe, expect, it } from 'vitest';
import { espalierSubjects, piscinaSubject } from '../../bench/isolation/subjects.js';

describe.each([...espalierSubjects, piscinaSubject])('jobs of $name', { timeout: 30_000 }, (subject) => {
  it('have their results, and the pool ends', async () => {
    const pool = subject.begin(2);
    expect(await Promise.all([pool.run('double', 21), pool.run('primes', 100)])).toEqual([42, 25]);
    await pool.end();
  });
});
