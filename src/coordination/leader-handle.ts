/**
 * What an app holds of one who takes part in an election.
 *
 * Whether it leads is told by its own clock, and not by a timer that may be late: a process that was paused hears no.
 */
import type { AnyActorRef } from 'xstate';
import type { LeaderEmitted, LeaderEvent, Leadership } from '../../machines/coordination/leader-events.js';
import { leaderMachine } from '../../machines/coordination/leader.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { sortOf } from '../option-checks.js';
import { onFact } from '../supervision/on-fact.js';
import { exitReason } from '../supervision/watch.js';
import { runsMachine } from '../supervision/xstate-internals.js';
import { invalid } from './leader-options.js';
import { holdOf } from './leader-parts.js';
import type { LeaderRef } from './leader.js';

type Fact<Type extends LeaderEmitted['type']> = Extract<LeaderEmitted, { type: Type }>;

/** That it leads, for as long as that is certain. */
export interface OwnLeadership {
  /** Rises with each leader. */
  readonly term: number;
  /** For the fence of an event store: higher than that of each leader before. */
  readonly token: number;
  /** Until when it leads for certain, monotonic ms of its clock; it moves on with each renewal. */
  readonly until: number;
  /** Aborts when it leads no more. */
  readonly signal: AbortSignal;
}

/** What a participant does. `ended`: none runs. */
export type LeaderPart = 'observing' | 'entering' | 'waiting' | 'campaigning' | 'leading' | 'resigning' | 'backingOff' | 'ended';

export interface LeaderStatus {
  readonly part: LeaderPart;
  /** Whoever leads, as it was seen last; null: nobody, or nobody knows. It may be over: nothing is decided on it. */
  readonly leader: Leadership | null;
  /** Does it see the election just now? */
  readonly isFollowing: boolean;
}

/** What has become of a command. */
export type LeaderAnswer = { readonly ok: true } | { readonly ok: false; readonly reason: 'notLeading' | 'ended' };

/** One who takes part in an election, as an app holds it. Nothing rejects; only misuse throws. */
export interface LeaderHandle {
  /** Its actor; undefined while none runs. */
  readonly ref: LeaderRef | undefined;
  /** Does it lead, for certain? At most one does, of all who take part. */
  isLeading(): boolean;
  /** With what it leads; null: it does not. */
  leadership(): OwnLeadership | null;
  status(): LeaderStatus;
  /** Gives up leading, at once; it is the last of the candidates then. */
  resign(): LeaderAnswer;
  /** Is no candidate any more, and leads no more. It still sees who does. */
  withdraw(): LeaderAnswer;
  /** Is a candidate again. */
  stand(): LeaderAnswer;
  /** Facts of the participant, and of each that comes after it in its seat, until unsubscribed. What a listener throws goes to `console.error`. @throws EspalierError `leader/invalid-options` */
  on<Type extends LeaderEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void };
}

/**
 * The handle of a participant: with its reference, or with a function that finds it, which follows its restarts.
 * @throws EspalierError `leader/invalid-options` for a reference that runs none
 */
export function leaderHandle(ref: AnyActorRef | (() => AnyActorRef | undefined)): LeaderHandle {
  return new Handle(typeof ref === 'function' ? ref : () => requireLeader(ref));
}

function isLeader(ref: unknown): ref is LeaderRef {
  return runsMachine(ref, leaderMachine);
}

function requireLeader(ref: unknown): LeaderRef {
  if (isLeader(ref)) return ref;
  throw invalid('ref', 'an actor that runs leader()', sortOf(ref));
}

const factTypes = keysOf<Record<LeaderEmitted['type'], true>>({
  ...{ 'leader.elected': true, 'leader.lost': true, 'leader.resigned': true },
  ...{ 'leader.changed': true, 'leader.retrying': true, 'leader.rejected': true },
});
const parts = ['observing', 'entering', 'waiting', 'campaigning', 'leading', 'resigning', 'backingOff'] as const;

class Handle implements LeaderHandle {
  readonly #find: () => AnyActorRef | undefined;

  constructor(find: () => AnyActorRef | undefined) {
    this.#find = find;
    // One that is there already is looked at now.
    void this.ref;
  }

  get ref(): LeaderRef | undefined {
    const ref = this.#find();
    return ref === undefined ? undefined : requireLeader(ref);
  }

  get #running(): LeaderRef | undefined {
    const { ref } = this;
    return ref === undefined || exitReason(ref) !== null ? undefined : ref;
  }

  isLeading(): boolean {
    return this.leadership() !== null;
  }

  leadership(): OwnLeadership | null {
    const ref = this.#running;
    const snapshot = ref?.getSnapshot();
    const hold = ref === undefined ? undefined : holdOf(ref);
    // Asked first: it may find that the time is over, and then the chart knows it too.
    if (hold?.isHeld() !== true || snapshot?.hasTag('leading') !== true || snapshot.context.mine === null) return null;
    const { revision: token, term } = snapshot.context.mine;
    return { term, token, until: hold.until, signal: hold.signal };
  }

  status(): LeaderStatus {
    const snapshot = this.#running?.getSnapshot();
    if (snapshot === undefined) return { part: 'ended', leader: null, isFollowing: false };
    const word = JSON.stringify(snapshot.value);
    return {
      part: parts.find((part) => word.includes(`"${part}"`)) ?? 'entering',
      leader: snapshot.context.leader,
      isFollowing: snapshot.hasTag('following'),
    };
  }

  resign(): LeaderAnswer {
    const isLeading = this.#running?.getSnapshot().hasTag('leading') === true;
    const answer = this.#order({ type: 'leader.resign' });
    return answer.ok && !isLeading ? { ok: false, reason: 'notLeading' } : answer;
  }

  withdraw(): LeaderAnswer {
    return this.#order({ type: 'leader.withdraw' });
  }

  stand(): LeaderAnswer {
    return this.#order({ type: 'leader.stand' });
  }

  #order(command: LeaderEvent): LeaderAnswer {
    const ref = this.#running;
    if (ref === undefined || ref.getSnapshot().context.isEnding) return { ok: false, reason: 'ended' };
    ref.send(command);
    return { ok: true };
  }

  on<Type extends LeaderEmitted['type']>(type: Type, listener: (fact: Fact<Type>) => void): { unsubscribe(): void } {
    if (!factTypes.includes(type)) throw invalid('type', `one of ${factTypes.join(', ')}`, sortOf(type));
    if (typeof listener !== 'function') throw invalid('listener', 'a function', sortOf(listener));
    return onFact(this.#find, type, listener, isLeader);
  }
}
