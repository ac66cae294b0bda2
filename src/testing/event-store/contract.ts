/** What every event store must do, as cases that any runner can run: ours pass them, and so must one of your own. */
import type { EventStore, StoreLimits } from '../../events/port.js';
import { appendCases } from './append-cases.js';
import { documentCases } from './document-cases.js';
import { misuseCases } from './misuse-cases.js';
import { pruneCases } from './prune-cases.js';
import { queryCases } from './query-cases.js';

/** How the contract opens the store that it holds to it. */
export interface EventStoreSubject {
  /** A new store with nothing in it, with these limits, which asks this for the time: ms since the epoch. */
  open(setting: { readonly limits: StoreLimits; readonly wallNow: () => number }): Promise<EventStore>;
  /** Closes a store and opens it again, with the same setting. Of one that is not durable: absent. */
  reopen?(store: EventStore): Promise<EventStore>;
}

/** One promise, and how to see whether it is kept. */
export interface ContractCase {
  /** A sentence: the title of a test. */
  readonly title: string;
  /** Rejects with an AssertionError where the promise is broken. Nothing is left open. */
  run(): Promise<void>;
}

/** What a case has in hand. */
export interface Bench {
  readonly store: EventStore;
  /** The time that the store is told. */
  readonly wall: { now: number };
  /** Closed, and opened again; undefined where the store is not durable. */
  reopen?(): Promise<EventStore>;
}

/** One promise before it has a store. */
export interface WrittenCase {
  readonly title: string;
  readonly limits?: StoreLimits;
  /** Only for a store that outlasts its process. */
  readonly isOfDurable?: boolean;
  check(bench: Bench): Promise<void>;
}

/**
 * The contract of an event store:
 *
 *   for (const { title, run } of eventStoreContract({ open })) it(title, run);
 */
export function eventStoreContract(subject: EventStoreSubject): readonly ContractCase[] {
  return [...appendCases, ...queryCases, ...pruneCases, ...documentCases, ...misuseCases]
    .filter(({ isOfDurable }) => isOfDurable !== true || subject.reopen !== undefined)
    .map((written) => ({ title: written.title, run: () => runCase(subject, written) }));
}

async function runCase({ open, reopen }: EventStoreSubject, { check, limits = {} }: WrittenCase): Promise<void> {
  const wall = { now: 1_700_000_000_000 };
  let store = await open({ limits, wallNow: () => wall.now });
  const again = async (): Promise<EventStore> => (store = await (reopen as NonNullable<typeof reopen>)(store));
  try {
    await check({ store, wall, ...(reopen === undefined ? {} : { reopen: again }) });
  } finally {
    await store.close();
  }
}
