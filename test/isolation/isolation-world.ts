/** Isolation pools under test: real threads, on a virtual clock, and nothing of them left. */
import { expect } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import type { IsolationEmitted, LossCause } from '../../machines/isolation/isolation-events.js';
import { type IsolationHandle, isolationHandle } from '../../src/isolation/handle.js';
import { isolationWith } from '../../src/isolation/isolation.js';
import type { IsolationOptions, Job } from '../../src/isolation/options.js';
import { findSeats } from '../../src/isolation/peer.js';
import type { OpenSeat, Seat, SeatEvents, Task } from '../../src/isolation/seat.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

export const jobs = new URL('./jobs.mjs', import.meta.url);
export const job = (name: string, input?: unknown): Job => ({ module: jobs, export: name, input });

export interface IsolationWorld {
  readonly clock: VirtualClock;
  readonly pool: IsolationHandle;
  readonly facts: IsolationEmitted[];
  readonly root: AnyActorRef;
  /** Settles with the first fact of that type, from now on. */
  told(type: IsolationEmitted['type']): Promise<IsolationEmitted>;
  /** Settles with the next answer of a thread, from now on; its job has no outcome yet. */
  answered(): Promise<void>;
}

const worlds: { pool: IsolationHandle; clock: VirtualClock; gone: Promise<void>[] }[] = [];
const types = ['started', 'ended', 'refused', 'threadLost', 'degraded', 'recovered'] as const;

/** @param open  seats of the test's own, in place of threads */
export function isolationWorld(options: IsolationOptions = {}, open?: OpenSeat): IsolationWorld {
  const clock = new VirtualClock();
  const gone: Promise<void>[] = [];
  const answers: (() => void)[] = [];
  const root = createActor(
    isolationWith(options, async (inside) => watched(open ?? (await findSeats(inside)), gone, answers)),
    { clock },
  );
  root.subscribe({ error: () => {} });
  const facts: IsolationEmitted[] = [];
  for (const type of types) root.on(`isolation.${type}`, (fact) => facts.push(fact));
  const pool = isolationHandle(root.start() as AnyActorRef);
  const told = (type: IsolationEmitted['type']): Promise<IsolationEmitted> =>
    new Promise((resolve) => {
      const listening = root.on(type, (fact) => {
        listening.unsubscribe();
        resolve(fact);
      });
    });
  worlds.push({ pool, clock, gone });
  const answered = (): Promise<void> => new Promise((resolve) => answers.push(resolve));
  return { clock, pool, facts, root: root as AnyActorRef, told, answered };
}

/** Seats of which `ended` says when their thread has in fact ended; those who wait for an answer are told of each. */
function watched(open: OpenSeat, ended: Promise<void>[], waiting: (() => void)[]): OpenSeat {
  return (plan, events) => {
    let settle = (): void => {};
    ended.push(new Promise<void>((resolve) => (settle = resolve)));
    return open(plan, {
      ...{ freed: events.freed, uncloneable: events.uncloneable },
      answered: (answer) => {
        events.answered(answer);
        for (const tell of waiting.splice(0)) tell();
      },
      gone: (loss) => {
        settle();
        events.gone(loss);
      },
    });
  };
}

/** Ends the pools of a test, and holds that no thread, no process and no timer of them is left. */
export async function leaveNothing(): Promise<void> {
  for (const { pool, clock, gone } of worlds.splice(0)) {
    const closing = pool.close({ drainMs: 0 });
    clock.advanceBy(0);
    await closing;
    // One that was killed did not wait for its threads.
    await Promise.all(gone);
    expect(clock.pending(), 'timers left').toBe(0);
  }
}

/** A thread that does as the test says. */
export class FakeSeat implements Seat {
  readonly events: SeatEvents;
  task: Task | null = null;
  isEnded = false;
  isLost = false;

  constructor(events: SeatEvents) {
    this.events = events;
  }

  run(task: Task): void {
    this.task = task;
  }

  end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    queueMicrotask(() => this.events.gone(null));
  }

  done(value: unknown = null): void {
    this.answer(value);
    this.events.freed(0, false);
  }

  /** Is done with its job, and looks at what that left. */
  answer(value: unknown = null): void {
    this.events.answered({ status: 'done', value });
  }

  lose(cause: LossCause = 'exited'): void {
    this.isLost = true;
    this.events.gone({ cause, code: 1 });
  }
}

/** Seats of the test's own, in the order in which they were begun. */
export function fakeSeats(): { readonly seats: FakeSeat[]; readonly open: OpenSeat } {
  const seats: FakeSeat[] = [];
  return {
    seats,
    open: (_, events) => {
      const seat = new FakeSeat(events);
      seats.push(seat);
      return seat;
    },
  };
}
