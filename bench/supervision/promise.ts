/** The floor: an async function and `.then`, with nobody watching. It cannot be stopped, and nothing restarts it. */
import type { Subject } from './subject.js';

export const promiseSubject: Subject = {
  name: 'promise',
  open: async () => ({
    start: (work, noticed) => work().then(noticed),
  }),
};
