/** How long to wait before the next attempt. */

import { hash } from './hash.js';

/**
 * The longest delay that a chart may name, ms: 2³¹ − 1, all that a timer of the runtime takes. XState's own clock fires at once beyond it, at `Infinity` too, so
 * a wait that has no end is this long, and harmless when it is over.
 */
export const longestDelayMs = 2_147_483_647;

/** Exponential backoff with jitter. All of it is beyond OTP, which retries at once. */
export interface Backoff {
  /** Delay before the first attempt, ms. */
  readonly minMs: number;
  /** No delay is longer, ms; at most {@link longestDelayMs}. */
  readonly maxMs: number;
  /** What each further attempt multiplies the delay by; at least 1. */
  readonly factor: number;
  /** Share of the delay drawn at random, 0 to 1: the delay lies in `(1 - jitter) · d … d`. */
  readonly jitter: number;
  /** A child that has lived this long is healthy: the next delay is `minMs` again. */
  readonly resetAfterMs: number;
  /** Seed of the jitter, a 32-bit integer; the same seed and attempt give the same delay. Default: made from the child's id. */
  readonly seed?: number;
}

/**
 * The delay before an attempt.
 * @param backoff  the policy
 * @param attempt  1 for the first attempt after a healthy time
 * @param key      whose delay it is; the seed's default, so that two who crash together do not come back together
 * @returns ms, a whole number within `0 … maxMs`
 * @throws never
 */
export function backoffMs(backoff: Backoff, attempt: number, key = ''): number {
  const growth = Math.min(backoff.factor ** Math.max(0, attempt - 1), Number.MAX_VALUE); // 0 times Infinity is no number
  const full = Math.min(backoff.maxMs, backoff.minMs * growth);
  return Math.round(full * (1 - backoff.jitter * unit(Math.imul(backoff.seed ?? hash(key), 0x9e3779b1) ^ attempt)));
}

/** A number in 0 … 1 that depends on `seed` alone. @see mulberry32, by Tommy Ettinger (public domain) */
export function unit(seed: number): number {
  let t = (seed + 0x6d2b79f5) | 0;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
}
