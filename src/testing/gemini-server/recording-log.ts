/**
 * Recorded Live sessions as js-genai's test-server keeps them (`*.websocket.log`).
 *
 * A record is `>` (client → server) or `<` (server → client), the byte length of its payload in decimal, a space, the payload. The payload
 * ends with a newline of the recorder's that the length counts in; payloads may hold newlines of their own.
 */
import { invalidRecording, maxFrames, type RecordedFrame, type Recording } from './recording-frames.js';

const newline = 0x0a;
const space = 0x20;

/**
 * Reads a log.
 * @throws EspalierError `gemini-server/invalid-recording`: the byte at which it stops being a log
 */
export function readLog(bytes: Buffer): Recording {
  const frames: RecordedFrame[] = [];
  let at = 0;
  while (at < bytes.length) {
    const mark = String.fromCharCode(bytes[at]!);
    const gap = bytes.indexOf(space, at);
    const length = gap === -1 ? '' : bytes.toString('latin1', at + 1, gap);
    if ((mark !== '<' && mark !== '>') || !/^\d{1,10}$/.test(length)) {
      throw invalidRecording(`byte ${at}: '>' or '<', a byte length, a space, the payload`, bytes.toString('utf8', at, at + 40));
    }
    const end = gap + 1 + Number(length);
    if (end > bytes.length) throw invalidRecording(`byte ${gap + 1}: ${length} bytes of payload`, `${bytes.length - gap - 1} bytes`);
    if (frames.length >= maxFrames) throw invalidRecording(`at most ${maxFrames} frames`, 'more');
    const payloadEnd = bytes[end - 1] === newline ? end - 1 : end;
    frames.push({ from: mark === '>' ? 'client' : 'server', text: bytes.toString('utf8', gap + 1, payloadEnd) });
    at = end;
  }
  return { frames };
}
