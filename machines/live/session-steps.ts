/** What a Live session does about each event: pure decisions over its context. They are carried out in session-step.ts. */
import {
  allRows,
  type CallChange,
  type CallRow,
  calledIds,
  cancelledIds,
  confirmResent,
  coverCalls,
  enterCalls,
  enterUnasked,
  fieldOf,
  forgetAnswers,
  isOpen,
  isOwed,
  type JsonObject,
  markResending,
  moveCall,
  moveCalls,
  noAnswer,
  nonBlockingIn,
  rowByKey,
  rowOf,
  sizeOf,
  takeBackAnswers,
  toolResponse,
} from './calls.js';
import { asksForTurn, goAwayIn, isTelling, speechIn, turnAfter } from './messages.js';
import type { Keyed, Leave, Sending, SessionEmitted, SessionEvent, Thrown, UplinkCommand } from './session-events.js';
import { delayOf, isAfresh, isFormer, type SessionContext, type SocketEnd, withLoss } from './session-state.js';
import type { SessionStep } from './session-step.js';
import type { ToolAnswer, ToolCallEvent } from './tool-call.js';

/** A message of the app that took the chart's way: no handle knows of it yet. */
export function passOn(context: SessionContext, { message, ref }: Sending): SessionStep {
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
  const lost = abandonLost(context, message);
  const { table, fresh, repeated, replaced } = enterCalls(lost.table, message, context.nonBlocking, context.isResuming ? context.keyAtSetup : 0);
  const cancelled = cancelCalls(table, cancelledIds(message));
  // Called and taken back in one message, a call has no actor.
  const stopped = cancelled.gone.filter(({ key }) => key <= context.calls.lastKey);
  const isFresh = context.isFresh && fresh.length === 0 && !isTelling(message);
  const resumed = readResumption(context, message, cancelled.table, isFresh);
  const goAway = goAwayIn(message);
  const run = context.isAccepted ? runCalls(resumed.changes.calls) : { table: resumed.changes.calls, started: [] };
  // A socket that is left, or not set up, brings no turn that the app could have asked for.
  const { turn, begins } = context.isAccepted ? turnAfter(context.turn, message, fresh.length > 0) : { turn: context.turn, begins: false };
  // A call is not yet in the handle that comes with it.
  const isStillFresh = fresh.length > 0 ? { isFresh: false } : undefined;
  const facts: SessionEmitted[] = [{ type: 'session.message', message }];
  for (const { id, name } of lost.moved) facts.push({ type: 'tool.abandoned', id, name, reason: lostReason });
  for (const { id, name, args } of fresh) facts.push({ type: 'tool.called', id, name, args });
  for (const { id, name } of repeated) facts.push({ type: 'tool.repeated', id, name });
  for (const { id, name } of cancelled.gone) facts.push({ type: 'tool.cancelled', id, name });
  facts.push(...resumed.facts);
  for (const { timeLeftMs } of goAway) facts.push({ type: 'session.goAway', timeLeftMs });
  const toCalls: { row: CallRow; event: ToolCallEvent }[] = [];
  for (const row of lost.moved) toCalls.push({ row, event: { type: 'call.abandon', reason: lostReason } });
  for (const row of stopped) toCalls.push({ row, event: { type: 'call.cancel' } });
  for (const row of run.started) toCalls.push({ row, event: { type: 'call.run' } });
  return {
    changes: Object.assign(resumed.changes, isStillFresh, { calls: run.table, turn, awaitsTurn: context.awaitsTurn && !begins }),
    facts,
    calls: cancelled.gone.length === 0 ? fresh : fresh.filter((row) => !cancelled.gone.some(({ key }) => key === row.key)),
    toUplink: [...replaced.map(withdraw), ...repeated.flatMap(answerAgain), ...[...stopped, ...cancelled.late].map(withdraw)],
    toCalls,
    over: [...lost.moved, ...stopped],
    raises: [...meaningOf(message, context), ...goAway],
  };
}

/** Why calls end with the conversation that they belong to. */
const lostReason = 'contextLost';

/**
 * A call that comes before its conversation, begun afresh, is accepted is as new as one that comes after: the former calls with its id are given up now,
 * and not with all others by {@link begin}.
 */
function abandonLost(context: SessionContext, message: JsonObject) {
  const ids = context.isSettingUp && isAfresh(context) ? calledIds(message) : [];
  if (ids.length === 0) return { table: context.calls, moved: [] };
  const isLost = (row: CallRow): boolean => ids.includes(row.id) && isFormer(context, row);
  const { table, moved } = moveCalls(context.calls, isLost, { status: 'abandoned', reason: lostReason, ...noAnswer });
  return { table: forgetAnswers(table, isLost), moved };
}

/** Calls that the server takes back: gone at once, but for those whose answer is with the uplink, which knows whether it is written. */
function cancelCalls(table: SessionContext['calls'], ids: readonly string[]) {
  if (ids.length === 0) return { table, gone: [], late: [] };
  const isTaken = (row: CallRow): boolean => ids.includes(row.id);
  const { table: moved, moved: gone } = moveCalls(table, (row) => row.status !== 'answering' && isTaken(row), { status: 'cancelled' });
  // An answer that crossed the cancellation on the wire is not written a second time.
  const { table: rest, taken: late } = takeBackAnswers(moved, ids);
  return { table: rest, gone, late };
}

function readResumption(context: SessionContext, message: JsonObject, table: SessionContext['calls'], isFreshStill: boolean) {
  const update = fieldOf(message, 'sessionResumptionUpdate');
  const handle = fieldOf(update, 'newHandle');
  if (update === undefined || !context.resumption) return { changes: { calls: table, isFresh: isFreshStill }, facts: [] };
  // A handle is kept only if resumable; without one the last good handle stays, but the conversation has gone on since.
  if (fieldOf(update, 'resumable') !== true || typeof handle !== 'string' || handle === '') {
    return { changes: { calls: table, isFresh: false }, facts: [] };
  }
  // Before the setup is accepted, a conversation that is resumed has not had what it is owed.
  const calls = coverCalls(table, context.isAccepted ? 0 : context.keyAtSetup);
  const isFresh = !allRows(calls).some(({ resending }) => resending);
  const seed = context.isAccepted && context.seed === 'written' ? 'known' : context.seed;
  return { changes: { calls, handle, isFresh, seed }, facts: [{ type: 'session.resumable' as const, handle }] };
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
export function answerCall(context: SessionContext, { key, answer }: Keyed & { readonly answer: ToolAnswer }): SessionStep {
  const { response, willContinue, ...rest } = answer;
  const how = { parts: rest.parts ?? null, scheduling: rest.scheduling ?? null };
  const change: CallChange =
    willContinue === true ? { status: 'running', ...how } : { status: 'answering', answer: response, size: sizeOf(response, how.parts), ...how };
  const isOpenTo = ({ status }: CallRow): boolean => status === 'running' || status === 'pending';
  const { table, moved } = moveCall(context.calls, key, isOpenTo, change);
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
  const row = rowOf(context.calls, id);
  if (row === undefined && unsolicited !== undefined) return answerUnasked(context, { id, name: unsolicited }, answer);
  if (row === undefined) return { facts: [{ type: 'tool.rejected', id, reason: 'unknown' }] };
  if (row.blocking && willContinue === true && isOpen(row)) return { facts: [{ type: 'tool.rejected', id, reason: 'blocking' }] };
  if (row.status === 'running' || (row.status === 'pending' && willContinue !== true)) return { toCalls: [{ row, event }] };
  return { facts: [{ type: 'tool.rejected', id, reason: row.status === 'pending' ? 'pending' : 'ended' }] };
}

/** To a call from before this process. It is written, and written again, as any other answer; but it takes room in the uplink, which may refuse it. */
function answerUnasked(context: SessionContext, call: { readonly id: string; readonly name: string }, answer: ToolAnswer): SessionStep {
  const { response, parts = null, scheduling = null } = answer;
  const { table, row } = enterUnasked(context.calls, call, { answer: response, parts, scheduling });
  return {
    changes: { calls: table, isFresh: false },
    toUplink: [{ type: 'uplink.answer', key: row.key, final: true, unasked: true, message: toolResponse(row, response) }],
  };
}

/** The uplink has written the answer of a call: the call is over. It may have been written before. */
export function confirmWritten(context: SessionContext, key: number): SessionStep {
  const resent = confirmResent(context.calls, key);
  const asked = turnAskedFor(context, key);
  if (resent !== null) return { changes: { calls: resent, isFresh: false, ...asked } };
  const isWritten = ({ status }: CallRow): boolean => status === 'answering';
  const before = rowByKey(context.calls, key);
  const { table, moved } = moveCall(context.calls, key, isWritten, { status: 'answered', covered: false });
  const written = before !== undefined && isWritten(before) ? [before] : [];
  return {
    // A handle that came while the answer waited does not stand for it.
    changes: { calls: table, ...(moved.length > 0 ? { isFresh: false, ...asked } : {}) },
    facts: written.map(({ id, name, answer }) => ({ type: 'tool.answered' as const, id, name, response: answer ?? {} })),
    toCalls: moved.map((row) => ({ row, event: { type: 'call.written' } })),
    over: moved,
  };
}

/** A model that has waited for an answer goes on with it, in the turn that made the call, or in another: that is awaited as one that the app asked for. */
function turnAskedFor({ calls, isAccepted, turn }: SessionContext, key: number): Partial<Pick<SessionContext, 'awaitsTurn'>> {
  const row = rowByKey(calls, key);
  if (!isAccepted || row === undefined || !row.blocking || row.takenBack) return {};
  return turn === 'running' ? {} : { awaitsTurn: true };
}

/** The uplink will not write an answer: its call was taken back while it waited; or nobody had asked for it, and too much waits. */
export function confirmWithdrawn(context: SessionContext, key: number): SessionStep {
  const row = rowByKey(context.calls, key);
  if (row?.status !== 'answering') return {};
  const { id, name } = row;
  const isRefused = row.unasked && !row.takenBack;
  const change: CallChange = isRefused ? { status: 'abandoned', reason: 'full', ...noAnswer } : { status: 'cancelled', ...noAnswer };
  return {
    changes: { calls: moveCalls(context.calls, (one) => one === row, change).table },
    facts: [isRefused ? { type: 'tool.rejected', id, reason: 'full' } : { type: 'tool.cancelled', id, name }],
    toCalls: [{ row, event: { type: 'call.cancel' } }],
    over: [row],
  };
}

/** An abort listener of a tool threw. */
export function tellListenerThrew({ calls }: SessionContext, { key, reason }: Thrown): SessionStep {
  return {
    facts: [rowByKey(calls, key) ?? []].flat().map(({ id, name }) => ({ type: 'tool.listenerThrew' as const, id, name, reason })),
  };
}

/** Calls that end without an answer. `answering` calls may still reach the wire where the socket is open. */
export function abandonCalls(context: SessionContext, { reason, answers }: Leave): SessionStep {
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
  const reason = 'restored';
  // Answers that the conversation may not have had are kept: it goes on.
  const { table, moved } = moveCalls(context.calls, () => true, { status: 'abandoned', reason, ...noAnswer });
  return {
    changes: { calls: table, losses: [], rotations: [], attempt: 0, awaitsTurn: false, isAccepted: false, isRestored: false },
    facts: moved.map(({ id, name }) => ({ type: 'tool.abandoned', id, name, reason })),
    over: moved,
  };
}

// ---- sockets

/** Is a conversation to be told its history? One that is resumed, only where its handle is from before that was written. */
function isToBeSeeded({ history, seed }: SessionContext, isResumed: boolean): boolean {
  return history.length > 0 && (!isResumed || seed === 'waiting' || seed === 'written');
}

/**
 * A new socket is open: what was announced of the former is over. The setup bears the handle where the conversation is to be resumed.
 * @see `HistoryConfig.initialHistoryInClientContent`: with it the server waits for a history, and takes the first turn of the user for that
 */
export function sendSetup(context: SessionContext): SessionStep {
  const { setup, resumption, handle, history, calls } = context;
  const { handle: _first, ...asked } = (fieldOf(setup, 'sessionResumption') ?? {}) as JsonObject;
  const isResuming = handle !== null;
  const historyConfig = { ...(fieldOf(setup, 'historyConfig') as JsonObject | undefined), initialHistoryInClientContent: false };
  const body = {
    ...setup,
    ...(history.length === 0 || isToBeSeeded(context, isResuming) ? {} : { historyConfig }),
    ...(resumption ? { sessionResumption: { ...asked, ...(isResuming ? { handle } : {}) } } : {}),
  };
  return {
    changes: { goAway: null, turn: 'over', isResuming, isSettingUp: true, keyAtSetup: calls.lastKey },
    toConnection: [{ type: 'connection.setup', message: { setup: body } }],
    raises: [{ type: 'rotation.over' }],
  };
}

/**
 * The setup is accepted. Resumed, the conversation goes on: what it has not had yet is written again, and what waited is written now. Begun afresh, the
 * server knows none of the calls from before: those are abandoned. A call or a `goAway` that came before this belongs to the new socket; so does a former
 * call that a resumed conversation has delivered again.
 */
export function begin(context: SessionContext, sessionId: string | null): SessionStep {
  const { isResuming: resumed, lost, history, staleAnswers } = context;
  const seeds = isToBeSeeded(context, resumed);
  const { forgottenCount } = context.calls;
  const isLost = isAfresh(context);
  const reason = isLost ? lostReason : 'staleHandle';
  const isUnheard = (row: CallRow): boolean => staleAnswers === 'abandon' && !row.known;
  const isGone = (row: CallRow): boolean => isFormer(context, row) && (isLost || isUnheard(row));
  const dropped = moveCalls(context.calls, isGone, { status: 'abandoned', reason, ...noAnswer });
  const isMissing = (row: CallRow): boolean => isOwed(row) && !isUnheard(row);
  // Waiting to be written once more, to a conversation that will never hear of the call.
  const stale = allRows(context.calls).filter((row) => row.status === 'answered' && row.answer !== null && isGone(row));
  const again = resumed ? allRows(dropped.table).filter(isMissing) : [];
  const { table, started } = runCalls(isLost ? forgetAnswers(dropped.table) : markResending(dropped.table, stale, false));
  const toldLoss = lost ?? { code: 'noHandle', reason: 'the server gave no handle to resume with' };
  return {
    changes: {
      ...{ hasBeenReady: true, isAccepted: true, isSettingUp: false, speaksOver: false, lost: null, attempt: 0 },
      calls: { ...markResending(table, again, true), forgottenCount: 0 },
      ...(seeds ? { seed: 'waiting' as const } : {}),
      ...(again.length > 0 ? { isFresh: false } : {}),
    },
    facts: [
      { type: 'session.ready', sessionId, resumed },
      ...(isLost ? [{ type: 'session.contextLost' as const, ...toldLoss }] : []),
      ...dropped.moved.map(({ id, name }) => ({ type: 'tool.abandoned' as const, id, name, reason })),
      ...again.map(({ id, name }) => ({ type: 'tool.resent' as const, id, name })),
      ...(resumed && forgottenCount > 0 ? [{ type: 'session.answersLost' as const, count: forgottenCount }] : []),
    ],
    toUplink: [
      ...[...dropped.moved, ...stale].map(withdraw),
      ...(seeds ? [{ type: 'uplink.seed' as const, message: { clientContent: { turns: history, turnComplete: true } } }] : []),
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
  return { changes: { isAccepted: false, awaitsTurn: false }, toConnection: [{ type: 'connection.close', code: 1000, reason: '' }] };
}

/** A message that came while the session closes: it is passed on. A call in it ends as it begins, and none is answered again. */
export function readLastMessage(context: SessionContext, message: JsonObject): SessionStep {
  const read = readMessage({ ...context, calls: forgetAnswers(context.calls) }, message);
  const { changes, facts = [] } = abandonCalls({ ...context, ...read.changes }, { reason: 'closed', answers: 'keep' });
  return { changes: changes ?? {}, facts: [...(read.facts ?? []), ...facts] };
}

/** The socket was lost, or did not come to be in time: another attempt, later. What was asked over it is answered by no other. */
export function loseSocket(context: SessionContext, { code, reason, at }: SocketEnd): SessionStep {
  const attempt = context.attempt + 1;
  return {
    changes: { losses: withLoss(context, at), attempt, isAccepted: false, awaitsTurn: false },
    facts: [{ type: 'session.reconnecting', attempt, delayMs: delayOf({ ...context, attempt }), code, reason }],
  };
}

/** The server would not resume: the next setup bears no handle. */
export function loseContext(context: SessionContext, { code, reason, at }: SocketEnd): SessionStep {
  return { changes: { handle: null, isFresh: false, lost: { code, reason }, losses: withLoss(context, at) } };
}
