/** When a claim's wait, or its lease, is over. It is made where that may come: of most it is never needed. */
import type { Deadline } from '../supervision/deadlines.js';
import type { Claim } from './claim.js';
import { keepShape } from './shapes.js';

export class Due implements Deadline {
  readonly claim: Claim;
  /** When the wait or the lease began, monotonic ms. */
  readonly since: number;
  dueAt: number;
  place = -1;

  constructor(claim: Claim, since: number, dueAt: number) {
    this.claim = claim;
    this.since = since;
    this.dueAt = dueAt;
  }

  expired(): void {
    this.claim.lane.table.expired(this.claim);
  }
}

keepShape(new Due(null as never, 0.5, 0.5));
