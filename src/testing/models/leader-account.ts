/** What the model of a participant knows by itself, and what that has to do and say. */
import type { LeaderInput, Resignation, Seat } from '../../../machines/coordination/leader-events.js';
import type { leaderMachine } from '../../../machines/coordination/leader.js';
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import type { EventCase } from '../model/model.js';
import type { Run } from '../model/run.js';
import { same, toldNow } from './looks.js';

export type LeaderRun = Run<typeof leaderMachine>;
export type Owes = NonNullable<EventCase<typeof leaderMachine, never>['owes']>;

export const input: LeaderInput = {
  ...{ election: 'planner', id: 'ann', stands: true, callMs: 50, ttlMs: 200 },
  backoff: { minMs: 100, maxMs: 200, factor: 2, jitter: 0, resetAfterMs: 100 },
};
export const election = 'planner';
export const pauseOf = (attempt: number): number => (attempt > 1 ? 200 : 100);

/** What the model itself knows of a run. */
export interface Account {
  seat: Seat;
  token: number | null;
  first: string | null;
  lease: string;
  leases: number;
  stands: boolean;
  claim: Seat;
  mine: Seat | null;
  looks: number;
  attempts: number;
  spoils: number;
  isEnding: boolean;
  reason: unknown;
}

export function accountOf({ notes, start }: LeaderRun): Account {
  notes['account'] ??= {
    ...{ seat: { revision: 0, term: 0 }, token: null, first: null, lease: '', leases: 0, stands: start !== 'an observer' },
    ...{ claim: null, mine: null, looks: 0, attempts: 0, spoils: 0, isEnding: false, reason: 'normal' },
  };
  return notes['account'] as Account;
}

type Snapshot = Pick<LeaderRun, 'snapshot'>;

/** What part it takes: `asking` and `pausing` are those of a campaign. */
export function part({ snapshot: { value } }: Snapshot): string {
  if (typeof value === 'string') return value;
  const word: unknown = (value as { running: { part: unknown } }).running.part;
  if (typeof word === 'string') return word;
  const { candidate } = word as { candidate: string | { campaigning: string } };
  return typeof candidate === 'string' ? candidate : candidate.campaigning;
}

export function look({ snapshot: { value } }: Snapshot): string {
  return typeof value === 'string' ? 'over' : (value as { running: { following: string } }).running.following;
}

export const met = (run: LeaderRun): string => part({ snapshot: run.before });
export const isCandidate = (place: string): boolean => ['entering', 'waiting', 'asking', 'pausing', 'leading', 'resigning'].includes(place);
export const chosen = (run: LeaderRun): string => (accountOf(run).stands ? 'entering' : 'observing');
/** Where it is after a resignation, unless it ends. */
const returned = (run: LeaderRun): string => (accountOf(run).stands && accountOf(run).spoils > 0 ? 'backingOff' : chosen(run));
export const pauseBefore = ({ attempts, spoils }: Account): number => pauseOf(Math.max(attempts, spoils));

interface Owed {
  readonly part?: string;
  readonly look?: string;
  readonly facts?: readonly object[];
  readonly told?: readonly string[];
}

/** It is there now, with these facts and orders; whose turn it is does not wait. */
export function isIn(run: LeaderRun, owed: Owed): string | undefined {
  const { first, lease } = accountOf(run);
  const wanted = owed.part ?? met(run);
  return (
    same('part', part(run), wanted === 'waiting' && first === lease ? 'asking' : wanted) ??
    same('look', look(run), owed.look ?? look({ snapshot: run.before })) ??
    same('emitted', run.emittedNow, owed.facts ?? []) ??
    same(
      'told',
      toldNow(run).map(({ type }) => type),
      owed.told ?? [],
    )
  );
}

export function endsIn(run: LeaderRun, state: string, reason: unknown, facts: readonly object[] = []): string | undefined {
  return isIn(run, { part: state, look: 'over', facts }) ?? same('reason', [reasonOfOutput(run.snapshot.output)], [reason]);
}

const mineBefore = (run: LeaderRun): object => {
  const { term, revision: token } = run.notes['mineBefore'] as Seat;
  return { election, term, token };
};
export const resigned = (run: LeaderRun, because: Resignation): object => ({ type: 'leader.resigned', ...mineBefore(run), because });
export const lost = (run: LeaderRun, why: string): object => ({ type: 'leader.lost', ...mineBefore(run), why });
export const retrying = (what: string, why: string, attempt: number, pauseMs = pauseOf(attempt)): object => ({
  ...{ type: 'leader.retrying', election, what, why, attempt, pauseMs },
});

export const resigns = (because: Resignation): Owes => {
  return (run) => isIn(run, { part: 'resigning', facts: [resigned(run, because)], told: ['candidacy.release'] });
};

/** Its work has ended, whatever way. */
export const spoils = (because: Resignation): Owes => {
  return (run) => {
    const facts = [resigned(run, because), retrying('working', because, accountOf(run).spoils)];
    return isIn(run, { part: 'resigning', facts, told: ['candidacy.release'] });
  };
};

/** Its lease is given back, or over: it goes on, or ends where it was asked to. */
export const returns = (owed: Owed = {}): Owes => {
  return (run) => {
    const { isEnding, reason } = accountOf(run);
    return isEnding ? endsIn(run, 'closed', reason) : isIn(run, { ...owed, part: returned(run) });
  };
};

/** Asked to end: at once where it has no lease, and else when that is given back. */
export const ends: Owes = (run) => {
  const was = met(run);
  if (!isCandidate(was)) return endsIn(run, 'closed', accountOf(run).reason);
  return was === 'leading' ? resigns('closed')(run) : isIn(run, was === 'resigning' ? {} : { part: 'resigning', told: ['candidacy.release'] });
};
