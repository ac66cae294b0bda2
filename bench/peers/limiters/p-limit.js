/** A subject of the gate benchmark, in the shape of bench/gate/subject.ts. It can clear all that wait at once, and cancel none by itself. */
import createLimit from 'p-limit';

export const limiter = {
  name: 'p-limit',
  open: (limit) => ({ pass: createLimit(limit) }),
};
