/** A subject of the gate benchmark, in the shape of bench/gate/subject.ts. It can drop all that wait at once, and cancel none by itself. */
import Bottleneck from 'bottleneck';

export const limiter = {
  name: 'bottleneck',
  // It begins each task by a timer of the runtime: a millisecond.
  share: 0.01,
  open: (limit) => {
    const limiter = new Bottleneck({ maxConcurrent: limit });
    return { pass: (work) => limiter.schedule(work), close: () => limiter.disconnect() };
  },
};
