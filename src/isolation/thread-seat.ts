/**
 * A thread of this process: a piscina with one thread, for one job at a time. Cheaper to begin than a process, and to be given much; but see
 * process-seat.ts for what it cannot hold.
 */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { Piscina } from 'piscina';
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

  constructor(pool: Piscina, events: SeatEvents) {
    this.#pool = pool;
    this.#events = events;
    // Without a listener, what a thread dies of between two jobs would be an uncaught exception. Its exit is told below.
    pool.on('error', () => {});
  }

  run({ module, name, input }: Task): void {
    const { port1, port2 } = new MessageChannel();
    let isCloned = true;
    const settle = (usedShare: number, isBusy = true): void => {
      const found = answerAt(port1);
      port1.close();
      if (this.#isEnding || this.#isGone) return;
      if (found !== undefined) this.#events.answered(found, usedShare, isBusy);
      else if (!isCloned) this.#events.uncloneable();
      // Else the thread is lost, and its exit says so.
    };
    this.#pool.run({ module, name, input, port: port2 }, { transferList: [port2 as never] }).then(
      (ended: { readonly usedShare: number; readonly isBusy: boolean } | null) => settle(ended?.usedShare ?? 1, ended?.isBusy),
      (fault: unknown) => {
        isCloned = (fault as { name?: unknown } | null)?.name !== 'DataCloneError';
        settle(1);
      },
    );
    if (!this.#isWatched) this.#watch();
  }

  /** The thread begins with the first job. */
  #watch(): void {
    const [thread] = this.#pool.threads;
    if (thread === undefined) return;
    this.#isWatched = true;
    thread.once('error', (fault: unknown) => (this.#code ??= (fault as { code?: string } | null)?.code ?? 'ERR'));
    // What piscina keeps for a thread that did not begin is let go of.
    thread.once('exit', (exitCode) => this.#destroy(this.#code ?? exitCode));
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

function answerAt(port: Parameters<typeof receiveMessageOnPort>[0]): Answer | undefined {
  return receiveMessageOnPort(port)?.message as Answer | undefined;
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
