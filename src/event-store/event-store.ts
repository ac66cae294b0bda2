/**
 * An event store as supervised logic: the chart with its engine.
 *
 *   orchestrator({ actors: { events: eventStore({ path: 'events.db' }) }, children: [{ id: 'events', src: 'events' }] })
 *
 * The handle that an app holds is in handle.ts.
 */
import type { ActorLogic, ActorRefFrom, AnyActorRef, SnapshotFrom } from 'xstate';
import { eventStoreMachine } from '../../machines/events/event-store.js';
import type { EventStoreEmitted, EventStoreEvent } from '../../machines/events/event-store-events.js';
import { withInput } from '../supervision/supervisors.js';
import { engine } from './engine.js';
import { type EventStoreOptions, planEventStore } from './options.js';

/** The logic of one event store; it needs no input. */
export type EventStoreLogic = ActorLogic<
  SnapshotFrom<typeof eventStoreMachine>,
  EventStoreEvent,
  undefined,
  AnyActorRef['system'],
  EventStoreEmitted
>;

/** A running event store. */
export type EventStoreRef = ActorRefFrom<EventStoreLogic>;

/**
 * The logic of an event store with these options: for `createActor`, `invoke`, `spawn`, or as a supervisor's child. On `supervisor.shutdown` it commits what
 * waits, answers whoever did, and closes. Restored from a snapshot, it opens its file again.
 * @throws EspalierError `events/invalid-options`
 */
export function eventStore(options: EventStoreOptions): EventStoreLogic {
  const plan = planEventStore(options);
  return withInput(eventStoreMachine.provide({ actors: { engine: engine(plan) } }), plan.input);
}
