/** Owners of one lock on one backend and one virtual clock, which end with their test. */
import type { Backend } from '../../src/backend/port.js';
import { createLock, type Lock, type LockGrip } from '../../src/coordination/lock-handle.js';
import type { LockOptions } from '../../src/coordination/lock-options.js';
import type { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type BackendRoom, backendRoom } from './backend-room.js';

export interface World extends BackendRoom {
  /** One owner of a lock; its backend may be behind a bad line. */
  owner(options?: Partial<LockOptions>, line?: Backend, clock?: VirtualClock): Lock;
}

export function world(): World {
  const { shared, add } = backendRoom<Lock>();
  const { backend, clock } = shared;
  return {
    ...shared,
    owner: (options = {}, line = backend, own = clock) => add(createLock(line, { name: 'a', ttlMs: 3_000, ...options }, { clock: own }), own),
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
