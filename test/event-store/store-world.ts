/** Event stores under test, each in a system of its own on a virtual clock. */
import { expect } from 'vitest';
import { type AnyActorRef, createActor } from 'xstate';
import type { EventStoreEmitted } from '../../machines/events/event-store-events.js';
import { eventStore } from '../../src/event-store/event-store.js';
import { type EventStoreHandle, eventStoreHandle } from '../../src/event-store/handle.js';
import type { EventStoreOptions } from '../../src/event-store/options.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

export interface StoreWorld {
  readonly clock: VirtualClock;
  readonly store: EventStoreHandle;
  readonly facts: EventStoreEmitted[];
  /** The engine of now. */
  engine(): AnyActorRef;
  state(): unknown;
}

const worlds: StoreWorld[] = [];
const types = ['opened', 'lost', 'pruned', 'committed', 'refused', 'faulted', 'subscriptionFailed'] as const;

export function storeWorld(options: EventStoreOptions = { memory: true }): StoreWorld {
  const clock = new VirtualClock();
  let engine: AnyActorRef | undefined;
  const root = createActor(eventStore(options), {
    clock,
    inspect: ({ type, actorRef }) => {
      if (type === '@xstate.actor' && (actorRef as AnyActorRef).id === 'engine') engine = actorRef as AnyActorRef;
    },
  });
  root.subscribe({ error: () => {} });
  const facts: EventStoreEmitted[] = [];
  for (const type of types) root.on(`eventStore.${type}`, (fact) => facts.push(fact));
  const store = eventStoreHandle(root.start());
  const world: StoreWorld = { clock, store, facts, engine: () => engine as AnyActorRef, state: () => root.getSnapshot().value };
  worlds.push(world);
  return world;
}

/** Ends the stores of a test, and holds that nothing of them goes on. */
export async function leaveNothing(): Promise<void> {
  for (const { store, clock } of worlds.splice(0)) {
    await store.close();
    expect(clock.pending(), 'timers left').toBe(0);
  }
}

/** A turn of the event loop: commits are made at its end. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
