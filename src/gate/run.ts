/**
 * A call behind a gate: permit, call, reconciliation, and again where that is worthwhile.
 *
 * Each attempt is a pass of its own: budget, permit and pause are had together, the permit is back before the next pause begins, and nobody holds one
 * while he waits. How often, and how long altogether, is bounded.
 */
import { type Backoff, backoffMs } from '../../machines/backoff.js';
import type { RefusalReason } from '../../machines/gate/gate-events.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import type { AcquireOptions, AcquireOutcome, CallReport, Permit } from './permit.js';
import type { PermitTable } from './permits.js';
import { count, duration, invalid, requireKey, requireOptions } from './refusal.js';
import { requireOwners, requireTokens } from './requests.js';

/** What a call is given. */
export interface CallScope {
  /** Aborts when the call's permit is lost; then its outcome is decided, and nobody waits for it. */
  readonly signal: AbortSignal;
  /** 1 for the first. */
  readonly attempt: number;
  readonly permit: Permit;
}

/** What an error of a call means. `transient` is tried again after a pause of ours, `rateLimited` after the service's. */
export interface CallFault {
  readonly kind: 'rateLimited' | 'transient' | 'failed';
  /** What the service asks for, ms. Default: a pause that grows with each attempt. */
  readonly retryAfterMs?: number;
}

/** How a call is run. */
export interface RunOptions<Value = unknown> extends Omit<AcquireOptions, 'key'> {
  /** Attempts at most, the first included: 1 to 100. Default 3. */
  readonly attempts?: number;
  /** The pause before another attempt where the service asks for none. Default: 1 s, doubling up to 60 s, a quarter of it by chance. */
  readonly backoff?: Partial<Backoff>;
  /** Reads an error. Default: {@link faultOf}. */
  readonly classify?: (error: unknown) => CallFault;
  /** Tokens that a call has used, by its result; undefined where that does not say. */
  readonly usage?: (value: Value) => number | undefined;
}

/** What became of it. `waitMs` is for all waits together, `attempts` are those that were made. */
export type RunOutcome<Value> =
  | { readonly ok: true; readonly value: Value; readonly attempts: number }
  | {
      readonly ok: false;
      /** Refused at the gate; its lease ran out; or the last attempt was answered 429, failed in a way that passes, or failed. */
      readonly reason: RefusalReason | 'expired' | 'transient' | 'failed';
      readonly attempts: number;
      /** What the last attempt threw; absent where none did. */
      readonly error?: unknown;
      readonly retryAfterMs: number | null;
    };

const runOptions = keysOf<RunOptions>({
  ...{ holder: true, signal: true, waitMs: true, leaseMs: true, tokens: true },
  ...{ attempts: true, backoff: true, classify: true, usage: true },
});
const defaultBackoff: Backoff = { minMs: 1_000, maxMs: 60_000, factor: 2, jitter: 0.25, resetAfterMs: 60_000 };

/** What the runner needs of a gate. */
export interface Passable {
  acquire(options: AcquireOptions): Promise<AcquireOutcome>;
  table(): PermitTable | undefined;
  /** A number of this run's own, for the jitter. */
  readonly seed: number;
  readonly waitMs: number;
}

/**
 * What an error means by what services and clients commonly say: 429 (`status`, `code`, `RESOURCE_EXHAUSTED`) is `rateLimited`, with the error's
 * `retryAfterMs` where it has one; 408, 500, 502, 503 and 504 are `transient`; anything else `failed`.
 * @throws never
 */
export function faultOf(error: unknown): CallFault {
  if (typeof error !== 'object' || error === null) return { kind: 'failed' };
  const { status, code, retryAfterMs } = error as { status?: unknown; code?: unknown; retryAfterMs?: unknown };
  const says = (...words: unknown[]): boolean => words.some((word) => word === status || word === code);
  const hasHint = typeof retryAfterMs === 'number' && Number.isFinite(retryAfterMs) && retryAfterMs >= 0;
  const hint = hasHint ? { retryAfterMs } : {};
  if (says(429, 'RESOURCE_EXHAUSTED')) return { kind: 'rateLimited', ...hint };
  return says(408, 500, 502, 503, 504, 'UNAVAILABLE') ? { kind: 'transient', ...hint } : { kind: 'failed' };
}

/** @throws EspalierError `gate/invalid-options`, before anything starts */
export function requireRun(key: unknown, fn: unknown, options: RunOptions<never>): void {
  requireKey(key);
  if (typeof fn !== 'function') throw invalid('fn', 'the function that makes the call', fn);
  requireOptions('the options of a run', options, runOptions);
  const { holder, signal, waitMs, leaseMs, tokens, attempts, backoff, classify, usage } = options;
  requireOwners(holder, signal);
  duration('waitMs', waitMs, 0);
  duration('leaseMs', leaseMs, 1, 1);
  requireTokens('tokens', tokens ?? 0);
  if (count('attempts', attempts, 3, 1) > 100) throw invalid('attempts', 'at most 100', attempts);
  if (backoff !== undefined) requireOptions('backoff', backoff, [...Object.keys(defaultBackoff), 'seed']);
  for (const [name, value] of Object.entries({ classify, usage }))
    if (value !== undefined && typeof value !== 'function') throw invalid(name, 'a function', value);
}

/** Runs a call that was checked before. Rejects where `classify` or `usage` throws or says what is none, when the permit is back. */
export async function runBehind<Value>(
  gate: Passable,
  key: string,
  fn: (scope: CallScope) => Value | PromiseLike<Value>,
  options: RunOptions<Value>,
): Promise<RunOutcome<Value>> {
  const { attempts = 3, classify = faultOf, usage, backoff, waitMs = gate.waitMs, ...claim } = options;
  const policy: Backoff = { ...defaultBackoff, seed: gate.seed, ...backoff };
  let leftMs = waitMs;
  let last: { error?: unknown } = {};
  for (let attempt = 1; ; ) {
    const entered = await gate.acquire({ ...claim, key, waitMs: leftMs });
    if (!entered.ok) return { ok: false, reason: entered.reason, attempts: attempt - 1, ...last, retryAfterMs: entered.retryAfterMs };
    const { permit } = entered;
    leftMs = Math.max(0, leftMs - permit.waitedMs);
    const table = gate.table();
    // Between the grant and this line another call may have been told to pause.
    if (permit.isHeld && (table?.pauseMs(key) ?? 0) > 0) {
      permit.release({ outcome: 'unused' });
      continue;
    }
    const end = await perform(permit, fn, attempt);
    if (end.kind === 'lost') return { ok: false, reason: end.reason, attempts: attempt, retryAfterMs: null };
    if (end.kind === 'returned') {
      reconcile(permit, () => ({ report: { outcome: 'ok', ...tokensOf(usage?.(end.value)) } }));
      return { ok: true, value: end.value, attempts: attempt };
    }
    last = { error: end.error };
    const { kind, retryAfterMs } = reconcile(permit, () => {
      const fault = classify(end.error);
      if (!['rateLimited', 'transient', 'failed'].includes(fault.kind)) throw invalid('classify', 'a kind: rateLimited, transient or failed', fault);
      const outcome = fault.kind === 'rateLimited' ? fault.kind : 'failed';
      return { ...fault, report: { outcome, ...(fault.retryAfterMs === undefined ? {} : { retryAfterMs: fault.retryAfterMs }) } };
    });
    const delayMs = kind === 'failed' ? 0 : (retryAfterMs ?? backoffMs(policy, attempt));
    const outcome = { ok: false as const, reason: kind, attempts: attempt, ...last, retryAfterMs: kind === 'failed' ? null : delayMs };
    // A pause that cannot be waited out is not begun.
    if (kind === 'failed' || attempt >= attempts || delayMs > leftMs || table === undefined) return outcome;
    const rested = await table.rest(delayMs, claim);
    if (rested !== 'rested') return { ...outcome, reason: rested };
    leftMs -= delayMs;
    attempt++;
  }
}

type End<Value> =
  | { readonly kind: 'returned'; readonly value: Value }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'lost'; readonly reason: 'expired' | 'holderEnded' | 'cancelled' | 'closed' };

/** The call itself, until it ends or its permit is lost. What it does after that touches nothing. */
function perform<Value>(permit: Permit, fn: (scope: CallScope) => Value | PromiseLike<Value>, attempt: number): Promise<End<Value>> {
  return new Promise((resolve) => {
    const { lost } = permit;
    const lose = (): void => {
      const { ended } = permit;
      resolve({ kind: 'lost', reason: ended === 'aborted' ? 'cancelled' : ended === 'released' || ended === null ? 'closed' : ended });
    };
    if (!permit.isHeld) {
      lose();
      return;
    }
    lost.addEventListener('abort', lose, { once: true });
    const call = async (): Promise<Value> => fn({ signal: lost, attempt, permit });
    call().then(
      (value) => resolve({ kind: 'returned', value }),
      (error: unknown) => resolve({ kind: 'threw', error }),
    );
  });
}

/** Releases the permit with a report that the app has a hand in; where that throws, or is none, without it. */
function reconcile<Read extends { readonly report: CallReport }>(permit: Permit, read: () => Read): Read {
  try {
    const given = read();
    permit.release(given.report);
    return given;
  } finally {
    permit[Symbol.dispose]();
  }
}

function tokensOf(tokensUsed: number | undefined): { readonly tokensUsed?: number } {
  return tokensUsed === undefined ? {} : { tokensUsed };
}
