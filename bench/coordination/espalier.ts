/** Locks and leaders on the embedded backend, used as an app uses them. */
import { type Actor, createActor } from 'xstate';
import { memoryBackend } from '../../src/backend/memory.js';
import type { OpenBackend } from '../../src/backend/port.js';
import { leader, type LeaderLogic } from '../../src/coordination/leader.js';
import { type LeaderHandle, leaderHandle } from '../../src/coordination/leader-handle.js';
import { createLock } from '../../src/coordination/lock-handle.js';
import { systemClock } from '../../src/supervision/clock.js';
import type { Subject } from './subject.js';

/** No lease ends while it is measured. */
const ttlMs = 600_000;

function open(parts: number): OpenBackend {
  return memoryBackend({ clock: systemClock, maxLeases: parts + 1, maxKeys: 3 * parts + 1, maxWatches: 2 * parts + 1 });
}

export const espalierSubject: Subject = {
  name: 'espalier',
  open: async (rooms, agents) => {
    const backend = open(rooms * agents);
    const locks = Array.from({ length: rooms }, (_, room) =>
      Array.from({ length: agents }, () => createLock(backend, { name: `room ${room}`, ttlMs, withinMs: ttlMs })),
    );
    return {
      enter: async (room, agent) => {
        const entered = await locks[room]?.[agent]?.acquire();
        if (entered?.ok !== true) throw new Error(`expected the lock, got: ${entered?.reason}`);
        return () => entered.grip.release();
      },
      close: async () => {
        await Promise.all(locks.flat().map((lock) => lock.close()));
        await backend.close();
      },
    };
  },
  elect: async (elections, candidates) => {
    const backend = open(elections * candidates);
    const races = await Promise.all(Array.from({ length: elections }, (_, election) => race(backend, `election ${election}`, candidates)));
    return {
      succeed: (election) => (races[election] as Race).succeed(),
      close: async () => {
        for (const { actors } of races) for (const actor of actors) actor.stop();
        await backend.close();
      },
    };
  },
};

interface Race {
  readonly actors: readonly Actor<LeaderLogic>[];
  succeed(): Promise<void>;
}

/** One election, with its first leader. */
async function race(backend: OpenBackend, election: string, candidates: number): Promise<Race> {
  let leading: LeaderHandle | undefined;
  let elected: () => void = () => {};
  const next = (): Promise<void> => new Promise((resolve) => (elected = resolve));
  const first = next();
  const actors = Array.from({ length: candidates }, (_, index) => {
    const actor = createActor(leader({ backend, election, id: `candidate ${index}`, ttlMs }), { clock: systemClock });
    const handle = leaderHandle(actor);
    actor.on('leader.elected', () => {
      leading = handle;
      elected();
    });
    return actor.start();
  });
  await first;
  return {
    actors,
    succeed: () => {
      const succeeded = next();
      leading?.resign();
      return succeeded;
    },
  };
}
