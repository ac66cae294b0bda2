/** What a store writes in: the part that differs from engine to engine. Nothing of it waits. What is asked has been checked. */
import type { EventQuery, PrunePolicy } from './port.js';

/** An event as a ledger has it: its data as JSON text. */
export interface Entry {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly correlation: string | null;
  readonly causation: string | null;
  readonly wallAt: number;
}

export interface DocumentEntry {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
  readonly wallAt: number;
}

/** A question with its defaults filled in. */
export type PlannedQuery = Omit<EventQuery, 'limit' | 'order'> & { readonly limit: number; readonly isBackward: boolean };

/** Which streams are pruned. */
export type Selection = Pick<PrunePolicy, 'stream' | 'prefix'>;

/** What one part of a pruning took out. */
export interface Pruned {
  readonly count: number;
  /** The highest position of them; 0 for none. */
  readonly through: number;
  /** The stream that the last of them was in, where it goes stream by stream: the next part may begin with it. */
  readonly last?: string;
}

export interface Ledger {
  readonly isDurable: boolean;
  /** Does the work whole or not at all. @throws LedgerFault where it did not, or where nobody knows */
  transact(work: () => void): void;
  /** Close it; once. */
  close(): void;

  head(): number;
  prunedThrough(): number;
  count(): number;
  lastWallAt(): number;

  versionOf(stream: string): number;
  setVersion(stream: string, version: number): void;
  entryOf(id: string): Entry | null;
  /** @returns its position */
  add(entry: Omit<Entry, 'position'>): number;
  /** At most `limit` entries. */
  page(query: PlannedQuery): Entry[];
  /** The `nth` newest position of a selection, from 1; 0 where there are fewer. */
  newest(selection: Selection, nth: number): number;
  /** The lowest position stored at or after a time; one above the head where there is none. */
  positionSince(wallAt: number): number;
  /** Takes out at most `limit` below a position: the oldest, or where there is a prefix stream by stream, each from its oldest. */
  prune(selection: Selection, below: number, limit: number, from?: string): Pruned;

  highestToken(fence: string): number;
  setToken(fence: string, token: number): void;

  documentOf(key: string): DocumentEntry | null;
  documents(prefix: string, after: string, limit: number): DocumentEntry[];
  /** @returns its revision */
  putDocument(entry: Omit<DocumentEntry, 'revision'>): number;
  removeDocument(key: string): void;
}

/** The engine beneath failed. */
export class LedgerFault extends Error {
  override readonly name = 'LedgerFault';
  /** `failed`: nothing was stored; `unknown`: it may have been. */
  readonly outcome: 'failed' | 'unknown';
  /** It must be opened again. */
  readonly isBroken: boolean;

  constructor(outcome: 'failed' | 'unknown', isBroken: boolean, cause: unknown) {
    super(wordsOf(cause), { cause });
    this.outcome = outcome;
    this.isBroken = isBroken;
  }
}

/** The engine's word on an error, without what stood in the statement. */
function wordsOf(cause: unknown): string {
  const { code, message } = (cause ?? {}) as { code?: unknown; message?: unknown };
  return [code, message].filter((word) => typeof word === 'string' && word !== '').join(': ') || 'the engine failed';
}
