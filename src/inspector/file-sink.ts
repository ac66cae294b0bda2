/**
 * A recording, written to a file as it happens. What a killed process leaves can be opened: all but the last lines are there, and the rest is known to
 * be missing. One that exits, or dies of an exception, leaves those, too.
 */
import { createWriteStream, fchmodSync, fstatSync, writeSync, type WriteStream } from 'node:fs';

import { mostFileBytes, type RecordedGap, type RecordedLine, type RecordingEnd } from '../wire/recording/lines.js';
import { requireCount, requireKeys, wrong } from './options.js';
import type { Recorder, Subscription } from './recorder.js';

export interface FileOptions {
  /** Most bytes. Default 256 MiB, which is what is read by default. A file that is full is ended, and says so in its last line. */
  readonly maxBytes?: number;
}

/** What became of a file. */
export type FileOutcome =
  /** `cut`: why it stops before the app did, or before it was stopped; null: it is whole. `dropped`: how many lines were left out at its end. */
  | { readonly ok: true; readonly bytes: number; readonly lines: number; readonly cut: string | null; readonly dropped: number }
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

const tooSlow = 'the disk was too slow';
/** For the last line: a file never grows beyond its bound by more. */
const roomForEnd = 200;
/** Text that is handed on at once, in the midst of a long turn. */
const mostPending = 256 * 1024;
/** What may wait for a slow disk, bytes. Beyond it lines are left out, until it has caught up. */
const mostWaiting = 8 * 1024 * 1024;

/** Files that are not closed yet; while there is one, the exit of the process is listened to. */
const unclosed = new Set<RecordingFile>();

function writeAllNow(): void {
  for (const file of unclosed) file.writeNow();
}

/** @throws EspalierError `inspector/invalid-options` */
export function fileSink(recorder: Recorder, path: string, options: FileOptions): FileSink {
  if (typeof path !== 'string' || path === '') throw wrong('the path of a file', path);
  requireKeys(options, ['maxBytes'], 'the options of toFile()');
  const { maxBytes = mostFileBytes } = options;
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
  /** What the stream has, and has not written yet. */
  readonly #underWay: Buffer[] = [];
  /** Where the first of these belongs in the file. */
  #written = 0;
  #isFlushing = false;
  #isBehind = false;
  /** Was anything left out since it fell behind? */
  #hasLeftOut = false;
  #state: 'open' | 'ending' | 'closed' = 'open';

  constructor(recorder: Recorder, path: string, maxBytes: number) {
    this.path = path;
    this.#recorder = recorder;
    this.#maxBytes = maxBytes;
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
    // What is in a recording is for who has made it.
    this.#stream = createWriteStream(path, { mode: 0o600 });
    this.#stream.on('open', forOwnerOnly);
    if (unclosed.size === 0) process.on('exit', writeAllNow);
    unclosed.add(this);
    this.#stream.on('error', (reason) => this.#close({ ok: false, reason }));
    this.#stream.on('drain', () => this.#catchUp());
    this.#write(rowOf(recorder.head));
    this.#subscription = recorder.subscribe({ lines: (lines) => this.#take(lines) });
    // It may be full already.
    if (this.#state !== 'open') this.#subscription.dispose();
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Writes what waits, at once: the process exits. What is being written meanwhile is written a second time, the same bytes at the same place. Never throws; what
   * cannot be written so (the file is not open yet, it is a pipe, the disk is full) is missing.
   */
  writeNow(): void {
    // Of a stream whose file is not open it is null.
    const { fd } = this.#stream as { fd?: number | null };
    if (this.#state === 'closed' || typeof fd !== 'number') return;
    const rest = Buffer.concat([...this.#underWay, Buffer.from(this.#pending)]);
    try {
      for (let done = 0; done < rest.length; ) done += writeSync(fd, rest, done, rest.length - done, this.#written + done);
    } catch {
      // Nobody is left to be told.
    }
  }

  stop(): Promise<FileOutcome> {
    this.#end(null);
    return this.ended;
  }

  #take(lines: readonly RecordedLine[]): void {
    if (this.#state !== 'open') return;
    if (this.#isBehind) {
      this.#hasLeftOut = true;
      return;
    }
    // All of them or none: a file that ends within a keyframe cannot be opened.
    const rows = lines.map(rowOf);
    const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
    if (this.#bytes + bytes + roomForEnd > this.#maxBytes) {
      this.#end(`maxBytes (${this.#maxBytes}) is reached`);
      return;
    }
    this.#lines += lines.length;
    this.#seq = lines.at(-1)?.seq ?? this.#seq;
    for (const row of rows) this.#write(row);
  }

  #write({ text, bytes }: Row): void {
    this.#bytes += bytes;
    this.#pending += text;
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
    const chunk = Buffer.from(text);
    this.#underWay.push(chunk);
    this.#stream.write(chunk, (fault) => {
      // In their order, each of them once.
      if (!fault) this.#written += this.#underWay.shift()?.length ?? 0;
    });
    if (this.#state === 'open' && this.#stream.writableLength > mostWaiting) this.#isBehind = true;
  }

  /** The disk has caught up: what was left out is said, and all that there is now is told anew. */
  #catchUp(): void {
    if (!this.#isBehind || this.#state !== 'open') return;
    this.#isBehind = false;
    if (!this.#hasLeftOut) return;
    this.#hasLeftOut = false;
    const frame = this.#recorder.keyframe();
    const [first] = frame;
    if (first === undefined) return;
    const gap: RecordedGap = {
      type: '@espalier.dropped',
      seq: first.seq,
      at: first.at,
      count: first.seq - (this.#seq ?? first.seq),
      why: tooSlow,
    };
    this.#take([gap, ...frame]);
  }

  #end(why: string | null): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    // Undefined where it is full before it has begun.
    (this.#subscription as Subscription | undefined)?.dispose();
    const cut = why ?? (this.#hasLeftOut ? tooSlow : null);
    const { seq } = this.#recorder;
    const dropped = cut === null ? 0 : seq - (this.#seq ?? seq);
    const end: RecordingEnd = { type: 'end', lines: this.#lines, cut: cut === null ? null : { why: cut, dropped } };
    this.#write(rowOf(end));
    this.#flush();
    // Not by the callback of `end`: that is called for a file that could not be written, too, and before its error.
    this.#stream.once('close', () => this.#close({ ok: true, bytes: this.#bytes, lines: this.#lines, cut, dropped }));
    this.#stream.end();
  }

  #close(outcome: FileOutcome): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    unclosed.delete(this);
    if (unclosed.size === 0) process.off('exit', writeAllNow);
    this.#pending = '';
    (this.#subscription as Subscription | undefined)?.dispose();
    this.#settle(outcome);
  }
}

/** Also where the file was there before, and others could read it; as far as the file system has modes. A device stays as it is. */
function forOwnerOnly(fd: number): void {
  try {
    const stat = fstatSync(fd);
    if (stat.isFile() && (stat.mode & 0o077) !== 0) fchmodSync(fd, 0o600);
  } catch {
    // It is somebody else's, or there are no modes.
  }
}

interface Row {
  /** With its end. */
  readonly text: string;
  readonly bytes: number;
}

function rowOf(line: object): Row {
  const text = `${JSON.stringify(line)}\n`;
  return { text, bytes: Buffer.byteLength(text) };
}
