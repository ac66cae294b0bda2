/** Our own pool, with its threads in processes and in this one; and the bare piscina that they are measured beside. */
import { Piscina } from 'piscina';
import { createIsolation } from '../../src/isolation/handle.js';
import { jobs, type Subject } from './subject.js';

const espalier = (inside: 'process' | 'thread'): Subject => ({
  name: `espalier, ${inside}`,
  begin: (threads) => {
    const pool = createIsolation({ inside, threads, jobsPerThread: 1_000_000 });
    return {
      run: async (name, input) => {
        const outcome = await pool.run({ module: jobs, export: name, input });
        if (outcome.status !== 'done') throw new Error(`expected a result, got: ${outcome.status}`);
        return outcome.value;
      },
      end: () => pool.close(),
    };
  },
});

export const espalierSubjects = [espalier('process'), espalier('thread')];

/** No ceiling, no deadline, no bound. */
export const piscinaSubject: Subject = {
  name: 'piscina',
  begin: (threads) => {
    const pool = new Piscina({ filename: jobs.href, minThreads: threads, maxThreads: threads, idleTimeout: Infinity });
    return { run: (name, input) => pool.run(input, { name }) as Promise<unknown>, end: () => pool.destroy() };
  },
};
