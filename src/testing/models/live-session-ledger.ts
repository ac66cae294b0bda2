/** What the model of a Live session knows of it by itself, and what it foresees: where each thing that happens leads, and which facts are told of it. */
import type { AnyEventObject } from 'xstate';
import { isOpen, type JsonObject } from '../../../machines/live/calls.js';
import type { Turn } from '../../../machines/live/messages.js';
import type { sessionMachine } from '../../../machines/live/session.js';
import type { SessionInput, UplinkCommand } from '../../../machines/live/session-events.js';
import type { EventCase, Move } from '../model/model.js';
import { rows, type Session, uplink, uplinkHeard } from './live-session-doubles.js';

export type Phase =
  | 'atGate'
  | 'connecting'
  | 'settingUp'
  | 'idle'
  | 'userSpeaking'
  | 'generating'
  | 'interrupted'
  | 'rotating'
  | 'closing'
  | 'backingOff'
  | 'closed'
  | 'failed';

const turns: readonly Phase[] = ['idle', 'userSpeaking', 'generating', 'interrupted'];

/** Where the connection is, or the session once it has ended. */
export function phase({ snapshot }: Session): Phase {
  let at: unknown = snapshot.value;
  if (typeof at === 'object') at = (at as { open: { connection: unknown } }).open.connection;
  while (typeof at === 'object' && at !== null) [at] = Object.values(at);
  return at as Phase;
}

export function isReady(at: Phase): boolean {
  return turns.includes(at);
}

/** How likely it is that a walk comes to its end, beside all else that may happen. */
export const rarely = 0.05;

export interface Ledger {
  /** The last that the server gave and will resume. */
  handle: string | null;
  /** Does it stand for everything? */
  isFresh: boolean;
  /** The model's turn over the present socket, and whether the app has asked for one after it that has not begun. */
  turn: Turn;
  awaitsTurn: boolean;
  /** The history that the conversation begins with. */
  seed: 'waiting' | 'written' | 'known' | null;
  /** What the present socket's last `goAway` said, ms, and when the socket is to be left; null where there was none. */
  goAway: { readonly leftMs: number; by: number | null } | null;
  /** Does the user speak while the model's turn is not over? */
  speaksOver: boolean;
  /** Has the app amended the setup? */
  amended: boolean;
  wasReady: boolean;
  exit: unknown;
  /** Why the server would not resume. */
  lost: number | string | null;
  /** The handle that the present socket's setup bore. */
  asked: string | null;
  /** Was that setup amended? */
  isAmended: boolean;
  losses: number[];
  /** When sockets were left for a new one. */
  rotations: number[];
  attempt: number;
  /** The latest call when the setup was sent. */
  keyAtSetup: number;
  /** The present phase, and since when. */
  phase: Phase | null;
  since: number;
  restored: number;
  /** What did not come as foreseen, the first of it. */
  problem: string | undefined;
}

export function ledger(session: Session): Ledger {
  const handle = (inputOf(session).setup['sessionResumption'] as { handle?: string } | undefined)?.handle ?? null;
  session.notes['ledger'] ??= {
    ...{
      handle,
      isFresh: false,
      turn: 'over',
      awaitsTurn: false,
      seed: null,
      goAway: null,
      speaksOver: false,
      amended: false,
      wasReady: false,
      exit: null,
      lost: null,
      asked: null,
    },
    ...{ isAmended: false, losses: [], rotations: [], attempt: 0, keyAtSetup: 0 },
    ...{ phase: null, since: 0, restored: 0, problem: undefined },
  } satisfies Ledger;
  return session.notes['ledger'] as Ledger;
}

export function inputOf(session: Session): SessionInput {
  return session.snapshot.context;
}

// ---- facts and commands, in words

/** A fact, in words: its type and what matters of it. That the microphone is gated, a claim of its own holds. */
export function wordsOf(fact: AnyEventObject): string {
  const { type } = fact;
  const parts = ['sessionId', 'id', 'reason', 'response', 'attempt', 'delayMs', 'code', 'kind', 'by', 'handle', 'timeLeftMs', 'resumed', 'ref'];
  // The reasons of sockets are the peer's words.
  const told = parts.filter((part) => part in fact && !(part === 'reason' && 'code' in fact));
  return [type, ...told.map((part) => JSON.stringify(fact[part]))].join(' ');
}

function commandWords(command: UplinkCommand): string[] {
  if (command.type === 'uplink.seed') return ['seed'];
  if (command.type === 'uplink.send') return ['send'];
  if (command.type !== 'uplink.answer') return [];
  const { key, final, message } = command;
  return [`answer ${key} ${final} ${JSON.stringify((message as { toolResponse: { functionResponses: unknown } }).toolResponse.functionResponses)}`];
}

/** The words for an answer to a call on its way to the uplink. `key`: null where nobody waits to hear that it is written. */
export function answerWords(key: number | null, final: boolean, answer: JsonObject): string {
  return `answer ${key} ${final} ${JSON.stringify([answer])}`;
}

// ---- what is foreseen

export interface Foreseen {
  readonly phase: Phase;
  /** Facts, in words and in order. */
  readonly said?: readonly string[];
  /** What the uplink gets to write, in words and in order. */
  readonly written?: readonly string[];
}

/** Lets something happen, and notes where it did not come as foreseen. */
export function play(session: Session, foreseen: Foreseen, act: () => void): void {
  const said = session.emitted.length;
  const heard = uplinkHeard(session).length;
  const former = phase(session);
  act();
  look(session);
  const problem = difference(session, foreseen, {
    said: session.emitted.slice(said),
    written: uplinkHeard(session).slice(heard).flatMap(commandWords),
  });
  ledger(session).problem ??= problem;
  if (phase(session) !== former) leave(session);
}

/** What was asked over a socket that is left or lost is answered by no other; what waits still is asked over the next. */
function leave(session: Session): void {
  if (!['rotating', 'backingOff'].includes(phase(session))) return;
  const own = ledger(session);
  own.awaitsTurn = uplink(session).asks;
  own.isFresh &&= !own.awaitsTurn;
}

/** How it differs from what was foreseen. */
export function difference(
  session: Session,
  { phase: wanted, said = [], written = [] }: Foreseen,
  got: { readonly said: readonly AnyEventObject[]; readonly written: readonly string[] },
): string | undefined {
  const place = wanted === 'idle' && mayRotate(session) ? 'rotating' : wanted;
  if (phase(session) !== place) return `it is ${phase(session)}, not ${place}`;
  const facts = got.said.filter(({ type }) => type !== 'session.gated').map(wordsOf);
  if (facts.join('; ') !== said.join('; ')) return `told: ${facts.join('; ')}; not: ${said.join('; ')}`;
  return got.written.join('; ') === written.join('; ') ? undefined : `written: ${got.written.join('; ')}; not: ${written.join('; ')}`;
}

/** Is a conversation to be told its history? One that is resumed, only where its handle is from before that was written. */
export function isToBeSeeded(session: Session): boolean {
  const { asked, seed } = ledger(session);
  return inputOf(session).history.length > 0 && (asked === null || seed === 'waiting' || seed === 'written');
}

/** The socket can be left at once: the model does not speak, nobody waits for an answer, and nothing would be forgotten. */
function mayRotate(session: Session): boolean {
  const { goAway, isFresh, awaitsTurn, turn } = ledger(session);
  return goAway !== null && isFresh && !awaitsTurn && turn !== 'running' && !rows(session).some((row) => isOpen(row) && !row.unasked);
}

/** Keeps the ledger, after everything that happens. */
export function look(session: Session): void {
  const own = ledger(session);
  const seen = Number(session.notes['seen'] ?? 0);
  for (const { type } of session.emitted.slice(seen)) {
    // It does not stand for what is still to be written once more.
    if (type === 'session.resumable') own.isFresh = !uplink(session).waiting.some(({ again }) => again !== undefined);
    if (type === 'tool.resent' || type === 'tool.called' || type === 'tool.progressed' || type === 'tool.answered') own.isFresh = false;
  }
  session.notes['seen'] = session.emitted.length;
  const now = phase(session);
  if (own.phase === now) return;
  own.phase = now;
  own.since = session.clock.now();
}

/** The end, for that reason: what is open is abandoned. */
export function ending(session: Session, at: 'closed' | 'failed', reason: string, last: string): Foreseen {
  const open = rows(session).filter(isOpen);
  return { phase: at, said: [...open.map(({ id }) => `tool.abandoned "${id}" "${reason}"`), last] };
}

export function failing(session: Session, kind: string, code: number | string): Foreseen {
  return ending(session, 'failed', kind, `session.failed ${JSON.stringify(code)} "${kind}"`);
}

export function closingBy(session: Session, by: 'client' | 'server', code: number): Foreseen {
  return ending(session, 'closed', 'closed', `session.closed ${code} "${by}"`);
}

/** The socket is lost: another attempt, unless that would be too many. `code`: null where a deadline of the chart made it. */
export function losing(session: Session, kind: string, code: number | string, isCounted: boolean): Foreseen {
  const own = ledger(session);
  const now = session.clock.now();
  if (isSpent(session, isCounted) || code === 1008 || code === 401) return failing(session, kind, code);
  if (isCounted) own.losses = [now, ...own.losses];
  own.attempt++;
  return { phase: 'backingOff', said: [`session.reconnecting ${own.attempt} ${reconnectMs(session)} ${JSON.stringify(code)}`] };
}

/** Would one more attempt be too many? */
function isSpent(session: Session, isCounted: boolean): boolean {
  const { losses, attempt } = ledger(session);
  const { intensity, periodMs } = inputOf(session).reconnect;
  const earlier = losses[intensity - 1];
  return attempt >= intensity || (isCounted && earlier !== undefined && session.clock.now() - earlier <= periodMs);
}

/** The socket is left, as it was to be: too soon after others, it is as good as lost. What it is closed with says nothing. */
function left(session: Session, code: number | string): Foreseen {
  const own = ledger(session);
  const { intensity, periodMs } = inputOf(session).reconnect;
  const now = session.clock.now();
  const earlier = own.rotations[intensity - 1];
  if (earlier === undefined || now - earlier > periodMs) {
    own.rotations = [now, ...own.rotations];
    return { phase: 'connecting' };
  }
  if (isSpent(session, true)) return failing(session, 'connectionLost', code);
  own.losses = [now, ...own.losses];
  own.attempt++;
  return { phase: 'backingOff', said: [`session.reconnecting ${own.attempt} ${reconnectMs(session)} ${JSON.stringify(code)}`] };
}

/** From a loss to the next attempt, ms. */
function reconnectMs(session: Session): number {
  return inputOf(session).reconnect.backoff.minMs * 2 ** (ledger(session).attempt - 1);
}

/** The socket ends. */
export function closed(session: Session, code: number | string): Foreseen {
  const own = ledger(session);
  const at = phase(session);
  if (at === 'rotating') return left(session, code);
  if (at === 'closing') return closingBy(session, 'client', typeof code === 'number' ? code : 1006);
  const mayPass = code === 1011 && own.wasReady && own.attempt < 2 && !isSpent(session, true);
  if (at === 'settingUp' && own.asked !== null && code !== 1006 && typeof code === 'number' && !mayPass) {
    Object.assign(own, { handle: null, isFresh: false, lost: code, losses: [session.clock.now(), ...own.losses] });
    return { phase: 'connecting' };
  }
  if (!own.wasReady) return failing(session, at === 'connecting' ? 'connectFailed' : 'closedBeforeSetup', code);
  if (isReady(at) && code === 1000 && own.goAway === null) return closingBy(session, 'server', 1000);
  return losing(session, { connecting: 'connectFailed', settingUp: 'closedBeforeSetup' }[at as string] ?? 'connectionLost', code, true);
}

/** Time passes, at most to the next deadline. */
export function waiting(session: Session, ms: number): Foreseen {
  const own = ledger(session);
  const at = phase(session);
  const { connectMs, setupMs, closeMs } = inputOf(session);
  const now = session.clock.now() + ms;
  const longest = { connecting: connectMs, settingUp: setupMs, rotating: closeMs, closing: closeMs, backingOff: reconnectMs(session) }[
    at as 'closing'
  ];
  const isForced = own.goAway?.by !== undefined && own.goAway.by !== null && now >= own.goAway.by;
  if (isForced && own.goAway !== null) own.goAway.by = null;
  if (longest === undefined || now - own.since < longest) return { phase: isForced && isReady(at) ? 'rotating' : at };
  if (at === 'closing') return closingBy(session, 'client', 1006);
  if (at === 'rotating' || at === 'backingOff') return { phase: 'connecting' };
  const kind = at === 'connecting' ? 'connectTimeout' : 'setupTimeout';
  return own.wasReady ? losing(session, kind, 'timeout', false) : failing(session, kind, 'timeout');
}

export type Case = EventCase<typeof sessionMachine, never>;

/** Anything that is foreseen when it happens, and then happens. */
export function happens(
  foresee: (session: Session) => Foreseen,
  act: (session: Session) => void,
  terms: { readonly when?: (session: Session) => boolean; readonly weight?: number } = {},
) {
  const run = (session: Session): void => play(session, foresee(session), () => act(session));
  return { ...terms, run, owes: ({ notes }: Session) => (notes['ledger'] as { problem?: string }).problem } as Case & Move<typeof sessionMachine>;
}

export const stays =
  (...said: string[]) =>
  (session: Session): Foreseen => ({ phase: phase(session), said });
