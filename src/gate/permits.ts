/**
 * Who holds a gate's permits, and who waits for them.
 *
 * A permit that is free is granted within the call; else the claim waits, first come, first served within its key, until a permit is free *and* the
 * key's pause is over *and* its window has room. All three are had at one moment or none is, so whoever is refused, cancelled or dead while it waits has
 * nothing that would have to be given back, and nobody holds a permit only to wait for tokens.
 *
 * Everything happens within one turn of the event loop: a grant takes the claim out of the queue and clears its deadline before anybody else is heard, and
 * so neither a timeout nor an abortion can find it there. One that comes between the grant and the app's hearing of it finds a permit, and returns it.
 */
import type { GateEmitted, GateEvent, Loss, PermitsCommand, RefusalReason } from '../../machines/gate/gate-events.js';
import type { Clock } from '../supervision/clock.js';
import { DeadlineQueue } from '../supervision/deadlines.js';
import { Claim } from './claim.js';
import { Lane } from './lane.js';
import { Levels } from './levels.js';
import type { GatePlan } from './options.js';
import { isOver, type Owner, Owners } from './owners.js';
import type { AcquireOutcome, AcquireOptions, CallReport, GateReport, KeyStatus, Refusal, ReleaseOutcome } from './permit.js';
import { requireReport, requireTokens } from './requests.js';
import { duration } from './refusal.js';
import { Rests, type Resting, type RestOutcome } from './rest.js';

/** What the table tells: facts of the gate, and news for its chart. */
export interface TableListener {
  emit(fact: GateEmitted): void;
  report(news: Extract<GateEvent, { type: 'key.rateLimited' | 'key.succeeded' | 'keys.forgotten' | 'permits.emptied' }>): void;
}

const released: ReleaseOutcome = { ok: true };

/** Of the methods only those throw that say so. */
export class PermitTable {
  readonly owners: Owners;
  readonly #plan: GatePlan;
  readonly #now: () => number;
  /** Of waits, and of leases: those of either kind mostly run out in the order in which they began. */
  readonly #waits: DeadlineQueue;
  readonly #leases: DeadlineQueue;
  readonly #listener: TableListener;
  readonly #lanes = new Map<string, Lane>();
  readonly #listening = new Set<Claim>();
  readonly #rests: Rests;
  readonly #levels: Levels;
  #held = 0;
  #isDraining = false;
  #report: GateReport | null = null;

  constructor(plan: GatePlan, clock: Clock, listener: TableListener) {
    this.#plan = plan;
    this.#now = () => clock.now();
    this.#waits = new DeadlineQueue(clock);
    this.#leases = new DeadlineQueue(clock);
    this.#listener = listener;
    this.owners = new Owners((owners) => this.#reclaim(owners));
    this.#rests = new Rests(this.#waits, this.owners);
    this.#levels = new Levels(plan.maxKeys);
  }

  get isOver(): boolean {
    return this.#report !== null;
  }

  /** What was held and waited when it ended; null before. */
  get report(): GateReport | null {
    return this.#report;
  }

  get heldCount(): number {
    return this.#held;
  }

  get defaultWaitMs(): number {
    return this.#plan.waitMs;
  }

  /** How a key stands; undefined for one that is not in use. */
  statusOf(key: string): KeyStatus | undefined {
    return this.#lanes.get(key)?.status(this.#now());
  }

  /** May the app set the limit of this key? There is room for as many as there may be keys. */
  canLimit(key: string): boolean {
    return this.#levels.canLimit(key);
  }

  /** How long until calls of the key may go out again, by the service's own word, ms; 0 when they may. */
  pauseMs(key: string): number {
    return this.statusOf(key)?.pauseMs ?? 0;
  }

  /** A claim, checked before: granted, refused, or waiting. */
  acquire(options: AcquireOptions): Promise<AcquireOutcome> {
    const claim = this.#claim(options, options.waitMs ?? this.#plan.waitMs);
    if (!(claim instanceof Claim)) return Promise.resolve(claim);
    if (claim.state === 'held') return Promise.resolve({ ok: true, permit: claim });
    return new Promise((resolve) => (claim.settled = resolve));
  }

  /** The same without a wait. */
  tryAcquire(options: AcquireOptions): AcquireOutcome {
    const claim = this.#claim(options, 0);
    return claim instanceof Claim ? { ok: true, permit: claim } : claim;
  }

  #claim(options: AcquireOptions, waitMs: number): Claim | Refusal {
    const { key, holder, signal, tokens = 0 } = options;
    const refuse = (reason: RefusalReason, retryAfterMs: number | null = null) => this.#refusal(key, reason, 0, retryAfterMs);
    if (this.#isDraining || this.isOver) return refuse('closed');
    if (signal?.aborted === true) return refuse('cancelled');
    if (holder !== undefined && isOver(holder)) return refuse('holderEnded');
    const lane = this.#lanes.get(key) ?? this.#open(key);
    if (lane === null) return refuse(this.isOver ? 'closed' : 'tooManyKeys');
    if (lane.level === 0) return refuse('disabled');
    if (lane.budget?.isTooLarge(tokens) === true) return refuse('tooLarge');
    const isFree = lane.first === null && lane.hasPermit;
    const pauseMs = isFree ? lane.waitMs(tokens, this.#now) : 0;
    if (!isFree || pauseMs > 0) {
      if (waitMs === 0) return isFree ? refuse(lane.pausedUntil > 0 ? 'rateLimited' : 'overBudget', pauseMs) : refuse('busy');
      if (lane.waiting >= lane.policy.maxWaiting) return refuse('full');
    }
    const isWatched = holder !== undefined || signal !== undefined;
    const claim = new Claim(lane, tokens, options.leaseMs ?? (isWatched ? null : this.#plan.leaseMs));
    if (holder !== undefined) claim.holder = this.owners.tie(claim, holder);
    if (signal !== undefined) claim.signal = this.owners.tie(claim, signal);
    if (isFree && pauseMs === 0) this.#grant(claim);
    else this.#wait(claim, waitMs);
    return claim;
  }

  #open(key: string): Lane | null {
    if (this.#lanes.size >= this.#plan.maxKeys) {
      this.#forgetIdle();
      if (this.isOver || this.#lanes.size >= this.#plan.maxKeys) return null; // whoever was told may have closed the gate
    }
    const policy = this.#plan.policy(key);
    const lane = new Lane(this, key, policy, this.#levels.of(key, policy.permits), this.#waits);
    this.#lanes.set(key, lane);
    return lane;
  }

  /** Keys that nobody uses make room; what they have learnt of their level goes with them, what the app has set does not. */
  #forgetIdle(): void {
    const now = this.#now();
    const learnt: string[] = [];
    for (const lane of this.#lanes.values()) {
      if (!lane.isIdle(now)) continue;
      this.#lanes.delete(lane.key);
      if (this.#levels.forget(lane.key)) learnt.push(lane.key);
    }
    if (learnt.length > 0) this.#listener.report({ type: 'keys.forgotten', keys: learnt });
  }

  #grant(claim: Claim): void {
    const { lane, leaseMs } = claim;
    claim.state = 'held';
    claim.epoch = lane.epoch;
    lane.held++;
    this.#held++;
    if (lane.budget !== null) {
      claim.slice = lane.budget.take(claim.tokens, this.#now());
      claim.noted = claim.tokens;
    }
    if (leaseMs === null) return;
    this.#leases.add(claim, leaseMs);
    claim.since = claim.dueAt - leaseMs;
  }

  #wait(claim: Claim, waitMs: number): void {
    const { lane } = claim;
    claim.state = 'waiting';
    lane.push(claim, waitMs, this.#now());
    if (lane.first === claim) this.serve(lane);
  }

  /** Grants what can be granted, in order; where only time keeps the first one waiting, the lane is woken then. */
  serve(lane: Lane): void {
    this.#waits.remove(lane);
    while (lane.first !== null && lane.hasPermit) {
      const claim = lane.first;
      const pauseMs = lane.waitMs(claim.tokens, this.#now);
      if (pauseMs > 0) {
        this.#waits.add(lane, pauseMs);
        return;
      }
      const now = this.#now();
      lane.remove(claim, now);
      claim.waitedMs = now - claim.since;
      this.#grant(claim);
      claim.settled?.({ ok: true, permit: claim });
      this.#listener.emit({ type: 'gate.waited', key: lane.key, waitedMs: claim.waitedMs });
    }
  }

  /**
   * Takes a permit back.
   * @throws EspalierError `gate/invalid-options` for a report that is none; then the permit is still held
   */
  release(claim: Claim, report?: CallReport): ReleaseOutcome {
    if (report !== undefined) requireReport(report);
    const { ended } = claim;
    if (ended !== null) return { ok: false, reason: 'notHeld', because: ended };
    if (report !== undefined) this.#reconcile(claim, report);
    if (claim.isHeld) this.#close(claim, 'released'); // a listener of the pause may have ended its holder
    return released;
  }

  /** Before the permit is back: so that the next one finds the pause and the level that this one found out. */
  #reconcile(claim: Claim, { outcome, retryAfterMs = 0, tokensUsed }: CallReport): void {
    const { lane } = claim;
    if (outcome === 'unused') this.#note(claim, 0, -1);
    else if (tokensUsed !== undefined) this.#note(claim, tokensUsed, 0);
    if (retryAfterMs > 0) this.#pause(lane, retryAfterMs);
    if (lane.policy.adaptive === null || claim.epoch !== lane.epoch) return;
    if (outcome === 'rateLimited') {
      lane.epoch++;
      lane.successes = 0;
      this.#listener.report({ type: 'key.rateLimited', key: lane.key });
    } else if (outcome === 'ok' && ++lane.successes >= (lane.level ?? Infinity)) {
      lane.successes = 0;
      this.#listener.report({ type: 'key.succeeded', key: lane.key });
    }
  }

  #note(claim: Claim, tokens: number, requests: number): void {
    if (claim.slice === null) return;
    claim.lane.budget?.correct(claim.slice, requests, tokens - claim.noted, this.#now());
    claim.noted = tokens;
  }

  #pause(lane: Lane, retryAfterMs: number): void {
    const until = this.#now() + retryAfterMs;
    if (until <= lane.pausedUntil) return;
    lane.pausedUntil = until;
    this.#listener.emit({ type: 'gate.paused', key: lane.key, retryAfterMs });
  }

  /** @throws EspalierError `gate/invalid-options` */
  settle(claim: Claim, { tokensUsed }: { readonly tokensUsed: number }): boolean {
    requireTokens('tokensUsed', tokensUsed);
    if (!claim.isHeld) return false;
    this.#note(claim, tokensUsed, 0);
    this.serve(claim.lane);
    return true;
  }

  /** @throws EspalierError `gate/invalid-options` */
  renew(claim: Claim, leaseMs?: number): boolean {
    const ms = duration('leaseMs', leaseMs, claim.leaseMs ?? 0, 1);
    if (!claim.isHeld) return false;
    if (ms === 0) return true;
    claim.leaseMs = ms;
    this.#leases.remove(claim);
    this.#leases.add(claim, ms);
    return true;
  }

  /** Somebody wants to hear of this permit's loss. */
  listen(claim: Claim): void {
    this.#listening.add(claim);
  }

  /** The permit is nobody's any more. What depends on it is told last, when all is in order again. */
  #close(claim: Claim, why: 'released' | Loss): void {
    const { lane } = claim;
    claim.state = 'ended';
    claim.end = why;
    this.#leases.remove(claim);
    this.#untie(claim);
    lane.held--;
    this.#held--;
    if (lane.first !== null) this.serve(lane);
    if (this.#listening.delete(claim) && why !== 'released') claim.abort(why);
    if (this.#isDraining && this.#held === 0) this.#listener.report({ type: 'permits.emptied' });
  }

  #untie(claim: Claim): void {
    if (claim.holder !== null) this.owners.untie(claim, claim.holder);
    if (claim.signal !== null) this.owners.untie(claim, claim.signal);
    claim.holder = null;
    claim.signal = null;
  }

  #leave(claim: Claim, reason: RefusalReason): void {
    const { lane } = claim;
    const wasFirst = lane.first === claim;
    const now = this.#now();
    claim.state = 'ended';
    lane.remove(claim, now);
    this.#untie(claim);
    const waitedMs = now - claim.since;
    const pauseMs = reason === 'timeout' ? lane.waitMs(claim.tokens, this.#now) : 0;
    claim.settled?.(this.#refusal(lane.key, reason, waitedMs, pauseMs > 0 ? pauseMs : null));
    // Whoever waited behind a large claim may fit now.
    if (wasFirst) this.serve(lane);
  }

  #refusal(key: string, reason: RefusalReason, waitedMs: number, retryAfterMs: number | null): Refusal {
    this.#listener.emit({ type: 'gate.refused', key, reason, waitedMs });
    return { ok: false, reason, key, waitedMs, retryAfterMs };
  }

  /** A deadline has passed: the wait's, or the lease's. */
  expired(claim: Claim): void {
    if (claim.state === 'waiting') this.#leave(claim, 'timeout');
    else if (claim.state === 'held') {
      const heldMs = this.#now() - claim.since;
      this.#close(claim, 'expired');
      this.#listener.emit({ type: 'gate.expired', key: claim.key, heldMs });
    }
  }

  /** All that these owners have is returned, one after the other, and told by owner and key. */
  #reclaim(owners: readonly Owner[]): void {
    const all = owners.flatMap((owner) => [...owner.owned].map((owned) => ({ owner, owned })));
    const told = owners.map((owner) => ({ owner, counts: new Map<string, number>() }));
    // Whoever waits leaves first: else a permit that is back would be granted to one who has just ended.
    for (const { owner, owned } of all) if (!isHeld(owned)) owned.ownerEnded(owner);
    for (const { owner, owned } of all) {
      if (!isHeld(owned)) continue;
      const counts = told.find((one) => one.owner === owner)?.counts;
      counts?.set(owned.key, (counts.get(owned.key) ?? 0) + 1);
      owned.ownerEnded(owner);
    }
    for (const { owner, counts } of told)
      for (const [key, count] of counts)
        this.#listener.emit({ type: 'gate.reclaimed', key, count, because: owner.isActor ? 'holderEnded' : 'aborted' });
  }

  ownerEnded(claim: Claim, { isActor }: Owner): void {
    if (claim.state === 'waiting') this.#leave(claim, isActor ? 'holderEnded' : 'cancelled');
    else if (claim.state === 'held') this.#close(claim, isActor ? 'holderEnded' : 'aborted');
  }

  /** A pause of somebody's own, between two attempts: over after `ms`, or with its owners, or with the gate. */
  rest(ms: number, who: Resting): Promise<RestOutcome> {
    return this.#rests.begin(ms, who);
  }

  /** Obeys the chart. */
  obey(command: PermitsCommand): void {
    if (this.isOver) return;
    if (command.type === 'permits.drain') this.#drain();
    else if (command.type === 'permits.resume') for (const key of this.#levels.resume(command)) this.#adjust(key);
    else {
      this.#levels.note(command.key, command.level, command.isSet);
      this.#adjust(command.key);
    }
  }

  /** Lets a key that is in use have its level. */
  #adjust(key: string): void {
    const lane = this.#lanes.get(key);
    if (lane === undefined) return;
    lane.level = this.#levels.of(key, lane.policy.permits);
    lane.successes = 0;
    if (lane.level === 0) this.#refuseAll(lane, 'disabled');
    else this.serve(lane);
  }

  #refuseAll(lane: Lane, reason: RefusalReason): void {
    const now = this.#now();
    // Taken out at once: what a refusal sets off must not be granted.
    const waiting: Claim[] = [];
    for (let claim = lane.first; claim !== null; claim = lane.first) {
      lane.remove(claim, now);
      waiting.push(claim);
    }
    this.#waits.remove(lane);
    for (const claim of waiting) {
      claim.state = 'ended';
      this.#untie(claim);
      claim.settled?.(this.#refusal(lane.key, reason, now - claim.since, null));
    }
  }

  #drain(): void {
    this.#isDraining = true;
    for (const lane of this.#lanes.values()) this.#refuseAll(lane, 'closed');
    this.#rests.close();
    if (this.#held === 0) this.#listener.report({ type: 'permits.emptied' });
  }

  /** It is over: whoever waits is refused, whoever holds hears of the loss. Twice is once. */
  close(): void {
    if (this.isOver) return;
    const lanes = [...this.#lanes.values()];
    this.#report = { held: this.#held, waiting: lanes.reduce((sum, { waiting }) => sum + waiting, 0) };
    for (const lane of lanes) this.#refuseAll(lane, 'closed');
    this.#rests.close();
    this.#waits.clear();
    this.#leases.clear();
    this.owners.clear();
    this.#lanes.clear();
    for (const claim of [...this.#listening]) claim.abort('closed');
    this.#listening.clear();
  }
}

const isHeld = (owned: unknown): owned is Claim => owned instanceof Claim && owned.state === 'held';
