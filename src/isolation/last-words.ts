/**
 * What a process writes to its standard error, without what V8 says as it dies of a job's memory: of that the job's outcome tells.
 *
 * A job may write the same, of a process of its own, say. So what may be last words is held back until the process says more, which proves it alive, or has
 * ended otherwise than by an abort; then it is passed on.
 */

/** Two ways in which V8 begins; before the first it leaves a line. */
const beginning = /(?:^\n)?^(?:<--- Last few GCs --->|FATAL ERROR: .*(?:JavaScript heap|process) out of memory)/m;

/** How much is held back, bytes. V8 says less: who says more is not V8. */
const mostBytes = 65_536;

/** What one process writes, from its beginning to its end. */
export class LastWords {
  readonly #pass: (text: Uint8Array) => void;
  #held: Buffer[] = [];
  #heldBytes = 0;

  /** @param pass  is given what the process wrote, in order */
  constructor(pass: (text: Uint8Array) => void) {
    this.#pass = pass;
  }

  /** What it has written next. @param chunk  as it came */
  write(chunk: Buffer): void {
    if (this.#held.length > 0) return this.#hold(chunk);
    const at = chunk.toString('latin1').search(beginning);
    if (at !== 0) this.#pass(at < 0 ? chunk : chunk.subarray(0, at));
    if (at >= 0) this.#hold(chunk.subarray(at));
  }

  /** Does it look as if V8 were dying? */
  get isLast(): boolean {
    return this.#held.length > 0;
  }

  /** The process has ended, and all that it wrote is here. @param signal  that ended it; V8 aborts */
  ended(signal: string | null): void {
    if (signal !== 'SIGABRT') this.release();
  }

  /** Passes on what is held back: it was no last word. */
  release(): void {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const chunk of held) this.#pass(chunk);
  }

  #hold(chunk: Buffer): void {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > mostBytes) this.release();
  }
}
