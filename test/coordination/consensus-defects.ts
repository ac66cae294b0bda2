/** Members of a log that are wrong, each in one way: what their world must find. */
import type { ConsensusRecord } from '../../machines/coordination/consensus-record.js';
import type { Backend } from '../../src/backend/port.js';
import { claims, type Defect, logKey, quorum } from './consensus-world.js';
import { altered } from './remote-backend.js';

/** One whose writes of the record are others. */
const rewriting = (change: (backend: Backend, ...write: Parameters<Backend['compareAndSet']>) => ReturnType<Backend['compareAndSet']>) => {
  return (backend: Backend): Backend =>
    altered(backend, {
      compareAndSet: (key, ...write) => (key === logKey ? change(backend, key, ...write) : backend.compareAndSet(key, ...write)),
    });
};

/** What is open is decided with so many accepts. */
function decidingWith(accepts: number): (backend: Backend) => Backend {
  return rewriting((backend, key, expected, value, options) => {
    const record = value as ConsensusRecord;
    const { open, next: index } = record;
    if (open === null || open.ballots.filter(([, vote]) => vote === 'accept').length < accepts)
      return backend.compareAndSet(key, expected, record, options);
    const last = { index, value: open.value, by: open.by, id: open.id, token: expected };
    return backend.compareAndSet(key, expected, { ...record, next: index + 1, last, open: null }, options);
  });
}

/** Members that are wrong, each in one way. */
export const defects: Readonly<Record<string, { readonly defect: Defect; readonly breaks: string }>> = {
  'an abstention counts as an accept': {
    defect: { hears: (vote) => (vote === 'abstain' ? 'accept' : vote) },
    breaks: claims.quorum,
  },
  'a quorum is one less': { defect: { line: decidingWith(quorum - 1) }, breaks: claims.quorum },
  'nobody need take part but who accepts': { defect: { line: decidingWith(quorum) }, breaks: claims.participation },
  'who fails, or is late, accepts': {
    defect: { hears: (said) => (said === 'throws' || said === 'is late' ? 'accept' : said) },
    breaks: claims.quorum,
  },
  'another index than was asked for is taken': { defect: { asks: () => undefined }, breaks: claims.there },
  'a token stands still': {
    defect: {
      line: rewriting((backend, key, expected, value, options) => {
        const record = value as ConsensusRecord;
        const last = record.last === null ? null : { ...record.last, token: 1 };
        return backend.compareAndSet(key, expected, { ...record, last }, options);
      }),
    },
    breaks: claims.token,
  },
  'one opens over another': {
    defect: {
      line: (backend) =>
        altered(backend, {
          get: async (key, call) => {
            const read = await backend.get(key, call);
            if (key !== logKey || read.outcome !== 'ok' || read.entry === null) return read;
            return { ...read, entry: { ...read.entry, value: { ...(read.entry.value as object), open: null } as never } };
          },
        }),
    },
    breaks: claims.ends,
  },
  'the dead are waited for': {
    // What tells that its proposer lives is bound to no lease.
    defect: {
      line: (backend) =>
        altered(backend, {
          compareAndSet: (key, expected, value, { lease, ...options } = {}) =>
            backend.compareAndSet(key, expected, value, key.startsWith('consensus/a/by/') || lease === undefined ? options : { ...options, lease }),
        }),
    },
    breaks: 'progress',
  },
  'it is decided on a read': {
    // What was read is written, whatever stands there meanwhile.
    defect: {
      line: rewriting(async (backend, key, expected, value, options) => {
        const outcome = await backend.compareAndSet(key, expected, value, options);
        if (outcome.outcome !== 'conflict' || (value as ConsensusRecord).last === null) return outcome;
        return backend.compareAndSet(key, outcome.entry?.revision ?? 0, value, options);
      }),
    },
    breaks: claims.aborted,
  },
  'an index is taken once more': {
    defect: {
      line: rewriting((backend, key, expected, value, options) => {
        const record = value as ConsensusRecord;
        const next = record.last === null ? record.next : record.last.index;
        return backend.compareAndSet(key, expected, { ...record, next }, options);
      }),
    },
    breaks: claims.aborted,
  },
  'an abort is not written': {
    defect: {
      line: rewriting((backend, key, expected, value, options) => {
        const record = value as ConsensusRecord;
        const isWithdrawn = ['late', 'cancelled', 'closed', 'lost'].includes(record.past.at(-1)?.why ?? '') && record.open === null;
        if (isWithdrawn && record.last === null) return Promise.resolve({ outcome: 'ok', revision: expected });
        return backend.compareAndSet(key, expected, value, options);
      }),
    },
    breaks: claims.aborted,
  },
  'what nobody knows counts as not done': {
    defect: {
      line: (backend) => {
        // A proposal whose writing was not answered is taken for one that was aborted, wherever it is.
        const lost = new Set<string>();
        return altered(backend, {
          compareAndSet: async (key, expected, value, options) => {
            const outcome = await backend.compareAndSet(key, expected, value, options);
            const { open } = value as ConsensusRecord;
            if (key === logKey && outcome.outcome === 'unknown' && outcome.reason === 'lost' && open?.ballots.length === 0) lost.add(open.id);
            return outcome;
          },
          get: async (key, call) => {
            const read = await backend.get(key, call);
            if (key !== logKey || read.outcome !== 'ok' || read.entry === null) return read;
            const record = read.entry.value as unknown as ConsensusRecord;
            const wrong = [...lost].find((id) => [record.open?.id, record.last?.id].includes(id));
            if (wrong === undefined) return read;
            const past = [...record.past, { id: wrong, why: 'late' as const }];
            return { ...read, entry: { ...read.entry, value: { ...record, open: null, last: null, past } as never } };
          },
        });
      },
    },
    breaks: claims.aborted,
  },
};

/** Where most that happens is of the kind that a late answer is for, so that what is wrong shows early. */
export const doubtful = {
  ...{ faults: { slow: 3, pause: 2, partition: 2, crash: 1, drift: 1 }, faultShare: 0.4 },
  network: { links: { delay: [1, 40], drop: 0.08, duplicate: 0.02 } },
} as const;
