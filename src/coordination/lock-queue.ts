/**
 * The queue of a lock, as the backend has it: a key for each who stands in it, bound to its lease, in the order in which the keys were made.
 *
 * Nothing is decided on a read that could be over when it is heard: nobody can come before a key that stands, since whatever is made later has a higher
 * revision. So who has seen that enough of those before it are gone has its turn for as long as its own key stands, which its lease says.
 */
import type { BackendEntry, ListOutcome, Refused } from '../backend/port.js';
import type { LockBackend } from './lock-options.js';

/** What a key of the queue says. */
export interface QueueValue {
  readonly lease: string;
  readonly permits: number;
}

/** The queue, from one who stands in it. */
export type QueueLook =
  | {
      readonly outcome: 'ok';
      /** Those before it, in order. */
      readonly ahead: readonly BackendEntry[];
      /** To watch from the one behind it leaves nothing out. */
      readonly revision: number;
      /** Is somebody before it who has another kind of lock? Whoever that is has no business there, and is about to leave, but for the first. */
      readonly isMixed: boolean;
      /** Is the first of them one of those? Then the queue is of that kind. */
      readonly isAnothers: boolean;
    }
  /** Its own key does not stand: its lease has ended. */
  | { readonly outcome: 'gone' }
  | Refused;

/** Looks who is before a key; pages are of different moments, but those before it only become fewer. */
export async function lookAhead(
  backend: LockBackend,
  { prefix, key, permits, withinMs, signal }: { prefix: string; key: string; permits: number; withinMs: number; signal: AbortSignal },
): Promise<QueueLook> {
  const entries: BackendEntry[] = [];
  let after: string | null = null;
  let revision: number | null = null;
  do {
    const page: ListOutcome = await backend.list(prefix, { limit: 1_000, withinMs, signal, ...(after === null ? {} : { after }) });
    if (page.outcome !== 'ok') return page;
    entries.push(...page.entries);
    revision ??= page.revision;
    after = page.next;
  } while (after !== null);
  const own = entries.find((entry) => entry.key === key);
  if (own === undefined) return { outcome: 'gone' };
  const ahead = entries.filter(({ created }) => created < own.created).sort((a, b) => a.created - b.created);
  const isOther = ({ value }: BackendEntry): boolean => (value as Partial<QueueValue> | null)?.permits !== permits;
  return { outcome: 'ok', ahead, revision, isMixed: ahead.some(isOther), isAnothers: ahead.slice(0, 1).some(isOther) };
}
