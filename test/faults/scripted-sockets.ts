/** WebSockets in memory and on virtual time: each does what its script says, step by step, and can be cut at any moment. */
import type { JsonObject } from '../../machines/live/calls.js';
import type { ClientSocket, OpenSocket, SocketListener } from '../../src/live/socket.js';
import type { VirtualClock } from '../../src/testing/virtual-clock.js';

/** What a socket does by itself, in order, each `stepMs` after the last: it is open, says something, is cut; a number is a longer pause, ms. */
export type SocketScript = readonly ('open' | 'cut' | number | JsonObject)[];

/** Between two steps, and until a close is answered, ms. */
const stepMs = 5;

/** See above: `openSocket` stands where a session's option does. Each socket has the next script, and none beyond the last opens. */
export class ScriptedSockets {
  readonly #clock: VirtualClock;
  readonly #scripts: readonly SocketScript[];
  readonly #lines = new Set<Line>();
  #count = 0;

  constructor(clock: VirtualClock, scripts: readonly SocketScript[]) {
    this.#clock = clock;
    this.#scripts = scripts;
  }

  get openCount(): number {
    return this.#lines.size;
  }

  /** Cuts every socket. */
  drop(): void {
    for (const line of this.#lines) line.end(1006);
  }

  readonly openSocket: OpenSocket = (_, listener) => {
    const line = new Line(this.#clock, this.#scripts[this.#count++] ?? [], listener, () => this.#lines.delete(line));
    this.#lines.add(line);
    line.goOn();
    return line;
  };
}

class Line implements ClientSocket {
  readonly #clock: VirtualClock;
  readonly #listener: SocketListener;
  readonly #ended: () => void;
  readonly #left: SocketScript[number][];
  #timer: unknown;
  #isOver = false;

  constructor(clock: VirtualClock, script: SocketScript, listener: SocketListener, ended: () => void) {
    this.#clock = clock;
    this.#left = [...script];
    this.#listener = listener;
    this.#ended = ended;
  }

  goOn(): void {
    const [next] = this.#left;
    if (this.#isOver || next === undefined) return;
    this.#timer = this.#clock.setTimeout(() => this.#act(), typeof next === 'number' ? next : stepMs);
  }

  send(_: string, written: (ok: boolean) => void): void {
    written(!this.#isOver);
  }

  bufferedAmount(): number {
    return 0;
  }

  pause(): boolean {
    return false;
  }

  resume(): void {
    // It was never paused.
  }

  close(): void {
    if (this.#isOver) return;
    this.#clock.clearTimeout(this.#timer);
    this.#left.length = 0;
    this.#timer = this.#clock.setTimeout(() => this.end(1000), stepMs);
  }

  terminate(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#clock.clearTimeout(this.#timer);
    this.#ended();
  }

  end(code: number): void {
    if (this.#isOver) return;
    this.terminate();
    this.#listener.closed(code, '');
  }

  #act(): void {
    const step = this.#left.shift();
    if (step === 'cut') return this.end(1006);
    if (step === 'open') this.#listener.opened();
    else if (typeof step === 'object') this.#listener.frame(JSON.stringify(step));
    return this.goOn();
  }
}
