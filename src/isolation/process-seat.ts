/**
 * A thread in a process of its own.
 *
 * V8 ends a thread that meets its ceiling, and a whole process whose thread asks for far more than that at once, as a growing array does: so a ceiling that
 * holds needs a process. What is held by the app, its timers and its deadlines, is not held by this: it keeps no process alive.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { deserialize } from 'node:v8';
import { lostResult } from './carried.js';
import { LastWords } from './last-words.js';
import type { Answer, Loss, OpenSeat, Seat, SeatEvents, Task } from './seat.js';
import { outOfMemory } from './seat.js';

const program = new URL('./in-process.js', import.meta.url);

type Word =
  | { readonly ready: true }
  /** An {@link Answer}, in bytes. */
  | { readonly answer: Uint8Array }
  | { readonly usedShare: number; readonly isBusy: boolean }
  /** Its thread has ended: by this code. */
  | { readonly lost: string | number };

class ProcessSeat implements Seat {
  readonly #child: ChildProcess;
  readonly #events: SeatEvents;
  readonly #said = new LastWords((text) => process.stderr.write(text));
  #lost: string | number | null = null;
  #waiting: Task | null = null;
  #isReady = false;
  #isEnding = false;
  #isGone = false;

  constructor(args: readonly string[], events: SeatEvents) {
    this.#events = events;
    const child = fork(fileURLToPath(program), [...args], {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      detached: false,
    });
    this.#child = child;
    child.unref();
    child.channel?.unref();
    const { stderr } = child;
    (stderr as unknown as { unref(): void } | null)?.unref();
    stderr?.on('data', (chunk: Buffer) => this.#said.write(chunk));
    child.on('message', (word) => this.#hear(word as Word));
    child.once('exit', (code, signal) => void this.#heardOut().then(() => this.#leave(code, signal)));
    // After its exit, and all that it wrote.
    child.once('close', (_, signal) => this.#said.ended(signal));
    // It could not be spawned, or what was sent did not arrive: of the latter its end tells.
    child.on('error', (fault) => {
      if (child.pid === undefined) this.#leave(null, (fault as { code?: string }).code ?? 'ERR');
    });
  }

  run(task: Task): void {
    if (!this.#isReady) {
      this.#waiting = task;
      return;
    }
    try {
      this.#child.send(task);
    } catch {
      this.#events.uncloneable();
    }
  }

  end(): void {
    this.#isEnding = true;
    this.#child.kill('SIGKILL');
  }

  #hear(word: Word): void {
    this.#said.release();
    if (this.#isEnding) return;
    if ('answer' in word) this.#events.answered(readAnswer(word.answer));
    else if ('isBusy' in word) this.#events.freed(word.usedShare, word.isBusy);
    else if ('lost' in word) {
      this.#lost = word.lost;
      this.#child.kill('SIGKILL');
    } else {
      this.#isReady = true;
      const task = this.#waiting;
      this.#waiting = null;
      if (task !== null) this.run(task);
    }
  }

  /**
   * Its end may be told before its last words. They are all written by then, and a whole turn of the event loop reads them; `close` may come never, where a
   * process that a job has begun holds its standard error.
   */
  async #heardOut(): Promise<void> {
    for (let turns = 0; turns < 2; turns++) await new Promise((resolve) => setImmediate(resolve));
  }

  #leave(exitCode: number | null, signal: string | null): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#events.gone(this.#isEnding ? null : this.#lossOf(this.#lost ?? signal ?? exitCode));
  }

  #lossOf(code: string | number | null): Loss {
    if (!this.#isReady) return { cause: 'unstartable', code };
    // V8 aborts a process that is out of memory, and says so. So may native code, or a job, for reasons of their own.
    if (code === outOfMemory || (code === 'SIGABRT' && this.#said.isLast)) return { cause: 'outOfMemory', code };
    return { cause: typeof code === 'number' ? 'exited' : 'crashed', code };
  }
}

/** Who could write it may have had more of a stack than there is here. */
function readAnswer(bytes: Uint8Array): Answer {
  try {
    return deserialize(bytes) as Answer;
  } catch (fault) {
    return lostResult(fault);
  }
}

export const processSeat: OpenSeat = ({ heapMb, processMb }, events) => new ProcessSeat([String(heapMb), String(processMb)], events);
