/**
 * Limiters of concurrency as subjects of the gate benchmark, in the shape of bench/gate/subject.ts.
 *
 * Only p-queue can cancel a single waiter: `add(task, { signal })`. p-limit and Bottleneck can clear all that wait at once, async-sema nothing.
 */
import { Sema } from 'async-sema';
import Bottleneck from 'bottleneck';
import createLimit from 'p-limit';
import PQueue from 'p-queue';

const ignore = () => {};

export const pLimit = {
  name: 'p-limit',
  open: (limit) => ({ pass: createLimit(limit) }),
};

export const pQueue = {
  name: 'p-queue',
  open: (limit) => {
    const queue = new PQueue({ concurrency: limit });
    return {
      pass: (work) => queue.add(work),
      passUntil: (work, signal) => queue.add(work, { signal }).catch(ignore),
    };
  },
};

export const asyncSema = {
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

export const bottleneck = {
  name: 'bottleneck',
  // It begins each task by a timer of the runtime: a millisecond.
  share: 0.01,
  open: (limit) => {
    const limiter = new Bottleneck({ maxConcurrent: limit });
    return { pass: (work) => limiter.schedule(work), close: () => limiter.disconnect() };
  },
};
