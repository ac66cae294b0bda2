/**
 * A lease as supervised logic: it is held as long as its actor runs, and its loss is that actor's crash.
 *
 * Under a supervisor that is `restForOne`, what stands behind it among the children is stopped when it is lost, and started again with the next one. In a chart it
 * is invoked; the chart is sent `lease.held` where it handles that, and its `onError` is the loss.
 */
import { fromPromise, type PromiseActorLogic } from 'xstate';
import { invalid } from '../backend/checks.js';
import { type HoldOptions, holdLease, type LeaseBackend, type LeaseHold, type LeaseLoss, planHold } from '../backend/hold.js';
import { isObject, sortOf } from '../option-checks.js';
import { clockOf } from '../supervision/clock.js';
import { handles, onExit } from '../supervision/watch.js';
import { parentOf } from '../supervision/xstate-internals.js';

/** Options of a lease; the clock is that of its system. */
export type HeldLeaseOptions = Pick<HoldOptions, 'ttlMs' | 'renewEveryMs' | 'marginMs'>;

/** What the actor emits, and sends its parent where that handles it. Times are monotonic ms of the system's clock. */
export type HeldLeaseEmitted =
  | { readonly type: 'lease.held'; readonly lease: string; readonly until: number }
  | { readonly type: 'lease.renewed'; readonly lease: string; readonly until: number }
  | { readonly type: 'lease.lost'; readonly lease: string; readonly reason: LeaseLoss['reason']; readonly at: number };

/** The logic of a lease. It never ends by itself but by a crash: a {@link LeaseLost}, or that there was none to be had. */
export type HeldLeaseLogic = PromiseActorLogic<never, undefined, HeldLeaseEmitted>;

/** A lease was lost: whatever was bound to it is over. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
  readonly lease: string;
  /** Null: it was never had. */
  readonly reason: LeaseLoss['reason'] | null;

  constructor(lease: string, reason: LeaseLoss['reason'] | null, message: string) {
    super(message);
    this.lease = lease;
    this.reason = reason;
  }
}

/** @throws EspalierError `backend/invalid-options` */
export function heldLease(backend: LeaseBackend, options: HeldLeaseOptions): HeldLeaseLogic {
  if (!isObject(backend)) throw invalid('backend', 'a backend', sortOf(backend));
  planHold(options);
  return fromPromise<never, undefined, HeldLeaseEmitted>(({ self, signal, emit }) => {
    const parent = parentOf(self);
    const tell = (fact: HeldLeaseEmitted): void => {
      if (signal.aborted) return;
      emit(fact);
      if (parent !== undefined && handles(parent, fact)) parent.send(fact);
    };
    return new Promise<never>((_, reject) => {
      let hold: LeaseHold | null = null;
      onExit(self, () => void hold?.release());
      const lost = ({ lease, reason, at }: LeaseLoss): void => {
        tell({ type: 'lease.lost', lease, reason, at });
        reject(new LeaseLost(lease, reason, `the lease was lost: ${reason}`));
      };
      const held = holdLease(backend, {
        ...options,
        ...{ clock: clockOf(self.system), signal, onLost: lost },
        onRenewed: (until) => tell({ type: 'lease.renewed', lease: hold?.lease ?? '', until }),
      });
      held.then((outcome) => {
        if (outcome.outcome !== 'ok') return reject(new LeaseLost('', null, `there was no lease to be had: ${outcome.outcome}, ${outcome.reason}`));
        // It was stopped while it asked.
        if (signal.aborted) return void outcome.hold.release();
        hold = outcome.hold;
        tell({ type: 'lease.held', lease: hold.lease, until: hold.until });
      }, reject);
    });
  });
}
