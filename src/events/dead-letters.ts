/**
 * Dead letters: what could not be delivered, kept until somebody has dealt with it.
 *
 * They stand in a stream of their own, `$deadLetters`, which no policy prunes that does not name it: a letter is an event, and so is what became of it.
 */
import type { EventJournal, FindOutcome, Json, NotDone, NotRead, StoredEvent } from './port.js';

/** The stream of dead letters. */
export const deadLetterStream = '$deadLetters';

export interface NewLetter {
  /** Whom it was for: an actor's id or path, an address. */
  readonly to: string;
  /** What was to be delivered: JSON. */
  readonly event: unknown;
  /** Why it was not. */
  readonly reason: string;
}

export interface DeadLetter {
  readonly id: string;
  readonly position: number;
  /** When it was buried, ms since the epoch. */
  readonly wallAt: number;
  readonly to: string;
  readonly event: Json;
  readonly reason: string;
}

export type BuryOutcome = { readonly ok: true; readonly id: string } | { readonly ok: false; readonly reason: 'tooLarge' } | NotDone;

export type SettleOutcome =
  | { readonly ok: true }
  /** There is none of that id, or somebody has dealt with it already. */
  | { readonly ok: false; readonly reason: 'notFound' | 'settled' }
  | NotDone;

export interface DeadLetters {
  bury(letter: NewLetter): Promise<BuryOutcome>;
  /** Those that nobody has dealt with, the oldest first. `after`: a position to go on behind. */
  open(page?: {
    readonly after?: number;
    readonly limit?: number;
  }): Promise<{ readonly ok: true; readonly letters: readonly DeadLetter[]; readonly next: number | null } | NotRead>;
  /** Of several who deal with one letter, one hears `ok`. Say so before it is delivered: then it is, at most once. */
  settle(id: string, how: 'redelivered' | 'discarded'): Promise<SettleOutcome>;
}

type Store = Pick<EventJournal, 'append' | 'read' | 'find'>;

/** The dead letters of a store. */
export function deadLetters(store: Store): DeadLetters {
  return {
    bury: async ({ to, event, reason }) => {
      const outcome = await store.append(deadLetterStream, [{ type: 'letter.buried', data: { to, event, reason } }]);
      if (outcome.ok) return { ok: true, id: outcome.ids[0] as string };
      // Nothing is expected, and the id is new: neither of these can be.
      if (outcome.reason === 'conflict' || outcome.reason === 'duplicate') return { ok: false, reason: 'failed', error: outcome.reason };
      return outcome.reason === 'tooLarge' ? { ok: false, reason: 'tooLarge' } : outcome;
    },
    open: async (page = {}) => {
      const found = await store.read({ ...page, stream: deadLetterStream, type: 'letter.buried' });
      if (!found.ok) return found;
      const letters: DeadLetter[] = [];
      for (const event of found.events) {
        const settled = await store.find(settledId(event.id));
        if (!settled.ok) return settled;
        if (settled.event === null) letters.push(letterOf(event));
      }
      return { ok: true, letters, next: found.next };
    },
    settle: async (id, how) => {
      const found: FindOutcome = await store.find(id);
      if (!found.ok) return found;
      if (found.event?.type !== 'letter.buried') return { ok: false, reason: 'notFound' };
      const outcome = await store.append(deadLetterStream, [{ type: `letter.${how}`, id: settledId(id), causation: id }]);
      if (outcome.ok) return { ok: true };
      if (outcome.reason === 'duplicate') return { ok: false, reason: 'settled' };
      if (outcome.reason === 'conflict' || outcome.reason === 'tooLarge') return { ok: false, reason: 'failed', error: outcome.reason };
      return outcome;
    },
  };
}

/** One for each letter, so that the store itself refuses the second. */
function settledId(id: string): string {
  return `${id}:settled`;
}

function letterOf({ id, position, wallAt, data }: StoredEvent): DeadLetter {
  const { to, event, reason } = data as { to: string; event: Json; reason: string };
  return { id, position, wallAt, to, event, reason };
}
