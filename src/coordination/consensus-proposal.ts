/**
 * One proposal, from a member who wants a value decided: its lease, its wait until nothing else is open, and what came of it. It is opened at most once, and
 * gives its lease back when it ends, however that is.
 */
import type { ConsensusEvent, ProposalOutcome, ProposalRefusal } from '../../machines/coordination/consensus-events.js';
import {
  type AbortReason,
  type ConsensusRecord,
  type Decision,
  mostPast,
  standingOf,
  withoutProposal,
  withProposal,
} from '../../machines/coordination/consensus-record.js';
import type { ProposalInput } from '../../machines/coordination/consensus.js';
import { holdLease, type LeaseHold } from '../backend/hold.js';
import type { BackendClock, Refused, Unknown } from '../backend/port.js';
import { Log, type LogLook } from './consensus-log.js';
import type { ConsensusPlan } from './consensus-options.js';

/** What a proposal tells its chart. */
export type ProposalNews = Exclude<Extract<ConsensusEvent, { type: `proposal.${string}` }>, { type: 'proposal.ended' }>;

/** A write that may have opened it: what it named, and for which index. `aborted`: how many had been. */
interface Doubt {
  readonly revision: number;
  readonly index: number;
  readonly aborted: number;
}

/** Which proposal is open, as of a revision. */
interface Sight {
  readonly revision: number;
  readonly open: string | null;
}

/** What is to be done next: look again when something has changed, at once, or a little later; or nothing, since it is settled. */
type Step = 'wait' | 'again' | 'pause' | 'settled';

export class Proposal {
  readonly #plan: ConsensusPlan;
  readonly #clock: BackendClock;
  readonly #wish: ProposalInput;
  readonly #tell: (news: ProposalNews) => void;
  /** Aborts when it is not to be opened any more. */
  readonly #over = new AbortController();
  /** Aborts when nobody hears of it any more. */
  readonly #gone = new AbortController();
  /** Settles when nothing of it is under way that could open it. */
  #isTaken: Promise<void> = Promise.resolve();
  #hold: LeaseHold | null = null;
  /** The index at which it was opened; null: it was not, as far as is known. */
  #opened: number | null = null;
  #doubt: Doubt | null = null;
  /** How the log stood when it began to wait, and as it was told last. */
  #known: Sight | null = null;
  #told: Sight | null = null;
  #wake: (() => void) | null = null;
  #isSettled = false;
  #isLeaving = false;

  constructor(plan: ConsensusPlan, clock: BackendClock, wish: ProposalInput, tell: (news: ProposalNews) => void) {
    this.#plan = plan;
    this.#clock = clock;
    this.#wish = wish;
    this.#tell = tell;
  }

  /** Waits for its turn, and for what comes of it. Never rejects but for a fault of the backend. */
  take(): Promise<void> {
    this.#isTaken = this.#take();
    return this.#isTaken;
  }

  /** The log has changed. Votes are nothing to it: what is open is. */
  look(sight: Sight): void {
    this.#told = sight;
    if (this.#isNew()) this.#wake?.();
  }

  /** Sees to it that it is not decided any more, unless it is. Where nobody can be asked for as long as its lease may last, that is told. Twice is once. */
  async withdraw(why: AbortReason): Promise<void> {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    const endsAt = this.#clock.now() + this.#plan.ttlMs;
    this.#over.abort();
    // A fault of it has been told by whoever began it.
    await this.#isTaken.catch(() => {});
    if (this.#isSettled) return;
    if (this.#opened === null && this.#doubt === null) {
      this.#refuse(why);
      return;
    }
    const log = new Log(this.#plan, this.#gone.signal);
    while (this.#clock.now() < endsAt && !this.#gone.signal.aborted) {
      const step = await this.#abort(log, why);
      if (step === 'settled') return;
      if (step === 'pause') await this.#pause(this.#gone.signal);
    }
    this.#refuse('unknown');
  }

  /** Its actor ends: its lease is given back in passing, and with it goes what it may have open. */
  end(): void {
    this.#over.abort();
    this.#gone.abort();
    void this.#hold?.release();
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** The name of its lease, which no other has. */
  get #id(): string {
    return this.#hold?.lease ?? '';
  }

  async #take(): Promise<void> {
    if (!(await this.#lease())) return;
    const log = new Log(this.#plan, this.#over.signal);
    while (!this.#isOver) {
      const step = await this.#advance(log);
      if (step === 'settled') return;
      if (step === 'pause') await this.#pause(this.#over.signal);
      if (step === 'wait') await this.#change();
    }
  }

  /** A lease, and the key by which others see that it lasts: asked for until they are there. A grant that nobody heard of ends by itself. */
  async #lease(): Promise<boolean> {
    const { backend, ttlMs, renewEveryMs, marginMs, id, keys, callMs } = this.#plan;
    const { signal } = this.#over;
    while (!this.#isOver) {
      const onLost = (): void => this.#lose();
      const granted = await holdLease(backend, { clock: this.#clock, ttlMs, renewEveryMs, marginMs, onLost, signal });
      if (granted.outcome === 'ok') {
        this.#hold = granted.hold;
        // Its actor may have ended meanwhile.
        if (this.#gone.signal.aborted) void granted.hold.release();
        break;
      }
      if (this.#isRefused(granted)) return false;
      await this.#pause(signal);
    }
    while (!this.#isOver) {
      const key = `${keys.proposers}${this.#id}`;
      const made = await backend.compareAndSet(key, 0, { id }, { lease: this.#id, signal, withinMs: callMs });
      // The key is named after its own lease, so whoever made it was this one.
      if (made.outcome === 'ok' || made.outcome === 'conflict') return !this.#isOver;
      if (made.outcome === 'gone') this.#lose();
      else if (this.#isRefused(made)) return false;
      await this.#pause(signal);
    }
    return false;
  }

  /** One look at the log, and what follows from it. */
  async #advance(log: Log): Promise<Step> {
    const seen = await log.look();
    if (seen.outcome === 'mismatch') return this.#refuse('mismatch');
    if (seen.outcome === 'refused') return this.#isRefused(seen) ? 'settled' : 'pause';
    const stands = await this.#standing(log, seen);
    if (stands === 'open') return this.#noteOpened(seen.record.next, seen.revision);
    if (stands !== 'absent' && stands !== 'maybe') return stands;
    const { record, revision } = seen;
    const { index } = this.#wish;
    if (index !== null && index < record.next) return this.#beaten(log, record, index);
    if (index !== null && index > record.next) return this.#refuse('ahead');
    if (record.open !== null) return this.#wait({ revision, open: record.open.id });
    if (record.last !== null) {
      const kept = await log.keep(record.last);
      if (kept !== 'ok') return this.#isRefused(kept) ? 'settled' : 'pause';
    }
    if (this.#isOver || this.#hold?.isHeld() !== true) return 'pause';
    return this.#open(log, record, revision);
  }

  async #open(log: Log, record: ConsensusRecord, revision: number): Promise<Step> {
    const answer = await log.write(revision, withProposal(record, { id: this.#id, by: this.#plan.id, value: this.#wish.value }));
    if (answer.outcome === 'ok') return this.#noteOpened(record.next, answer.revision);
    if (answer.outcome === 'conflict') return 'again';
    if (answer.outcome === 'unknown') this.#doubt ??= { revision, index: record.next, aborted: record.aborted };
    else if (answer.outcome === 'refused' && this.#isRefused(answer)) return 'settled';
    return 'pause';
  }

  #wait(known: Sight): Step {
    this.#known = known;
    return 'wait';
  }

  #noteOpened(index: number, revision: number): Step {
    this.#doubt = null;
    if (this.#opened === null) {
      this.#opened = index;
      if (!this.#isOver) this.#tell({ type: 'proposal.opened', index });
    }
    return this.#wait({ revision, open: this.#id });
  }

  /**
   * Where it is: `open`; `absent`, and nothing that was asked for can open it; `maybe`, where a write may do it yet; or settled.
   * What is in the log only once is looked for in the record, among those that were aborted, and at the one index at which it can have been decided.
   */
  async #standing(log: Log, { record, revision }: LogLook): Promise<'open' | 'absent' | 'maybe' | 'settled' | 'pause'> {
    const standing = standingOf(record, this.#id);
    if (standing?.state === 'open') return 'open';
    if (standing?.state === 'decided') return this.#win(standing.decision);
    if (standing?.state === 'aborted') return this.#refuse(standing.why);
    const [opened, doubt] = [this.#opened, this.#doubt];
    const index = opened ?? doubt?.index;
    if (index === undefined) return 'absent';
    if (revision === doubt?.revision) return 'maybe';
    if (record.next > index && record.last?.index !== index) {
      const kept = await log.decisionAt(index);
      if (kept.outcome !== 'ok') return 'pause';
      if (kept.decision?.id === this.#id) return this.#win(kept.decision);
      // So much was decided meanwhile that nobody can say any more.
      if (kept.decision === null) return this.#refuse('unknown');
    }
    if (opened === null && doubt !== null && record.aborted - doubt.aborted <= mostPast) {
      this.#doubt = null;
      return 'absent';
    }
    // It was aborted, or never was, too long ago to be told which; decided it cannot be any more.
    return this.#refuse('lost');
  }

  async #beaten(log: Log, { last }: ConsensusRecord, index: number): Promise<Step> {
    if (last?.index === index) return this.#refuse('beaten', last);
    const kept = await log.decisionAt(index);
    return kept.outcome === 'ok' ? this.#refuse('beaten', kept.decision) : 'pause';
  }

  /** One try to have it aborted. */
  async #abort(log: Log, why: AbortReason): Promise<Step> {
    const seen = await log.look();
    if (seen.outcome === 'mismatch') return this.#refuse('unknown');
    if (seen.outcome === 'refused') return seen.reason === 'closed' ? this.#refuse('unknown') : 'pause';
    const stands = await this.#standing(log, seen);
    if (stands === 'absent') return this.#refuse(why);
    if (stands === 'settled' || stands === 'pause') return stands;
    // Also where it is not open yet: what is written here takes the place of what could open it.
    const answer = await log.write(seen.revision, withoutProposal(seen.record, this.#id, why));
    if (answer.outcome === 'ok') return this.#refuse(why);
    return answer.outcome === 'conflict' ? 'again' : 'pause';
  }

  /** After an answer that says nothing for good there is another try. @returns true: there is none, and it is settled */
  #isRefused(answer: Refused | Unknown): boolean {
    if (this.#isOver || answer.outcome === 'unknown') return this.#isOver;
    const { reason } = answer;
    if (reason !== 'closed' && reason !== 'full' && reason !== 'tooLarge') return false;
    // Where it may be open, or come to be, nobody is told that it is not.
    this.#refuse(this.#opened === null && this.#doubt === null ? reason : 'unknown');
    return true;
  }

  #win(decision: Decision): 'settled' {
    return this.#settle({ ok: true, decision });
  }

  #refuse(reason: ProposalRefusal, winner: Decision | null = null): 'settled' {
    return this.#settle({ ok: false, reason, winner });
  }

  /** Told once. */
  #settle(outcome: ProposalOutcome): 'settled' {
    if (!this.#isSettled) {
      this.#isSettled = true;
      this.#over.abort();
      this.#tell({ type: 'proposal.settled', outcome });
    }
    return 'settled';
  }

  #lose(): void {
    if (!this.#isOver) this.#tell({ type: 'proposal.lost' });
  }

  /** Is something else open than what it knows of? The same is never open again. */
  #isNew(): boolean {
    const [known, told] = [this.#known, this.#told];
    return known !== null && told !== null && told.revision > known.revision && told.open !== known.open;
  }

  /** Until that is so, or it is over. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isNew() || this.#isOver) return resolve();
      const done = (): void => {
        this.#over.signal.removeEventListener('abort', done);
        this.#wake = null;
        resolve();
      };
      this.#wake = done;
      this.#over.signal.addEventListener('abort', done, { once: true });
    });
  }

  #pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        this.#clock.clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.#clock.setTimeout(done, this.#plan.retryMs);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
