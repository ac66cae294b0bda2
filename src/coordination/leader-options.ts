/** What a participant of an election is asked for, checked, and turned into the input of its chart. */
import { type AnyActorLogic, fromCallback } from 'xstate';
import type { Backoff } from '../../machines/backoff.js';
import type { LeaderInput } from '../../machines/coordination/leader-events.js';
import { isBackoff, wholeBackoff } from '../../machines/supervision/child-spec.js';
import { planHold } from '../backend/hold.js';
import type { Backend } from '../backend/port.js';
import { EspalierError } from '../errors.js';
import { isKeepable, isObject, optionChecks, sortOf } from '../option-checks.js';

/** Options of one who takes part in an election. A name that is not here is refused. */
export interface LeaderOptions {
  /** On which they agree: `backendHandle(…)` in a tree. All that take part have the same. */
  readonly backend: Backend;
  /** Which election: a text of up to 200 characters without `/`. */
  readonly election: string;
  /** Who takes part, as others are told. Two of the same name are two candidates. */
  readonly id: string;
  /** What runs while it leads, and only then; its input is a `LeadershipInput`. When it ends, however it does, its leader resigns. Default: nothing. */
  readonly work?: AnyActorLogic;
  /** Is it a candidate from the beginning? If not it observes, until it is told to stand. Default true. */
  readonly stands?: boolean;
  /** The life of its lease, ms: so long nobody leads after a leader was lost. Default 10 000. */
  readonly ttlMs?: number;
  /** The pause between two renewals, ms: less than `ttlMs` without `marginMs`. Default: a third of `ttlMs`. */
  readonly renewEveryMs?: number;
  /** So much before its lease it ends, ms: for clocks that do not run alike. Less than `ttlMs`. Default: a tenth of it. */
  readonly marginMs?: number;
  /** How long one call of the backend may take, ms. Default: a third of `ttlMs`. */
  readonly callMs?: number;
  /** The pause after a failure, to follow or to stand, and after work that did not last for `resetAfterMs`. Default: 100 ms, doubling up to 5 s, a quarter of it by chance; 60 s. */
  readonly backoff?: Partial<Backoff>;
}

/** What the options come to. */
export interface LeaderPlan {
  readonly input: LeaderInput;
  readonly backend: Backend;
  readonly work: AnyActorLogic;
  readonly lease: { readonly ttlMs: number; readonly renewEveryMs: number; readonly marginMs: number };
  readonly callMs: number;
  readonly keys: ElectionKeys;
}

/** Where an election is, among the keys of its backend. */
export interface ElectionKeys {
  /** Of all of them. */
  readonly prefix: string;
  /** Who has the seat, in which term. It stays when its leader goes: so terms rise for ever. */
  readonly seat: string;
  /** Before the lease of each candidate; bound to that. */
  readonly candidates: string;
}

/** `leader/invalid-options`: what the option was expected to be, and what came. */
export function invalid(name: string, expected: string, got: unknown): EspalierError {
  return new EspalierError('leader/invalid-options', { expected: `${name}: ${expected}`, got });
}

export const { requireOptions, requireFunction, duration } = optionChecks(invalid);

const defaultBackoff: Backoff = { minMs: 100, maxMs: 5_000, factor: 2, jitter: 0.25, resetAfterMs: 60_000 };
const names = ['backend', 'election', 'id', 'work', 'stands', 'ttlMs', 'renewEveryMs', 'marginMs', 'callMs', 'backoff'];
const methods = ['list', 'watch', 'compareAndSet', 'grant', 'renew', 'revoke'] as const;

/** @throws EspalierError `leader/invalid-options`, with the option's name */
export function planLeader(options: LeaderOptions): LeaderPlan {
  requireOptions('the options of a leader', options, names);
  const { backend, election, id, work = fromCallback(() => {}), stands = true, backoff = {} } = options;
  if (!isObject(backend) || methods.some((method) => typeof (backend as never)[method] !== 'function'))
    throw invalid('backend', 'a backend', sortOf(backend));
  requireName('election', election);
  requireName('id', id);
  if (!isObject(work) || typeof work['getInitialSnapshot'] !== 'function') throw invalid('work', 'XState logic', sortOf(work));
  if (typeof stands !== 'boolean') throw invalid('stands', 'true or false', sortOf(stands));
  if (!isObject(backoff)) throw invalid('backoff', wholeBackoff, sortOf(backoff));
  const wholly = { ...defaultBackoff, ...backoff };
  if (!isBackoff(wholly)) throw invalid('backoff', wholeBackoff, wholly);
  const ttlMs = duration('ttlMs', options.ttlMs, 10_000);
  const callMs = duration('callMs', options.callMs, Math.max(1, ttlMs / 3));
  const prefix = `elections/${election}/`;
  return {
    input: { election, id, stands, backoff: wholly, callMs, ttlMs },
    ...{ backend, work, callMs, lease: planLease(ttlMs, options) },
    keys: { prefix, seat: `${prefix}seat`, candidates: `${prefix}candidates/` },
  };
}

function planLease(ttlMs: number, { renewEveryMs, marginMs }: LeaderOptions): LeaderPlan['lease'] {
  const given = { ttlMs, ...(renewEveryMs === undefined ? {} : { renewEveryMs }), ...(marginMs === undefined ? {} : { marginMs }) };
  try {
    const { renewEveryMs: every, marginMs: margin } = planHold(given);
    return { ttlMs, renewEveryMs: every, marginMs: margin };
  } catch (cause) {
    throw invalid('renewEveryMs, marginMs', 'ms, together less than ttlMs', cause instanceof Error ? cause.message : sortOf(cause));
  }
}

/** A part of a key: what is no text that a backend takes, or would be in another election, is none. */
function requireName(name: string, value: unknown): void {
  if (typeof value === 'string' && value.length >= 1 && value.length <= 200 && !value.includes('/') && isKeepable(value)) return;
  const expected = 'a text of 1 to 200 characters without / and control characters';
  throw invalid(name, expected, typeof value === 'string' ? `a text of ${value.length}` : sortOf(value));
}
