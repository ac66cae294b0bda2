/** Those that set a moment and take it back: deadlines and delayed events on the wheel, beside what the runtime and XState have. */
import { createActor, createMachine, type AnyActorRef } from 'xstate';

import { systemClock } from '../../src/supervision/clock.js';
import { DeadlineQueue, type Deadline } from '../../src/supervision/deadlines.js';
import { indexTimers } from '../../src/supervision/scheduler.js';
import { systemOf } from '../../src/supervision/xstate-internals.js';

/** Moments by number, set in ms from now. */
export interface Moments {
  set(which: number, ms: number): void;
  takeBack(which: number): void;
}

export interface Subject {
  readonly name: string;
  /** @param came  is told of each whose moment has come */
  open(count: number, came: (which: number) => void): Moments;
}

export const deadlineSubject: Subject = {
  name: 'espalier-deadline',
  open(count, came) {
    const queue = new DeadlineQueue(systemClock);
    const deadlines = Array.from({ length: count }, (_, which): Deadline => ({ dueAt: 0, place: -1, expired: () => came(which) }));
    return { set: (which, ms) => queue.add(deadlines[which] as Deadline, ms), takeBack: (which) => queue.remove(deadlines[which] as Deadline) };
  },
};

const idle = createMachine({});

/** One actor for each moment, as where each is in a state with an `after`: all of one system. */
function delayed(name: string, prepare: (actor: AnyActorRef) => void): Subject {
  return {
    name,
    open(count, came) {
      const target = createActor(idle, { clock: systemClock }) as unknown as AnyActorRef;
      prepare(target);
      const system = systemOf(target);
      const { scheduler } = system;
      // Only its name is looked at.
      const sources = Array.from({ length: count }, (_, which) => ({ sessionId: `source:${which}` }) as AnyActorRef);
      system._relay = (_source, _target, event) => came((event as { which?: number }).which ?? -1);
      return {
        set: (which, ms) => scheduler.schedule(sources[which] as AnyActorRef, target, { type: 'due', which } as { type: string }, ms, 'due'),
        takeBack: (which) => scheduler.cancel(sources[which] as AnyActorRef, 'due'),
      };
    },
  };
}

export const delayedSubject = delayed('espalier-after', indexTimers);
export const xstateSubject = delayed('xstate-after', () => {});

export const runtimeSubject: Subject = {
  name: 'setTimeout',
  open(count, came) {
    const timers: unknown[] = Array.from({ length: count });
    return {
      set(which, ms) {
        timers[which] = setTimeout(came, ms, which);
      },
      takeBack: (which) => clearTimeout(timers[which] as NodeJS.Timeout),
    };
  },
};
