/** What every recorded session comes to, whichever format it was kept in. */
import { EspalierError } from '../../errors.js';

/** One recorded frame, as text without the recorder's newline. */
export interface RecordedFrame {
  readonly from: 'client' | 'server';
  readonly text: string;
}

/** The end of a connection: `afterFrames` frames of the recording passed before it. The recorders do not tell who closed. */
export interface RecordedClose {
  readonly afterFrames: number;
  readonly code: number;
  readonly reason: string;
}

/** How sessions are recorded: see recording-log.ts, recording-cassette.ts and recording-chunks.ts. */
export type RecordingFormat = 'log' | 'cassette' | 'chunks';

/** The frames of one session, in the order they passed. A session may take several connections: each begins with its setup. */
export interface Recording {
  readonly frames: readonly RecordedFrame[];
  /** Ends of connections, in order; absent where the format holds none. */
  readonly closes?: readonly RecordedClose[];
}

/** Frames of one recording; a longer file is refused. */
export const maxFrames = 1_000_000;

/** `gemini-server/invalid-recording`. */
export function invalidRecording(expected: string, got: unknown, cause?: unknown): EspalierError {
  return new EspalierError('gemini-server/invalid-recording', { expected, got }, cause === undefined ? undefined : { cause });
}

/** An object as JSON and YAML make it. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
