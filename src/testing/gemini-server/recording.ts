/** Reads recorded Live sessions, in any of three formats. What becomes of them is in recording-scripts.ts. */
import { readCassette } from './recording-cassette.js';
import { readChunks } from './recording-chunks.js';
import { invalidRecording, type Recording, type RecordingFormat } from './recording-frames.js';
import { readLog } from './recording-log.js';

export type { RecordedClose, RecordedFrame, Recording, RecordingFormat } from './recording-frames.js';

/** Largest recording, bytes. */
const maxBytes = 256 * 1024 * 1024;

const formats: readonly RecordingFormat[] = ['log', 'cassette', 'chunks'];

/**
 * Reads a recorded session: a log (`>` or `<` and a length), a cassette (YAML with `interactions`), or chunks (the server's messages, one JSON
 * object a line). Which it is shows in its first character.
 * @param recording  the bytes of the file, or its text
 * @param options    `format`, where it is known
 * @throws EspalierError `gemini-server/invalid-recording`: where it stops being one; also for what is neither bytes nor text, and for an unknown
 *         format; `testing/missing-peer` for a cassette where the package yaml is not installed
 */
export function readRecording(recording: Uint8Array | string, options: { readonly format?: RecordingFormat } = {}): Recording {
  if (typeof recording !== 'string' && !ArrayBuffer.isView(recording)) throw invalidRecording('the bytes or the text of a recording', recording);
  const { format } = options ?? {};
  if (format !== undefined && !formats.includes(format)) throw invalidRecording(`format: one of ${formats.join(', ')}`, format);
  const whole = typeof recording === 'string' ? Buffer.from(recording) : Buffer.from(recording.buffer, recording.byteOffset, recording.byteLength);
  if (whole.length > maxBytes) throw invalidRecording(`at most ${maxBytes} bytes`, `${whole.length} bytes`);
  const bytes = whole[0] === 0xef && whole[1] === 0xbb && whole[2] === 0xbf ? whole.subarray(3) : whole;
  switch (format ?? formatOf(bytes)) {
    case 'log':
      return readLog(bytes);
    case 'cassette':
      return readCassette(textOf(bytes));
    case 'chunks':
      return readChunks(textOf(bytes));
    default:
      throw invalidRecording(
        "byte 0: '>' or '<' (a log), '{' (chunks, one JSON object a line), or YAML with interactions (a cassette)",
        bytes.toString('utf8', 0, 40),
      );
  }
}

/** An empty file is an empty log. */
function formatOf(bytes: Buffer): RecordingFormat | null {
  const text = bytes.toString('latin1');
  const start = text.trimStart()[0] ?? '<';
  if (start === '<' || start === '>') return 'log';
  if (start === '{') return 'chunks';
  return /^["']?interactions["']? *:/m.test(text) ? 'cassette' : null;
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw invalidRecording('UTF-8', 'bytes that are none', cause);
  }
}
