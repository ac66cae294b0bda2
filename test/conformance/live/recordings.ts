/** Finds recorded sessions under folders, and takes each apart into its connections. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readRecording, type RecordedFrame, type Recording } from '../../../src/testing/gemini-server/recording.js';
import { clientScript, type RecordedClientMessage } from '../../../src/testing/gemini-server/recording-scripts.js';
import { parseClientMessage, parseServerMessage, type ServerMessage } from '../../../src/wire/gemini/live.js';

/** The endings of files that may be recordings of Live sessions. */
export const endings = ['.websocket.log', '.yaml', '.yml', '.chunks.txt', '.jsonl'];

/** One connection of a recorded session, from its setup to its end. */
export interface Session {
  /** `file`, with `#2` behind it where the file holds more than one. */
  readonly name: string;
  readonly recording: Recording;
  /** What the client says; the first is the setup. */
  readonly said: readonly RecordedClientMessage[];
  /** What the server sent: the messages as they are read, null for what is no message. */
  readonly heard: readonly (ServerMessage | null)[];
}

/** A recording of one connection, with what either side said in it. */
export function sessionFrom(name: string, recording: Recording): Session {
  const heard = recording.frames.filter(({ from }) => from === 'server').map(({ text }) => messageIn(text));
  return { name, recording, said: clientScript(recording), heard };
}

/** A file, with its sessions or with why it has none. */
export type RecordedFile =
  | { readonly name: string; readonly sessions: readonly Session[] }
  | { readonly name: string; readonly broken: string }
  | { readonly name: string; readonly foreign: string };

/**
 * All files of the folders, in the order of their names; a file may be named itself.
 * @throws Error where a path cannot be read
 */
export function readFiles(paths: readonly string[]): readonly RecordedFile[] {
  return paths.flatMap((path) =>
    statSync(path).isDirectory() ? filesIn(path).map((file) => readFile(file, relative(path, file))) : [readFile(path, path)],
  );
}

function filesIn(folder: string): readonly string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => endings.some((ending) => name.endsWith(ending)));
  return names.sort().map((name) => join(folder, name));
}

function readFile(path: string, name: string): RecordedFile {
  const bytes = readFileSync(path);
  // Streams of other protocols are kept beside Live's: their lines are no messages of a Live server.
  const foreign = bytes.length > 0 && (path.endsWith('.chunks.txt') || path.endsWith('.jsonl')) ? whyForeign(bytes.toString('utf8')) : null;
  if (foreign !== null) return { name, foreign };
  try {
    const recording = readRecording(bytes);
    return recording.frames.length === 0 ? { name, foreign: 'it holds no frame' } : { name, sessions: sessionsOf(recording, name) };
  } catch (error) {
    return { name, broken: error instanceof Error ? error.message : String(error) };
  }
}

/** Usage is told of on every protocol; what tells a Live server is any other kind. */
function whyForeign(text: string): string | null {
  const isLive = text.split('\n').some((line) => {
    const read = parseServerMessage(line);
    return read.ok && read.kinds.some((kind) => kind !== 'usageMetadata');
  });
  return isLive ? null : `no line of it is a message of a Live server: ${text.slice(0, 60)}`;
}

function sessionsOf(recording: Recording, name: string): readonly Session[] {
  const starts = recording.frames.flatMap((frame, index) => (isSetup(frame) ? [index] : []));
  const bounds = starts[0] === 0 ? starts : [0, ...starts];
  return bounds.map((start, part) => {
    const end = bounds[part + 1] ?? recording.frames.length;
    const frames = recording.frames.slice(start, end);
    // A close after the last frame of a connection is that connection's.
    const isOwn = (after: number): boolean => after > start && after <= end;
    const closes = (recording.closes ?? [])
      .filter(({ afterFrames }) => isOwn(afterFrames))
      .map((close) => ({ ...close, afterFrames: close.afterFrames - start }));
    const own: Recording = closes.length === 0 ? { frames } : { frames, closes };
    return sessionFrom(bounds.length === 1 ? name : `${name}#${part + 1}`, own);
  });
}

function isSetup({ from, text }: RecordedFrame): boolean {
  if (from !== 'client') return false;
  const read = parseClientMessage(text);
  return read.ok && read.kinds[0] === 'setup';
}

function messageIn(text: string): ServerMessage | null {
  const read = parseServerMessage(text);
  return read.ok ? read.message : null;
}
