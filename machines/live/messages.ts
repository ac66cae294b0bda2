/** What messages of either side say of the conversation's state. Their fields are as they came: nothing is taken for granted. */
import { cancelledIds, fieldOf, type JsonObject } from './calls.js';
import { durationMs } from './duration.js';

/**
 * Does the app ask the model for a turn with it? By a turn that is complete, by text, or by the end of speech that it delimits itself.
 * @throws never
 * @see `BidiGenerateContentClientContent.turnComplete`: without it the server awaits more
 */
export function asksForTurn(message: JsonObject): boolean {
  const input = fieldOf(message, 'realtimeInput');
  if (input !== undefined) return fieldOf(input, 'text') !== undefined || fieldOf(input, 'activityEnd') !== undefined;
  return fieldOf(fieldOf(message, 'clientContent'), 'turnComplete') === true;
}

/**
 * Where the model's turn stands. `running`: it speaks, or waits for the answer of a call, with which it goes on. `interrupted`: it is cut off, and the word
 * that it is over is still to come.
 */
export type Turn = 'over' | 'running' | 'interrupted';

/**
 * What a message makes of the model's turn, and whether the next one begins with it; one may begin and end without a word of the model. A transcription
 * says nothing of either: it may come long after its turn.
 * @param isCalling  does the model make a new call in it?
 * @throws never
 * @see `BidiGenerateContentToolCallCancellation`: calls are taken back only where a turn is interrupted; `interrupted` goes before `turnComplete`
 */
export function turnAfter(turn: Turn, message: JsonObject, isCalling: boolean): { readonly turn: Turn; readonly begins: boolean } {
  const content = fieldOf(message, 'serverContent');
  let [now, begins] = [turn, false];
  const go = (next: Turn, isBeginning: boolean): void => {
    now = next;
    begins ||= isBeginning;
  };
  if (isCalling || fieldOf(content, 'modelTurn') !== undefined) go('running', now === 'over' || now === 'interrupted');
  if (fieldOf(content, 'interrupted') === true) go('interrupted', now === 'over');
  if (now === 'running' && cancelledIds(message).length > 0) go('interrupted', false);
  if (fieldOf(content, 'turnComplete') === true) go('over', now === 'over');
  return { turn: now, begins };
}

/** Does it say something that a handle from before does not know: of the model, or of what the user says, who may have interrupted it? @throws never */
export function isTelling(message: JsonObject): boolean {
  const content = fieldOf(message, 'serverContent');
  const told = ['modelTurn', 'inputTranscription', 'interimInputTranscription', 'outputTranscription'];
  return told.some((field) => fieldOf(content, field) !== undefined) || fieldOf(content, 'interrupted') === true || speechIn(message) !== null;
}

/** Where a message says that the user begins or ends to speak: in `voiceActivity`, or in the signal of the detection. @throws never */
export function speechIn(message: JsonObject): 'started' | 'ended' | null {
  const activity = fieldOf(fieldOf(message, 'voiceActivity'), 'voiceActivityType');
  const signal = fieldOf(fieldOf(message, 'voiceActivityDetectionSignal'), 'vadSignalType');
  if (activity === 'ACTIVITY_START' || signal === 'VAD_SIGNAL_TYPE_SOS') return 'started';
  return activity === 'ACTIVITY_END' || signal === 'VAD_SIGNAL_TYPE_EOS' ? 'ended' : null;
}

/** The socket will be ended by the server. Raised last: a socket is not left in the turn that its message begins. @throws never */
export function goAwayIn(message: JsonObject) {
  const goAway = fieldOf(message, 'goAway');
  return goAway === undefined ? [] : [{ type: 'rotation.announced' as const, timeLeftMs: durationMs(fieldOf(goAway, 'timeLeft')) }];
}
