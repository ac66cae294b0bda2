/** What a Live session does about each event: pure decisions over its context. They are carried out by {@link carryOut}, in one place. */
import {
  actorOf,
  type CallChange,
  type CallRow,
  cancelledIds,
  confirmResent,
  coverCalls,
  enterCalls,
  fieldOf,
  forgetAnswers,
  isOpen,
  isOwed,
  type JsonObject,
  moveCalls,
  noAnswer,
  nonBlockingIn,
  keepFrom,
  resendAnswers,
  rowOf,
  sizeOf,
  takeBackAnswers,
  toolResponse,
} from './calls.js';
import { childOfEvent, reasonOfEvent } from '../supervision/exit.js';
import { asksForTurn, beginsTurn, goAwayIn, isTelling, speechIn } from './messages.js';
import type { ConnectionCommand, SessionEmitted, SessionEvent, UplinkCommand } from './session-events.js';
import { delayOf, type SessionContext, type SocketEnd, withLoss } from './session-state.js';
import type { ToolAnswer, ToolCallEvent, ToolCallInput } from './tool-call.js';

/** A decision, in the order in which it is carried out. */
export interface SessionStep {
  readonly changes?: Partial<SessionContext>;
  readonly facts?: readonly SessionEmitted[];
  /** Calls that begin, each an actor of its own. */
  readonly calls?: readonly CallRow[];
  readonly toConnection?: readonly ConnectionCommand[];
  readonly toUplink?: readonly UplinkCommand[];
  /** What single calls are told; their actors must live. */
  readonly toCalls?: readonly { readonly row: CallRow; readonly event: ToolCallEvent }[];
  /** Calls that are over. */
  readonly over?: readonly CallRow[];
  /** What it tells itself. */
  readonly raises?: readonly SessionEvent[];
}

/** The part of XState's `enqueue` that a step needs. */
interface Enqueue {
  assign(changes: never): void;
  emit(fact: never): void;
  spawnChild(src: never, options: never): void;
  stopChild(id: never): void;
  sendTo(target: never, event: never): void;
  raise(event: never): void;
}

/**
 * Carries a step out: `enqueueActions(({ context, enqueue }, p) => carryOut(enqueue, context, steps.decide(context, p)))`.
 * @param event  given where it may be the end of one of the session's own actors, which can be told nothing any more
 */
export function carryOut(enqueue: Enqueue, context: SessionContext, step: SessionStep, event?: { readonly type: string }): void {
  const { changes, facts = [], calls = [], over = [], raises = [] } = step;
  const fallen = event === undefined || reasonOfEvent(event) === undefined ? null : childOfEvent(event);
  const toConnection = fallen === 'connection' ? [] : (step.toConnection ?? []);
  const toUplink = fallen === 'uplink' ? [] : (step.toUplink ?? []);
  const toCalls = context.isRestored ? [] : (step.toCalls ?? []); // their actors were not restored
  if (changes !== undefined) enqueue.assign(changes as never);
  for (const fact of facts) enqueue.emit(fact as never);
  for (const row of calls) enqueue.spawnChild('toolCall' as never, { id: actorOf(row), input: callInput(context, row) } as never);
  for (const command of toConnection) enqueue.sendTo('connection' as never, command as never);
  for (const command of toUplink) enqueue.sendTo('uplink' as never, command as never);
  for (const { row, event } of toCalls) enqueue.sendTo(actorOf(row) as never, event as never);
  for (const row of over) enqueue.stopChild(actorOf(row) as never);
  for (const event of raises) enqueue.raise(event as never);
}

function callInput({ toolDeadlines, toolMs }: SessionContext, { key, id, name, args, blocking }: CallRow): ToolCallInput {
  const deadlineMs = Object.hasOwn(toolDeadlines, name) ? (toolDeadlines[name] ?? toolMs) : toolMs;
  return { key, id, name, args, blocking, deadlineMs };
}

/** A message of the app that took the chart's way: no handle knows of it yet. */
export function passOn(context: SessionContext, message: JsonObject, ref: string | undefined): SessionStep {
  return {
    changes: { isFresh: false, awaitsTurn: context.awaitsTurn || asksForTurn(message) },
    toUplink: [{ type: 'uplink.send', message, ref: ref ?? null }],
  };
}

/**
 * The setup as the app has amended it since: what a `contextUpdate` has replaced must not come back with the next socket; and the tools that the model
 * does not wait for, by the new declarations.
 * @param update  `{ systemInstruction?, tools?: { tools? } }`, and fields that nobody knows, which a setup is taken to have, too
 * @throws never
 */
export function amended(
  { setup, goesOn }: Pick<SessionContext, 'setup' | 'goesOn'>,
  { tools, ...rest }: JsonObject,
): Pick<SessionContext, 'setup'> & Partial<Pick<SessionContext, 'nonBlocking'>> {
  const list = fieldOf(tools, 'tools');
  // Null is absent on the wire.
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null));
  if (list === undefined) return { setup: { ...setup, ...given } };
  return { setup: { ...setup, ...given, tools: list }, nonBlocking: goesOn ? nonBlockingIn(list) : [] };
}

// ---- what the server says

/** One message: it is passed on, its calls are entered, and what it means for the conversation's state is raised. */
export function readMessage(context: SessionContext, message: JsonObject): SessionStep {
  const { table, fresh, repeated, replaced } = enterCalls(context.calls, message, context.nonBlocking);
  const cancelled = cancelCalls(table, cancelledIds(message));
  // Called and taken back in one message, a call has no actor.
  const stopped = cancelled.gone.filter(({ key }) => key <= context.calls.lastKey);
  const isFresh = context.isFresh && fresh.length === 0 && !isTelling(message);
  const resumed = readResumption({ ...context, calls: cancelled.table, isFresh }, message);
  const goAway = goAwayIn(message);
  const run = context.isAccepted ? runCalls(resumed.changes.calls) : { table: resumed.changes.calls, started: [] };
  return {
    changes: {
      ...resumed.changes,
      // A call is not yet in the handle that comes with it.
      ...(fresh.length > 0 ? { isFresh: false } : {}),
      calls: run.table,
      awaitsTurn: context.awaitsTurn && fresh.length === 0 && !beginsTurn(message),
    },
    facts: [
      { type: 'session.message', message },
      ...fresh.map(({ id, name, args }) => ({ type: 'tool.called' as const, id, name, args })),
      ...repeated.map(({ id, name }) => ({ type: 'tool.repeated' as const, id, name })),
      ...cancelled.gone.map(({ id, name }) => ({ type: 'tool.cancelled' as const, id, name })),
      ...resumed.facts,
      ...goAway.map(({ timeLeftMs }) => ({ type: 'session.goAway' as const, timeLeftMs })),
    ],
    calls: fresh.filter((row) => !cancelled.gone.some(({ key }) => key === row.key)),
    toUplink: [...replaced.map(withdraw), ...repeated.flatMap(answerAgain), ...[...stopped, ...cancelled.late].map(withdraw)],
    toCalls: [
      ...stopped.map((row) => ({ row, event: { type: 'call.cancel' } as const })),
      ...run.started.map((row) => ({ row, event: { type: 'call.run' } as const })),
    ],
    over: stopped,
    raises: [...meaningOf(message, context), ...goAway],
  };
}

/** Calls that the server takes back: gone at once, but for those whose answer is with the uplink, which knows whether it is written. */
function cancelCalls(table: SessionContext['calls'], ids: readonly string[]) {
  const isTaken = (row: CallRow): boolean => ids.includes(row.id);
  const { table: moved, moved: gone } = moveCalls(table, (row) => row.status !== 'answering' && isTaken(row), { status: 'cancelled' });
  // An answer that crossed the cancellation on the wire is not written a second time.
  const { table: rest, taken: late } = takeBackAnswers(moved, ids);
  return { table: rest, gone, late };
}

function readResumption(context: SessionContext, message: JsonObject) {
  const update = fieldOf(message, 'sessionResumptionUpdate');
  const handle = fieldOf(update, 'newHandle');
  if (update === undefined || !context.resumption) return { changes: { calls: context.calls, isFresh: context.isFresh }, facts: [] };
  // A handle is kept only if resumable; without one the last good handle stays, but the conversation has gone on since.
  if (fieldOf(update, 'resumable') !== true || typeof handle !== 'string' || handle === '') {
    return { changes: { calls: context.calls, isFresh: false }, facts: [] };
  }
  // Before the setup is accepted, a conversation that is resumed has not had what it is owed.
  const calls = coverCalls(context.calls, context.isAccepted ? 0 : context.keyAtSetup);
  const isFresh = !calls.rows.some(({ resending }) => resending);
  return { changes: { calls, handle, isFresh }, facts: [{ type: 'session.resumable' as const, handle }] };
}

function answerAgain(row: CallRow): UplinkCommand[] {
  return row.status === 'answered' && row.answer !== null
    ? [{ type: 'uplink.answer', key: null, again: row.key, final: true, message: toolResponse(row, row.answer) }]
    : [];
}

function withdraw({ key }: CallRow): UplinkCommand {
  return { type: 'uplink.withdraw', key };
}

/** What a message means for the conversation, in the order of the protocol: a model's turn, its interruption, its end. */
function meaningOf(message: JsonObject, { isAccepted }: SessionContext): readonly SessionEvent[] {
  const raises: SessionEvent[] = [];
  const setupComplete = fieldOf(message, 'setupComplete');
  if (setupComplete !== undefined && !isAccepted) {
    const sessionId = fieldOf(setupComplete, 'sessionId');
    raises.push({ type: 'setup.completed', sessionId: typeof sessionId === 'string' ? sessionId : null });
  }
  const speech = speechIn(message);
  if (speech !== null) raises.push({ type: `speech.${speech}` });
  const content = fieldOf(message, 'serverContent');
  // No transcription: it has no place of its own in the turn, and may come after its end.
  if (fieldOf(content, 'modelTurn') !== undefined) raises.push({ type: 'turn.generating' });
  if (fieldOf(content, 'interrupted') === true) raises.push({ type: 'turn.interrupted' });
  if (fieldOf(content, 'turnComplete') === true) raises.push({ type: 'turn.completed' });
  return raises;
}

// ---- calls

function runCalls(calls: SessionContext['calls']) {
  const { table, moved } = moveCalls(calls, (row) => row.status === 'pending', { status: 'running' });
  return { table, started: moved };
}

/** A call has an answer, or a part of one: to the uplink with it, whoever gave it. */
export function answerCall(context: SessionContext, key: number, { response, willContinue, ...rest }: ToolAnswer): SessionStep {
  const how = { parts: rest.parts ?? null, scheduling: rest.scheduling ?? null };
  const change: CallChange =
    willContinue === true
      ? { status: 'running', ...how }
      : { status: 'answering', answer: response, size: sizeOf(rest.parts === undefined ? { response } : { response, parts: rest.parts }), ...how };
  const isOpenTo = (row: CallRow): boolean => row.status === 'running' || row.status === 'pending';
  const { table, moved } = moveCalls(context.calls, (row) => row.key === key && isOpenTo(row), change);
  return {
    // A last answer is told to be written, a part is not.
    changes: { calls: table, ...(willContinue === true && moved.length > 0 ? { isFresh: false } : {}) },
    facts: willContinue === true ? moved.map(({ id, name }) => ({ type: 'tool.progressed' as const, id, name, response })) : [],
    toUplink: moved.map((row) => ({
      type: 'uplink.answer',
      key,
      final: willContinue !== true,
      message: toolResponse(row, response, willContinue),
    })),
  };
}

/** An answer that the app gives by itself takes the way of all answers: through the call's own actor. One that comes too late is told. */
export function respond(
  context: SessionContext,
  { id, unsolicited, willContinue, ...answer }: Omit<Extract<SessionEvent, { type: 'session.respond' }>, 'type'>,
): SessionStep {
  const event: ToolCallEvent = { type: willContinue === true ? 'call.progressed' : 'call.settled', ...answer };
  const row = rowOf(context.calls.rows, id);
  if (row === undefined && unsolicited !== undefined) return { changes: { isFresh: false }, toUplink: [unasked(id, unsolicited, answer)] };
  if (row === undefined) return { facts: [{ type: 'tool.rejected', id, reason: 'unknown' }] };
  if (row.blocking && willContinue === true && isOpen(row)) return { facts: [{ type: 'tool.rejected', id, reason: 'blocking' }] };
  if (row.status === 'running' || (row.status === 'pending' && willContinue !== true)) return { toCalls: [{ row, event }] };
  return { facts: [{ type: 'tool.rejected', id, reason: row.status === 'pending' ? 'pending' : 'ended' }] };
}

function unasked(id: string, name: string, answer: Omit<ToolAnswer, 'willContinue'>): UplinkCommand {
  const wireId = id === '' ? {} : { id };
  return { type: 'uplink.answer', key: null, final: true, message: { toolResponse: { functionResponses: [{ ...wireId, name, ...answer }] } } };
}

/** The uplink has written the answer of a call: the call is over. It may have been written before. */
export function confirmWritten(context: SessionContext, key: number): SessionStep {
  const resent = confirmResent(context.calls, key);
  if (resent !== null) return { changes: { calls: resent, isFresh: false } };
  const isWritten = (row: CallRow): boolean => row.key === key && row.status === 'answering';
  const { table, moved } = moveCalls(context.calls, isWritten, { status: 'answered', covered: false });
  const written = context.calls.rows.filter(isWritten);
  return {
    // A handle that came while the answer waited does not stand for it.
    changes: { calls: table, ...(moved.length > 0 ? { isFresh: false } : {}) },
    facts: written.map(({ id, name, answer }) => ({ type: 'tool.answered' as const, id, name, response: answer ?? {} })),
    toCalls: moved.map((row) => ({ row, event: { type: 'call.written' } })),
    over: moved,
  };
}

/** A call was taken back while its answer waited: it is not written any more. */
export function confirmWithdrawn(context: SessionContext, key: number): SessionStep {
  const { table, moved } = moveCalls(context.calls, (row) => row.key === key && row.status === 'answering', { status: 'cancelled', ...noAnswer });
  return {
    changes: { calls: table },
    facts: moved.map(({ id, name }) => ({ type: 'tool.cancelled' as const, id, name })),
    toCalls: moved.map((row) => ({ row, event: { type: 'call.cancel' } })),
    over: moved,
  };
}

/** An abort listener of a tool threw. */
export function tellListenerThrew({ calls }: SessionContext, key: number, reason: string): SessionStep {
  return {
    facts: calls.rows.filter((row) => row.key === key).map(({ id, name }) => ({ type: 'tool.listenerThrew' as const, id, name, reason })),
  };
}

/**
 * Calls that end without an answer. `answering` calls may still reach the wire where the socket is open.
 * @param answers  `keep`: those that the uplink has may still be written; `drop`: nothing is
 */
export function abandonCalls(context: SessionContext, reason: string, answers: 'keep' | 'drop'): SessionStep {
  const { table, moved } = moveCalls(context.calls, (row) => answers === 'drop' || row.status !== 'answering', { status: 'abandoned', reason });
  return {
    changes: { calls: forgetAnswers(table) },
    facts: moved.map(({ id, name }) => ({ type: 'tool.abandoned' as const, id, name, reason })),
    // Told to end before the session tells of its own end: what waits is dropped, and that is a fact, too.
    toUplink: [...moved.map(withdraw), ...(answers === 'drop' ? [{ type: 'uplink.end' as const }] : [])],
    toCalls: moved.map((row) => ({ row, event: { type: 'call.abandon', reason } })),
    over: moved,
  };
}

/** Restored from a snapshot: the socket is gone, and with it the calls; moments of another clock mean nothing. */
export function forgetSocket(context: SessionContext): SessionStep {
  const { facts = [], over = [] } = abandonCalls(context, 'restored', 'drop');
  // Answers that the conversation may not have had are kept: it goes on.
  const { table } = moveCalls(context.calls, () => true, { status: 'abandoned', reason: 'restored', ...noAnswer });
  return { changes: { calls: table, losses: [], rotations: [], attempt: 0, awaitsTurn: false, isAccepted: false, isRestored: false }, facts, over };
}

// ---- sockets

/** A new socket is open: what was announced of the former is over. The setup bears the handle where the conversation is to be resumed. */
export function sendSetup({ setup, resumption, handle, calls }: SessionContext): SessionStep {
  const { handle: _first, ...asked } = (fieldOf(setup, 'sessionResumption') ?? {}) as JsonObject;
  const body = resumption ? { ...setup, sessionResumption: { ...asked, ...(handle === null ? {} : { handle }) } } : setup;
  return {
    changes: { goAway: null, isResuming: handle !== null, keyAtSetup: calls.lastKey },
    toConnection: [{ type: 'connection.setup', message: { setup: body } }],
    raises: [{ type: 'rotation.over' }],
  };
}

/**
 * The setup is accepted. Resumed, the conversation goes on: what it has not had yet is written again, and what waited is written now. Begun afresh, the
 * server knows none of the calls from before: those are abandoned. A call or a `goAway` that came before this belongs to the new socket.
 */
export function begin(context: SessionContext, sessionId: string | null): SessionStep {
  const { hasBeenReady, isResuming: resumed, lost, history, staleAnswers, keyAtSetup } = context;
  const { forgottenCount } = context.calls;
  const isAfresh = !resumed && (hasBeenReady || lost !== null);
  const reason = isAfresh ? 'contextLost' : 'staleHandle';
  const isUnheard = (row: CallRow): boolean => staleAnswers === 'abandon' && !row.known;
  const isGone = (row: CallRow): boolean => row.key <= keyAtSetup && (isAfresh || isUnheard(row));
  const dropped = moveCalls(context.calls, isGone, { status: 'abandoned', reason, ...noAnswer });
  const isMissing = (row: CallRow): boolean => isOwed(row) && !isUnheard(row);
  // Waiting to be written once more, to a conversation that will never hear of the call.
  const stale = context.calls.rows.filter((row) => row.status === 'answered' && row.answer !== null && isGone(row));
  const again = resumed ? dropped.table.rows.filter(isMissing) : [];
  const { table, started } = runCalls(isAfresh ? forgetAnswers(dropped.table) : keepFrom(dropped.table, stale));
  const toldLoss = lost ?? { code: 'noHandle', reason: 'the server gave no handle to resume with' };
  const seed = { clientContent: { turns: history, turnComplete: true } };
  return {
    changes: {
      ...{ hasBeenReady: true, isAccepted: true, speaksOver: false, lost: null, attempt: 0 },
      calls: { ...resendAnswers(table, again), forgottenCount: 0 },
      ...(again.length > 0 ? { isFresh: false } : {}),
    },
    facts: [
      { type: 'session.ready', sessionId, resumed },
      ...(isAfresh ? [{ type: 'session.contextLost' as const, ...toldLoss }] : []),
      ...dropped.moved.map(({ id, name }) => ({ type: 'tool.abandoned' as const, id, name, reason })),
      ...again.map(({ id, name }) => ({ type: 'tool.resent' as const, id, name })),
      ...(resumed && forgottenCount > 0 ? [{ type: 'session.answersLost' as const, count: forgottenCount }] : []),
    ],
    toUplink: [
      ...[...dropped.moved, ...stale].map(withdraw),
      ...(isAfresh ? [{ type: 'uplink.withdraw' as const, key: null }] : []),
      // One that still waits goes to a conversation that is resumed, too: it has never had it.
      ...(resumed || history.length === 0 ? [] : [{ type: 'uplink.seed' as const, message: seed }]),
      ...again.flatMap(answerAgain),
    ],
    toCalls: [
      ...dropped.moved.map((row) => ({ row, event: { type: 'call.abandon', reason } as const })),
      ...started.map((row) => ({ row, event: { type: 'call.run' } as const })),
    ],
    over: dropped.moved,
  };
}

/** Told as long as there is somebody to tell: their own end leads out of these states too. */
export const ungate: SessionStep = { toUplink: [{ type: 'uplink.gate', closed: false }] };
/** The lane of data beside the chart is closed; told as long as there is somebody to tell. */
export const closeLane: SessionStep = { toConnection: [{ type: 'connection.lane', open: false }] };

/** The socket is to be left for a new one, in order: the old must be closed before the new one resumes. */
export function leaveSocket(): SessionStep {
  return { changes: { isAccepted: false }, toConnection: [{ type: 'connection.close', code: 1000, reason: '' }] };
}

/** A message that came while the session closes: it is passed on. A call in it ends as it begins, and none is answered again. */
export function readLastMessage(context: SessionContext, message: JsonObject): SessionStep {
  const read = readMessage({ ...context, calls: forgetAnswers(context.calls) }, message);
  const { changes, facts = [] } = abandonCalls({ ...context, ...read.changes }, 'closed', 'keep');
  return { changes: changes ?? {}, facts: [...(read.facts ?? []), ...facts] };
}

/** The socket was lost, or did not come to be in time: another attempt, later. */
export function loseSocket(context: SessionContext, { code, reason, at }: SocketEnd): SessionStep {
  const attempt = context.attempt + 1;
  return {
    changes: { losses: withLoss(context, at), attempt, isAccepted: false },
    facts: [{ type: 'session.reconnecting', attempt, delayMs: delayOf({ ...context, attempt }), code, reason }],
  };
}

/** The server would not resume: the next setup bears no handle. */
export function loseContext(context: SessionContext, { code, reason, at }: SocketEnd): SessionStep {
  return { changes: { handle: null, isFresh: false, lost: { code, reason }, losses: withLoss(context, at) } };
}
