/** The leases of permits that are held. One that begins is not among the deadlines before the turn is over: of most that is the end. */
import type { Clock } from '../supervision/clock.js';
import { DeadlineQueue } from '../supervision/deadlines.js';
import type { Claim } from './claim.js';
import { Due } from './due.js';
import type { Moments } from './moments.js';

export class Leases {
  readonly #clock: Clock;
  readonly #moments: Moments;
  /** The gate's own, ms. */
  readonly #leaseMs: number;
  /** They mostly run out in the order in which they began. */
  readonly #queue: DeadlineQueue;
  /** Those that began in this turn, and then places that are empty until it is over: a list that is made longer and shorter for each is dearer. */
  #fresh: (Claim | null)[] = [];
  #freshCount = 0;

  constructor(clock: Clock, moments: Moments, leaseMs: number) {
    this.#leaseMs = leaseMs;
    this.#clock = clock;
    this.#moments = moments;
    this.#queue = new DeadlineQueue(clock);
  }

  /** The lease of a permit begins that was just granted; it may have none. */
  begin(claim: Claim): void {
    if (claim.terms?.leaseMs === null) return;
    const place = this.#freshCount++;
    claim.place = place;
    if (place < this.#fresh.length) this.#fresh[place] = claim;
    else this.#fresh.push(claim);
    if (this.#moments.isLasting) this.#moments.callWhenOver();
    else this.watch();
  }

  /** It begins anew, and lasts so long, ms. */
  renew(claim: Claim, ms: number): void {
    claim.withTerms().leaseMs = ms;
    this.end(claim);
    this.#add(claim, this.#clock.now(), ms);
  }

  /** How long it lasts, ms; null where it has none. */
  msOf({ terms }: Claim): number | null {
    return terms === null || terms.leaseMs === undefined ? this.#leaseMs : terms.leaseMs;
  }

  /** It is over, if there was one. */
  end(claim: Claim): void {
    const { place, due } = claim;
    if (due !== null) this.#queue.remove(due);
    if (place < 0) return;
    claim.place = -1;
    const end = --this.#freshCount;
    if (place !== end) {
      const last = this.#fresh[end] as Claim;
      this.#fresh[place] = last;
      last.place = place;
    }
    this.#fresh[end] = null;
  }

  /** The turn is over: looks after those that began in it. */
  watch(): void {
    const began = this.#takeFresh();
    if (began.length === 0) return;
    const now = this.#clock.now();
    for (const claim of began) {
      claim.place = -1;
      this.#add(claim, now, this.msOf(claim) ?? 0);
    }
  }

  /** Whose leases go on. */
  claims(): readonly Claim[] {
    return [...this.#queue.all().map((due) => (due as Due).claim), ...this.#freshOnes()];
  }

  clear(): void {
    this.#queue.clear();
    this.#takeFresh();
  }

  #freshOnes(): Claim[] {
    return this.#fresh.slice(0, this.#freshCount) as Claim[];
  }

  #takeFresh(): readonly Claim[] {
    const taken = this.#freshOnes();
    this.#fresh = [];
    this.#freshCount = 0;
    return taken;
  }

  #add(claim: Claim, now: number, ms: number): void {
    claim.due ??= new Due(claim, now, now + ms);
    this.#queue.addAt(claim.due, now + ms);
  }
}
