/**
 * The seam by which anything is put behind a gate: a stream, an interaction, a Live session.
 *
 *   const passage = await passGate(options.gate, { holder: self });
 *   if (!passage.ok) …                       // refused: why, in `passage.reason`
 *   …                                        // `passage.lost` aborts when the permit is lost meanwhile
 *   passage.leave({ outcome: 'rateLimited', retryAfterMs });
 *
 * Whoever passes as an actor need not leave by himself: his end, whatever it is, returns the permit.
 */
import type { AnyActorRef } from 'xstate';
import { keysOf } from '../../machines/supervision/option-keys.js';
import type { Gate } from './handle.js';
import type { AcquireOptions, CallReport, Refusal } from './permit.js';
import { duration, invalid, requireKey, requireOptions } from './refusal.js';
import { requireTokens } from './requests.js';

/** The option `gate` of whatever can be put behind one. */
export interface BehindGate {
  /** The gate, or what finds it when it is needed. */
  readonly gate: Gate | (() => Gate);
  readonly key: string;
  /** How long to wait for a permit at most, ms; 0 does not wait. Default: the gate's. */
  readonly waitMs?: number;
  /** Tokens to reserve. Default 0. */
  readonly tokens?: number;
  /** After that time the permit is taken back, ms. Default: with its holder, or the gate's own. */
  readonly leaseMs?: number;
}

/** A permit on its way, or the lack of one. */
export type Passage =
  | {
      readonly ok: true;
      /** Aborts when the permit is lost before {@link leave}; undefined where there is no gate. */
      readonly lost: AbortSignal | undefined;
      /** Gives the permit back, with what became of the call. Twice is once. */
      leave(report?: CallReport): void;
    }
  | Refusal;

const behindGateKeys = keysOf<BehindGate>({ gate: true, key: true, waitMs: true, tokens: true, leaseMs: true });
const free: Passage = { ok: true, lost: undefined, leave: () => {} };

/**
 * Checks the option, for whoever takes it, before anything starts.
 * @throws EspalierError `gate/invalid-options`
 */
export function requireBehindGate(option: BehindGate | undefined): void {
  if (option === undefined) return;
  requireOptions('gate', option, behindGateKeys);
  const { gate, key, waitMs, tokens, leaseMs } = option;
  const isGate = typeof gate === 'function' || typeof (gate as Partial<Gate> | null | undefined)?.acquire === 'function';
  if (!isGate) throw invalid('gate.gate', 'a gate, or a function that returns one', typeof gate);
  requireKey(key);
  duration('gate.waitMs', waitMs, 0);
  duration('gate.leaseMs', leaseMs, 1, 1);
  requireTokens('gate.tokens', tokens ?? 0);
}

/**
 * Waits for a permit, for one who will start something once he has it.
 * @param option  undefined: no gate, and no wait
 * @param who     on whose life the wait and then the permit depend
 * @returns never rejects, but with EspalierError `gate/invalid-options` for an option that was not checked
 */
export async function passGate(
  option: BehindGate | undefined,
  who: { readonly holder?: AnyActorRef; readonly signal?: AbortSignal },
): Promise<Passage> {
  if (option === undefined) return free;
  requireBehindGate(option);
  const { gate, ...claim } = option;
  const asked: AcquireOptions = { ...claim, ...who };
  const entered = await (typeof gate === 'function' ? gate() : gate).acquire(asked);
  if (!entered.ok) return entered;
  const { permit } = entered;
  return {
    ok: true,
    lost: permit.lost,
    leave: (report) => {
      permit.release(report);
    },
  };
}
