/** The time of one node: what its machine shows, and the timers that a process on it has set. */
import type { Clock } from '../../supervision/clock.js';
import { keepApart } from '../../supervision/wheels.js';
import type { VirtualClock } from '../virtual-clock.js';

/** 2026-01-01, ms since epoch: what every wall clock shows when a network begins. */
const wallStart = 1_767_225_600_000;

/** The clock of a machine: it outlives the processes on it, may go fast or slow, and may jump. */
export class MachineTime {
  readonly #base: VirtualClock;
  #baseAt: number;
  #at = 0;
  #rate = 1;
  #wallOffset = 0;

  constructor(base: VirtualClock) {
    this.#base = base;
    this.#baseAt = base.now();
  }

  /** Ms since the machine was made, as it counts them. Never goes back. */
  now(): number {
    return this.#at + (this.#base.now() - this.#baseAt) * this.#rate;
  }

  /** Ms since epoch, as people have set it. May go back. */
  wallNow(): number {
    return wallStart + this.now() + this.#wallOffset;
  }

  get rate(): number {
    return this.#rate;
  }

  set rate(rate: number) {
    this.#anchor(0);
    this.#rate = rate;
  }

  /** Jumps ahead, as after a machine that was suspended. */
  jump(byMs: number): void {
    this.#anchor(byMs);
  }

  /** Sets the wall clock, ahead or back. */
  jumpWall(byMs: number): void {
    this.#wallOffset += byMs;
  }

  #anchor(byMs: number): void {
    this.#at = this.now() + byMs;
    this.#baseAt = this.#base.now();
  }
}

/** A timer whose moment has come. */
export interface DueTimer {
  readonly ms: number;
  /** False once it was taken back: a process may do so before it fires, or before it goes on. */
  isSet(): boolean;
  fire(): void;
}

interface NodeTimer {
  /** Ms of the node's clock. */
  readonly dueAt: number;
  readonly ms: number;
  readonly fn: () => void;
  beneath: unknown;
}

/**
 * The monotonic clock of one process: 0 when it starts, like `performance.now()`, so that no moment of it means anything to the process after a crash. Its
 * timers end with it.
 */
export class NodeClock implements Clock {
  readonly #base: VirtualClock;
  readonly #time: MachineTime;
  readonly #startedAt: number;
  readonly #due: (timer: DueTimer) => void;
  readonly #waiting = new Set<NodeTimer>();
  #latest = 0;
  #hasEnded = false;

  /** @param due  is told of each timer whose moment has come, and has it fire once the process runs */
  constructor(base: VirtualClock, time: MachineTime, due: (timer: DueTimer) => void) {
    this.#base = base;
    this.#time = time;
    this.#startedAt = time.now();
    this.#due = due;
    keepApart(this);
  }

  now(): number {
    this.#latest = Math.max(this.#latest, this.#time.now() - this.#startedAt);
    return this.#latest;
  }

  setTimeout(fn: () => void, ms: number): unknown {
    const timer: NodeTimer = { dueAt: this.now() + Math.max(0, ms), ms, fn, beneath: undefined };
    if (this.#hasEnded) return timer;
    this.#waiting.add(timer);
    this.#arm(timer);
    return timer;
  }

  clearTimeout(id: unknown): void {
    const timer = id as NodeTimer | undefined;
    if (timer !== undefined && this.#waiting.delete(timer)) this.#base.clearTimeout(timer.beneath);
  }

  /** How many timers wait. */
  pending(): number {
    return this.#waiting.size;
  }

  /** Sets all timers anew, after the machine's time has jumped or goes at another rate. */
  rearm(): void {
    for (const timer of [...this.#waiting].sort((a, b) => a.dueAt - b.dueAt)) {
      this.#base.clearTimeout(timer.beneath);
      this.#arm(timer);
    }
  }

  /** The process is gone: nothing fires any more. */
  end(): void {
    for (const { beneath } of this.#waiting) this.#base.clearTimeout(beneath);
    this.#waiting.clear();
    this.#hasEnded = true;
  }

  #arm(timer: NodeTimer): void {
    timer.beneath = this.#base.setTimeout(
      () => {
        // At a rate other than 1 the machine's time may be a rounding short of it; who waits until a moment must find that it has come.
        this.#latest = Math.max(this.#latest, timer.dueAt);
        this.#due({
          ms: timer.ms,
          isSet: () => this.#waiting.has(timer),
          fire: () => {
            if (this.#waiting.delete(timer)) timer.fn();
          },
        });
      },
      Math.max(0, timer.dueAt - this.now()) / this.#time.rate,
    );
  }
}
