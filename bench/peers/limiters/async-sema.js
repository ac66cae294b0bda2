/** A subject of the gate benchmark, in the shape of bench/gate/subject.ts. Nobody who waits can be cancelled. */
import { Sema } from 'async-sema';

export const limiter = {
  name: 'async-sema',
  open: (limit, maxWaiting) => {
    const sema = new Sema(limit, { capacity: maxWaiting });
    return {
      // As its documentation has it: a task that fails must not keep its place.
      pass: async (work) => {
        await sema.acquire();
        try {
          await work();
        } finally {
          sema.release();
        }
      },
    };
  },
};
