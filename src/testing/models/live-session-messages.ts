/** What the server says to a Live session in its model, and what is foreseen of it. */
import { type CallRow, isOpen, type JsonObject } from '../../../machines/live/calls.js';
import { rows, type Session, uplink } from './live-session-doubles.js';
import { answerWords, type Foreseen, inputOf, isReady, isToBeSeeded, type Ledger, ledger, phase, type Phase } from './live-session-ledger.js';

export interface ModelCall extends JsonObject {
  readonly id: string;
  readonly name: string;
  readonly args: JsonObject;
}

/** A call of the model's: `later` does not block, `old` may have been answered from another process. */
export function call(id: 'a' | 'later' | 'old', city = 'Bern'): ModelCall {
  return { id, name: id === 'later' ? 'later' : 'weather', args: { city } };
}

/** What the app puts in the place of the first instruction and tools. */
export const replaced = { systemInstruction: { parts: [{ text: 'be brief' }] }, tools: [] };

/** One message, in the words of the model. */
export interface Said {
  readonly setupComplete?: boolean;
  readonly turn?: 'modelTurn' | 'interrupted' | 'turnComplete';
  readonly speech?: 'started' | 'ended';
  readonly calls?: readonly ModelCall[];
  readonly cancels?: readonly string[];
  /** Null: the conversation cannot be resumed now. */
  readonly handle?: string | null;
  /** ms; null: it does not say how long. */
  readonly goAway?: number | null;
}

/** As it is on the wire. */
export function onTheWire({ setupComplete, turn, speech, calls, cancels, handle, goAway }: Said): JsonObject {
  return {
    ...(setupComplete === true ? { setupComplete: { sessionId: 's1' } } : {}),
    ...(turn === undefined ? {} : { serverContent: { [turn]: turn === 'modelTurn' ? {} : true } }),
    ...(speech === undefined ? {} : { voiceActivity: { voiceActivityType: speech === 'started' ? 'ACTIVITY_START' : 'ACTIVITY_END' } }),
    ...(calls === undefined ? {} : { toolCall: { functionCalls: calls } }),
    ...(cancels === undefined ? {} : { toolCallCancellation: { ids: cancels } }),
    ...(handle === undefined ? {} : { sessionResumptionUpdate: handle === null ? { resumable: false } : { newHandle: handle, resumable: true } }),
    ...(goAway === undefined ? {} : { goAway: goAway === null ? {} : { timeLeft: `${goAway / 1_000}s` } }),
  };
}

/** Is it, by the table before the message, a call that was delivered before? */
export function earlierOf(session: Session, { id, args }: ModelCall): CallRow | undefined {
  const row = rows(session).findLast((one) => one.id === id);
  const isClosing = phase(session) === 'closing';
  // Taken back while its answer was being written, it is over for the server.
  if (row === undefined || uplink(session).handed === row.key || isLost(session, row)) return undefined;
  if (isOpen(row)) return row;
  const isSame = row.status === 'answered' && row.answer !== null && (row.unasked || JSON.stringify(row.args) === JSON.stringify(args));
  return isSame && !isClosing ? row : undefined;
}

/** Is it of a conversation that the present socket, whose setup is not accepted yet, does not go on with? */
function isLost(session: Session, row: CallRow): boolean {
  const { asked, wasReady, lost, keyAtSetup } = ledger(session);
  const isAfresh = phase(session) === 'settingUp' && asked === null && (wasReady || lost !== null);
  return isAfresh && (row.unasked || row.key <= keyAtSetup);
}

const tell = (type: string, ids: readonly string[], rest = ''): string[] => ids.map((id) => `${type} "${id}"${rest}`);

/** Where the message leads, and what is told of it. */
export function saying(session: Session, message: Said): Foreseen {
  const { calls = [], cancels = [], handle, goAway } = message;
  const own = ledger(session);
  const at = phase(session);
  const isLast = at === 'closing';
  const fresh = calls.filter((one) => earlierOf(session, one) === undefined).map(({ id }) => id);
  const repeated = calls.flatMap((one) => earlierOf(session, one) ?? []);
  const former = rows(session).filter((row) => isOpen(row) && fresh.includes(row.id) && isLost(session, row));
  const open = rows(session).filter((row) => isOpen(row) && !former.includes(row));
  const gone = [...open.filter(({ status }) => status !== 'answering').map(({ id }) => id), ...fresh].filter((id) => cancels.includes(id));
  const late = open.filter(({ status, id }) => status === 'answering' && cancels.includes(id));
  const withdrawn = late.filter(({ key }) => !isLast && uplink(session).handed !== key).map(({ id }) => id);
  if (handle === null || message.turn === 'modelTurn' || message.turn === 'interrupted' || message.speech !== undefined) own.isFresh = false;
  if (typeof handle === 'string' && !isLast) own.handle = handle;
  if (isReady(at)) {
    hears(own, message, fresh.length > 0);
    if (typeof handle === 'string' && own.seed === 'written') own.seed = 'known';
  }
  const timeLeftMs = goAway === undefined ? [] : [`session.goAway ${goAway}`];
  if (message.setupComplete === true && at === 'rotating' && own.goAway !== null) own.goAway.by = session.clock.now() + own.goAway.leftMs;
  const begun = message.setupComplete === true && at === 'settingUp' ? beginning(session, fresh, repeated) : undefined;
  if (goAway !== undefined && !isLast) {
    const leftMs = Math.max(0, (goAway ?? 60_000) - inputOf(session).rotationMarginMs);
    own.goAway = { leftMs, by: session.clock.now() + leftMs };
  }
  return {
    phase: begun === undefined ? turned(session, message) : 'idle',
    said: [
      'session.message',
      ...tell(
        'tool.abandoned',
        former.map(({ id }) => id),
        ' "contextLost"',
      ),
      ...tell('tool.called', fresh),
      ...tell(
        'tool.repeated',
        repeated.map(({ id }) => id),
      ),
      ...tell('tool.cancelled', gone),
      ...(handle === undefined || handle === null ? [] : [`session.resumable "${handle}"`]),
      ...timeLeftMs,
      ...tell('tool.abandoned', isLast ? fresh.filter((id) => !gone.includes(id)) : [], ' "closed"'),
      ...(begun?.said ?? []),
      ...tell('tool.cancelled', withdrawn),
    ],
    written: [...repeated.filter(({ status }) => status === 'answered').map(answered), ...(begun?.written ?? [])],
  };
}

/** What a message means for the turn that is awaited: the first that begins after the one that runs. */
function hears(own: Ledger, { turn, cancels = [] }: Said, isCalling: boolean): void {
  const former = own.turn;
  if (isCalling || turn === 'modelTurn') {
    if (former === 'over' || former === 'interrupted') own.awaitsTurn = false;
    own.turn = 'running';
  }
  if (own.turn === 'running' && cancels.length > 0) own.turn = 'interrupted';
  if (turn !== 'interrupted' && turn !== 'turnComplete') return;
  // Interrupted, or over, before a word of it: so it had begun.
  if (former === 'over') own.awaitsTurn = false;
  own.turn = turn === 'interrupted' ? 'interrupted' : 'over';
}

function turned(session: Session, { turn, speech }: Said): Phase {
  const own = ledger(session);
  const at = phase(session);
  if (!isReady(at)) return at;
  const isOver = at === 'generating' || at === 'interrupted';
  if (speech === 'started') {
    own.speaksOver = at === 'generating';
    return isOver && own.speaksOver ? at : 'userSpeaking';
  }
  if (speech === 'ended') {
    own.speaksOver = false;
    return at === 'userSpeaking' ? 'idle' : at;
  }
  if (turn === 'modelTurn') {
    own.speaksOver ||= at === 'userSpeaking';
    return 'generating';
  }
  if (turn === 'interrupted') {
    own.speaksOver ||= at === 'userSpeaking';
    return 'interrupted';
  }
  if (turn !== 'turnComplete' || !isOver) return at;
  const next = own.speaksOver ? 'userSpeaking' : 'idle';
  own.speaksOver = false;
  return next;
}

function answered({ wireId, name, answer, scheduling }: CallRow): string {
  return answerWords(null, true, { id: wireId, name, response: answer, ...(scheduling === null ? {} : { scheduling }) });
}

/** The setup is accepted. @param fresh  calls of the very message @param repeated  those in it that were delivered before */
function beginning(session: Session, fresh: readonly string[], repeated: readonly CallRow[]): Foreseen {
  const own = ledger(session);
  const { staleAnswers } = inputOf(session);
  const isResumed = own.asked !== null;
  const isAfresh = !isResumed && (own.wasReady || own.lost !== null);
  const unheard = (row: CallRow): boolean => isResumed && staleAnswers === 'abandon' && !row.known && !repeated.includes(row);
  const before = rows(session).filter(({ id }) => !fresh.includes(id));
  const dropped = before.filter((row) => isOpen(row) && (row.unasked || row.key <= own.keyAtSetup) && (isAfresh || unheard(row)));
  const again = before.filter((row) => isResumed && row.status === 'answered' && row.answer !== null && !row.covered && !unheard(row));
  const said = [
    `session.ready "s1" ${isResumed}`,
    ...(isAfresh ? [`session.contextLost ${JSON.stringify(own.lost ?? 'noHandle')}`] : []),
    ...tell(
      'tool.abandoned',
      dropped.map(({ id }) => id),
      ` "${isAfresh ? 'contextLost' : 'staleHandle'}"`,
    ),
    ...tell(
      'tool.resent',
      again.map(({ id }) => id),
    ),
  ];
  if (own.goAway !== null) own.goAway.by = session.clock.now() + own.goAway.leftMs;
  Object.assign(own, { wasReady: true, lost: null, attempt: 0, speaksOver: false });
  if (uplink(session).hasUntold) own.isFresh = false;
  if (uplink(session).asks) Object.assign(own, { awaitsTurn: true, isFresh: false });
  const seeds = isToBeSeeded(session);
  if (seeds) own.seed = 'waiting';
  return { phase: 'idle', said, written: [...(seeds ? ['seed'] : []), ...again.map(answered)] };
}
