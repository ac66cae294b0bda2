/** Events that wait: those of actors that hang or are slow, and those put behind the next of their channel. */
import type { AnyActorRef } from 'xstate';

import { hasStopped } from '../../supervision/xstate-internals.js';
import type { Passage } from './faults.js';
import type { Paths } from './paths.js';
import type { Trace } from './trace.js';
import type { WorldClock, WorldTimer } from './world-clock.js';

interface Hang {
  readonly waiting: Passage[];
  readonly timer: WorldTimer | undefined;
}

/** An actor to which everything comes late; kept until what it delayed has arrived, so that the order stays. */
interface Slowness {
  byMs: number;
  untilMs: number;
  lastAt: number;
  readonly waiting: { readonly passage: Passage; readonly timer: WorldTimer }[];
}

interface Behind {
  readonly passage: Passage;
  readonly timer: WorldTimer;
}

interface Deps {
  readonly clock: WorldClock;
  readonly paths: Paths;
  readonly trace: Trace;
}

/** All events of one world that wait because of a fault. */
export class Holds {
  readonly #deps: Deps;
  readonly #hanging = new Map<AnyActorRef, Hang>();
  readonly #slow = new Map<AnyActorRef, Slowness>();
  readonly #behind = new Map<string, Behind[]>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get isIdle(): boolean {
    return this.#hanging.size === 0 && this.#slow.size === 0 && this.#behind.size === 0;
  }

  /** Takes an event if it has to wait. */
  holds(passage: Passage): boolean {
    const { source, target } = passage;
    const hang = this.#hanging.get(target) ?? (source === undefined ? undefined : this.#hanging.get(source));
    if (hang !== undefined) {
      hang.waiting.push(passage);
      return true;
    }
    const slowness = this.#slow.get(target);
    if (slowness === undefined) return false;
    const { clock } = this.#deps;
    const isOver = clock.now() >= slowness.untilMs;
    if (isOver && slowness.waiting.length === 0) {
      this.#slow.delete(target);
      return false;
    }
    slowness.lastAt = Math.max(slowness.lastAt, clock.now() + (isOver ? 0 : slowness.byMs));
    const next = (): void => {
      const first = slowness.waiting.shift();
      if (first !== undefined) this.#deliver(first.passage);
    };
    slowness.waiting.push({ passage, timer: clock.set(next, slowness.lastAt - clock.now(), `slow ${this.#deps.paths.of(target)}`) });
    return true;
  }

  hang(actor: AnyActorRef, forMs: number | undefined): void {
    if (this.#hanging.has(actor)) return;
    const { clock, paths } = this.#deps;
    const timer = forMs === undefined ? undefined : clock.set(() => this.#wake(actor), forMs, `hang ${paths.of(actor)}`);
    this.#hanging.set(actor, { waiting: [], timer });
  }

  slow(actor: AnyActorRef, byMs: number, forMs = Infinity): void {
    const untilMs = this.#deps.clock.now() + forMs;
    const known = this.#slow.get(actor);
    if (known === undefined) this.#slow.set(actor, { byMs, untilMs, lastAt: 0, waiting: [] });
    else Object.assign(known, { byMs, untilMs });
  }

  /** Lets the next event of its channel pass before it. */
  putBehind(passage: Passage, withinMs: number): void {
    const key = this.#channelOf(passage);
    const behind = this.#behind.get(key) ?? [];
    this.#behind.set(key, behind);
    const timer = this.#deps.clock.set(() => this.#release(key), withinMs, `reorder ${key}`);
    behind.push({ passage, timer });
  }

  /** An event of this channel has been delivered: what waited behind it comes now. */
  releaseBehind(passage: Passage): void {
    if (this.#behind.size > 0) this.#release(this.#channelOf(passage));
  }

  /** Delivers everything that waits. */
  lift(): void {
    for (const actor of [...this.#hanging.keys()]) this.#wake(actor);
    for (const { waiting } of this.#slow.values()) {
      for (const { timer } of waiting) this.#deps.clock.clearTimeout(timer);
      for (const { passage } of waiting.splice(0)) this.#deliver(passage);
    }
    this.#slow.clear();
    for (const key of [...this.#behind.keys()]) this.#release(key);
  }

  #channelOf({ source, target }: Passage): string {
    return `${this.#deps.paths.of(source)} → ${this.#deps.paths.of(target)}`;
  }

  #release(key: string): void {
    const behind = this.#behind.get(key) ?? [];
    this.#behind.delete(key);
    for (const { passage, timer } of behind) {
      this.#deps.clock.clearTimeout(timer);
      this.#deliver(passage);
    }
  }

  #wake(actor: AnyActorRef): void {
    const hang = this.#hanging.get(actor);
    if (hang === undefined) return;
    this.#hanging.delete(actor);
    if (hang.timer !== undefined) this.#deps.clock.clearTimeout(hang.timer);
    this.#deps.trace.add('fault', `hang ${this.#deps.paths.of(actor)} is over`);
    for (const passage of hang.waiting) this.#deliver(passage);
  }

  #deliver(passage: Passage): void {
    const { source, target, event, deliver } = passage;
    if (hasStopped(target)) this.#deps.trace.add('lost', this.#deps.trace.message(source, target, event));
    else deliver();
  }
}
