/** What an event store is asked for, checked, and turned into the input of its chart and a way to open it. */
import type { Backoff } from '../../machines/backoff.js';
import type { EventStoreInput } from '../../machines/events/event-store-events.js';
import { isBackoff, wholeBackoff } from '../../machines/supervision/child-spec.js';
import { checkedPolicy, delay, duration, invalid, limitKeys, plannedLimits, requireKeys, requireWhole } from '../events/event-checks.js';
import { LedgerStore, thisRuntime } from '../events/ledger-store.js';
import { MemoryLedger } from '../events/memory.js';
import type { PrunePolicy } from '../events/port.js';
import { fullPath, openSqlite, planSqlite, sqliteKeys, type SqliteOptions } from '../events/sqlite.js';
import { mostWaitingBytes } from '../events/requests.js';
import { sortOf } from '../option-checks.js';

/** Options of an event store; each may be left out, but `path` or `memory: true`. A name that is not here is refused. */
export interface EventStoreOptions extends Omit<SqliteOptions, 'path'> {
  /** Where its file is, or is to be. */
  readonly path?: string;
  /** In memory instead: it outlasts the loss of its engine, not the end of its actor. For tests. */
  readonly memory?: true;
  /** What is pruned by itself: each in turn, when it has opened and then every `pruneEveryMs`. */
  readonly prune?: readonly PrunePolicy[];
  /** Default 3 600 000, an hour. */
  readonly pruneEveryMs?: number;
  /** How long it may take to open, ms. Default 10 000. */
  readonly openMs?: number;
  /** How long it may take to commit what waits and to close, ms. Default 5 000. */
  readonly closeMs?: number;
  /** How long a call waits for a store that is not open, ms. Default 5 000. */
  readonly waitMs?: number;
  /** Subscriptions at a time; one more ends at once, `full`. Default 10 000. */
  readonly maxSubscribers?: number;
  /** The pause before an engine that was lost is opened again. Default: 50 ms, doubling up to 5 s, a quarter of it by chance. */
  readonly backoff?: Partial<Backoff>;
  /** Losses within `periodMs` that it survives. Default 5 in 60 000 ms. */
  readonly intensity?: number;
  readonly periodMs?: number;
}

/** What the options come to. */
export interface EventStorePlan {
  readonly input: EventStoreInput;
  readonly policies: readonly PrunePolicy[];
  readonly waitMs: number;
  readonly maxWaiting: number;
  readonly maxWaitingBytes: number;
  readonly maxSubscribers: number;
  /** A way to open the store, of one actor: in memory it is the same one again. */
  opener(): () => Promise<LedgerStore>;
}

const defaultBackoff: Backoff = { minMs: 50, maxMs: 5_000, factor: 2, jitter: 0.25, resetAfterMs: 60_000 };
const ownKeys = ['memory', 'prune', 'pruneEveryMs', 'openMs', 'closeMs', 'waitMs', 'maxSubscribers', 'backoff', 'intensity', 'periodMs'];

/** @throws EspalierError `events/invalid-options`, with the option's name */
export function planEventStore(options: EventStoreOptions): EventStorePlan {
  requireKeys('the options of an event store', options, [...sqliteKeys, ...ownKeys]);
  const { prune = [], pruneEveryMs, openMs, closeMs, waitMs, maxSubscribers = 10_000, backoff = {}, intensity = 5, periodMs, ...more } = options;
  const { memory, path, ...engine } = more;
  if (memory !== undefined && (memory as unknown) !== true) throw invalid('memory', 'true, or nothing', sortOf(memory));
  if ((memory === true) === (path !== undefined)) throw invalid('path', 'a path or memory: true', path === undefined ? 'neither' : 'both');
  if (!Array.isArray(prune)) throw invalid('prune', 'a list of policies', sortOf(prune));
  const policies = Array.from(prune, (policy: PrunePolicy, index) => checkedPolicy(policy, `prune[${index}]`));
  requireWhole('intensity', intensity);
  requireWhole('maxSubscribers', maxSubscribers, 1);
  requireKeys('backoff', backoff, [...Object.keys(defaultBackoff), 'seed']);
  const pauses = { ...defaultBackoff, ...backoff };
  if (!isBackoff(pauses)) throw invalid('backoff', `${wholeBackoff}, all numbers, with seed a whole one`, 'another');
  const limits = Object.fromEntries(limitKeys.flatMap((name) => (engine[name] === undefined ? [] : [[name, engine[name]]])));
  const interval = delay('pruneEveryMs', pruneEveryMs, 3_600_000);
  const { maxPending, maxEventBytes } = plannedLimits(limits);
  return {
    input: {
      openMs: delay('openMs', openMs, 10_000),
      closeMs: delay('closeMs', closeMs, 5_000),
      pruneEveryMs: policies.length === 0 ? null : interval,
      backoff: pauses,
      intensity,
      periodMs: duration('periodMs', periodMs, 60_000),
    },
    policies,
    waitMs: duration('waitMs', waitMs, 5_000, 0),
    maxWaiting: maxPending,
    maxWaitingBytes: mostWaitingBytes(maxEventBytes),
    maxSubscribers,
    opener: memory === true ? inMemory(engine) : inFile({ ...engine, path: path as string }),
  };
}

function inFile(options: SqliteOptions): EventStorePlan['opener'] {
  const plan = planSqlite(options);
  return () => {
    let wasOpen = false;
    let path: string | undefined;
    return async () => {
      path ??= await fullPath(plan.path);
      const store = await openSqlite({ ...plan, path }, wasOpen);
      wasOpen = true;
      return store;
    };
  };
}

function inMemory(options: Omit<SqliteOptions, 'path'>): EventStorePlan['opener'] {
  const { wallNow = thisRuntime.wallNow, durability, driver, lockMs, ...limits } = options;
  for (const [name, value] of Object.entries({ durability, driver, lockMs }))
    if (value !== undefined) throw invalid(name, 'nothing, in memory', sortOf(value));
  if (typeof wallNow !== 'function') throw invalid('wallNow', 'a function', sortOf(wallNow));
  return () => {
    const ledger = new MemoryLedger();
    return async () => new LedgerStore(ledger, limits, { ...thisRuntime, wallNow });
  };
}
