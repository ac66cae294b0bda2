/** Reads a recording: every line checked, and each against those before it. What is wrong is said with its line. */
import type { z } from 'zod';

import { EspalierError } from '../../errors.js';
import { bytesOf } from './bytes.js';
import {
  anyLine,
  headLine,
  mostFileBytes,
  recordingVersion,
  type RecordedActor,
  type RecordedLine,
  type RecordedTransition,
  type RecordingEnd,
  type RecordingHead,
} from './lines.js';

/** A recording, read and checked. */
export interface ActorRecording {
  readonly head: RecordingHead;
  /** In the order of the file: `lines[0]` is line 2 of it. {@link lineOf} finds one by its `seq`. */
  readonly lines: readonly RecordedLine[];
  /** Why it stops before the app did; null: it is whole. */
  readonly cut: RecordingEnd['cut'];
}

/** The event, or the start, that has this number; undefined when it lies before the beginning or was left out. */
export function lineOf({ lines }: Pick<ActorRecording, 'lines'>, seq: number): RecordedLine | undefined {
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle]?.seq ?? 0) < seq) low = middle + 1;
    else high = middle;
  }
  const line = lines[low];
  return line?.seq === seq ? line : undefined;
}

/** What {@link parseRecording} can be told. */
export interface ParseOptions {
  /** Most bytes. Default 256 MiB, as much as is written by default. */
  readonly maxBytes?: number;
  /** Take a file that was not ended, as a process that was killed leaves it: what is whole of it, with `cut` saying so. Default false. */
  readonly allowUnfinished?: boolean;
}

/** Deeper than any value that a recorder writes. */
const maxDepth = 256;

/**
 * Reads the text of a recording.
 * @throws EspalierError `recording/invalid-file`: the first line that is not what it must be, and what it must be
 */
export function parseRecording(text: string, options: ParseOptions = {}): ActorRecording {
  const { maxBytes = mostFileBytes, allowUnfinished = false } = requireOptions(options);
  if (typeof text !== 'string') throw invalid(1, 'the text of a recording', typeof text);
  requireSize(text, maxBytes);
  const rows = text.split(/\r?\n/);
  if (rows.at(-1) === '') rows.pop();
  const head = parseHead(rows[0] ?? '');
  const reader = new LineReader(head);
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

/** What is known of an actor. */
type Known = 'detailed' | 'brief' | 'other' | 'ended';

class LineReader {
  readonly lines: RecordedLine[] = [];
  end: RecordingEnd | null = null;
  readonly #head: RecordingHead;
  readonly #actors = new Map<string, Known>();
  readonly #machines = new Set<string>();
  /** The number of the line before; undefined at the first. */
  #seq: number | undefined;
  /** Lines that a keyframe has still to tell. */
  #frame = 0;
  /** What lies before this number may have been left out. */
  #gap = 0;

  constructor(head: RecordingHead) {
    this.#head = head;
  }

  read(row: string, number: number): void {
    if (this.end !== null) throw invalid(number, 'nothing after the line of type "end"', row);
    const json = parsed(row);
    if (json === undefined) throw invalid(number, 'one JSON object', row.slice(0, 80));
    if (!isShallow(json, maxDepth)) throw invalid(number, `values at most ${maxDepth} deep`, row.slice(0, 80));
    const result = anyLine.safeParse(json);
    if (!result.success) throw invalid(number, problemOf(result.error), json);
    const line = result.data;
    if (line.type === 'end') {
      if (this.#frame > 0) throw invalid(number, `${this.#frame} more lines of the keyframe`, line.type);
      if (line.lines !== this.lines.length) throw invalid(number, `${line.lines} lines between the first and the last`, this.lines.length);
      this.end = line;
      return;
    }
    const isFrame = this.#frame > 0;
    this.#number(line, number);
    this.#check(line, number, isFrame);
    this.lines.push(line);
  }

  #number(line: RecordedLine, number: number): void {
    const before = this.#seq;
    const isFrame = this.#frame > 0 || line.type === '@espalier.keyframe';
    // A recording may begin anywhere, but only with all that there is.
    const expected = isFrame ? (before ?? line.seq) : (before ?? 0) + (line.type === '@espalier.dropped' ? line.count : 1);
    if (line.seq !== expected) throw invalid(number, `seq ${expected}: a line is missing or was moved`, line.seq);
    this.#seq = line.seq;
    if (this.#frame === 0) return;
    if (line.type !== '@espalier.machine' && !(line.type === '@xstate.actor' && line.from === 'joined'))
      throw invalid(number, `${this.#frame} more lines of the keyframe: machines, and actors that joined`, line.type);
    this.#frame--;
  }

  #check(line: RecordedLine, number: number, isFrame: boolean): void {
    switch (line.type) {
      case '@espalier.dropped':
        this.#gap = line.seq;
        return;
      case '@espalier.keyframe':
        this.#gap = line.seq;
        this.#frame = line.lines;
        // Who is not in it has ended; who is, is told anew.
        this.#actors.clear();
        return;
      case '@espalier.machine':
        if (!isFrame && this.#machines.has(line.machine)) throw invalid(number, `one line of the machine '${line.machine}'`, 'a second');
        this.#machines.add(line.machine);
        return;
      case '@xstate.actor':
        this.#start(line, number);
        return;
      case '@xstate.transition':
        this.#transition(line, number);
        return;
      case '@espalier.exit': {
        const known = this.#actors.get(line.actor);
        if (known === undefined || known === 'ended') throw invalid(number, 'the end of an actor that a line before has started', line.actor);
        this.#actors.set(line.actor, 'ended');
        return;
      }
      default:
    }
  }

  #start({ actor, machine, state, brief }: RecordedActor, number: number): void {
    if (this.#actors.has(actor)) throw invalid(number, `one start of '${actor}'`, 'a second');
    if (machine !== null && !this.#machines.has(machine)) throw invalid(number, 'a machine that a line before has told', machine);
    if ((machine !== null && brief !== true) !== (state !== undefined))
      throw invalid(number, '`state` for a machine that is watched, and for nobody else', machine);
    if (state?.patch !== undefined) throw invalid(number, 'the context of a start whole', 'a patch');
    this.#actors.set(actor, brief === true ? 'brief' : machine === null ? 'other' : 'detailed');
  }

  #transition({ actor, event, state }: RecordedTransition, number: number): void {
    if (this.#actors.get(actor) !== 'detailed') throw invalid(number, 'a transition of a machine that a line before has started', actor);
    if (state.patch !== undefined && (this.#head.contexts !== 'patches' || state.context !== undefined))
      throw invalid(number, '`patch` in place of `context`, in a recording with `contexts: "patches"`', 'a patch');
    if (typeof event !== 'number') return;
    const sent = lineOf(this, event);
    const fits = sent?.type === '@xstate.event' ? sent.actor === actor : event <= this.#gap;
    if (!fits) throw invalid(number, `\`event\` to be the seq of a line before, an event to '${actor}'`, event);
  }
}

function parseHead(row: string): RecordingHead {
  const json = parsed(row) as { type?: unknown; v?: unknown } | null | undefined;
  if (json === undefined || json === null || json.type !== 'recording')
    throw invalid(1, 'a recording: {"type":"recording","v":2,…}', row.slice(0, 80));
  if (json.v !== recordingVersion)
    throw invalid(1, `version ${recordingVersion} of the format, the one that this release reads: record it again`, json.v);
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
  // No text has more bytes than three for each of its code units.
  if (text.length * 3 <= maxBytes || bytesOf(text) <= maxBytes) return;
  let bytes = 0;
  let line = 1;
  for (const row of text.split('\n')) {
    bytes += bytesOf(row) + 1;
    if (bytes > maxBytes) break;
    line++;
  }
  throw invalid(line, `at most ${maxBytes} bytes up to here (\`maxBytes\`)`, bytesOf(text));
}

function problemOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return `what a recording holds (${issue?.path.join('.') || 'the line'}: ${issue?.message ?? ''})`;
}

function invalid(line: number, expected: string, got: unknown): EspalierError {
  return new EspalierError('recording/invalid-file', { expected: `line ${line}: ${expected}`, got });
}

function requireOptions(options: ParseOptions): ParseOptions {
  const known = ['maxBytes', 'allowUnfinished'];
  const stranger = Object.keys(options).find((key) => !known.includes(key));
  if (stranger !== undefined)
    throw new EspalierError('recording/invalid-options', {
      expected: `options of parseRecording() with the keys ${known.join(', ')}`,
      got: stranger,
    });
  return options;
}
