/**
 * A thread of this process: a piscina with one thread, for one job at a time. Cheaper to begin than a process, and to be given much; but see
 * process-seat.ts for what it cannot hold.
 */
import { MessageChannel } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import { answerAt, lostResult } from './carried.js';
import type { Answer, Loss, OpenSeat, Seat, SeatEvents, Task } from './seat.js';
import { outOfMemory } from './seat.js';

const program = new URL('./in-thread.js', import.meta.url);

class ThreadSeat implements Seat {
  readonly #pool: Piscina;
  readonly #events: SeatEvents;
  #code: string | number | null = null;
  #isWatched = false;
  #isEnding = false;
  #isGone = false;
  /** Takes the answer of the job that it has, if there is one. */
  #take = (): void => {};

  constructor(pool: Piscina, events: SeatEvents) {
    this.#pool = pool;
    this.#events = events;
    // Without a listener, what a thread dies of between two jobs would be an uncaught exception. Its exit is told below.
    pool.on('error', () => {});
  }

  run({ module, name, input }: Task): void {
    const { port1, port2 } = new MessageChannel();
    let isTold = false;
    const tell = (answer: Answer): void => {
      if (isTold) return;
      isTold = true;
      port1.close();
      if (this.#isServing) this.#events.answered(answer);
    };
    this.#take = () => {
      const answer = isTold ? undefined : answerAt(port1);
      if (answer !== undefined) tell(answer);
    };
    const take = this.#take;
    port1.once('message', tell).once('messageerror', (fault) => tell(lostResult(fault)));
    // What is held by the app is not held by this.
    port1.unref();
    this.#pool.run({ module, name, input, port: port2 }, { transferList: [port2 as never] }).then(
      (left: { readonly usedShare: number; readonly isBusy: boolean } | null) => {
        take();
        // Of a thread that threw null there is nothing: it is lost, and its exit says so.
        if (isTold && left !== null && this.#isServing) this.#events.freed(left.usedShare, left.isBusy);
      },
      (fault: unknown) => {
        if ((fault as { name?: unknown } | null)?.name !== 'DataCloneError') return take();
        port1.close();
        if (this.#isServing) this.#events.uncloneable();
      },
    );
    if (!this.#isWatched) this.#watch();
  }

  get #isServing(): boolean {
    return !this.#isEnding && !this.#isGone;
  }

  /** The thread begins with the first job. */
  #watch(): void {
    const [thread] = this.#pool.threads;
    if (thread === undefined) return;
    this.#isWatched = true;
    thread.once('error', (fault: unknown) => (this.#code ??= (fault as { code?: string } | null)?.code ?? 'ERR'));
    // What piscina keeps for a thread that did not begin is let go of.
    thread.once('exit', (exitCode) => {
      // Node may tell a thread's fault and its exit in one go, before any message: an answer that came in time is an answer.
      this.#take();
      this.#destroy(this.#code ?? exitCode);
    });
  }

  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#destroy(null);
  }

  #destroy(code: string | number | null): void {
    const gone = (): void => {
      if (this.#isGone) return;
      this.#isGone = true;
      this.#events.gone(this.#isEnding ? null : lossOf(code));
    };
    // Settles when the thread has exited.
    this.#pool.destroy().then(gone, gone);
  }
}

function lossOf(code: string | number | null): Loss {
  if (code === outOfMemory) return { cause: 'outOfMemory', code };
  return { cause: typeof code === 'number' ? 'exited' : 'crashed', code };
}

/** @param piscina  the package, which a user may not have */
export function threadSeat(piscina: typeof Piscina): OpenSeat {
  return ({ heapMb }, events) => {
    const pool = new piscina({
      filename: program.href,
      name: 'runJob',
      ...{ minThreads: 0, maxThreads: 1, idleTimeout: Infinity, recordTiming: false },
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    });
    return new ThreadSeat(pool, events);
  };
}
