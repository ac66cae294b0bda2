/** A call behind a gate: what it is asked for, what it is given, and what comes of it. How it is made is in attempts.ts. */
import type { Backoff } from '../../machines/backoff.js';
import type { RefusalReason } from '../../machines/gate/gate-events.js';
import { isBackoff, wholeBackoff } from '../../machines/supervision/child-spec.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import type { CallFault } from './fault.js';
import type { AcquireOptions, Permit } from './permit.js';
import { sortOf } from '../option-checks.js';
import { count, duration, invalid, numberOr, requireKey, requireOptions } from './refusal.js';
import { hasOnly, requireOwners, requireTokens } from './requests.js';

/** What a call is given. */
export interface CallScope {
  /** Aborts when the call's permit is lost; then its outcome is decided, and nobody waits for it. */
  readonly signal: AbortSignal;
  /** 1 for the first. */
  readonly attempt: number;
  readonly permit: Permit;
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
const known = new Set(runOptions);
const defaultBackoff: Backoff = { minMs: 1_000, maxMs: 60_000, factor: 2, jitter: 0.25, resetAfterMs: 60_000 };

/** The pauses of a run that says so much of them. @param seed  of its jitter, where it has none of its own */
export function backoffOf(backoff: Partial<Backoff> | undefined, seed: number): Backoff {
  return { ...defaultBackoff, seed, ...backoff };
}

/** @throws EspalierError `gate/invalid-options`, before anything starts */
export function requireRun(key: unknown, fn: unknown, options: RunOptions<never>): void {
  requireKey(key);
  if (typeof fn !== 'function') throw invalid('fn', 'the function that makes the call', sortOf(fn));
  if (!hasOnly(options, known)) requireOptions('the options of a run', options, runOptions);
  const { holder, signal, waitMs, leaseMs, tokens, attempts, backoff, classify, usage } = options;
  requireOwners(holder, signal);
  if (waitMs !== undefined) duration('waitMs', waitMs, 0);
  if (leaseMs !== undefined) duration('leaseMs', leaseMs, 1, 1);
  if (tokens !== undefined) requireTokens('tokens', tokens);
  if (attempts !== undefined && count('attempts', attempts, 3, 1) > 100) throw invalid('attempts', 'at most 100', attempts);
  if (backoff !== undefined) requireBackoff(backoff);
  if (classify !== undefined && typeof classify !== 'function') throw invalid('classify', 'a function', sortOf(classify));
  if (usage !== undefined && typeof usage !== 'function') throw invalid('usage', 'a function', sortOf(usage));
}

function requireBackoff(backoff: Partial<Backoff>): void {
  requireOptions('backoff', backoff, [...Object.keys(defaultBackoff), 'seed']);
  const whole = backoffOf(backoff, 0);
  const expected = `${wholeBackoff}, all numbers, with seed a whole one`;
  if (!isBackoff(whole))
    throw invalid(
      'backoff',
      expected,
      Object.entries(whole)
        .map(([name, value]) => `${name} ${String(numberOr(value))}`)
        .join(', '),
    );
}

/** What `classify` says, where it says what it may. @throws EspalierError `gate/invalid-options` */
export function requireFault(fault: CallFault): CallFault {
  const { kind, retryAfterMs } = (fault as CallFault | null | undefined) ?? {};
  const isKind = kind === 'rateLimited' || kind === 'transient' || kind === 'failed';
  if (!isKind) throw invalid('classify', 'a kind: rateLimited, transient or failed', sortOf(kind ?? fault));
  if (retryAfterMs !== undefined) duration('classify: retryAfterMs', retryAfterMs, 0);
  return fault;
}
