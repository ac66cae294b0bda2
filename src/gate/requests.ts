/** What apps say to a gate, checked before anything happens. */
import { keysOf } from '../../machines/supervision/option-keys.js';
import type { AcquireOptions, AttemptReport, CallReport } from './permit.js';
import { isAbortSignal, isActor } from '../option-checks.js';
import { duration, invalid, numberOr, requireKey, requireOptions } from './refusal.js';

export const acquireOptions = keysOf<AcquireOptions>({ key: true, holder: true, signal: true, waitMs: true, leaseMs: true, tokens: true });
const known = new Set(acquireOptions);
const besideKey = acquireOptions.filter((name) => name !== 'key');
const knownBeside = new Set(besideKey);
const reportKeys = keysOf<CallReport>({ outcome: true, retryAfterMs: true, tokensUsed: true });
const attemptKeys = keysOf<AttemptReport>({ outcome: true, retryAfterMs: true, delayMs: true });
const outcomes = ['ok', 'rateLimited', 'failed', 'unused'];

/** @throws EspalierError `gate/invalid-options` */
export function requireAcquire(options: AcquireOptions): void {
  // The common case by hand: an acquisition costs less than a list of its names.
  if (!hasOnly(options, known)) requireOptions('the options of an acquisition', options, acquireOptions);
  requireKey(options.key);
  requireTerms(options);
}

/** @throws EspalierError `gate/invalid-options` */
export function requireEnter(key: unknown, options: Omit<AcquireOptions, 'key'> | undefined): void {
  requireKey(key);
  if (options === undefined) return;
  if (!hasOnly(options, knownBeside)) requireOptions('the options of an acquisition', options, besideKey);
  requireTerms(options);
}

function requireTerms({ holder, signal, waitMs, leaseMs, tokens }: Omit<AcquireOptions, 'key'>): void {
  requireOwners(holder, signal);
  if (waitMs !== undefined) duration('waitMs', waitMs, 0);
  if (leaseMs !== undefined) duration('leaseMs', leaseMs, 0, 1);
  if (tokens !== undefined) requireTokens('tokens', tokens);
}

/** Is it `{ … }` with these names alone? Quick; what it does not know to be one may be one. */
export function hasOnly(options: object | null, names: ReadonlySet<string>): boolean {
  if (typeof options !== 'object' || options === null || Object.getPrototypeOf(options) !== Object.prototype) return false;
  for (const name in options) if (!names.has(name)) return false;
  return true;
}

/** @throws EspalierError `gate/invalid-options`; of the value it shows its type alone */
export function requireOwners(holder: unknown, signal: unknown): void {
  if (holder !== undefined && !isActor(holder)) throw invalid('holder', 'an actor', typeof holder);
  if (signal !== undefined && !isAbortSignal(signal)) throw invalid('signal', 'an AbortSignal', typeof signal);
}

/** @throws EspalierError `gate/invalid-options` */
export function requireReport(report: CallReport): void {
  requireOptions('the report of a call', report, reportKeys);
  const { outcome, retryAfterMs, tokensUsed } = report;
  if (outcome !== undefined && !outcomes.includes(outcome)) throw invalid('outcome', outcomes.join(', '), outcome);
  if (retryAfterMs !== undefined) duration('retryAfterMs', retryAfterMs, 0);
  if (tokensUsed !== undefined) requireTokens('tokensUsed', tokensUsed);
}

/** @throws EspalierError `gate/invalid-options` */
export function requireAttempt(report: AttemptReport): void {
  requireOptions('the report of an attempt', report, attemptKeys);
  const { delayMs, outcome, retryAfterMs } = report;
  if (outcome !== 'rateLimited' && outcome !== 'failed') throw invalid('outcome', 'rateLimited or failed', outcome);
  if (retryAfterMs !== undefined) duration('retryAfterMs', retryAfterMs, 0);
  if (delayMs !== undefined) duration('delayMs', delayMs, 0);
}

/** @throws EspalierError `gate/invalid-options` */
export function requireUsage(usage: { readonly tokensUsed: number }): void {
  requireOptions('what a call has used', usage, ['tokensUsed']);
  requireTokens('tokensUsed', usage.tokensUsed);
}

/** @throws EspalierError `gate/invalid-options` */
export function requireTokens(name: string, tokens: unknown): void {
  if (typeof tokens !== 'number' || !Number.isFinite(tokens) || tokens < 0) throw invalid(name, 'a number of at least 0', numberOr(tokens));
}
