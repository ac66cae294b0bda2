/** What is decided together: a lot of calls, one after the other, each on what those before it left, and all taken back where none of it can be stored. */
import { bytesOf } from '../wire/recording/bytes.js';
import type {
  BackendLimits,
  DeleteOutcome,
  GetOutcome,
  GrantOutcome,
  ListOutcome,
  Refused,
  RenewOutcome,
  RevokeOutcome,
  SetOutcome,
} from './port.js';
import { type BackendRecord, leaseOf, weightOf, type Written } from './records.js';
import { type BackendState, entryOf, type Held, type Lease } from './state.js';

/** An append has at most 1 000 events and 16 MiB; one call adds at most 257 records, and the last may do so when these are reached. */
const mostRecords = 700;
const mostWeight = 8 * 1_048_576;

export class Turn {
  readonly state: BackendState;
  readonly limits: Required<BackendLimits>;
  /** Monotonic ms. */
  readonly at: number;
  readonly records: Written[] = [];
  readonly #undo: (() => void)[] = [];
  #weight = 0;

  constructor(state: BackendState, limits: Required<BackendLimits>, at: number) {
    this.state = state;
    this.limits = limits;
    this.at = at;
  }

  get isFull(): boolean {
    return this.records.length >= mostRecords || this.#weight >= mostWeight;
  }

  /** How much was changed: it rises with each change. */
  get changes(): number {
    return this.#undo.length;
  }

  /** @returns its revision */
  write(record: BackendRecord): number {
    const written = { ...record, revision: this.state.revision + 1 };
    this.#undo.push(this.state.apply(written, this.at));
    this.#weight += weightOf(record);
    this.records.push(written);
    return written.revision;
  }

  renew(lease: Lease): void {
    this.#undo.push(this.state.renew(lease, this.at));
  }

  /** Takes all of it back. */
  takeBack(): void {
    for (const undo of this.#undo.reverse()) undo();
  }

  /** Ends the leases whose time is over: where they are more than there is room for it is full, and the next turn goes on. */
  expire(): void {
    for (let lease = this.state.firstToEnd(); lease !== undefined && lease.endsAt <= this.at && !this.isFull; lease = this.state.firstToEnd())
      this.endLease(lease, 'expired');
  }

  endLease(lease: Lease, why: 'expired' | 'revoked'): void {
    for (const key of [...lease.keys]) this.write({ type: 'deleted', key, created: this.state.entry(key)?.created ?? 0, why });
    this.write({ type: 'ended', lease: lease.id });
  }
}

/** Decides one call; what it answers is told when it is stored. */
export type Decide<Outcome> = (turn: Turn) => () => Outcome;

export function refused(reason: Refused['reason'], what?: string): Refused {
  return { outcome: 'refused', reason, ...(what === undefined ? {} : { what }) };
}

const full = (what: keyof BackendLimits) => () => refused('full', what);

function conflict(there: Held | undefined): () => { readonly outcome: 'conflict'; readonly entry: ReturnType<typeof entryOf> | null } {
  return () => ({ outcome: 'conflict', entry: there === undefined ? null : entryOf(there) });
}

export function decideSet(key: string, expected: number, value: string, lease: string | null): Decide<SetOutcome> {
  return (turn) => {
    const { state, limits } = turn;
    const bound = lease === null ? null : state.lease(lease);
    if (bound === undefined) return () => ({ outcome: 'gone' });
    const there = state.entry(key);
    if ((there?.revision ?? 0) !== expected) return conflict(there);
    if (there === undefined && state.keyCount >= limits.maxKeys) return full('maxKeys');
    if (state.bytes - (there?.bytes ?? 0) + bytesOf(key) + bytesOf(value) > limits.maxBytes) return full('maxBytes');
    if (bound !== null && !bound.keys.has(key) && bound.keys.size >= limits.maxLeaseKeys) return full('maxLeaseKeys');
    const revision = turn.write({ type: 'set', key, value, created: there?.created ?? 0, lease });
    return () => ({ outcome: 'ok', revision });
  };
}

export function decideDelete(key: string, expected: number): Decide<DeleteOutcome> {
  return (turn) => {
    const there = turn.state.entry(key);
    if (there?.revision !== expected) return conflict(there);
    const revision = turn.write({ type: 'deleted', key, created: there.created, why: 'deleted' });
    return () => ({ outcome: 'ok', revision });
  };
}

export function decideGet(key: string): Decide<GetOutcome> {
  return ({ state }) => {
    const [there, { revision }] = [state.entry(key), state];
    return () => ({ outcome: 'ok', entry: there === undefined ? null : entryOf(there), revision });
  };
}

export function decideList(prefix: string, after: string, limit: number): Decide<ListOutcome> {
  return ({ state }) => {
    const [found, { revision }] = [state.page(prefix, after, limit + 1), state];
    const page = found.slice(0, limit);
    return () => ({ outcome: 'ok', entries: page.map(entryOf), next: found.length > limit ? (page.at(-1)?.key ?? null) : null, revision });
  };
}

export function decideGrant(ttlMs: number): Decide<GrantOutcome> {
  return (turn) => {
    if (turn.state.leaseCount >= turn.limits.maxLeases) return full('maxLeases');
    const lease = leaseOf(turn.write({ type: 'granted', ttlMs }));
    return () => ({ outcome: 'ok', lease, ttlMs });
  };
}

export function decideRenew(id: string): Decide<RenewOutcome> {
  return (turn) => {
    const lease = turn.state.lease(id);
    if (lease === undefined) return () => ({ outcome: 'gone' });
    turn.renew(lease);
    return () => ({ outcome: 'ok', ttlMs: lease.ttlMs });
  };
}

export function decideRevoke(id: string): Decide<RevokeOutcome> {
  return (turn) => {
    const lease = turn.state.lease(id);
    if (lease !== undefined) turn.endLease(lease, 'revoked');
    return () => ({ outcome: 'ok', wasThere: lease !== undefined });
  };
}
