/**
 * The server's half of a recorded Live session, one JSON message a line (`*.chunks.txt`). What the client said was not kept; a replay waits
 * for a setup and then sends them all.
 */
import { parseClientMessage } from '../../wire/gemini/live-client.js';
import { invalidRecording, isObject, maxFrames, type RecordedFrame, type Recording } from './recording-frames.js';

/**
 * Reads the lines; empty ones are passed over.
 * @throws EspalierError `gemini-server/invalid-recording`: the line that is no message of a server
 */
export function readChunks(text: string): Recording {
  const frames: RecordedFrame[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    if (frames.length >= maxFrames) throw invalidRecording(`at most ${maxFrames} lines`, 'more');
    if (!isServerMessage(line)) throw invalidRecording(`line ${index + 1}: a message of the server, one JSON object a line`, line.slice(0, 80));
    frames.push({ from: 'server', text: line });
  }
  return { frames };
}

/** Of a kind that is not known it may be, but not a client's: that would be half of another format. */
function isServerMessage(line: string): boolean {
  try {
    if (!isObject(JSON.parse(line))) return false;
  } catch {
    return false;
  }
  const asClient = parseClientMessage(line);
  return asClient.ok && asClient.kinds.length === 0;
}
