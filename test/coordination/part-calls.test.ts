/** What the handles of barrier, counter, lock and consensus have in common: an actor is listened to once, however many calls it has. */
import { afterEach, describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { memoryBackend } from '../../src/backend/memory.js';
import type { OpenBackend } from '../../src/backend/port.js';
import { createBarrier } from '../../src/coordination/barrier-handle.js';
import { createConsensus } from '../../src/coordination/consensus-handle.js';
import { createCounter } from '../../src/coordination/counter-handle.js';
import { createLock } from '../../src/coordination/lock-handle.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A part, and one call of it. */
interface Part {
  readonly ref: AnyActorRef;
  call(signal?: AbortSignal): Promise<unknown>;
  close(): Promise<void>;
}

type Make = (backend: OpenBackend, clock: VirtualClock) => Part;

function partOf<Handle extends { readonly ref: AnyActorRef | undefined; close(): Promise<void> }>(
  handle: Handle,
  call: (handle: Handle, options: { readonly signal?: AbortSignal }) => Promise<unknown>,
): Part {
  return {
    ref: handle.ref as AnyActorRef,
    call: (signal) => call(handle, signal === undefined ? {} : { signal }),
    close: () => handle.close(),
  };
}

const makes: Readonly<Record<string, Make>> = {
  barrier: (backend, clock) => partOf(createBarrier(backend, { name: 'b', parties: 2 }, { clock }), (part, options) => part.arrive(options)),
  counter: (backend, clock) =>
    partOf(createCounter(backend, { name: 'c', maxPending: 10_000 }, { clock }), (part, options) => part.increment(1, options)),
  lock: (backend, clock) => partOf(createLock(backend, { name: 'l' }, { clock }), (part, options) => part.acquire(options)),
  consensus: (backend, clock) =>
    partOf(createConsensus(backend, { name: 'd', id: 'ann', voters: ['ann', 'bob'] }, { clock }), (part, options) => part.propose(1, options)),
};

/** A part on a backend, whose listeners are counted as they are added. */
function listened(make: Make) {
  const clock = new VirtualClock();
  const backend = memoryBackend({ clock });
  const part = make(backend, clock);
  let listeners = 0;
  const { on } = part.ref;
  part.ref.on = (...given: Parameters<typeof on>) => {
    listeners++;
    return on.apply(part.ref, given);
  };
  ends.push(async () => {
    const closed = part.close();
    await clock.advanceByAsync(60_000);
    await closed;
    await backend.close();
  });
  return { part, clock, listeners: () => listeners };
}

describe.each(Object.entries(makes))('a %s', (_, make) => {
  it('is listened to once for all calls, and each is answered', async () => {
    const { part, clock, listeners } = listened(make);
    const own = new AbortController();
    const first = part.call(own.signal);
    const once = listeners();
    const others = Array.from({ length: 500 }, () => part.call(own.signal));
    expect(listeners()).toBe(once);
    await clock.advanceByAsync(10);
    own.abort();
    await clock.advanceByAsync(60_000);
    const outcomes = await Promise.all([first, ...others]);
    expect(outcomes).toHaveLength(501);
    expect(listeners()).toBe(once);
  });

  it('that ends answers whoever is left, once, and nobody waits who comes after', async () => {
    const { part } = listened(make);
    const asked = [part.call(), part.call()];
    part.ref.stop();
    expect(await Promise.all(asked)).toHaveLength(2);
    expect(await part.call()).toMatchObject({ reason: 'closed' });
  });
});
