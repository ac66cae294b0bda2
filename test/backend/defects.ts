/** Backends that break a promise each, and the promise that they break. */
import { type MemoryBackend, memoryBackend } from '../../src/backend/memory.js';
import type { BackendChange, BackendLimits, BackendWatch, OpenBackend, WatchAnswer, WatchOptions } from '../../src/backend/port.js';
import type { BackendSubject, OpenedBackend } from '../../src/testing/backend/contract.js';
import { memoryEvents } from '../../src/events/memory.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

export interface Defect {
  /** How the title begins of a case that finds it. */
  readonly brokenCase: string;
  readonly subject: BackendSubject;
}

/** Its methods, as they are. */
function bound(backend: MemoryBackend): OpenBackend {
  const { isDurable } = backend;
  return {
    isDurable,
    get: (...call) => backend.get(...call),
    list: (...call) => backend.list(...call),
    compareAndSet: (...call) => backend.compareAndSet(...call),
    delete: (...call) => backend.delete(...call),
    grant: (...call) => backend.grant(...call),
    renew: (...call) => backend.renew(...call),
    revoke: (...call) => backend.revoke(...call),
    watch: (...call) => backend.watch(...call),
    status: (...call) => backend.status(...call),
    close: () => backend.close(),
  };
}

/** One in memory, of which some methods are others. */
function spoilt(brokenCase: string, change: (own: OpenBackend, limits: BackendLimits) => Partial<OpenBackend>, without: BackendLimits = {}): Defect {
  const open = async ({ limits }: { limits: BackendLimits }): Promise<OpenedBackend> => {
    const clock = new VirtualClock();
    const own = bound(memoryBackend({ clock, ...limits, ...without }));
    return { backend: { ...own, ...change(own, limits) }, clock, advance: (ms) => clock.advanceByAsync(ms) };
  };
  return { brokenCase, subject: { open } };
}

/** A watch of which each answer is another. */
function watching(brokenCase: string, answer: (answer: WatchAnswer, own: BackendWatch) => WatchAnswer | Promise<WatchAnswer>): Defect {
  return spoilt(brokenCase, (own) => ({
    watch: async (prefix, options) => {
      const outcome = await own.watch(prefix, options);
      if (outcome.outcome !== 'ok') return outcome;
      const { watch } = outcome;
      return { outcome: 'ok', watch: { next: async (call) => answer(await watch.next(call), watch), close: () => watch.close() } };
    },
  }));
}

const changed = (answer: WatchAnswer, change: (changes: readonly BackendChange[]) => readonly BackendChange[]): WatchAnswer =>
  answer.outcome === 'changes' ? { ...answer, changes: change(answer.changes) } : answer;

function opening(brokenCase: string, plan: (options: WatchOptions | undefined) => WatchOptions, prefix?: string): Defect {
  return spoilt(brokenCase, (own) => ({ watch: (asked, options) => own.watch(prefix ?? asked, plan(options)) }));
}

export const defects: Readonly<Record<string, Defect>> = {
  'the last write wins': spoilt('a write that names another revision is a conflict', (own) => ({
    compareAndSet: async (key, expected, value, options) => {
      const outcome = await own.compareAndSet(key, expected, value, options);
      return outcome.outcome === 'conflict' ? own.compareAndSet(key, outcome.entry?.revision ?? 0, value, options) : outcome;
    },
  })),
  'it decides on a read': spoilt('of twenty writes at once that name one revision', (own) => {
    let last: Promise<unknown> = Promise.resolve();
    return {
      compareAndSet: async (key, expected, value, options) => {
        const there = await own.get(key);
        if (there.outcome !== 'ok' || (there.entry?.revision ?? 0) !== expected) return own.compareAndSet(key, expected, value, options);
        const writing = last.then(async () => {
          const now = await own.get(key);
          return own.compareAndSet(key, now.outcome === 'ok' ? (now.entry?.revision ?? 0) : 0, value, options);
        });
        last = writing;
        return writing;
      },
    };
  }),
  'a conflict does not say what stands there': spoilt('a write that names another revision is a conflict', (own) => ({
    compareAndSet: async (...call) => {
      const outcome = await own.compareAndSet(...call);
      return outcome.outcome === 'conflict' ? { outcome: 'conflict', entry: null } : outcome;
    },
  })),
  'it deletes whatever stands there': spoilt('a deletion that names another revision', (own) => ({
    delete: async (key, expected, call) => {
      const outcome = await own.delete(key, expected, call);
      return outcome.outcome === 'conflict' && outcome.entry !== null ? own.delete(key, outcome.entry.revision, call) : outcome;
    },
  })),
  'two deletions both say that they did it': spoilt('of ten deletions at once', (own) => ({
    delete: async (key, expected, call) => {
      const outcome = await own.delete(key, expected, call);
      return outcome.outcome === 'conflict' && outcome.entry === null ? { outcome: 'ok', revision: expected + 1 } : outcome;
    },
  })),
  'each key counts for itself': spoilt('revisions are whole numbers that rise over all keys', (own) => {
    const versions = new Map<string, number>();
    return {
      compareAndSet: async (key, expected, value, options) => {
        const there = await own.get(key);
        const real = there.outcome === 'ok' && expected === (versions.get(key) ?? 0) ? (there.entry?.revision ?? 0) : expected;
        const outcome = await own.compareAndSet(key, real, value, options);
        if (outcome.outcome !== 'ok') return outcome;
        versions.set(key, expected + 1);
        return { outcome: 'ok', revision: expected + 1 };
      },
    };
  }),
  'a deletion has no revision of its own': spoilt('a deletion that names the revision takes the key away', (own) => ({
    delete: async (key, expected, call) => {
      const outcome = await own.delete(key, expected, call);
      return outcome.outcome === 'ok' ? { outcome: 'ok', revision: expected } : outcome;
    },
  })),
  'a write makes the key anew': spoilt('a write that names the revision that stands is done', (own) => ({
    compareAndSet: async (key, expected, value, options) => {
      if (expected > 0) await own.delete(key, expected);
      return own.compareAndSet(key, 0, value, options);
    },
  })),
  'a list is in the order of making': spoilt('keys are listed by prefix, in the order of their code points', (own) => ({
    list: async (...call) => {
      const outcome = await own.list(...call);
      return outcome.outcome === 'ok' ? { ...outcome, entries: [...outcome.entries].sort((one, other) => one.created - other.created) } : outcome;
    },
  })),
  'a list is in the order of halves of pairs': spoilt('keys are listed by prefix, in the order of their code points', (own) => ({
    list: async (...call) => {
      const outcome = await own.list(...call);
      return outcome.outcome === 'ok' ? { ...outcome, entries: [...outcome.entries].sort((one, other) => (one.key < other.key ? -1 : 1)) } : outcome;
    },
  })),
  'a list has one page': spoilt('a list has pages', (own) => ({
    list: async (...call) => {
      const outcome = await own.list(...call);
      return outcome.outcome === 'ok' ? { ...outcome, next: null } : outcome;
    },
  })),
  'a list begins with the key that it is to go on behind': spoilt('a list has pages', (own) => ({
    list: async (prefix, options = {}) => {
      const outcome = await own.list(prefix, options);
      const there = options.after === undefined || options.after === '' ? null : await own.get(options.after);
      const first = there?.outcome === 'ok' && there.entry !== null ? [there.entry] : [];
      return outcome.outcome === 'ok' ? { ...outcome, entries: [...first, ...outcome.entries].slice(0, options.limit ?? 100) } : outcome;
    },
  })),
  'it hands out what it keeps': spoilt('a value is what JSON makes of it, and a copy', (own) => {
    const kept = new Map<number, unknown>();
    return {
      get: async (...call) => {
        const outcome = await own.get(...call);
        if (outcome.outcome !== 'ok' || outcome.entry === null) return outcome;
        const { revision, value } = outcome.entry;
        if (!kept.has(revision)) kept.set(revision, value);
        return { ...outcome, entry: { ...outcome.entry, value: kept.get(revision) as null } };
      },
    };
  }),
  'it looks at the value later': spoilt('a value is what JSON makes of it, and a copy', (own) => ({
    compareAndSet: async (...call) => {
      await Promise.resolve();
      return own.compareAndSet(...call);
    },
  })),
  'a lease lives for ever': spoilt('what is bound to a lease stands until its time is over', (own) => ({
    grant: async (ttlMs, call) => {
      const outcome = await own.grant(Math.min(ttlMs * 1_000, 3_600_000), call);
      return outcome.outcome === 'ok' ? { ...outcome, ttlMs } : outcome;
    },
  })),
  'a lease ends too early': spoilt('what is bound to a lease stands until its time is over', (own) => ({
    grant: (ttlMs, call) => own.grant(ttlMs / 2, call),
  })),
  'all have one lease': spoilt('leases have names of their own', (own) => {
    let lease: ReturnType<OpenBackend['grant']> | null = null;
    return { grant: (...call) => (lease ??= own.grant(...call)) };
  }),
  'a renewal does nothing': spoilt('a renewal gives a lease its whole time anew', () => ({ renew: async () => ({ outcome: 'ok', ttlMs: 1_000 }) })),
  'a renewal says that all is well': spoilt('a lease that has ended is gone for good', (own) => ({
    renew: async (...call) => {
      const outcome = await own.renew(...call);
      return outcome.outcome === 'gone' ? { outcome: 'ok', ttlMs: 1_000 } : outcome;
    },
  })),
  'a write with a lease that has ended is done without': spoilt('a write with a lease that has ended is not done', (own) => ({
    compareAndSet: async (key, expected, value, options) => {
      const outcome = await own.compareAndSet(key, expected, value, options);
      return outcome.outcome === 'gone' ? own.compareAndSet(key, expected, value) : outcome;
    },
  })),
  'a conflict is told before a lease that is gone': spoilt('a write with a lease that has ended is not done', (own) => ({
    compareAndSet: async (key, expected, value, options) => {
      const there = await own.get(key);
      if (there.outcome === 'ok' && (there.entry?.revision ?? 0) !== expected) return { outcome: 'conflict', entry: there.entry };
      return own.compareAndSet(key, expected, value, options);
    },
  })),
  'a revocation waits for the end': spoilt('a lease that is revoked ends at once', () => ({
    revoke: async () => ({ outcome: 'ok', wasThere: true }),
  })),
  'the second revocation was there too': spoilt('a lease that is revoked ends at once', (own) => ({
    revoke: async (...call) => {
      const outcome = await own.revoke(...call);
      return outcome.outcome === 'ok' ? { outcome: 'ok', wasThere: true } : outcome;
    },
  })),
  'nothing is bound to its lease': spoilt('what is bound to a lease stands until', (own) => ({
    compareAndSet: (key, expected, value, { lease: _lease, ...rest } = {}) => own.compareAndSet(key, expected, value, rest),
  })),
  'a key stays with its first lease': spoilt('a write without a lease unbinds the key', (own) => ({
    compareAndSet: async (key, expected, value, options) => {
      const there = await own.get(key);
      const first = there.outcome === 'ok' ? there.entry?.lease : null;
      return own.compareAndSet(key, expected, value, { ...options, ...(first === null || first === undefined ? {} : { lease: first }) });
    },
  })),
  'leases end only when somebody asks': {
    brokenCase: 'the end of a lease comes by itself',
    subject: {
      open: async ({ limits }) => {
        const clock = new VirtualClock();
        const deaf = {
          now: () => clock.now(),
          setTimeout: (fn: () => void, ms: number) => (ms < 10_000 ? 0 : clock.setTimeout(fn, ms)),
          clearTimeout() {},
        };
        // Whoever waits gives up at last, so that it is found out.
        const advance = async (ms: number): Promise<void> => clock.advanceByAsync(ms + 3_600_000);
        return { backend: memoryBackend({ clock: deaf, ...limits }), clock, advance };
      },
    },
  },
  'a watch tells of all keys': opening('a watch tells of the keys with its prefix', (options) => options ?? {}, ''),
  'a watch begins one too late': opening('a watch from an earlier revision', ({ from, ...rest } = {}) =>
    from === undefined ? rest : { ...rest, from: from + 1 },
  ),
  'a watch begins one too early': spoilt('a watch from an earlier revision', (own) => ({
    watch: (prefix, { from, ...rest } = {}) => own.watch(prefix, from === undefined ? rest : { ...rest, from: Math.max(1, from - 1) }),
  })),
  'what is forgotten is left out without a word': spoilt('a watch from a revision that is forgotten', (own) => ({
    watch: async (prefix, options) => {
      const outcome = await own.watch(prefix, options);
      return outcome.outcome === 'tooOld' ? own.watch(prefix, { from: outcome.oldest }) : outcome;
    },
  })),
  'a watch from the future waits': spoilt('a watch from a revision that is not there yet', (own) => ({
    watch: async (prefix, options) => {
      const outcome = await own.watch(prefix, options);
      return outcome.outcome === 'ahead' ? own.watch(prefix) : outcome;
    },
  })),
  'a gap is passed over': watching('a watch whose owner is too slow', (answer, own) => (answer.outcome === 'gap' ? own.next() : answer)),
  'a gap does not say where it ends': watching('a watch whose owner is too slow', (answer) =>
    answer.outcome === 'gap' ? { ...answer, revision: 0 } : answer,
  ),
  'a change is told twice': watching('a watch tells what comes after it began', (answer) =>
    changed(answer, (changes) => [...changes, ...changes.slice(-1)]),
  ),
  'changes are told the wrong way round': watching('a watch tells what comes after it began', (answer) =>
    changed(answer, (changes) => changes.toReversed()),
  ),
  'deletions are not told': watching('a watch tells what comes after it began', (answer) =>
    changed(answer, (changes) => changes.map((change) => (change.type === 'deleted' ? (changes[0] as BackendChange) : change))),
  ),
  'nobody says why': watching('what a lease deletes is told with why it ended', (answer) =>
    changed(answer, (changes) => changes.map((change) => (change.type === 'deleted' ? { ...change, why: 'deleted' } : change))),
  ),
  'quiet says nothing': watching('where nothing comes in time', (answer) => (answer.outcome === 'quiet' ? { ...answer, revision: 0 } : answer)),
  'a closed watch keeps its place': spoilt('there are as many watches as may be', (own, { maxWatches = 1_000 }) => {
    let count = 0;
    return { watch: async (...call) => (count++ < maxWatches ? own.watch(...call) : { outcome: 'refused', reason: 'full', what: 'maxWatches' }) };
  }),
  'it has room for more keys than it says': spoilt('there are as many keys as may be', () => ({}), { maxKeys: 1_000 }),
  'the oldest key gives way': spoilt(
    'there are as many keys as may be',
    (own, { maxKeys = 10_000 }) => ({
      compareAndSet: async (key, expected, value, options) => {
        const { entries } = (await own.list('', { limit: 1_000 })) as { entries: readonly { key: string; revision: number }[] };
        const [first] = entries;
        if (expected === 0 && entries.length >= maxKeys && first !== undefined) await own.delete(first.key, first.revision);
        return own.compareAndSet(key, expected, value, options);
      },
    }),
    { maxKeys: 1_000 },
  ),
  'it has room for more leases than it says': spoilt('there are as many leases as may be', () => ({}), { maxLeases: 1_000 }),
  'a lease has room for more keys': spoilt('a lease has as many keys as may be', () => ({}), { maxLeaseKeys: 100 }),
  'a value that is too large is cut': spoilt('a value that is too large is refused', (own) => ({
    compareAndSet: async (key, expected, value, options) => {
      const outcome = await own.compareAndSet(key, expected, value, options);
      return outcome.outcome === 'refused' && outcome.reason === 'tooLarge' ? own.compareAndSet(key, expected, 'cut', options) : outcome;
    },
  })),
  'no signal is looked at': spoilt('compareAndSet: whose signal has aborted before', (own) => ({
    compareAndSet: (key, expected, value, { signal: _signal, ...rest } = {}) => own.compareAndSet(key, expected, value, rest),
  })),
  'who has aborted hears that nothing was done': spoilt('a call that is cancelled on its way', (own) => ({
    compareAndSet: async (key, expected, value, { signal, ...rest } = {}) => {
      const outcome = await own.compareAndSet(key, expected, value, rest);
      await Promise.resolve();
      return signal?.aborted === true ? { outcome: 'refused', reason: 'cancelled' } : outcome;
    },
  })),
  'it answers when it is closed': spoilt('get: asked of a backend that is closed', () => ({
    get: async () => ({ outcome: 'ok', entry: null, revision: 0 }),
  })),
  'no revision below 0 is misuse': spoilt('an expected revision below 0', (own) => ({
    compareAndSet: (key, expected, ...rest) => own.compareAndSet(key, Math.max(0, expected), ...rest),
  })),
  'a late write is done where its lease is gone': spoilt('a write that comes late with a lease', (own) => ({
    compareAndSet: async (key, expected, value, options) => {
      const outcome = await own.compareAndSet(key, expected, value, options);
      return outcome.outcome === 'gone' ? own.compareAndSet(key, expected, value) : outcome;
    },
  })),
  'a late renewal begins the lease anew': spoilt('a renewal that comes late', (own) => {
    const names = new Map<string, string>();
    const nowOf = (lease: string): string => names.get(lease) ?? lease;
    return {
      renew: async (lease, call) => {
        const outcome = await own.renew(nowOf(lease), call);
        if (outcome.outcome !== 'gone') return outcome;
        const granted = await own.grant(1_000);
        if (granted.outcome !== 'ok') return granted;
        names.set(lease, granted.lease);
        return { outcome: 'ok', ttlMs: 1_000 };
      },
    };
  }),
  'nothing is there when it is opened again': durable('what was acknowledged is there', async (clock, limits) => memoryBackend({ clock, ...limits })),
  'what is there has other revisions when it is opened again': durable('no revision is given twice', async (clock, limits, old) => {
    const anew = memoryBackend({ clock, ...limits });
    for (const { key, value } of old) await anew.compareAndSet(key, 0, value);
    return anew;
  }),
  'two have it at once': {
    brokenCase: 'one that another has taken over',
    subject: {
      open: async ({ limits }) => {
        const clock = new VirtualClock();
        const store = memoryEvents();
        const [backend, other] = [memoryBackend({ clock, store, name: 'one', ...limits }), memoryBackend({ clock, store, name: 'other', ...limits })];
        return { backend, clock, advance: (ms) => clock.advanceByAsync(ms), takeOver: async () => other };
      },
    },
  },
};

/** One that is not opened again as it should be. */
function durable(
  brokenCase: string,
  again: (clock: VirtualClock, limits: BackendLimits, old: readonly { key: string; value: unknown }[]) => Promise<OpenBackend>,
): Defect {
  const open = async ({ limits }: { limits: BackendLimits }): Promise<OpenedBackend> => {
    const clock = new VirtualClock();
    const backend = memoryBackend({ clock, ...limits });
    const reopen = async (): Promise<OpenBackend> => {
      const { entries } = (await backend.list('')) as { entries: readonly { key: string; value: unknown }[] };
      await backend.close();
      return again(clock, limits, entries);
    };
    return { backend, clock, advance: (ms) => clock.advanceByAsync(ms), reopen };
  };
  return { brokenCase, subject: { open } };
}
