/** The virtual clock of one world: it knows who set each timer, can leave the timers of one moment to be chosen among, and can jump. */
import { keepApart } from '../../supervision/wheels.js';
import { VirtualClock } from '../virtual-clock.js';
import { unnoted } from './ledger.js';
import { originHere, type Origin } from './origin.js';

/** A timer of a world that waits. */
export interface WorldTimer {
  /** 1 for the first timer ever set in this world. */
  readonly number: number;
  /** Ms of the world's clock. */
  readonly dueAt: number;
  /** What the world itself set it for; undefined for a timer of the program under test. */
  readonly label: string | undefined;
  readonly origin: Origin;
  readonly fn: () => void;
  /** The timer beneath. */
  beneath: unknown;
}

/** A {@link VirtualClock} under the hand of a world's scheduler. */
export class WorldClock extends VirtualClock {
  readonly #waiting = new Set<WorldTimer>();
  /** Those whose moment has come and that have not fired, oldest moment first. */
  #due: WorldTimer[] = [];
  #holds = false;
  /** Set while the scheduler runs a step: what a jump makes due is then left to be chosen among. */
  isStepped = false;
  #count = 0;
  readonly #fired: (timer: WorldTimer, fn: () => void) => void;

  /** @param fired  runs each timer's function, and may say so aloud */
  constructor(fired: (timer: WorldTimer, fn: () => void) => void) {
    super();
    keepApart(this);
    this.#fired = fired;
  }

  override setTimeout(fn: () => void, ms: number): WorldTimer {
    return this.set(fn, ms);
  }

  /** Sets a timer; with a label it is the world's own. */
  set(fn: () => void, ms: number, label?: string): WorldTimer {
    const timer: WorldTimer = { number: ++this.#count, dueAt: this.now() + Math.max(0, ms), label, origin: originHere(), fn, beneath: undefined };
    timer.beneath = super.setTimeout(() => {
      if (this.#holds) this.#due.push(timer);
      else this.fire(timer);
    }, ms);
    this.#waiting.add(timer);
    return timer;
  }

  override clearTimeout(id: unknown): void {
    const timer = id as WorldTimer | undefined;
    if (timer === undefined || !this.#waiting.delete(timer)) return;
    super.clearTimeout(timer.beneath);
    this.#due = this.#due.filter((other) => other !== timer);
  }

  override pending(): number {
    return this.#waiting.size;
  }

  override advanceTo(ms: number): void {
    this.fireDue();
    super.advanceTo(ms);
  }

  override flush(): Promise<void> {
    return unnoted(() => super.flush());
  }

  override async advanceToAsync(ms: number): Promise<void> {
    while (this.#due[0] !== undefined) {
      this.fire(this.#due[0]);
      await this.flush();
    }
    await super.advanceToAsync(ms);
  }

  /** All timers that wait, in the order in which they were set. */
  waiting(): readonly WorldTimer[] {
    return [...this.#waiting];
  }

  /** The timers whose moment has come. */
  due(): readonly WorldTimer[] {
    return this.#due;
  }

  /** Moves to `ms` (absolute) without firing: what is due by then waits to be fired, late. */
  reach(ms: number): void {
    this.#holds = true;
    super.advanceTo(ms);
    this.#holds = false;
  }

  /** Jumps ahead; what came due meanwhile fires late, in its order. */
  jump(ms: number): void {
    this.reach(this.now() + ms);
    if (!this.isStepped) this.fireDue();
  }

  fire(timer: WorldTimer): void {
    this.#due = this.#due.filter((other) => other !== timer);
    if (this.#waiting.delete(timer)) this.#fired(timer, timer.fn);
  }

  fireDue(): void {
    while (this.#due[0] !== undefined) this.fire(this.#due[0]);
  }
}
