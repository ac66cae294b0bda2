/**
 * The backend that is embedded: all of it in memory, and in an event store too where one is given.
 *
 * Calls are decided one after the other, a lot of them at a time where a store must commit them, and nobody is answered, readers and watchers included, before
 * that is done. Without a store a call is decided within the call.
 */
import type { EventJournal, EventStore } from '../events/port.js';
import { isObject, sortOf } from '../option-checks.js';
import { bytesOf } from '../wire/recording/bytes.js';
import { Answer, type GivenUp, plannedCall } from './answer.js';
import {
  invalid,
  jsonTextOf,
  limitKeys,
  plannedLimits,
  requireCall,
  requireClock,
  requireKeys,
  requireMs,
  requireText,
  requireWhole,
} from './checks.js';
import { History } from './history.js';
import { BackendLog, type Commitment, longestName } from './log.js';
import type {
  BackendClock,
  BackendLimits,
  BackendStatusOutcome,
  CallOptions,
  DeleteOutcome,
  GetOutcome,
  GrantOutcome,
  ListOptions,
  ListOutcome,
  OpenBackend,
  RenewOutcome,
  RevokeOutcome,
  SetOptions,
  SetOutcome,
  WatchOptions,
  WatchOutcome,
} from './port.js';
import { BackendState } from './state.js';
import { type Decide, decideDelete, decideGet, decideGrant, decideList, decideRenew, decideRevoke, decideSet, refused, Turn } from './turn.js';

/** What a backend is made of, but for its clock; each may be left out. A name that is not here is refused. */
export interface MemoryBackendSettings extends BackendLimits {
  /** What it knows is there too, and is there again when it is opened with it anew. It stays open when the backend is closed. Default: nowhere. */
  readonly store?: EventJournal;
  /** Which backend of that store; whoever opens one takes it from whoever had it. Default `default`. */
  readonly name?: string;
  /** The revision that comes first, without a store: behind all that were given before, if their tokens are to be good still. Default 1. */
  readonly firstRevision?: number;
  /** The pause before the end of a lease is stored again, after it could not be, ms. Default 100. */
  readonly retryMs?: number;
}

export interface MemoryBackendOptions extends MemoryBackendSettings {
  /** Leases end by it: that of the actor whose it is. */
  readonly clock: BackendClock;
}

/** What the settings come to. */
export interface MemoryPlan {
  readonly limits: Required<BackendLimits>;
  readonly retryMs: number;
  readonly firstRevision: number;
  readonly store: EventJournal | undefined;
  readonly name: string;
}

/** Why it has ended. `superseded`: another has opened it with the same store; `lost`: it is not known what the store has; `notOpened`: it could not be read. */
export interface BackendEnd {
  readonly reason: 'closed' | 'superseded' | 'lost' | 'notOpened';
  /** The word of whoever was in the way; the error itself for `notOpened`. */
  readonly error?: unknown;
}

export interface MemoryBackend extends OpenBackend {
  /** Settles once, when it has ended; then each call is `refused`, `closed`, and it must be made anew. Never rejects. */
  readonly ended: Promise<BackendEnd>;
}

/** @throws EspalierError `backend/invalid-options` */
export function planMemory(settings: MemoryBackendSettings): MemoryPlan {
  requireKeys('the options of a backend', settings, ['store', 'name', 'firstRevision', 'retryMs', ...limitKeys]);
  const { store, name = 'default', firstRevision = 1, retryMs = 100, ...limits } = settings;
  if (store !== undefined && !isObject(store)) throw invalid('store', 'an event store', sortOf(store));
  requireText('name', name, 1, longestName);
  requireWhole('firstRevision', firstRevision, 1);
  if (store !== undefined && settings.firstRevision !== undefined) throw invalid('firstRevision', 'nothing, with a store', firstRevision);
  requireMs('retryMs', retryMs);
  return { limits: plannedLimits(limits), retryMs, firstRevision, store, name };
}

/** @throws EspalierError `backend/invalid-options` */
export function memoryBackend(options: MemoryBackendOptions): MemoryBackend {
  if (!isObject(options)) throw invalid('the options of a backend', 'a plain object', sortOf(options));
  const { clock, ...settings } = options;
  requireClock(clock);
  return openMemory(planMemory(settings), clock);
}

export function openMemory(plan: MemoryPlan, clock: BackendClock): MemoryBackend {
  return new EmbeddedBackend(plan, clock);
}

/** A call that waits for its turn, and then for its answer. */
interface Waiting {
  readonly answer: Answer<unknown>;
  readonly decide: Decide<unknown>;
  /** What it will answer; null before its turn. */
  give: (() => unknown) | null;
  /** Does it change anything? */
  isChange: boolean;
}

class EmbeddedBackend implements MemoryBackend {
  readonly isDurable: boolean;
  readonly ended: Promise<BackendEnd>;
  readonly #clock: BackendClock;
  readonly #limits: Required<BackendLimits>;
  readonly #retryMs: number;
  readonly #log: BackendLog | null;
  readonly #waiting = new Set<Waiting>();
  #inHand: readonly Waiting[] = [];
  #state: BackendState;
  #history: History;
  #isOpen: boolean;
  #isWorking = false;
  #isOver = false;
  #timer: { readonly id: unknown; readonly at: number } | null = null;
  #tellEnd!: (end: BackendEnd) => void;

  constructor({ limits, retryMs, firstRevision, store, name }: MemoryPlan, clock: BackendClock) {
    this.#clock = clock;
    this.#limits = limits;
    this.#retryMs = retryMs;
    this.#log = store === undefined ? null : new BackendLog(store, name);
    this.#isOpen = store === undefined;
    this.isDurable = store !== undefined && ((store as Partial<EventStore>).isDurable ?? true);
    this.#state = new BackendState(firstRevision - 1);
    this.#history = new History(clock, limits, firstRevision);
    this.ended = new Promise((resolve) => (this.#tellEnd = resolve));
    this.#work();
  }

  async get(key: string, call: CallOptions = {}): Promise<GetOutcome> {
    requireText('key', key);
    requireCall('the call', call);
    return this.#ask(call, decideGet(key));
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListOutcome> {
    requireText('prefix', prefix, 0);
    requireCall('the options of a list', options, ['after', 'limit']);
    const { after = '', limit = 100 } = options;
    requireText('after', after, 0);
    requireWhole('limit', limit, 1, 1_000);
    return this.#ask(options, decideList(prefix, after, limit));
  }

  async compareAndSet(key: string, expected: number, value: unknown, options: SetOptions = {}): Promise<SetOutcome> {
    requireText('key', key);
    requireWhole('expected', expected);
    requireCall('the options of a write', options, ['lease']);
    const { lease } = options;
    if (lease !== undefined) requireText('lease', lease);
    const text = jsonTextOf(value);
    if (bytesOf(text) > this.#limits.maxValueBytes) return refused('tooLarge');
    return this.#ask(options, decideSet(key, expected, text, lease ?? null));
  }

  async delete(key: string, expected: number, call: CallOptions = {}): Promise<DeleteOutcome> {
    requireText('key', key);
    requireWhole('expected', expected, 1);
    requireCall('the call', call);
    return this.#ask(call, decideDelete(key, expected));
  }

  async grant(ttlMs: number, call: CallOptions = {}): Promise<GrantOutcome> {
    requireMs('ttlMs', ttlMs, this.#limits.maxTtlMs);
    requireCall('the call', call);
    return this.#ask(call, decideGrant(ttlMs));
  }

  async renew(lease: string, call: CallOptions = {}): Promise<RenewOutcome> {
    requireText('lease', lease);
    requireCall('the call', call);
    return this.#ask(call, decideRenew(lease));
  }

  async revoke(lease: string, call: CallOptions = {}): Promise<RevokeOutcome> {
    requireText('lease', lease);
    requireCall('the call', call);
    return this.#ask(call, decideRevoke(lease));
  }

  async watch(prefix: string, options: WatchOptions = {}): Promise<WatchOutcome> {
    requireText('prefix', prefix, 0);
    requireCall('the options of a watch', options, ['from']);
    const { from } = options;
    if (from !== undefined) requireWhole('from', from, 1);
    return this.#ask<WatchOutcome>(options, ({ state }) => {
      const { revision } = state;
      return () => this.#watch(prefix, from ?? revision + 1, revision);
    });
  }

  #watch(prefix: string, from: number, revision: number): WatchOutcome {
    const { oldest, watchCount } = this.#history;
    if (from > revision + 1) return { outcome: 'ahead', revision };
    if (from < oldest) return { outcome: 'tooOld', oldest };
    if (watchCount >= this.#limits.maxWatches) return refused('full', 'maxWatches');
    return { outcome: 'ok', watch: this.#history.watch(prefix, from) };
  }

  async status(call: CallOptions = {}): Promise<BackendStatusOutcome> {
    requireCall('the call', call);
    return this.#ask<BackendStatusOutcome>(call, ({ state: { revision, keyCount: keys, bytes, leaseCount: leases } }) => {
      return () => ({ outcome: 'ok', revision, keys, bytes, leases, watches: this.#history.watchCount });
    });
  }

  async close(): Promise<void> {
    this.#end({ reason: 'closed' });
  }

  #ask<Outcome>(call: CallOptions, decide: Decide<Outcome>): Promise<Outcome> {
    const { signal, withinMs } = plannedCall(call, this.#limits.callMs);
    const answer = new Answer<unknown>(this.#clock, signal);
    if (signal?.aborted === true) answer.settle(refused('cancelled'));
    else if (this.#isOver) answer.settle(refused('closed'));
    else if (this.#waiting.size >= this.#limits.maxWaiting) answer.settle(refused('full', 'maxWaiting'));
    else {
      const waiting: Waiting = { answer, decide, give: null, isChange: false };
      this.#waiting.add(waiting);
      this.#work();
      answer.wait(withinMs, (why) => this.#giveUp(waiting, why));
    }
    return answer.settled as Promise<Outcome>;
  }

  #giveUp(waiting: Waiting, why: GivenUp): void {
    this.#waiting.delete(waiting);
    waiting.answer.settle(waiting.isChange ? { outcome: 'unknown', reason: why } : refused(why));
  }

  /** Decides what waits, and ends the leases whose time is over. */
  #work(): void {
    if (this.#isWorking || this.#isOver) return;
    this.#isWorking = true;
    if (this.#log === null) {
      for (let turn = this.#take(); turn !== null; turn = this.#take()) this.#carryOut(turn);
      this.#isWorking = false;
      this.#arm(0);
    } else void this.#workWith(this.#log);
  }

  /** Never rejects. */
  async #workWith(log: BackendLog): Promise<void> {
    let pauseMs = 0;
    // Whoever asks in the same turn goes into the same commit.
    await (this.#isOpen ? undefined : this.#open(log));
    for (let turn = this.#next(); turn !== null; turn = this.#next()) {
      const hadCalls = this.#inHand.length > 0;
      const commitment = await log.commit(turn.records);
      if (this.#over()) return;
      this.#conclude(turn, commitment);
      pauseMs = commitment.outcome === 'notDone' ? this.#retryMs : 0;
      // Leases that cannot be ended just now are tried again after the pause, or with the next call: who waits behind them does.
      if (pauseMs > 0 && (!hadCalls || this.#waiting.size === 0)) break;
      if (!this.#over() && log.isDue(this.#state.keyCount)) await log.snapshot(this.#state);
    }
    this.#isWorking = false;
    if (!this.#isOver) this.#arm(pauseMs);
  }

  #next(): Turn | null {
    return this.#isOver ? null : this.#take();
  }

  #over(): boolean {
    return this.#isOver;
  }

  async #open(log: BackendLog): Promise<void> {
    try {
      const { state, records, oldest } = await log.open(() => this.#clock.now());
      this.#state = state;
      this.#history = new History(this.#clock, this.#limits, oldest);
      this.#history.tell(records);
      this.#isOpen = true;
    } catch (error) {
      // Whoever opened it meanwhile may have taken away what was being read: then nothing is wrong with it.
      this.#end((await log.isSuperseded()) ? { reason: 'superseded' } : { reason: 'notOpened', error });
    }
  }

  /** The calls of one turn, decided; null where there is nothing to do. */
  #take(): Turn | null {
    const turn = new Turn(this.#state, this.#limits, this.#clock.now());
    const calls: Waiting[] = [];
    turn.expire();
    for (const waiting of this.#waiting) {
      // Also where there are more leases to end: whoever is asked meanwhile must not see what was bound to them.
      if (turn.isFull) break;
      const { changes } = turn;
      this.#waiting.delete(waiting);
      waiting.give = waiting.decide(turn);
      waiting.isChange = turn.changes > changes;
      calls.push(waiting);
    }
    this.#inHand = calls;
    return calls.length === 0 && turn.records.length === 0 ? null : turn;
  }

  #conclude(turn: Turn, commitment: Commitment): void {
    if (commitment.outcome === 'done') {
      this.#carryOut(turn);
      return;
    }
    turn.takeBack();
    const calls = this.#inHand;
    this.#inHand = [];
    for (const { answer, isChange } of calls) {
      if (commitment.outcome === 'notDone') answer.settle(refused('unavailable', commitment.what));
      else if (commitment.outcome === 'superseded') answer.settle(refused('closed'));
      else answer.settle(isChange ? { outcome: 'unknown', reason: 'lost' } : refused('unavailable', commitment.error));
    }
    if (commitment.outcome === 'superseded') this.#end({ reason: 'superseded' });
    if (commitment.outcome === 'unknown') this.#end({ reason: 'lost', error: commitment.error });
  }

  /** It stands: watchers are told, then whoever asked. */
  #carryOut(turn: Turn): void {
    const calls = this.#inHand;
    this.#inHand = [];
    this.#history.tell(turn.records);
    for (const { answer, give } of calls) if (!answer.isSettled) answer.settle(give?.());
  }

  /** Wakes when the next lease ends, and not before a pause is over. */
  #arm(pauseMs: number): void {
    const lease = this.#state.firstToEnd();
    const now = this.#clock.now();
    const at = lease === undefined ? null : Math.max(lease.endsAt, now + pauseMs);
    if (this.#timer !== null && this.#timer.at === at) return;
    this.#disarm();
    if (at === null) return;
    const id = this.#clock.setTimeout(() => {
      this.#timer = null;
      this.#work();
    }, at - now);
    this.#timer = { id, at };
  }

  #disarm(): void {
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer.id);
    this.#timer = null;
  }

  #end(end: BackendEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#disarm();
    // It may be stored yet: whoever waits for that will not hear.
    for (const { answer, isChange } of this.#inHand) answer.settle(isChange ? { outcome: 'unknown', reason: 'lost' } : refused('closed'));
    for (const { answer } of this.#waiting) answer.settle(refused('closed'));
    this.#inHand = [];
    this.#waiting.clear();
    this.#history.end();
    this.#tellEnd(end);
  }
}
