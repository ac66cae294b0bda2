/**
 * Recorded Live sessions (`*.websocket.log` of js-genai's test-server), and their replay as a script.
 *
 * A record is `>` (client → server) or `<` (server → client), the byte length of its payload in decimal, a space, the payload. The payload
 * ends with a newline of the recorder's that the length counts in; payloads may hold newlines of their own.
 */
import { EspalierError } from '../../errors.js';
import { parseClientMessage } from '../../wire/gemini/live-client.js';
import type { Step } from './steps.js';

/** One recorded frame, as text without the recorder's newline. */
export interface RecordedFrame {
  readonly from: 'client' | 'server';
  readonly text: string;
}

/** The frames of one session, in the order they passed. */
export interface Recording {
  readonly frames: readonly RecordedFrame[];
}

const newline = 0x0a;
const space = 0x20;

/**
 * Reads a log.
 * @param log  the bytes of the file, or its text
 * @throws  EspalierError `gemini-server/invalid-recording`: the byte at which it stops being a log; also for what is neither bytes nor text
 */
export function readRecording(log: Uint8Array | string): Recording {
  if (typeof log !== 'string' && !ArrayBuffer.isView(log)) throw invalid('the bytes or the text of a log', log);
  const bytes = typeof log === 'string' ? Buffer.from(log) : Buffer.from(log.buffer, log.byteOffset, log.byteLength);
  const frames: RecordedFrame[] = [];
  let at = 0;
  while (at < bytes.length) {
    const mark = String.fromCharCode(bytes[at]!);
    const gap = bytes.indexOf(space, at);
    const length = gap === -1 ? '' : bytes.toString('latin1', at + 1, gap);
    if ((mark !== '<' && mark !== '>') || !/^\d{1,10}$/.test(length)) {
      throw invalid(`byte ${at}: '>' or '<', a byte length, a space, the payload`, bytes.toString('utf8', at, at + 40));
    }
    const end = gap + 1 + Number(length);
    if (end > bytes.length) throw invalid(`byte ${gap + 1}: ${length} bytes of payload`, `${bytes.length - gap - 1} bytes`);
    const payloadEnd = bytes[end - 1] === newline ? end - 1 : end;
    frames.push({ from: mark === '>' ? 'client' : 'server', text: bytes.toString('utf8', gap + 1, payloadEnd) });
    at = end;
  }
  return { frames };
}

/**
 * The script that replays a recording: it sends what the server sent, and where the client spoke it waits for a message of that kind,
 * whatever its content.
 * @throws  EspalierError `gemini-server/invalid-recording` when it is no recording, or a recorded client frame cannot be read
 */
export function replayScript(recording: Recording): readonly Step[] {
  const { frames } = (recording ?? {}) as Partial<Recording>;
  if (!Array.isArray(frames)) throw invalid('a recording: { frames }, as readRecording makes it', recording);
  return (frames as readonly RecordedFrame[]).map((frame, index): Step => {
    if (!isFrame(frame)) throw invalid(`frame ${index}: { from: 'client' or 'server', text }`, frame);
    if (frame.from === 'client') {
      const read = parseClientMessage(frame.text);
      if (!read.ok) throw invalid(`frame ${index}: a client message (${read.detail})`, read.excerpt);
      return { expect: read.kinds[0] ?? 'unknown' };
    }
    const message = parsed(frame.text);
    return message === null ? { garbage: frame.text } : { send: message };
  });
}

function isFrame(frame: Partial<RecordedFrame> | null | undefined): boolean {
  return (frame?.from === 'client' || frame?.from === 'server') && typeof frame.text === 'string';
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function invalid(expected: string, got: unknown): EspalierError {
  return new EspalierError('gemini-server/invalid-recording', { expected, got });
}
