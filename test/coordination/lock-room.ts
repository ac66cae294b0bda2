/** Owners of one lock on one backend and one virtual clock, which end with their test. */
import { afterEach } from 'vitest';
import { memoryBackend } from '../../src/backend/memory.js';
import type { Backend, OpenBackend } from '../../src/backend/port.js';
import { createLock, type Lock, type LockGrip } from '../../src/coordination/lock-handle.js';
import type { LockOptions } from '../../src/coordination/lock-options.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

export const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

export interface World {
  readonly clock: VirtualClock;
  readonly backend: OpenBackend;
  /** One owner of a lock; its backend may be behind a bad line. */
  owner(options?: Partial<LockOptions>, line?: Backend, clock?: VirtualClock): Lock;
  /** Lets so many ms go by. */
  pass(ms: number): Promise<void>;
}

export function world(): World {
  const clock = new VirtualClock();
  const backend = memoryBackend({ clock });
  const locks: Lock[] = [];
  ends.push(async () => {
    const closed = Promise.all(locks.map((each) => each.close()));
    await clock.advanceByAsync(60_000);
    await closed;
    await backend.close();
  });
  return {
    clock,
    backend,
    owner: (options = {}, line = backend, own = clock) => {
      const made = createLock(line, { name: 'a', ttlMs: 3_000, ...options }, { clock: own });
      if (own === clock) locks.push(made);
      return made;
    },
    pass: (ms) => clock.advanceByAsync(ms),
  };
}

export async function taken(lock: Lock, options?: Parameters<Lock['acquire']>[0]): Promise<LockGrip> {
  const outcome = await lock.acquire(options);
  if (!outcome.ok) throw new Error(`it was not had: ${outcome.reason}`);
  return outcome.grip;
}

/** Wishes, and waits until that stands in the queue: who comes after it is behind it. */
export async function queue(lock: Lock, options?: Parameters<Lock['acquire']>[0]): Promise<{ readonly outcome: ReturnType<Lock['acquire']> }> {
  const isQueued = new Promise<void>((resolve) => {
    const heard = lock.on('lock.queued', () => {
      heard.unsubscribe();
      resolve();
    });
  });
  const outcome = lock.acquire(options);
  await isQueued;
  return { outcome };
}

export const facts = (lock: Lock): object[] => {
  const heard: object[] = [];
  for (const type of ['lock.queued', 'lock.acquired', 'lock.refused', 'lock.released', 'lock.lost'] as const)
    lock.on(type, (fact) => void heard.push(fact));
  return heard;
};
