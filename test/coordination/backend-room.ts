/** A backend in memory on a virtual clock, and those who use it, who end with their test: what the rooms of single primitives are made of. */
import { memoryBackend } from '../../src/backend/memory.js';
import type { OpenBackend } from '../../src/backend/port.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';

export interface BackendRoom {
  readonly clock: VirtualClock;
  readonly backend: OpenBackend;
  /** Lets so many ms go by. */
  pass(ms: number): Promise<void>;
}

/** @returns the room; `add` has one close with the test, unless it is on a clock of its own: of those the test has to let go itself */
export function backendRoom<One extends { close(): Promise<unknown> }>(): {
  readonly shared: BackendRoom;
  readonly add: (one: One, clock?: VirtualClock) => One;
} {
  const clock = new VirtualClock();
  const backend = memoryBackend({ clock });
  const all: One[] = [];
  ends.push(async () => {
    const closed = Promise.all(all.map((each) => each.close()));
    await clock.advanceByAsync(60_000);
    await closed;
    await backend.close();
  });
  const add = (one: One, own = clock): One => {
    if (own === clock) all.push(one);
    return one;
  };
  return { shared: { clock, backend, pass: (ms) => clock.advanceByAsync(ms) }, add };
}
