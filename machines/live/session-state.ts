/** What a Live session remembers, and the questions that its chart asks about it. */
import { backoffMs, longestDelayMs } from '../backoff.js';
import type { ExitReason } from '../supervision/exit.js';
import { addRestart, exceedsIntensity } from '../supervision/restart-window.js';
import { type CallRow, type CallTable, fieldOf, noCalls } from './calls.js';
import type { SessionEnd, SessionFailure, SessionOutput } from './ending.js';
import type { Turn } from './messages.js';
import type { SessionEmitted, SessionEvent, SessionInput } from './session-events.js';

/** What a session knows: its input, its calls, how it may be resumed, and how it is to end or has ended. */
export interface SessionContext extends SessionInput {
  readonly calls: CallTable;
  /** Was a setup ever accepted? */
  readonly hasBeenReady: boolean;
  /** Has the present socket's setup been accepted? Only then may anything be answered. */
  readonly isAccepted: boolean;
  /** The latest resumable handle, at first the one that the setup was given; null where there is none. */
  readonly handle: string | null;
  /** Does that handle stand for everything so far? What either side says, a call, an answer or `resumable: false` makes it old. */
  readonly isFresh: boolean;
  /** The model's turn over the present socket. */
  readonly turn: Turn;
  /** Has the app asked for a turn of the model, after that one, of which nothing has come? A handle may have crossed with what was asked. */
  readonly awaitsTurn: boolean;
  /** The history that the conversation begins with: with the uplink, written, or in the handle as well; null where it was never sent. */
  readonly seed: 'waiting' | 'written' | 'known' | null;
  /** Did the user begin to speak before the model's turn was over, and has not ended? */
  readonly speaksOver: boolean;
  /** Does the present socket's setup bear a handle? */
  readonly isResuming: boolean;
  /** Was a setup sent that is not accepted yet? Between two sockets it means nothing. */
  readonly isSettingUp: boolean;
  /** Calls with a later key came on the present socket, whose setup was sent then. */
  readonly keyAtSetup: number;
  /** What the server has announced of this socket's end, ms from then; null where nothing. */
  readonly goAway: { readonly timeLeftMs: number | null } | null;
  /** Why the conversation began afresh, until its new setup is accepted. */
  readonly lost: { readonly code: number | string; readonly reason: string } | null;
  /** Lost sockets within the period, monotonic ms, newest first. */
  readonly losses: readonly number[];
  /** Sockets left for a new one within the period, monotonic ms, newest first. */
  readonly rotations: readonly number[];
  /** Attempts to come back since the last accepted setup. */
  readonly attempt: number;
  /** Has it just been restored from a snapshot? */
  readonly isRestored: boolean;
  /** How it is to exit, once somebody has asked it to. */
  readonly exit: ExitReason | null;
  readonly end: SessionEnd | null;
  readonly failure: SessionFailure | null;
}

/** What the chart of a session is made of. */
export interface SessionTypes {
  input: SessionInput;
  context: SessionContext;
  events: SessionEvent;
  emitted: SessionEmitted;
  output: SessionOutput;
  tags: 'starting' | 'accepting';
}

/** What a session begins with. @throws never */
export function initialContext(input: SessionInput): SessionContext {
  const handle = fieldOf(fieldOf(input.setup, 'sessionResumption'), 'handle');
  return {
    ...input,
    calls: noCalls,
    hasBeenReady: false,
    isAccepted: false,
    handle: input.resumption && typeof handle === 'string' && handle !== '' ? handle : null,
    isFresh: false,
    turn: 'over',
    awaitsTurn: false,
    seed: null,
    speaksOver: false,
    isResuming: false,
    isSettingUp: false,
    keyAtSetup: 0,
    goAway: null,
    lost: null,
    losses: [],
    rotations: [],
    attempt: 0,
    isRestored: false,
    exit: null,
    end: null,
    failure: null,
  };
}

/** The end of a socket, as it was told; `at`, monotonic ms, is null where a deadline of the chart made it. */
export interface SocketEnd {
  readonly code: number | string;
  readonly reason: string;
  readonly at: number | null;
}

/** Did the server end the conversation in order? 1000, or a close frame without a code; after a `goAway` it ends the socket only. */
export function isOrderly({ goAway }: SessionContext, { code }: Pick<SocketEnd, 'code'>): boolean {
  return goAway === null && (code === 1000 || code === 1005);
}

/**
 * Is it useless to come back? A server that closes with 1007 or 1008 objects to what it was sent; one that answers the handshake with 4xx, to who asks.
 * @see gemini-protocol: 1007 bad payload, 1008 policy; RFC 6455 §7.4.1
 */
function isFinal({ code }: Pick<SocketEnd, 'code'>): boolean {
  if (code === 1007 || code === 1008) return true;
  return typeof code === 'number' && code >= 400 && code < 500 && code !== 408 && code !== 429;
}

/**
 * Was it the resumption that the server refused? It closed the socket by a frame, before it accepted the setup, and the setup bore a handle. A cut
 * (1006), a restart of the server (1001, 1012, 1013) and a socket that failed say nothing of the handle. An internal error (1011) may: the server answers so
 * while it still holds the old socket, and where it has no such session. The handle is tried again, {@link triesAfterError} times within the budget.
 */
export function isRefusedResumption(context: SessionContext, { code, at }: Pick<SocketEnd, 'code' | 'at'>): boolean {
  if (!context.isResuming || typeof code !== 'number' || code < 1000 || [1001, 1006, 1012, 1013].includes(code)) return false;
  const mayPass = code === 1011 && context.hasBeenReady && context.attempt < triesAfterError && !exceedsBudget(context, { at });
  return !mayPass;
}

/** Attempts in a row after which an internal error is taken for a refusal. */
const triesAfterError = 2;

/** Is there to be no further attempt? A session that was never ready makes none, so that its start fails. */
export function isSpent(context: SessionContext, end: Pick<SocketEnd, 'at'>): boolean {
  return !context.hasBeenReady || exceedsBudget(context, end);
}

/** The same of a socket's end, which may itself say that it is useless. */
export function isHopeless(context: SessionContext, end: SocketEnd): boolean {
  return isFinal(end) || isSpent(context, end);
}

/** The deadlines that a session may fail by. */
export type Timeout = 'connectTimeout' | 'setupTimeout';

/** The failure that such a deadline makes. */
export function timeoutOf({ connectMs, setupMs }: SessionContext, kind: Timeout): SessionFailure {
  const reason = kind === 'connectTimeout' ? `no connection within ${connectMs} ms` : `no setupComplete within ${setupMs} ms`;
  return { kind, code: 'timeout', reason };
}

/** Would one more attempt be too many, within the period or in a row? */
function exceedsBudget({ losses, attempt, reconnect }: SessionContext, { at }: Pick<SocketEnd, 'at'>): boolean {
  return attempt >= reconnect.intensity || (at !== null && exceedsIntensity(losses, at, reconnect.intensity, reconnect.periodMs));
}

/** Is the socket left too soon after others? As many as may be lost are left at once; then the budget of losses holds for these, too. */
export function isHasty({ rotations, reconnect }: SessionContext, { at }: Pick<SocketEnd, 'at'>): boolean {
  return at !== null && exceedsIntensity(rotations, at, Math.max(1, reconnect.intensity), reconnect.periodMs);
}

/** The losses with one more. */
export function withLoss({ losses, reconnect }: Pick<SessionContext, 'losses' | 'reconnect'>, at: number | null): readonly number[] {
  return at === null ? losses : addRestart(losses, at, reconnect.periodMs);
}

/** The sockets that were left, with one more. */
export function withRotation({ rotations, reconnect }: Pick<SessionContext, 'rotations' | 'reconnect'>, at: number): readonly number[] {
  return addRestart(rotations, at, reconnect.periodMs);
}

/** From a loss to the next attempt, ms. */
export function delayOf({ reconnect, attempt }: Pick<SessionContext, 'reconnect' | 'attempt'>): number {
  return backoffMs(reconnect.backoff, attempt, 'liveSession');
}

/** Until the socket must be left, ms from the `goAway`. A server that does not say how long has a minute left, by the documentation. */
export function rotationDelay({ goAway, rotationMarginMs }: SessionContext): number {
  return Math.min(longestDelayMs, Math.max(0, (goAway?.timeLeftMs ?? 60_000) - rotationMarginMs));
}

/**
 * Can the socket be left at once? The model neither speaks nor is about to, nobody waits for an answer, and the conversation can be resumed as it stands, or
 * not at all.
 */
export function mayRotate({ goAway, calls, resumption, isFresh, awaitsTurn, turn }: SessionContext): boolean {
  return goAway !== null && !awaitsTurn && turn !== 'running' && calls.openCount === 0 && (!resumption || isFresh);
}

/** Does a conversation begin afresh with the present socket, after another? */
export function isAfresh({ isResuming, hasBeenReady, lost }: Pick<SessionContext, 'isResuming' | 'hasBeenReady' | 'lost'>): boolean {
  return !isResuming && (hasBeenReady || lost !== null);
}

/** Was the call made before the present socket's setup was sent? */
export function isFormer({ keyAtSetup }: Pick<SessionContext, 'keyAtSetup'>, { unasked, key }: CallRow): boolean {
  return unasked || key <= keyAtSetup;
}

/** Is a call open for which the model waits? */
export function isBlocked({ calls, gatesAudio }: SessionContext): boolean {
  return gatesAudio && calls.blockingCount > 0;
}

/** Is any call open? */
export function isCalled({ calls }: SessionContext): boolean {
  return calls.openCount > 0;
}
