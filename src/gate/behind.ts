/**
 * The seam by which anything is put behind a gate: a stream, an interaction, a Live session.
 *
 *   const passage = await passGate(options.gate, { holder: self });
 *   if (!passage.ok) …                       // refused: why, in `passage.reason`
 *   …                                        // `passage.lost` aborts when the permit is lost meanwhile
 *   passage.leave({ outcome: 'rateLimited', retryAfterMs });
 *
 * Whoever passes as an actor need not leave by himself: his end, whatever it is, returns the permit. {@link Pass} is the same for an actor that may be
 * stopped at any moment of it.
 */
import type { AnyActorRef } from 'xstate';
import { wordsOf } from '../../machines/live/ending.js';
import { keysOf } from '../../machines/supervision/option-keys.js';
import { printFault } from '../supervision/last-resort.js';
import type { Gate } from './handle.js';
import type { AcquireOptions, AttemptReport, CallReport, Refusal } from './permit.js';
import { duration, invalid, requireKey, requireOptions } from './refusal.js';
import { requireAttempt, requireReport, requireTokens } from './requests.js';

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
      /** The call will be made again within the permit; see `Permit.again`. @throws EspalierError `gate/invalid-options` */
      again(report: AttemptReport): void;
      /**
       * Gives the permit back, with what became of the call. Twice is once. What a gate of the app's own throws goes to `console.error`.
       * @throws EspalierError `gate/invalid-options`
       */
      leave(report?: CallReport): void;
    }
  | Refusal;

const behindGateKeys = keysOf<BehindGate>({ gate: true, key: true, waitMs: true, tokens: true, leaseMs: true });
const free: Passage = { ok: true, lost: undefined, again: () => {}, leave: () => {} };

/**
 * Checks the option, for whoever takes it, before anything starts.
 * @throws EspalierError `gate/invalid-options`
 */
export function requireBehindGate(option: BehindGate | undefined): void {
  if (option === undefined) return;
  requireOptions('gate', option, behindGateKeys, 'gate.');
  const { gate, key, waitMs, tokens, leaseMs } = option;
  const isGate = typeof gate === 'function' || typeof (gate as Partial<Gate> | null | undefined)?.acquire === 'function';
  if (!isGate) throw invalid('gate.gate', 'a gate, or a function that returns one', typeof gate);
  requireKey(key, 'gate.key');
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
    again: (report) => {
      requireAttempt(report);
      told("a gate's permit, told of another attempt,", () => permit.again(report));
    },
    leave: (report) => {
      if (report !== undefined) requireReport(report);
      told("a gate's permit, given back,", () => permit.release(report));
    },
  };
}

/** What a gate of the app's own does wrong, now or later, is no harm to whoever is behind it, and not his to answer for. */
function told(who: string, tell: () => unknown): void {
  const failed = (error: unknown): void => printFault(who, error);
  try {
    const answer: unknown = tell();
    if (answer instanceof Promise) answer.catch(failed);
  } catch (error) {
    failed(error);
  }
}

/** Why there is no permit, or none any more. */
export interface GateFault {
  /** The gate's reason; `lost` where there was one; `crash` where the function that finds the gate threw. */
  readonly code: Refusal['reason'] | 'lost' | 'crash';
  readonly message: string;
  /** When it is worthwhile to ask again, ms. */
  readonly retryAfterMs?: number;
}

/** One permit of one who may be stopped while he waits for it, and while he has it. None of its methods throws, but for misuse. */
export class Pass {
  readonly #option: BehindGate;
  readonly #holder: AnyActorRef;
  readonly #lost: (fault: GateFault) => void;
  #passage: Extract<Passage, { ok: true }> | null = null;
  #hasLeft = false;

  /**
   * @param holder  its end returns the permit, or ends the wait
   * @param lost    told when the permit is lost: its lease ran out, or the gate has ended
   */
  constructor(option: BehindGate, holder: AnyActorRef, lost: (fault: GateFault) => void) {
    this.#option = option;
    this.#holder = holder;
    this.#lost = lost;
  }

  /** Waits for the permit. @returns null with it, or once it has left; else why there is none. Never rejects */
  async enter(): Promise<GateFault | null> {
    let passage: Passage;
    try {
      passage = await passGate(this.#option, { holder: this.#holder });
    } catch (error) {
      return { code: 'crash', message: `the gate could not be asked: ${wordsOf(error)}` };
    }
    if (!passage.ok) {
      const { key, reason, retryAfterMs } = passage;
      const message = `no permit of '${key}': ${reason}`;
      return retryAfterMs === null ? { code: reason, message } : { code: reason, message, retryAfterMs };
    }
    if (this.#hasLeft) {
      passage.leave({ outcome: 'unused' });
      return null;
    }
    const { lost } = passage;
    if (lost?.aborted === true) return this.#fault(lost);
    this.#passage = passage;
    lost?.addEventListener(
      'abort',
      () => {
        if (!this.#hasLeft) this.#lost(this.#fault(lost));
      },
      { once: true },
    );
    return null;
  }

  /**
   * Gives it back, with what became of the call; one that comes later is given back then. Twice is once.
   * @throws EspalierError `gate/invalid-options` for a report that is none
   */
  leave(report?: CallReport): void {
    const passage = this.#passage;
    this.#hasLeft = true;
    this.#passage = null;
    passage?.leave(report);
  }

  #fault({ reason }: AbortSignal): GateFault {
    return { code: 'lost', message: `its permit of '${this.#option.key}' was lost: ${String(reason)}` };
  }
}

/** A failure, as far as it concerns a gate. */
interface Failed {
  readonly code: number | string;
  /** Of the refusal, where it came as one. */
  readonly httpStatus?: number;
  readonly status?: string;
  readonly retryAfterMs?: number;
}

/** How services say that they were asked too often. @see google.rpc.Code; the codes of the Interactions API are words */
const limits = ['429', 'RESOURCE_EXHAUSTED', 'RATE_LIMIT_EXCEEDED', 'TOO_MANY_REQUESTS', 'QUOTA_EXCEEDED'];

/**
 * What a call that failed has to tell its gate: a limit of the service, or not; a pause that it asks for is one for everybody. The status of HTTP decides,
 * where there is one: what the body says may be a gateway's guess about the server behind it.
 */
export function reportOf({ code, httpStatus, retryAfterMs, status = '' }: Failed): AttemptReport {
  const isLimited = httpStatus === undefined ? [String(code), status].some((word) => limits.includes(word.toUpperCase())) : httpStatus === 429;
  const again = retryAfterMs === undefined ? {} : { retryAfterMs };
  return { outcome: isLimited ? 'rateLimited' : 'failed', ...again };
}

/** How many tokens a service says a call took; nothing where that is no number of tokens. @throws never */
export function tokensIn(count: unknown): { readonly tokensUsed?: number } {
  return Number.isFinite(count) && (count as number) >= 0 ? { tokensUsed: count as number } : {};
}
