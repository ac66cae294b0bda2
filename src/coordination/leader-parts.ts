/**
 * The parts of a participant that ask the backend: who sees the election, who has the lease, and who asks for the seat.
 *
 * Each candidate has a key that is named after its lease and bound to it; their order is that of the keys' making. The seat is a key that is bound to nothing:
 * `{ id, lease, term }` of whoever took it last. It leads as long as its candidate's key is there, and by its own clock less long than that.
 */
import { type AnyActorRef, type CallbackActorLogic, fromCallback, fromPromise, type PromiseActorLogic } from 'xstate';
import type { CandidacyCommand, ClaimOutcome, LeaderEvent, Leadership, Seat } from '../../machines/coordination/leader-events.js';
import type { ClaimInput } from '../../machines/coordination/leader.js';
import { holdLease, type LeaseHold } from '../backend/hold.js';
import type { BackendEntry } from '../backend/port.js';
import { isObject } from '../option-checks.js';
import { clockOf } from '../supervision/clock.js';
import { onExit, onLoss, orderOf } from '../supervision/watch.js';
import { childrenOf, hasStopped, parentOf } from '../supervision/xstate-internals.js';
import { followKeys, wordsOf } from './follow-keys.js';
import type { ElectionKeys, LeaderPlan } from './leader-options.js';

/** How often at once a write is asked for again of which nobody knows whether it was done. */
const mostTries = 3;

const holds = new WeakMap<AnyActorRef, LeaseHold>();

/** The lease that a participant has; undefined where it is no candidate. It may be over: ask `isHeld()`. */
export function holdOf(participant: AnyActorRef): LeaseHold | undefined {
  return holds.get(participant);
}

function termOf(entry: BackendEntry | null | undefined): number {
  const term = isObject(entry?.value) ? entry.value['term'] : undefined;
  return Number.isSafeInteger(term) ? (term as number) : 0;
}

type CandidacyLogic = CallbackActorLogic<CandidacyCommand>;
type CandidacyFact = Extract<LeaderEvent, { type: `candidacy.${string}` }>;

/** The actor `candidacy`: it has a lease while it runs, and gives it back when it ends, whoever ends it. */
export function candidacy(plan: LeaderPlan): CandidacyLogic {
  return fromCallback<CandidacyCommand>(({ self, sendBack, receive }) => {
    const owner = parentOf(self) as AnyActorRef;
    const over = new AbortController();
    const held = new Candidacy(plan, owner, over.signal, (fact) => {
      if (!over.signal.aborted) sendBack(fact);
    });
    onLoss(self, owner, () => owner.send({ type: 'candidacy.lost', why: 'killed' }));
    receive((command) => (command.type === 'candidacy.watch' ? watchWork(owner) : void held.release()));
    sendBack({ type: 'candidacy.opened' } satisfies CandidacyFact);
    held.enter().catch((error: unknown) => {
      // Misuse that only a call can find, such as a handle of what is no backend: to the chart it is like any other refusal.
      if (!over.signal.aborted) sendBack({ type: 'candidacy.lost', why: String(error) } satisfies CandidacyFact);
    });
    return () => {
      over.abort();
      held.leave();
    };
  });
}

/** A chart hears of the end of what it invokes, but not when somebody else has ordered it. */
function watchWork(owner: AnyActorRef): void {
  const work = childrenOf(owner).find(({ id }) => id === 'work');
  if (work === undefined) return;
  onExit(work, (reason) => {
    if (reason !== 'shutdown' && orderOf(work) !== undefined && !hasStopped(owner)) owner.send({ type: 'work.ended' });
  });
}

class Candidacy {
  readonly #plan: LeaderPlan;
  readonly #owner: AnyActorRef;
  readonly #signal: AbortSignal;
  readonly #tell: (fact: CandidacyFact) => void;
  #hold: LeaseHold | undefined;
  #isGivenBack = false;

  constructor(plan: LeaderPlan, owner: AnyActorRef, signal: AbortSignal, tell: (fact: CandidacyFact) => void) {
    this.#plan = plan;
    this.#owner = owner;
    this.#signal = signal;
    this.#tell = tell;
  }

  /** A lease, and a key with it. */
  async enter(): Promise<void> {
    const { backend, lease } = this.#plan;
    const [signal, clock] = [this.#signal, clockOf(this.#owner.system)];
    const lost = (why: string): void => this.#tell({ type: 'candidacy.lost', why });
    const outcome = await holdLease(backend, { ...lease, clock, signal, onLost: ({ reason }) => lost(reason) });
    if (outcome.outcome !== 'ok') return lost(wordsOf(outcome));
    this.#hold = outcome.hold;
    if (signal.aborted || this.#isGivenBack) return void outcome.hold.release();
    const refusal = await this.#takePlace(outcome.hold);
    if (signal.aborted || this.#isGivenBack) return;
    if (refusal !== null) return lost(refusal);
    if (!outcome.hold.isHeld()) return;
    holds.set(this.#owner, outcome.hold);
    this.#tell({ type: 'candidacy.entered', lease: outcome.hold.lease });
  }

  /** No other lease has this name, so whatever is under the key is its own. @returns why not; null: it is there */
  async #takePlace({ lease, signal }: LeaseHold): Promise<string | null> {
    const { backend, callMs, keys, input } = this.#plan;
    for (let tries = 1; ; tries++) {
      const answer = await backend.compareAndSet(`${keys.candidates}${lease}`, 0, { id: input.id }, { lease, signal, withinMs: callMs });
      if (answer.outcome === 'ok' || answer.outcome === 'conflict') return null;
      if (answer.outcome !== 'unknown' || tries >= mostTries || signal.aborted) return wordsOf(answer);
    }
  }

  /** Gives it back, and says so. */
  async release(): Promise<void> {
    this.#isGivenBack = true;
    await this.#revoke(mostTries);
    this.#tell({ type: 'candidacy.released' });
  }

  leave(): void {
    if (holds.get(this.#owner) === this.#hold) holds.delete(this.#owner);
    if (!this.#isGivenBack) void this.#revoke(1);
    this.#isGivenBack = true;
  }

  /** Where nobody hears of it, it ends by itself. */
  async #revoke(tries: number): Promise<void> {
    for (let left = tries; left > 0 && this.#hold !== undefined; left--) if ((await this.#hold.release()).outcome !== 'unknown') return;
  }
}

/** The actor `claim`: asks once for the seat. What it is answered may have been done by an earlier one of the same candidate. */
export function claim({ backend, keys, callMs }: LeaderPlan): PromiseActorLogic<ClaimOutcome, ClaimInput> {
  return fromPromise<ClaimOutcome, ClaimInput>(async ({ input: { id, lease, claim: asked }, self, signal }) => {
    const { revision, term } = asked;
    const answer = await backend.compareAndSet(keys.seat, revision, { id, lease, term }, { signal, withinMs: callMs });
    const done = answer.outcome === 'conflict' ? answer.entry : null;
    const isOwn = isObject(done?.value) && done.value['lease'] === lease;
    if (answer.outcome === 'conflict' && !isOwn) {
      // Where somebody has taken the seat away, its terms rise all the same.
      return { outcome: 'beaten', seat: { revision: done?.revision ?? 0, term: Math.max(termOf(done), term - 1) } };
    }
    const token = answer.outcome === 'ok' ? answer.revision : done?.revision;
    if (token === undefined) return { outcome: 'unanswered', why: wordsOf(answer) };
    // The answer may have come after its own time was over.
    const isHeld = holdOf(parentOf(self) as AnyActorRef)?.isHeld() === true;
    return isHeld ? { outcome: 'won', token } : { outcome: 'unanswered', why: 'late' };
  });
}

type FollowerLogic = CallbackActorLogic<{ type: 'follower.none' }>;

/** The actor `follower`: lists the election's keys, and watches them from behind that. */
export function follower({ backend, keys }: LeaderPlan): FollowerLogic {
  return fromCallback<{ type: 'follower.none' }>(({ self, sendBack }) => {
    const owner = parentOf(self) as AnyActorRef;
    const over = new AbortController();
    const tell = (event: LeaderEvent): void => {
      if (!over.signal.aborted) sendBack(event);
    };
    onLoss(self, owner, () => owner.send({ type: 'follower.lost', why: 'killed' }));
    followKeys(backend, keys.prefix, over.signal, (entries) => tell(seenIn(entries, keys))).then(
      (why) => tell({ type: 'follower.lost', why }),
      (error: unknown) => tell({ type: 'follower.lost', why: String(error) }),
    );
    return () => over.abort();
  });
}

function seenIn(entries: ReadonlyMap<string, BackendEntry>, keys: ElectionKeys): LeaderEvent {
  const taken = entries.get(keys.seat);
  let first: BackendEntry | undefined;
  for (const entry of entries.values()) {
    if (entry.key.startsWith(keys.candidates) && (first === undefined || entry.created < first.created)) first = entry;
  }
  const seat: Seat = { revision: taken?.revision ?? 0, term: termOf(taken) };
  return { type: 'election.seen', seat, leader: leaderIn(entries, keys, taken), first: first?.lease ?? null };
}

/** Whoever took the seat last leads, if it is a candidate still. */
function leaderIn(entries: ReadonlyMap<string, BackendEntry>, keys: ElectionKeys, taken: BackendEntry | undefined): Leadership | null {
  if (taken === undefined || !isObject(taken.value)) return null;
  const { id, lease } = taken.value;
  if (typeof id !== 'string' || typeof lease !== 'string' || !entries.has(`${keys.candidates}${lease}`)) return null;
  return { id, term: termOf(taken), token: taken.revision };
}
