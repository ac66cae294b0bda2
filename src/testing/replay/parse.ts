/** Reads a recording: every line checked, and each against those before it. What is wrong is said with its line. */
import type { z } from 'zod';

import { EspalierError } from '../../errors.js';
import { anyLine, headLine, recordingVersion, type RecordedLine, type RecordingEnd, type RecordingHead } from './lines.js';

/** A recording, read and checked. */
export interface ActorRecording {
  readonly head: RecordingHead;
  /** In the order of the file; `lines[seq - 1]`, and line `seq + 1` of the file. */
  readonly lines: readonly RecordedLine[];
  /** Why it stops before the app did; null: it is whole. */
  readonly cut: RecordingEnd['cut'];
}

/** What {@link parseRecording} can be told. */
export interface ParseOptions {
  /** Most bytes. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Take a file that was not ended, as a process that was killed leaves it: what is whole of it, with `cut` saying so. Default false. */
  readonly allowUnfinished?: boolean;
}

const defaultMaxBytes = 64 * 1024 * 1024;
/** Deeper than any value that a recorder writes. */
const maxDepth = 256;

/**
 * Reads the text of a recording.
 * @throws EspalierError `testing/invalid-recording`: the first line that is not what it must be, and what it must be
 */
export function parseRecording(text: string, options: ParseOptions = {}): ActorRecording {
  const { maxBytes = defaultMaxBytes, allowUnfinished = false } = requireOptions(options);
  if (typeof text !== 'string') throw invalid(1, 'the text of a recording', typeof text);
  requireSize(text, maxBytes);
  const rows = text.split(/\r?\n/);
  if (rows.at(-1) === '') rows.pop();
  const head = parseHead(rows[0] ?? '');
  const reader = new LineReader();
  for (const [index, row] of rows.entries()) {
    if (index === 0) continue;
    const isLast = index === rows.length - 1;
    try {
      reader.read(row, index + 1);
    } catch (error) {
      if (allowUnfinished && isLast && parsed(row) === undefined) break;
      throw error;
    }
  }
  const { lines, end } = reader;
  if (end !== null) return { head, lines, cut: end.cut };
  if (!allowUnfinished) throw invalid(rows.length + 1, 'a line of type "end": the recording was cut off', null);
  return { head, lines, cut: { why: 'the file was not ended', dropped: 0 } };
}

class LineReader {
  readonly lines: RecordedLine[] = [];
  end: RecordingEnd | null = null;
  /** Machine or not, by name. */
  readonly #actors = new Map<string, boolean>();

  read(row: string, number: number): void {
    if (this.end !== null) throw invalid(number, 'nothing after the line of type "end"', row);
    const json = parsed(row);
    if (json === undefined) throw invalid(number, 'one JSON object', row.slice(0, 80));
    if (!isShallow(json, maxDepth)) throw invalid(number, `values at most ${maxDepth} deep`, row.slice(0, 80));
    const result = anyLine.safeParse(json);
    if (!result.success) throw invalid(number, problemOf(result.error), json);
    const line = result.data;
    if (line.type === 'end') {
      if (line.lines !== this.lines.length) throw invalid(number, `${line.lines} lines between the first and the last`, this.lines.length);
      this.end = line;
      return;
    }
    if (line.seq !== this.lines.length + 1) throw invalid(number, `seq ${this.lines.length + 1}: a line is missing or was moved`, line.seq);
    this.#check(line, number);
    this.lines.push(line);
  }

  #check(line: RecordedLine, number: number): void {
    if (line.type === '@xstate.actor') {
      if (this.#actors.has(line.actor)) throw invalid(number, `one start of '${line.actor}'`, 'a second');
      if ((line.machine === null) !== (line.state === undefined)) throw invalid(number, '`state` for a machine, and for nobody else', line.machine);
      this.#actors.set(line.actor, line.machine !== null);
    } else if (line.type === '@xstate.transition') {
      if (this.#actors.get(line.actor) !== true) throw invalid(number, 'a transition of a machine that a line before has started', line.actor);
      if (typeof line.event !== 'number') return;
      const sent = this.lines[line.event - 1];
      if (sent?.type !== '@xstate.event' || sent.actor !== line.actor)
        throw invalid(number, `\`event\` to be the seq of a line before, an event to '${line.actor}'`, line.event);
    }
  }
}

function parseHead(row: string): RecordingHead {
  const json = parsed(row) as { type?: unknown; v?: unknown } | null | undefined;
  if (json === undefined || json === null || json.type !== 'recording')
    throw invalid(1, 'a recording: {"type":"recording","v":1,…}', row.slice(0, 80));
  if (json.v !== recordingVersion) throw invalid(1, `version ${recordingVersion} of the format, the one that this release reads`, json.v);
  const result = headLine.safeParse(json);
  if (!result.success) throw invalid(1, problemOf(result.error), json);
  try {
    ''.search(new RegExp(result.data.secret ?? ''));
  } catch {
    throw invalid(1, '`secret` to be a regular expression', result.data.secret);
  }
  return result.data;
}

function parsed(row: string): unknown {
  try {
    return JSON.parse(row) as unknown;
  } catch {
    return undefined;
  }
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((inner) => isShallow(inner, depth - 1));
}

function requireSize(text: string, maxBytes: number): void {
  if (Buffer.byteLength(text) <= maxBytes) return;
  let bytes = 0;
  let line = 1;
  for (const row of text.split('\n')) {
    bytes += Buffer.byteLength(row) + 1;
    if (bytes > maxBytes) break;
    line++;
  }
  throw invalid(line, `at most ${maxBytes} bytes up to here (\`maxBytes\`)`, Buffer.byteLength(text));
}

function problemOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return `what a recording holds (${issue?.path.join('.') || 'the line'}: ${issue?.message ?? ''})`;
}

function invalid(line: number, expected: string, got: unknown): EspalierError {
  return new EspalierError('testing/invalid-recording', { expected: `line ${line}: ${expected}`, got });
}

function requireOptions(options: ParseOptions): ParseOptions {
  const known = ['maxBytes', 'allowUnfinished'];
  const stranger = Object.keys(options).find((key) => !known.includes(key));
  if (stranger !== undefined)
    throw new EspalierError('testing/invalid-options', { expected: `options of parseRecording() with the keys ${known.join(', ')}`, got: stranger });
  return options;
}
