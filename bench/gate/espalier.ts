/** A gate, used as an app uses it: acquire, work, release; and its `run`, which does all three. */
import { createGate } from '../../src/gate/handle.js';
import { ignore } from '../supervision/subject.js';
import type { Subject } from './subject.js';

const waitMs = 60_000;

export const espalierSubject: Subject = {
  name: 'espalier',
  open: (limit, maxWaiting) => {
    const gate = createGate({ permits: limit, maxWaiting });
    return {
      pass: async (work) => {
        const entered = await gate.acquire({ key: 'bench', waitMs });
        if (!entered.ok) throw new Error(`expected a permit, got: ${entered.reason}`);
        try {
          await work();
        } finally {
          entered.permit.release();
        }
      },
      passUntil: async (work, signal) => {
        const entered = await gate.acquire({ key: 'bench', waitMs, signal });
        if (!entered.ok) return;
        try {
          await work();
        } finally {
          entered.permit.release();
        }
      },
      close: () => void gate.close().catch(ignore),
    };
  },
};

/** As an app uses it that cares what it costs: `enter`, which has a promise only for whoever waits. The gate says how long that may be. */
export const espalierEnterSubject: Subject = {
  name: 'espalier-enter',
  open: (limit, maxWaiting) => {
    const gate = createGate({ permits: limit, maxWaiting, waitMs });
    return {
      pass: async (work) => {
        const entering = gate.enter('bench');
        const entered = entering instanceof Promise ? await entering : entering;
        if (!entered.ok) throw new Error(`expected a permit, got: ${entered.reason}`);
        try {
          await work();
        } finally {
          entered.release();
        }
      },
      passUntil: async (work, signal) => {
        const entering = gate.enter('bench', { signal });
        const entered = entering instanceof Promise ? await entering : entering;
        if (!entered.ok) return;
        try {
          await work();
        } finally {
          entered.release();
        }
      },
      close: () => void gate.close().catch(ignore),
    };
  },
};

export const espalierRunSubject: Subject = {
  name: 'espalier-run',
  open: (limit, maxWaiting) => {
    const gate = createGate({ permits: limit, maxWaiting });
    return {
      pass: (work) => gate.run('bench', work, { waitMs }),
      passUntil: (work, signal) => gate.run('bench', work, { waitMs, signal }),
      close: () => void gate.close().catch(ignore),
    };
  },
};

export const espalierSubjects: readonly Subject[] = [espalierSubject, espalierEnterSubject, espalierRunSubject];
