/** Participants in one barrier on one backend and one virtual clock, which end with their test. */
import type { Backend, BackendWatch } from '../../src/backend/port.js';
import { type Barrier, createBarrier } from '../../src/coordination/barrier-handle.js';
import type { BarrierOptions } from '../../src/coordination/barrier-options.js';
import { faultyBackend } from '../../src/testing/backend/faulty.js';
import type { VirtualClock } from '../../src/testing/virtual-clock.js';
import { type BackendRoom, backendRoom } from './backend-room.js';
import { altered } from './remote-backend.js';

export const ttlMs = 3_000;

export interface Room extends BackendRoom {
  /** One participant; its backend may be behind a bad line. */
  one(options?: Partial<BarrierOptions>, line?: Backend, clock?: VirtualClock): Barrier;
  /** A line that can be cut. */
  line(): { readonly backend: Backend; isCut: boolean };
}

export function room(parties = 2): Room {
  const { shared, add } = backendRoom<Barrier>();
  const { backend, clock } = shared;
  return {
    ...shared,
    one: (options = {}, line = backend, own = clock) => add(createBarrier(line, { name: 'b', parties, ttlMs, ...options }, { clock: own }), own),
    line: () => {
      const calls = faultyBackend(backend, () => (line.isCut ? 'loseRequest' : null));
      const watch: Backend['watch'] = async (...call) => {
        const begun = await calls.watch(...call);
        if (begun.outcome !== 'ok') return begun;
        const next: BackendWatch['next'] = async (...wait) => {
          const heard = await begun.watch.next(...wait);
          return line.isCut ? { outcome: 'ended' } : heard;
        };
        return { outcome: 'ok', watch: { next, close: () => begun.watch.close() } };
      };
      const line = { backend: altered(calls, { watch }), isCut: false };
      return line;
    },
  };
}

/** Arrives, and waits until it stands there: who comes after it is behind it. */
export async function there(
  barrier: Barrier,
  options?: Parameters<Barrier['arrive']>[0],
): Promise<{ readonly outcome: ReturnType<Barrier['arrive']> }> {
  const stands = new Promise<void>((resolve) => {
    const heard = barrier.on('barrier.arrived', () => {
      heard.unsubscribe();
      resolve();
    });
  });
  const outcome = barrier.arrive(options);
  await stands;
  return { outcome };
}

export const facts = (barrier: Barrier): object[] => {
  const heard: object[] = [];
  for (const type of ['barrier.arrived', 'barrier.opened', 'barrier.refused'] as const) barrier.on(type, (fact) => void heard.push(fact));
  return heard;
};
