/** The end from outside: Ctrl-C, SIGTERM, a reader of our output that went away. The first asks for an orderly end, the second does not wait. */
import { systemClock, type Clock } from '../supervision/clock.js';

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;
/** What a shell says of a program whose reader has gone (SIGPIPE). */
const readerGone = 141;
/** Within this, a second SIGINT is the same key press, ms: npm passes on what the terminal has sent us already. */
const samePressMs = 150;

export class Interruption {
  readonly #controller = new AbortController();
  readonly #process: NodeJS.Process;
  readonly #clock: Clock;
  #exitCode: number | null = null;
  #at = 0;

  constructor(process: NodeJS.Process, clock: Clock = systemClock) {
    this.#process = process;
    this.#clock = clock;
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, this.#signalled);
    // Without a listener an error of the stream would end the process, and orphan the tree.
    process.stdout.on('error', this.#readerGone);
  }

  /** Aborts at the first. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What the process is to exit with; null while nobody has interrupted it. */
  get exitCode(): number | null {
    return this.#exitCode;
  }

  /** Leaves the signals to the runtime again. */
  release(): void {
    for (const name of ['SIGINT', 'SIGTERM'] as const) this.#process.off(name, this.#signalled);
  }

  readonly #signalled = (name: keyof typeof exitCodes): void => {
    const at = this.#clock.now();
    if (this.#exitCode === null) this.#interrupt(exitCodes[name], at);
    else if (at - this.#at >= samePressMs) this.#process.exit(exitCodes[name]);
  };

  readonly #readerGone = (): void => {
    if (this.#exitCode === null) this.#interrupt(readerGone, this.#clock.now());
  };

  #interrupt(exitCode: number, at: number): void {
    this.#exitCode = exitCode;
    this.#at = at;
    this.#controller.abort();
  }
}
