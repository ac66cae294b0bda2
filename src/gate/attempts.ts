/**
 * The attempts of a call behind a gate: permit, call, reconciliation, and again where that is worthwhile.
 *
 * Each attempt is a pass of its own: budget, permit and pause are had together, the permit is back before the next pause begins, and nobody holds one
 * while he waits. How often, and how long altogether, is bounded.
 *
 * A call that finds a free permit is made within `run`, for the price of one promise and one object more than its permit: a signal, a wait and a pause are
 * made when they are needed. One that had to wait is made on a turn of its own, never in the midst of what gave the permit back.
 */
import { backoffMs } from '../../machines/backoff.js';
import { Claim, type ClaimRun } from './claim.js';
import { type CallFault, faultOf } from './fault.js';
import type { CallReport, Permit, Refusal } from './permit.js';
import type { PermitTable } from './permits.js';
import { keepShape } from './shapes.js';
import { backoffOf, type CallScope, requireFault, type RunOptions, type RunOutcome } from './run.js';

/** What the runner needs of a gate. */
export interface Passable {
  /** Undefined while none runs. */
  table(): PermitTable | undefined;
}

class Scope implements CallScope {
  readonly attempt: number;
  readonly permit: Permit;

  constructor(attempt: number, permit: Permit) {
    this.attempt = attempt;
    this.permit = permit;
  }

  get signal(): AbortSignal {
    return this.permit.lost;
  }
}

/** Runs whose wait is over are gone on with on a turn of their own. */
class Turns {
  readonly #turn: Promise<void> = Promise.resolve();
  #due: Granted[] = [];

  add(granted: Granted): void {
    if (this.#due.push(granted) === 1) void this.#turn.then(this.#take);
  }

  readonly #take = (): void => {
    const due = this.#due;
    this.#due = [];
    for (const granted of due) granted.goOn();
  };
}

interface Granted {
  goOn(): void;
}

const turns = new Turns();
const succeeded: CallReport = { outcome: 'ok' };

export class Attempts<Value> implements ClaimRun {
  readonly #gate: Passable;
  readonly #key: string;
  readonly #fn: (scope: CallScope) => Value | PromiseLike<Value>;
  readonly #options: RunOptions<Value>;
  readonly #seed: number;
  readonly #resolve: (outcome: RunOutcome<Value>) => void;
  readonly #reject: (error: unknown) => void;
  #attempt = 1;
  #leftMs = 0;
  #last: { error?: unknown } | null = null;
  #isOver = false;
  /** Between the grant after a wait and the call. */
  #granted: Claim | null = null;

  /**
   * @param seed     a number of this run's own, for the jitter; key, function and options were checked before
   * @param resolve  told the outcome, once
   * @param reject   told what `classify` or `usage` throws, or that it says what is none, when the permit is back
   */
  constructor(
    gate: Passable,
    key: string,
    fn: (scope: CallScope) => Value | PromiseLike<Value>,
    options: RunOptions<Value>,
    seed: number,
    resolve: (outcome: RunOutcome<Value>) => void,
    reject: (error: unknown) => void,
  ) {
    this.#gate = gate;
    this.#key = key;
    this.#fn = fn;
    this.#options = options;
    this.#seed = seed;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(): void {
    const table = this.#gate.table();
    this.#leftMs = this.#options.waitMs ?? table?.defaultWaitMs ?? 0;
    this.#pass(table);
  }

  #pass(table: PermitTable | undefined): void {
    const claim = table?.claim(this.#key, this.#options, this.#leftMs) ?? null;
    if (claim === null) this.#refuse('closed', null);
    else if (!(claim instanceof Claim)) this.refused(claim);
    else {
      claim.hearer = this;
      if (claim.state === 'held') this.#call(claim);
    }
  }

  refused({ reason, retryAfterMs }: Refusal): void {
    this.#refuse(reason, retryAfterMs);
  }

  #refuse(reason: Refusal['reason'], retryAfterMs: number | null): void {
    this.#resolve({ ok: false, reason, attempts: this.#attempt - 1, ...this.#last, retryAfterMs });
  }

  granted(claim: Claim): void {
    this.#granted = claim;
    turns.add(this);
  }

  /** Since the grant the permit may have been lost, and another call been told to pause. */
  goOn(): void {
    const claim = this.#granted;
    if (this.#isOver || claim === null) return;
    this.#granted = null;
    this.#leftMs = Math.max(0, this.#leftMs - claim.waitedMs);
    if (claim.lane.table.isPaused(claim.lane)) {
      claim.release({ outcome: 'unused' });
      this.#pass(this.#gate.table());
    } else this.#call(claim);
  }

  #call(claim: Claim): void {
    let made: Promise<Value>;
    try {
      // Within: what `fn` gives may throw as it is looked at.
      made = Promise.resolve(this.#fn(new Scope(this.#attempt, claim)));
    } catch (error) {
      this.#threw(claim, error);
      return;
    }
    made.then(
      (value) => this.#returned(claim, value),
      (error: unknown) => this.#threw(claim, error),
    );
  }

  /** What the call does after that touches nothing. */
  lost({ ended }: Claim): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const reason = ended === 'aborted' ? 'cancelled' : ended === 'released' || ended === null ? 'closed' : ended;
    const attempts = this.#granted === null ? this.#attempt : this.#attempt - 1;
    this.#resolve({ ok: false, reason, attempts, retryAfterMs: null });
  }

  /** Is it decided already, or by the loss of the permit? */
  #isDecided(claim: Claim): boolean {
    const { ended } = claim;
    if (ended !== null && ended !== 'released') this.lost(claim);
    return this.#isOver;
  }

  #returned(claim: Claim, value: Value): void {
    if (this.#isDecided(claim)) return;
    this.#isOver = true;
    const { usage } = this.#options;
    try {
      const tokensUsed = usage?.(value);
      if (tokensUsed === undefined) claim.lane.table.release(claim, succeeded);
      else claim.release({ outcome: 'ok', tokensUsed });
    } catch (error) {
      claim.release();
      this.#reject(error);
      return;
    }
    this.#resolve({ ok: true, value, attempts: this.#attempt });
  }

  #threw(claim: Claim, error: unknown): void {
    if (this.#isDecided(claim)) return;
    const { classify = faultOf } = this.#options;
    let fault: CallFault;
    try {
      fault = requireFault(classify(error));
    } catch (misuse) {
      this.#isOver = true;
      claim.release();
      this.#reject(misuse);
      return;
    }
    const { kind, retryAfterMs } = fault;
    claim.release({ outcome: kind === 'rateLimited' ? kind : 'failed', ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
    this.#last = { error };
    const { attempts = 3, backoff } = this.#options;
    if (kind === 'failed') {
      this.#resolve({ ok: false, reason: kind, attempts: this.#attempt, error, retryAfterMs: null });
      return;
    }
    const delayMs = retryAfterMs ?? backoffMs(backoffOf(backoff, this.#seed), this.#attempt);
    // A pause that cannot be waited out is not begun.
    if (this.#attempt >= attempts || delayMs > this.#leftMs) this.#gaveUp(kind, delayMs);
    else void this.#rest(kind, delayMs);
  }

  async #rest(kind: 'rateLimited' | 'transient', delayMs: number): Promise<void> {
    const table = this.#gate.table();
    const rested = (await table?.rest(delayMs, this.#options)) ?? kind;
    if (rested !== 'rested') {
      this.#gaveUp(rested, delayMs);
      return;
    }
    this.#leftMs -= delayMs;
    this.#attempt++;
    this.#pass(this.#gate.table());
  }

  #gaveUp(reason: Exclude<RunOutcome<Value>, { ok: true }>['reason'], retryAfterMs: number): void {
    this.#resolve({ ok: false, reason, attempts: this.#attempt, ...this.#last, retryAfterMs });
  }
}

const nothing = (): void => {};
keepShape(new Attempts(null as never, '', nothing, {}, 0, nothing, nothing));
keepShape(new Scope(0, null as never));
