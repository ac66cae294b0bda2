/**
 * Records what actors do, to be replayed as a test: give {@link Recorder.inspect} to any actor system, take {@link Recorder.recording} when it is over.
 *
 * It reads and never acts: whatever a value does when it is read, the app is not harmed. What it keeps is bounded; when the bound is reached the
 * recording stops there and says so. Lines are written at once, as text, so what the app changes later changes nothing here.
 */
import type { InspectionEvent } from 'xstate';

import { EspalierError } from '../../errors.js';
import { keyRule, secretKeys } from '../../recording/portable.js';
import { Reader } from '../../recording/reader.js';
import { isRedact, redactWords, shownRedact } from '../../recording/redact.js';
import { recordingVersion, type RecordedLine, type RecordingEnd, type RecordingHead } from '../../wire/recording/lines.js';

/** What {@link record} can be told. */
export interface RecordOptions {
  /** Ids of the machines to record in detail; others are participants only. Default: every machine. */
  readonly machines?: readonly string[];
  /** Most bytes of text. Default 16 MiB. What comes after is counted, not kept. */
  readonly maxBytes?: number;
  /**
   * Keys whose values are not recorded, wherever they stand. Default: keys that look like a password, an API key, a token of access. `false`: none;
   * then what the app holds is in the file. Without case; a flag that would mean something else is refused.
   */
  readonly redact?: RegExp | false;
}

/** A recording in the making. */
export interface Recorder {
  /** For `createActor(logic, { inspect })`, `orchestrator(…).start({ inspect })` or `actor.system.inspect(…)`. Never throws. */
  readonly inspect: (event: InspectionEvent) => void;
  /** The recording so far, as NDJSON; may be asked again. */
  recording(): string;
}

/** Most bytes that a recorder keeps unless told otherwise. */
export const defaultMaxBytes = 16 * 1024 * 1024;
/**
 * Begins a recording.
 * @throws EspalierError `testing/invalid-options`
 */
export function record(options: RecordOptions = {}): Recorder {
  requireOptions(options);
  const recorder = new ActorRecorder(options);
  return { inspect: (event) => recorder.inspect(event), recording: () => recorder.recording() };
}

class ActorRecorder {
  readonly #maxBytes: number;
  readonly #reader: Reader;
  readonly #lines: string[];
  #bytes: number;
  #cut: { readonly why: string; dropped: number } | null = null;

  constructor({ machines, maxBytes = defaultMaxBytes, redact = secretKeys }: RecordOptions) {
    this.#maxBytes = maxBytes;
    const secret = keyRule(redact);
    const tell = (line: RecordedLine): void => this.#keep(line);
    this.#reader = new Reader({ contexts: 'whole', machines: machines === undefined ? null : new Set(machines), secret, tell });
    const head: RecordingHead = { type: 'recording', v: recordingVersion, secret: secret?.source ?? null, contexts: 'whole' };
    this.#lines = [JSON.stringify(head)];
    this.#bytes = Buffer.byteLength(this.#lines[0] ?? '');
  }

  inspect(event: InspectionEvent): void {
    if (this.#cut !== null) {
      this.#cut.dropped++;
      return;
    }
    this.#attempt(() => this.#reader.take(event));
  }

  recording(): string {
    if (this.#cut === null) this.#attempt(() => this.#reader.findCrashes());
    const end: RecordingEnd = { type: 'end', lines: this.#lines.length - 1, cut: this.#cut };
    return `${this.#lines.join('\n')}\n${JSON.stringify(end)}\n`;
  }

  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#stop(`the recorder failed: ${String(error)}`);
    }
  }

  #stop(why: string): void {
    this.#cut ??= { why, dropped: 0 };
    this.#reader.forget();
  }

  #keep(line: RecordedLine): void {
    if (this.#cut !== null) {
      this.#cut.dropped++;
      return;
    }
    const text = JSON.stringify(line);
    const bytes = Buffer.byteLength(text) + 1;
    if (this.#bytes + bytes > this.#maxBytes) {
      this.#stop(`maxBytes (${this.#maxBytes}) is reached`);
      this.#keep(line);
      return;
    }
    this.#bytes += bytes;
    this.#lines.push(text);
  }
}

const optionKeys = ['machines', 'maxBytes', 'redact'];

function requireOptions(options: RecordOptions): void {
  const wrong = (expected: string, got: unknown): never => {
    throw new EspalierError('testing/invalid-options', { expected, got });
  };
  if (typeof options !== 'object' || options === null) wrong('the options of record() to be an object', options);
  const stranger = Object.keys(options).find((key) => !optionKeys.includes(key));
  if (stranger !== undefined) wrong(`options of record() with the keys ${optionKeys.join(', ')}`, stranger);
  const { machines = [], maxBytes = defaultMaxBytes, redact = false } = options;
  if (!Array.isArray(machines) || machines.some((id) => typeof id !== 'string')) wrong('`machines` to be a list of machine ids', machines);
  if (!Number.isInteger(maxBytes) || maxBytes < 1024) wrong('`maxBytes` to be a whole number of at least 1024', maxBytes);
  if (!isRedact(redact)) wrong(redactWords, shownRedact(redact));
}
