/**
 * Who holds a gate's permits, and who waits for them.
 *
 * A permit that is free is granted within the call; else the claim waits, first come, first served within its key, until a permit is free *and* the
 * key's pause is over *and* its window has room. All three are had at one moment or none is, so whoever is refused, cancelled or dead while it waits has
 * nothing that would have to be given back, and nobody holds a permit only to wait for tokens.
 *
 * Everything happens within one turn of the event loop: a grant takes the claim out of the queue and clears its deadline before anybody else is heard, and
 * so neither a timeout nor an abortion can find it there. One that comes between the grant and the app's hearing of it finds a permit, and returns it.
 * The app is told last (outbox.ts): whatever a listener does finds everything in order. Leases and waits are watched from the end of their turn (moments.ts).
 */
import type { GateEmitted, GateEvent, Loss, PermitsCommand, RefusalReason } from '../../machines/gate/gate-events.js';
import type { Clock } from '../supervision/clock.js';
import { DeadlineQueue } from '../supervision/deadlines.js';
import { isUnstarted } from '../supervision/xstate-internals.js';
import { Claim, WaitingClaim } from './claim.js';
import type { Lane } from './lane.js';
import { Lanes } from './lanes.js';
import { Leases } from './leases.js';
import { Moments } from './moments.js';
import type { GatePlan } from './options.js';
import { Outbox } from './outbox.js';
import { isOver, type Owner, Owners } from './owners.js';
import type { AcquireOptions, AttemptReport, CallReport, GateReport, KeyStatus, Refusal, ReleaseOutcome } from './permit.js';
import { duration } from './refusal.js';
import { requireAttempt, requireUsage } from './requests.js';
import { Rests, type Resting, type RestOutcome } from './rest.js';

/** What the table tells: facts of the gate, and news for its chart. */
interface TableListener {
  emit(fact: GateEmitted): void;
  /** May anybody hear facts of that type? */
  isHeard(type: GateEmitted['type']): boolean;
  report(news: Extract<GateEvent, { type: 'key.rateLimited' | 'key.succeeded' | 'keys.forgotten' | 'permits.emptied' }>): void;
}

const released: ReleaseOutcome = { ok: true };

/** Of the methods only those throw that say so. */
export class PermitTable {
  readonly owners: Owners;
  readonly #plan: GatePlan;
  readonly #moments: Moments;
  readonly #now: () => number;
  /** Apart from leases: those of either kind mostly run out in the order in which they began. */
  readonly #waits: DeadlineQueue;
  readonly #leases: Leases;
  readonly #listener: TableListener;
  readonly #report: TableListener['report'];
  readonly #outbox: Outbox;
  readonly #lanes: Lanes;
  readonly #rests: Rests;
  #held = 0;
  #isDraining = false;
  #isEmptied = false;
  #ended: GateReport | null = null;

  constructor(plan: GatePlan, clock: Clock, listener: TableListener) {
    this.#plan = plan;
    this.#moments = new Moments(clock, () => [this.#lanes, this.#leases].forEach((all) => all.watch()));
    this.#now = () => clock.now();
    this.#waits = new DeadlineQueue(clock);
    this.#leases = new Leases(clock, this.#moments, plan.leaseMs);
    this.#listener = listener;
    this.#report = (news) => listener.report(news);
    this.#outbox = new Outbox((fact) => listener.emit(fact));
    this.owners = new Owners((owners) => this.#reclaim(owners));
    this.#rests = new Rests(this.#waits, this.owners);
    this.#lanes = new Lanes(this, plan, this.#waits, this.#report);
  }

  get isOver(): boolean {
    return this.#ended !== null;
  }

  /** What was held and waited when it ended; null before. */
  get report(): GateReport | null {
    return this.#ended;
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
    return this.#lanes.canLimit(key);
  }

  /** May calls of that key not go out, by the service's own word? */
  isPaused({ pausedUntil }: Lane): boolean {
    return pausedUntil > 0 && pausedUntil > this.#now();
  }

  /** A claim, checked before: granted, refused, or waiting; who waits is told by its `settled`. */
  claim(key: string, options: Omit<AcquireOptions, 'key' | 'waitMs'>, waitMs: number): Claim | Refusal {
    const claim = this.#claim(key, options, waitMs);
    this.#tell();
    return claim;
  }

  /** The permit of one who asks for nothing beyond it, where that is free; else null, and {@link claim} has the word. */
  grantFree(key: string): Claim | null {
    const lane = this.#lanes.get(key);
    if (lane === undefined || !lane.isFree || this.#isDraining || this.#ended !== null) return null;
    const claim = new Claim(lane);
    this.#grant(claim);
    return claim;
  }

  #claim(key: string, options: Omit<AcquireOptions, 'key' | 'waitMs'>, waitMs: number): Claim | Refusal {
    const { holder, signal, tokens = 0 } = options;
    if (this.#isDraining || this.isOver) return this.#refusal(key, 'closed');
    if (signal?.aborted === true) return this.#refusal(key, 'cancelled');
    if (holder !== undefined && isOver(holder)) return this.#refusal(key, 'holderEnded');
    const lane = this.#lanes.get(key) ?? this.#lanes.open(key, this.#now);
    // Whoever heard that keys make room may have closed the gate.
    if (this.isOver) return this.#refusal(key, 'closed');
    if (lane === null) return this.#refusal(key, 'tooManyKeys');
    if (lane.level === 0) return this.#refusal(key, 'disabled');
    if (lane.budget?.isTooLarge(tokens) === true) return this.#refusal(key, 'tooLarge');
    const isFree = lane.first === null && lane.hasPermit;
    const pauseMs = isFree ? lane.waitMs(tokens, this.#now) : 0;
    if (!isFree || pauseMs > 0) {
      if (waitMs === 0)
        return isFree ? this.#refusal(key, lane.pausedUntil > 0 ? 'rateLimited' : 'overBudget', 0, pauseMs) : this.#refusal(key, 'busy');
      if (lane.waiting >= lane.policy.maxWaiting) return this.#refusal(key, 'full');
    }
    // XState tells nobody of the end of an actor that was never started.
    const isStarting = holder !== undefined && isUnstarted(holder);
    const isWatched = (holder !== undefined || signal !== undefined) && !isStarting;
    const claim = isFree && pauseMs === 0 ? new Claim(lane) : new WaitingClaim(lane, this.#moments.current(), waitMs);
    if (options.leaseMs !== undefined || isWatched) claim.withTerms().leaseMs = options.leaseMs ?? null;
    if (tokens > 0) claim.withTerms().tokens = tokens;
    if (isStarting) claim.withTerms().isStarting = options.leaseMs === undefined;
    if (holder !== undefined) claim.withTerms().holder = this.owners.tie(claim, holder);
    if (signal !== undefined) claim.withTerms().signal = this.owners.tie(claim, signal);
    if (claim instanceof WaitingClaim) this.#wait(claim);
    else this.#grant(claim);
    return claim;
  }

  #grant(claim: Claim): void {
    const { lane } = claim;
    claim.state = 'held';
    lane.held++;
    this.#held++;
    if (lane.budget !== null || lane.policy.adaptive !== null) claim.withTerms().granted(lane, this.#now);
    this.#leases.begin(claim);
  }

  #wait(claim: WaitingClaim): void {
    const { lane } = claim;
    if (lane.push(claim)) this.#lanes.watchLater(lane);
    if (!this.#moments.isLasting) this.#lanes.watch();
    if (lane.first === claim) this.#serve(lane);
  }

  /** Its first one may pass now. */
  wake(lane: Lane): void {
    this.#serve(lane);
    this.#tell();
  }

  /** Grants what can be granted, in order; where only time keeps the first one waiting, the lane is woken then. */
  #serve(lane: Lane): void {
    this.#waits.remove(lane);
    while (lane.first !== null && lane.hasPermit) {
      const claim = lane.first;
      const pauseMs = lane.waitMs(claim.terms?.tokens ?? 0, this.#now);
      if (pauseMs > 0) {
        // Else a permit is in the way, and its return serves the lane.
        if (pauseMs < Infinity) this.#waits.add(lane, pauseMs);
        return;
      }
      lane.remove(claim);
      claim.until = this.#moments.current();
      this.#grant(claim);
      claim.granted();
      if (this.#listener.isHeard('gate.waited')) this.#outbox.add({ type: 'gate.waited', key: lane.key, waitedMs: claim.waitedMs });
    }
  }

  /**
   * Takes a permit back.
   * @param report  checked before
   */
  release(claim: Claim, report?: CallReport): ReleaseOutcome {
    const { lane } = claim;
    if (claim.state !== 'held' || this.#ended !== null) return { ok: false, reason: 'notHeld', because: claim.ended ?? 'closed' };
    // Where something came of it, it was made.
    this.#end(claim, 'released', (report?.outcome ?? 'unused') !== 'unused');
    // Before anybody is served: so that the next one finds the pause and the level that this one found out.
    if (report !== undefined) this.#learn(claim, report);
    if (lane.first !== null) this.#serve(lane);
    this.#tell();
    return released;
  }

  /** The call is made again within its permit. @throws EspalierError `gate/invalid-options` */
  again(claim: Claim, report: AttemptReport): boolean {
    requireAttempt(report);
    if (!claim.isHeld) return false;
    const { lane } = claim;
    const now = this.#now();
    const terms = claim.withTerms();
    terms.hasGoneOut = true;
    terms.goesOut(lane.budget, report.delayMs === undefined ? Infinity : now + report.delayMs, now);
    this.#learn(claim, report);
    // What comes of the next attempt says something of the level as it is now.
    terms.epoch = lane.epoch;
    this.#serve(lane);
    this.#tell();
    return true;
  }

  #learn(claim: Claim, { outcome, retryAfterMs = 0, tokensUsed }: CallReport): void {
    const { lane, terms } = claim;
    if (outcome === 'unused' && terms?.hasGoneOut !== true) terms?.note(lane.budget, 0, -1, this.#now);
    else if (tokensUsed !== undefined) terms?.note(lane.budget, tokensUsed, 0, this.#now);
    if (retryAfterMs > 0 && lane.pause(this.#now() + retryAfterMs)) this.#outbox.add({ type: 'gate.paused', key: lane.key, retryAfterMs });
    const news = terms === null ? null : lane.learn(terms.epoch, outcome);
    if (news !== null) this.#outbox.hold(() => this.#report({ type: news, key: lane.key }));
  }

  /** @throws EspalierError `gate/invalid-options` */
  settle(claim: Claim, usage: { readonly tokensUsed: number }): boolean {
    requireUsage(usage);
    if (!claim.isHeld) return false;
    claim.terms?.note(claim.lane.budget, usage.tokensUsed, 0, this.#now);
    this.wake(claim.lane);
    return true;
  }

  /** @throws EspalierError `gate/invalid-options` */
  renew(claim: Claim, leaseMs?: number): boolean {
    const ms = duration('leaseMs', leaseMs, this.#leases.msOf(claim) ?? 0, 1);
    if (!claim.isHeld) return false;
    if (ms === 0) return true;
    this.#leases.renew(claim, ms);
    return true;
  }

  /** The permit is nobody's any more. @param isOut  has the attempt gone out that was said to be next? */
  #end(claim: Claim, why: 'released' | Loss, isOut = false): void {
    const { lane, terms } = claim;
    claim.state = why;
    this.#leases.end(claim);
    if (terms !== null) {
      this.#untie(claim);
      terms.goesOutNoMore(lane.budget, isOut, this.#now);
    }
    lane.held--;
    this.#held--;
    if (why !== 'released' && claim.isHeardOf) this.#outbox.addLoss(claim, why);
  }

  #lose(claim: Claim, why: Loss): void {
    this.#end(claim, why);
    this.#serve(claim.lane);
  }

  /** All is in order: tells what has happened and then, for that is the gate's end, that a drain is over. */
  #tell(): void {
    this.#outbox.tell();
    if (!this.#isDraining || this.#held > 0 || this.#isEmptied || this.isOver) return;
    this.#isEmptied = true;
    this.#report({ type: 'permits.emptied' });
  }

  #untie(claim: Claim): void {
    const { terms } = claim;
    if (terms === null) return;
    if (terms.holder !== null) this.owners.untie(claim, terms.holder);
    if (terms.signal !== null) this.owners.untie(claim, terms.signal);
    terms.holder = null;
    terms.signal = null;
  }

  #leave(claim: WaitingClaim, reason: RefusalReason): void {
    const { lane } = claim;
    const wasFirst = lane.first === claim;
    const now = this.#now();
    claim.state = 'refused';
    lane.remove(claim);
    this.#untie(claim);
    const waitedMs = now - claim.moment.beganAt;
    const pauseMs = reason === 'timeout' ? lane.waitMs(claim.terms?.tokens ?? 0, this.#now) : 0;
    claim.refused(this.#refusal(lane.key, reason, waitedMs, pauseMs > 0 ? pauseMs : null));
    // Whoever waited behind a large claim may fit now.
    if (wasFirst) this.#serve(lane);
  }

  #refusal(key: string, reason: RefusalReason, waitedMs = 0, retryAfterMs: number | null = null): Refusal {
    if (this.#listener.isHeard('gate.refused')) this.#outbox.add({ type: 'gate.refused', key, reason, waitedMs });
    return { ok: false, reason, key, waitedMs, retryAfterMs: retryAfterMs === Infinity ? null : retryAfterMs };
  }

  /** A deadline has passed: the wait's, or the lease's. */
  expired(claim: Claim): void {
    if (claim instanceof WaitingClaim && claim.state === 'waiting') this.#leave(claim, 'timeout');
    else if (claim.state === 'held' && !claim.isWatchedByNow) {
      const heldMs = this.#now() - (claim.due?.since ?? 0);
      this.#lose(claim, 'expired');
      this.#outbox.add({ type: 'gate.expired', key: claim.key, heldMs });
    }
    this.#tell();
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
      for (const [key, count] of counts) this.#outbox.add({ type: 'gate.reclaimed', key, count, because: owner.isActor ? 'holderEnded' : 'aborted' });
    this.#tell();
  }

  ownerEnded(claim: Claim, { isActor }: Owner): void {
    if (claim instanceof WaitingClaim && claim.state === 'waiting') this.#leave(claim, isActor ? 'holderEnded' : 'cancelled');
    else if (claim.state === 'held') this.#lose(claim, isActor ? 'holderEnded' : 'aborted');
  }

  /** A pause of somebody's own, between two attempts: over after `ms`, or with its owners, or with the gate. */
  rest(ms: number, who: Resting): Promise<RestOutcome> {
    return this.#rests.begin(ms, who);
  }

  /** Obeys the chart. */
  obey(command: PermitsCommand): void {
    if (this.isOver) return;
    if (command.type === 'permits.drain') this.#drain();
    else
      for (const lane of this.#lanes.hear(command)) {
        if (lane.level === 0) this.#refuseAll(lane, 'disabled');
        else this.#serve(lane);
      }
    this.#tell();
  }

  #refuseAll(lane: Lane, reason: RefusalReason): void {
    const now = this.#now();
    // Taken out at once: what a refusal sets off must not be granted.
    const waiting: WaitingClaim[] = [];
    for (let claim = lane.first; claim !== null; claim = lane.first) {
      lane.remove(claim);
      waiting.push(claim);
    }
    this.#waits.remove(lane);
    for (const claim of waiting) {
      claim.state = 'refused';
      this.#untie(claim);
      claim.refused(this.#refusal(lane.key, reason, now - claim.moment.beganAt));
    }
  }

  #drain(): void {
    this.#isDraining = true;
    for (const lane of this.#lanes.all()) this.#refuseAll(lane, 'closed');
    this.#rests.close();
  }

  /** It is over: whoever waits is refused, whoever holds hears of the loss. Twice is once. */
  close(): void {
    if (this.isOver) return;
    const lanes = this.#lanes.all();
    this.#ended = { held: this.#held, waiting: lanes.reduce((sum, { waiting }) => sum + waiting, 0) };
    for (const lane of lanes) this.#refuseAll(lane, 'closed');
    this.#rests.close();
    // Whoever holds has a lease, or an owner, or both.
    const held = new Set<unknown>([...this.#leases.claims(), ...this.owners.owned()]);
    for (const claim of held) if (isHeld(claim) && claim.isHeardOf) this.#outbox.addLoss(claim, 'closed');
    this.#waits.clear();
    this.#leases.clear();
    this.owners.clear();
    this.#lanes.clear();
    this.#outbox.tellNow();
  }
}

const isHeld = (owned: unknown): owned is Claim => owned instanceof Claim && owned.state === 'held';
