/**
 * A recording, written to a file as it happens. What a killed process leaves can be opened: all but the last lines are there, and the rest is known to
 * be missing.
 */
import { createWriteStream, type WriteStream } from 'node:fs';

import type { RecordedGap, RecordedLine, RecordingEnd } from '../wire/recording/lines.js';
import { requireCount, requireKeys, wrong } from './options.js';
import type { Recorder, Subscription } from './recorder.js';

export interface FileOptions {
  /** Most bytes. Default 256 MiB. A file that is full is ended, and says so in its last line. */
  readonly maxBytes?: number;
}

/** What became of a file. */
export type FileOutcome =
  /** `cut`: why it stops before the app did; null: it was stopped. */
  | { readonly ok: true; readonly bytes: number; readonly lines: number; readonly cut: string | null }
  | { readonly ok: false; readonly reason: unknown };

/** A file in the making. */
export interface FileSink {
  readonly path: string;
  /** Written so far, or on its way. */
  readonly bytes: number;
  /** Settles when the file is closed, whoever ended it. Never rejects. */
  readonly ended: Promise<FileOutcome>;
  /** Ends the recording, and settles when all of it is written. Never rejects; may be called again. */
  stop(): Promise<FileOutcome>;
}

const defaultMaxBytes = 256 * 1024 * 1024;
/** For the last line: a file never grows beyond its bound by more. */
const roomForEnd = 200;
/** Text that is handed on at once, in the midst of a long turn. */
const mostPending = 256 * 1024;
/** What may wait for a slow disk, bytes. Beyond it lines are left out, until it has caught up. */
const mostWaiting = 8 * 1024 * 1024;

/** @throws EspalierError `inspector/invalid-options` */
export function fileSink(recorder: Recorder, path: string, options: FileOptions): FileSink {
  if (typeof path !== 'string' || path === '') throw wrong('the path of a file', path);
  requireKeys(options, ['maxBytes'], 'the options of toFile()');
  const { maxBytes = defaultMaxBytes } = options;
  requireCount('maxBytes', maxBytes, 65_536);
  return new RecordingFile(recorder, path, maxBytes);
}

class RecordingFile implements FileSink {
  readonly path: string;
  readonly ended: Promise<FileOutcome>;
  readonly #recorder: Recorder;
  readonly #maxBytes: number;
  readonly #stream: WriteStream;
  readonly #subscription: Subscription;
  #settle: (outcome: FileOutcome) => void = () => undefined;
  #bytes = 0;
  #lines = 0;
  #seq: number | undefined;
  #pending = '';
  #isFlushing = false;
  #isBehind = false;
  #state: 'open' | 'ending' | 'closed' = 'open';

  constructor(recorder: Recorder, path: string, maxBytes: number) {
    this.path = path;
    this.#recorder = recorder;
    this.#maxBytes = maxBytes;
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#stream = createWriteStream(path);
    this.#stream.on('error', (reason) => this.#close({ ok: false, reason }));
    this.#stream.on('drain', () => this.#catchUp());
    this.#write(JSON.stringify(recorder.head));
    this.#subscription = recorder.subscribe({ lines: (lines) => this.#take(lines) });
    // It may be full already.
    if (this.#state !== 'open') this.#subscription.dispose();
  }

  get bytes(): number {
    return this.#bytes;
  }

  stop(): Promise<FileOutcome> {
    this.#end(null);
    return this.ended;
  }

  #take(lines: readonly RecordedLine[]): void {
    if (this.#state !== 'open' || this.#isBehind) return;
    for (const line of lines) {
      const text = JSON.stringify(line);
      if (this.#bytes + Buffer.byteLength(text) + roomForEnd > this.#maxBytes) {
        this.#end(`maxBytes (${this.#maxBytes}) is reached`);
        return;
      }
      this.#lines++;
      this.#seq = line.seq;
      this.#write(text);
    }
  }

  #write(text: string): void {
    const row = `${text}\n`;
    this.#bytes += Buffer.byteLength(row);
    this.#pending += row;
    if (this.#pending.length >= mostPending) this.#flush();
    else if (!this.#isFlushing) {
      this.#isFlushing = true;
      queueMicrotask(() => {
        this.#isFlushing = false;
        this.#flush();
      });
    }
  }

  #flush(): void {
    if (this.#pending === '' || this.#state === 'closed') return;
    const text = this.#pending;
    this.#pending = '';
    this.#stream.write(text);
    if (this.#state === 'open' && this.#stream.writableLength > mostWaiting) this.#isBehind = true;
  }

  /** The disk has caught up: what was left out is said, and all that there is now is told anew. */
  #catchUp(): void {
    if (!this.#isBehind || this.#state !== 'open') return;
    this.#isBehind = false;
    const frame = this.#recorder.keyframe();
    const [first] = frame;
    if (first === undefined) return;
    const gap: RecordedGap = {
      type: '@espalier.dropped',
      seq: first.seq,
      at: first.at,
      count: first.seq - (this.#seq ?? first.seq),
      why: 'the disk was too slow',
    };
    this.#take([gap, ...frame]);
  }

  #end(cut: string | null): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    // Undefined where it is full before it has begun.
    (this.#subscription as Subscription | undefined)?.dispose();
    const end: RecordingEnd = { type: 'end', lines: this.#lines, cut: cut === null ? null : { why: cut, dropped: 0 } };
    this.#write(JSON.stringify(end));
    this.#flush();
    this.#stream.end(() => this.#close({ ok: true, bytes: this.#bytes, lines: this.#lines, cut }));
  }

  #close(outcome: FileOutcome): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#pending = '';
    (this.#subscription as Subscription | undefined)?.dispose();
    this.#settle(outcome);
  }
}
