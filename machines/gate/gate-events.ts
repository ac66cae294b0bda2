/** What a gate's chart is told, orders and emits; what it is given and remembers. */
import type { ExitReason } from '../supervision/exit.js';
import type { Adaptive } from './level.js';

/** What is particular to one key. */
export interface KeyPolicy {
  /** Permits at first: a whole number; 0 shuts the key, null is no limit. */
  readonly permits: number | null;
  /** Null: the level stays as it is set. */
  readonly adaptive: Adaptive | null;
}

/** Input of the gate machine: the policy of every key, and of those that have one of their own. */
export interface GateInput extends KeyPolicy {
  readonly keys: Readonly<Record<string, KeyPolicy>>;
  /** Losses of its watchers within the period that it survives; one more, and it fails. */
  readonly intensity: number;
  readonly periodMs: number;
}

/** What a gate may be told. */
export type GateEvent =
  /** Of the actor `permits`: it runs, and knows nothing yet. */
  | { readonly type: 'permits.opened' }
  /** While draining: the last permit is back. */
  | { readonly type: 'permits.emptied' }
  /** It was ended, by nobody's order here. */
  | { readonly type: 'permits.ended' }
  /** The first 429 among the calls that were granted since the last one that counted. */
  | { readonly type: 'key.rateLimited'; readonly key: string }
  /** As many calls as the key has permits have succeeded since its level was last changed. */
  | { readonly type: 'key.succeeded'; readonly key: string }
  /** These keys are in nobody's use, and made room for others. */
  | { readonly type: 'keys.forgotten'; readonly keys: readonly string[] }
  /** Of the actor `watchers`. `at`: monotonic ms. */
  | { readonly type: 'watchers.ended'; readonly at: number }
  | { readonly type: 'limit.set'; readonly key: string; readonly permits: number | null }
  /** Grants nothing more; ends when all permits are back, at the latest after `deadlineMs`. */
  | { readonly type: 'gate.drain'; readonly deadlineMs?: number }
  | { readonly type: 'gate.close' }
  | { readonly type: 'supervisor.shutdown'; readonly reason?: ExitReason };

/** What has become of single keys since their policy was written, by key; null is no limit. */
export interface Changes {
  /** Set by the app. */
  readonly limits: Readonly<Record<string, number | null>>;
  /** Found by success and 429, since. */
  readonly levels: Readonly<Record<string, number | null>>;
}

/** What the chart orders of the actor `permits`. */
export type PermitsCommand =
  /** After it has opened: what is not as the policy has it. */
  | ({ readonly type: 'permits.resume' } & Changes)
  /** `isSet`: by the app; else it has moved by itself. */
  | { readonly type: 'permits.level'; readonly key: string; readonly level: number | null; readonly isSet: boolean }
  | { readonly type: 'permits.drain' };

/** Why a claim was refused. */
export type RefusalReason =
  /** With `waitMs: 0`: no permit is free, or others wait. */
  | 'busy'
  /** With `waitMs: 0`: the key's window of requests or tokens is spent. */
  | 'overBudget'
  /** With `waitMs: 0`: the service asked for a pause. */
  | 'rateLimited'
  /** As many wait as may. */
  | 'full'
  /** More keys are in use than may be. */
  | 'tooManyKeys'
  /** More tokens than a whole window has: it could never be granted. */
  | 'tooLarge'
  | 'timeout'
  /** Its signal aborted. */
  | 'cancelled'
  | 'holderEnded'
  /** The key has no permits at all. */
  | 'disabled'
  /** The gate drains, has ended, or does not run yet. */
  | 'closed';

/** Why a permit was taken from its holder. */
export type Loss = 'expired' | 'holderEnded' | 'aborted' | 'closed';

/** What a gate emits: what is slow or refused, never a grant that had not to wait. */
export type GateEmitted =
  | { readonly type: 'gate.waited'; readonly key: string; readonly waitedMs: number }
  | { readonly type: 'gate.refused'; readonly key: string; readonly reason: RefusalReason; readonly waitedMs: number }
  /** Whoever held these has ended, or its signal aborted; `count` permits are back. */
  | { readonly type: 'gate.reclaimed'; readonly key: string; readonly count: number; readonly because: 'holderEnded' | 'aborted' }
  /** A lease has run out. */
  | { readonly type: 'gate.expired'; readonly key: string; readonly heldMs: number }
  /** The service asked for a pause, ms from now. */
  | { readonly type: 'gate.paused'; readonly key: string; readonly retryAfterMs: number }
  /** `level` and `from`: null is no limit. */
  | {
      readonly type: 'gate.levelChanged';
      readonly key: string;
      readonly from: number | null;
      readonly level: number | null;
      readonly because: 'rateLimited' | 'succeeded' | 'set';
    }
  /** Its watchers were lost, and are there again. */
  | { readonly type: 'gate.watchersRestarted'; readonly attempt: number };

/** What a gate knows. */
export interface GateContext extends GateInput, Changes {
  readonly drainMs: number | null;
  /** Losses of the watchers within the period, monotonic ms, newest first. */
  readonly losses: readonly number[];
  readonly reason: ExitReason;
}

/** The policy of a key. @throws never */
export function policyOf({ keys, permits, adaptive }: GateInput, key: string): KeyPolicy {
  return (Object.hasOwn(keys, key) ? keys[key] : undefined) ?? { permits, adaptive };
}

/** How many permits a key has now; null is no limit. @throws never */
export function levelOf(context: GateInput & Changes, key: string): number | null {
  for (const words of [context.levels, context.limits]) if (Object.hasOwn(words, key)) return words[key] ?? null;
  return policyOf(context, key).permits;
}

/** All but some keys. @throws never */
export function without(words: Changes['levels'], keys: readonly string[]): Changes['levels'] {
  return Object.fromEntries(Object.entries(words).filter(([key]) => !keys.includes(key)));
}
