/** The two parts of a recorded session: what the server does, as a script, and what the client says, and when. Pure. */
import { type ClientMessage, type ClientMessageResult, parseClientMessage } from '../../wire/gemini/live-client.js';
import { invalidRecording, isObject, type RecordedClose, type RecordedFrame, type Recording } from './recording-frames.js';
import { isSendableCode, type Step } from './steps.js';

/** One message of a recorded client. */
export interface RecordedClientMessage {
  /** How many messages of the server must have come before it is said, counted over the whole recording. */
  readonly afterServerMessages: number;
  /** Which connection of the session it is said on, from 0: each begins with a setup. */
  readonly connection: number;
  /** With camelCase names. */
  readonly message: ClientMessage;
  /** As it stood on the wire. */
  readonly text: string;
  /** False for a setup that no recording holds: chunks have the server's half only, and no server speaks without one. */
  readonly recorded: boolean;
}

/**
 * The script that replays a recording as the server: it sends what the server sent, and where the client spoke it waits for a message of that
 * kind, whatever its content. A recording of the server's half waits for a setup first. A setup in its midst is the next connection's. A recorded
 * close is made, unless the client has made it.
 * @throws EspalierError `gemini-server/invalid-recording` when it is no recording, or a recorded client frame cannot be read
 */
export function replayScript(recording: Recording): readonly Step[] {
  const { frames, closes } = checked(recording);
  const steps: Step[] = frames.some(({ from }) => from === 'client') ? [] : [{ expect: 'setup' }];
  let isOpen = true;
  for (const [index, frame] of frames.entries()) {
    for (const close of closes.filter(({ afterFrames }) => afterFrames === index)) {
      steps.push(closeStep(close));
      isOpen = false;
    }
    if (frame.from === 'server') {
      const message = objectIn(frame.text);
      steps.push(message === null ? { garbage: frame.text } : { send: message });
      continue;
    }
    const { kinds } = clientMessageOf(frame, index);
    if (kinds[0] === 'setup' && index > 0) steps.push(...(isOpen ? ([{ expectClose: true }] as const) : []), { accept: true });
    isOpen = true;
    steps.push({ expect: kinds[0] ?? 'unknown' });
  }
  return [...steps, ...closes.filter(({ afterFrames }) => afterFrames >= frames.length).map(closeStep)];
}

/**
 * What the recorded client said, in order, and before each how much of the server must have been heard: whoever plays it waits for that many
 * messages, so nothing is said before what it answers to.
 * @throws EspalierError `gemini-server/invalid-recording` as {@link replayScript}
 */
export function clientScript(recording: Recording): readonly RecordedClientMessage[] {
  const { frames } = checked(recording);
  const said: RecordedClientMessage[] = [];
  let afterServerMessages = 0;
  let connection = 0;
  for (const [index, frame] of frames.entries()) {
    if (frame.from === 'server') {
      afterServerMessages += 1;
      continue;
    }
    const { message, kinds } = clientMessageOf(frame, index);
    if (kinds[0] === 'setup' && said.length > 0) connection += 1;
    said.push({ afterServerMessages, connection, message, text: frame.text, recorded: true });
  }
  if (said.length > 0) return said;
  const message = { setup: { model: 'models/not-recorded' } };
  return [{ afterServerMessages: 0, connection: 0, message, text: JSON.stringify(message), recorded: false }];
}

function closeStep({ code, reason }: RecordedClose): Step {
  if (code === 1005) return { close: { code: null, unlessClosed: true } };
  return isSendableCode(code) ? { close: { code, reason, unlessClosed: true } } : { drop: true };
}

function checked(recording: Recording): Required<Recording> {
  const { frames, closes = [] } = (recording ?? {}) as Partial<Recording>;
  if (!Array.isArray(frames)) throw invalidRecording('a recording: { frames }, as readRecording makes it', recording);
  for (const [index, frame] of (frames as readonly (Partial<RecordedFrame> | null)[]).entries()) {
    const isFrame = (frame?.from === 'client' || frame?.from === 'server') && typeof frame.text === 'string';
    if (!isFrame) throw invalidRecording(`frame ${index}: { from: 'client' or 'server', text }`, frame);
  }
  const isClose = (close: Partial<RecordedClose> | null): boolean =>
    Number.isInteger(close?.afterFrames) && Number.isInteger(close?.code) && typeof close?.reason === 'string';
  if (!Array.isArray(closes) || !(closes as readonly (Partial<RecordedClose> | null)[]).every(isClose)) {
    throw invalidRecording('closes: a list of { afterFrames, code, reason }', closes);
  }
  return { frames, closes };
}

function clientMessageOf({ text }: RecordedFrame, index: number): Extract<ClientMessageResult, { ok: true }> {
  const read = parseClientMessage(text);
  if (!read.ok) throw invalidRecording(`frame ${index}: a client message (${read.detail})`, read.excerpt);
  return read;
}

function objectIn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
