/** A subject of the gate benchmark, in the shape of bench/gate/subject.ts, and the only peer that can cancel a single waiter. */
import PQueue from 'p-queue';

const ignore = () => {};

export const limiter = {
  name: 'p-queue',
  open: (limit) => {
    const queue = new PQueue({ concurrency: limit });
    return {
      pass: (work) => queue.add(work),
      passUntil: (work, signal) => queue.add(work, { signal }).catch(ignore),
    };
  },
};
