/** What the chart of one who takes part in an election is told and emits; what it is given and remembers. */
import type { Backoff } from '../backoff.js';
import type { ExitReason } from '../supervision/exit.js';

/** Who leads, as the election's keys say. `token`: the revision of the write that made it so. */
export interface Leadership {
  readonly id: string;
  readonly term: number;
  readonly token: number;
}

/** The seat of an election, as it stood when it was looked at: its revision, and the term that is written there. Both 0: nobody ever led. */
export interface Seat {
  readonly revision: number;
  readonly term: number;
}

/** Input of the leader machine. */
export interface LeaderInput {
  /** Which election. */
  readonly election: string;
  /** Who takes part, as others are told; two of the same name are two candidates. */
  readonly id: string;
  /** Does it begin as a candidate? If not, it observes. */
  readonly stands: boolean;
  /** Pauses between attempts. Work that has run for `resetAfterMs` is healthy. */
  readonly backoff: Backoff;
  /** How long the seat is asked for at once, ms. */
  readonly callMs: number;
  /** The life of its lease, and the longest that a resignation waits for an answer, ms. */
  readonly ttlMs: number;
}

/** What has become of one attempt to take the seat. */
export type ClaimOutcome =
  /** It was done. `token`: its revision. */
  | { readonly outcome: 'won'; readonly token: number }
  /** Another revision stood there: this one. */
  | { readonly outcome: 'beaten'; readonly seat: Seat }
  /** Nobody knows, or it could not be asked: the same is to be asked again. */
  | { readonly outcome: 'unanswered'; readonly why: string };

/** What a participant may be told. */
export type LeaderEvent =
  /** Of the actor `follower`: how the election stands. `first`: the lease of the candidate whose turn it is. */
  | { readonly type: 'election.seen'; readonly seat: Seat; readonly leader: Leadership | null; readonly first: string | null }
  /** It follows no more; what was seen last may be over. */
  | { readonly type: 'follower.lost'; readonly why: string }
  /** Of the actor `candidacy`: it has begun, and has no lease. */
  | { readonly type: 'candidacy.opened' }
  /** It has a lease, and a place in the order of candidates. */
  | { readonly type: 'candidacy.entered'; readonly lease: string }
  /** The lease is not held any more, or was not to be had. */
  | { readonly type: 'candidacy.lost'; readonly why: string }
  /** It was given back, or nobody could be told. */
  | { readonly type: 'candidacy.released' }
  /** What ran while it led was ended, by nobody's order here. */
  | { readonly type: 'work.ended' }
  /** Gives up leading, and is the last of the candidates. */
  | { readonly type: 'leader.resign' }
  /** Is no candidate any more. */
  | { readonly type: 'leader.withdraw' }
  /** Is a candidate again. */
  | { readonly type: 'leader.stand' }
  | { readonly type: 'leader.close' }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason };

/** What the chart orders of the actor `candidacy`. */
export type CandidacyCommand =
  /** It leads: what runs meanwhile is to be watched. */
  | { readonly type: 'candidacy.watch' }
  /** The lease is to be given back; `candidacy.released` answers. */
  | { readonly type: 'candidacy.release' };

/** Why somebody has given up leading. `finished`, `crashed`, `ended`: what ran while it led did. */
export type Resignation = 'asked' | 'withdrawn' | 'finished' | 'crashed' | 'ended' | 'closed';

/** What a participant emits; of itself, but for `leader.changed`. */
export type LeaderEmitted =
  | { readonly type: 'leader.elected'; readonly election: string; readonly term: number; readonly token: number }
  | { readonly type: 'leader.lost'; readonly election: string; readonly term: number; readonly token: number; readonly why: string }
  | { readonly type: 'leader.resigned'; readonly election: string; readonly term: number; readonly token: number; readonly because: Resignation }
  | { readonly type: 'leader.changed'; readonly election: string; readonly leader: string | null; readonly term: number }
  | {
      readonly type: 'leader.retrying';
      readonly election: string;
      readonly what: 'following' | 'standing' | 'claiming' | 'working';
      readonly why: string;
      readonly attempt: number;
      readonly pauseMs: number;
    }
  | { readonly type: 'leader.rejected'; readonly election: string; readonly command: 'leader.resign'; readonly reason: 'notLeading' };

/** What a participant knows. */
export interface LeaderContext extends LeaderInput {
  /** As it was seen last. */
  readonly seat: Seat;
  readonly leader: Leadership | null;
  readonly first: string | null;
  /** Its own, while it is a candidate. */
  readonly lease: string | null;
  /** What it asks for: the seat's revision that it names, and the term that it writes there. Kept until there is an answer. */
  readonly claim: Seat;
  /** While it leads. */
  readonly mine: Seat | null;
  /** Failures in a row, to follow and to stand. */
  readonly looks: number;
  readonly attempts: number;
  /** How often in a row its work has ended before it was healthy. */
  readonly spoils: number;
  /** Does it end when its lease is given back? */
  readonly isEnding: boolean;
  readonly reason: ExitReason;
}

/** What is given to whatever runs while it leads. */
export interface LeadershipInput {
  readonly election: string;
  readonly id: string;
  /** Rises with each leader. */
  readonly term: number;
  /** For the fence of an event store, and of whatever else refuses the lower ones. */
  readonly token: number;
}
