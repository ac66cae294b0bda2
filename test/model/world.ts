/**
 * One executed machine: the real actor on a virtual clock, its actors replaced by controlled fakes that record what they were sent.
 *
 * Everything is synchronous: a fake settles when the model says so and the machine sees it in the same call, so a path of steps needs no promises
 * and two runs of it are equal.
 */
import { createActor } from 'xstate';
import type { Actor, AnyActorLogic, AnyActorRef, AnyEventObject, AnyStateMachine, EventFrom, InspectionEvent, Snapshot, SnapshotFrom } from 'xstate';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** What became of one actor that the machine started. */
export interface Fake {
  readonly id: string;
  readonly src: string;
  readonly input: unknown;
  readonly ref: AnyActorRef;
  /** Every event that the machine sent to it, oldest first. */
  readonly received: AnyEventObject[];
  status: 'running' | 'done' | 'error' | 'stopped';
  /** Free room for the model: how far this one's part has been played. */
  readonly notes: Record<string, unknown>;
}

/** How a fake behaves by itself; all else is the model's doing. */
export interface FakeOptions {
  /** Called when it starts, with the world as it is then: may settle it at once. */
  readonly onStart?: (fake: Fake, world: AnyWorld) => Outcome | undefined;
  /** Called with each event that it is sent. */
  readonly onEvent?: (fake: Fake, event: AnyEventObject, world: AnyWorld) => Outcome | undefined;
}

/** How an actor ends. */
export type Outcome = { readonly done: unknown } | { readonly error: unknown };

export type AnyWorld = World<AnyStateMachine>;

/** Timers that fire within one step beyond which they set each other for ever. */
const mostTimers = 1_000;

/** A virtual clock on which timers that set each other without end are an error instead of a suite that hangs. */
class BoundedClock extends VirtualClock {
  #fired = 0;

  override setTimeout(fn: () => void, ms: number): unknown {
    const bounded = (): void => {
      if (++this.#fired > mostTimers) throw new Error(`more than ${mostTimers} timers fired in one step`);
      fn();
    };
    return super.setTimeout(bounded, ms);
  }

  advanceBoundedBy(ms: number): void {
    this.#fired = 0;
    this.advanceBy(ms);
  }
}

/** The real actor and all that surrounds it. */
export class World<M extends AnyStateMachine> {
  readonly clock = new BoundedClock();
  actor: Actor<M>;
  /** The name of the model's start that it was made from. */
  readonly start: string;
  /** Every fake ever started, oldest first. */
  readonly fakes: Fake[] = [];
  /** Everything emitted, oldest first. */
  readonly emitted: AnyEventObject[] = [];
  /** Events that the machine sent to an actor that had ended, oldest first: lost without a word. */
  readonly deadLetters: { readonly to: string; readonly event: AnyEventObject }[] = [];
  /** Free room for a model's own bookkeeping, such as the calls that it has made. */
  readonly notes: Record<string, unknown> = {};
  /** The snapshot before the last step, and how many events had been emitted by then. */
  before: SnapshotFrom<M>;
  emittedBefore = 0;
  /** What an unobserved child or the actor itself died of. */
  failure: { readonly error: unknown } | undefined;

  readonly #machine: M;
  readonly #inspect: ((event: InspectionEvent) => void) | undefined;

  constructor(machine: M, input: unknown, start: string, inspect?: (event: InspectionEvent) => void) {
    this.start = start;
    this.#machine = machine;
    this.#inspect = inspect;
    this.actor = this.#create({ input });
    this.before = this.snapshot;
    this.actor.start();
  }

  /** Stops the actor and goes on with one restored from its persisted snapshot, as after a restart of the process. */
  restore(): void {
    const snapshot: unknown = JSON.parse(JSON.stringify(this.actor.getPersistedSnapshot()));
    this.actor.stop();
    this.actor = this.#create({ snapshot });
    this.actor.start();
  }

  readonly #observe = (event: InspectionEvent): void => {
    this.#inspect?.(event);
    if (event.type !== '@xstate.event' || event.sourceRef !== this.actor || event.actorRef === this.actor) return;
    const target = event.actorRef as AnyActorRef;
    if ((target.getSnapshot() as Snapshot<unknown>).status !== 'active') this.deadLetters.push({ to: target.id, event: event.event });
  };

  #create(from: { readonly input: unknown } | { readonly snapshot: unknown }): Actor<M> {
    const options = { ...from, clock: this.clock, id: this.#machine.id, inspect: this.#observe };
    const actor = createActor(this.#machine, options as unknown as NonNullable<Parameters<typeof createActor<M>>[1]>);
    worlds.set(actor.system, this);
    actor.on('*' as never, (event: AnyEventObject) => this.emitted.push(event));
    actor.subscribe({ error: (error: unknown) => (this.failure = { error }) });
    return actor;
  }

  get snapshot(): SnapshotFrom<M> {
    return this.actor.getSnapshot();
  }

  /** What the last step emitted. */
  get emittedNow(): readonly AnyEventObject[] {
    return this.emitted.slice(this.emittedBefore);
  }

  send(event: EventFrom<M>): void {
    this.actor.send(event);
  }

  advance(ms: number): void {
    this.clock.advanceBoundedBy(ms);
  }

  /** The fakes that live now, oldest first. */
  running(): readonly Fake[] {
    return this.fakes.filter((fake) => fake.status === 'running');
  }

  /** The living fake of that id, if any. */
  find(id: string): Fake | undefined {
    return this.fakes.findLast((fake) => fake.id === id && fake.status === 'running');
  }

  /** The fake ends with `output`; the machine sees its done event. */
  resolve(id: string, output?: unknown): void {
    this.#alive(id).ref.send({ type: control, outcome: { done: output } });
  }

  /** The fake fails; the machine sees its error event. */
  reject(id: string, error: unknown): void {
    this.#alive(id).ref.send({ type: control, outcome: { error } });
  }

  /** The fake sends `event` to its parent, as a callback actor does. */
  report(id: string, event: EventFrom<M>): void {
    this.#alive(id).ref._parent?.send(event);
  }

  #alive(id: string): Fake {
    const fake = this.find(id);
    if (fake === undefined)
      throw new Error(
        `the model speaks for actor '${id}', which does not run; running: ${
          this.running()
            .map((one) => one.id)
            .join(', ') || 'none'
        }`,
      );
    return fake;
  }
}

/** Logic for a placeholder actor: it does nothing but record, until its world says how it ends. */
export function fakeLogic(src: string, options: FakeOptions = {}): AnyActorLogic {
  const records = new WeakMap<AnyActorRef, Fake>();
  const idle: FakeSnapshot = { status: 'active', output: undefined, error: undefined, input: undefined };
  const logic: FakeLogic = {
    getInitialSnapshot: (_, input) => ({ ...idle, input }),
    // Only now does it live: an actor invoked and left again within one macrostep is never started.
    start: ({ input }, { self, system }) => {
      const world = worlds.get(system);
      if (world === undefined) throw new Error(`fake '${src}' was started outside a world`);
      const fake: Fake = { id: self.id, src, input, ref: self, received: [], status: 'running', notes: {} };
      world.fakes.push(fake);
      records.set(self, fake);
      const outcome = options.onStart?.(fake, world);
      if (outcome !== undefined) self.send({ type: control, outcome });
    },
    transition: (snapshot, event, { self, system }) => {
      const fake = records.get(self);
      if (fake === undefined) return snapshot;
      if (event.type === 'xstate.stop') {
        fake.status = 'stopped';
        return { ...snapshot, status: 'stopped' };
      }
      if (event.type !== control) {
        fake.received.push(event);
        return settle(snapshot, fake, options.onEvent?.(fake, event, worlds.get(system) as AnyWorld));
      }
      return settle(snapshot, fake, event['outcome'] as Outcome);
    },
    getPersistedSnapshot: (snapshot) => snapshot as Snapshot<unknown>,
    restoreSnapshot: (snapshot) => snapshot as FakeSnapshot,
  };
  return logic;
}

interface FakeSnapshot {
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  readonly output: unknown;
  readonly error: unknown;
  readonly input: unknown;
}

interface FakeScope {
  readonly self: AnyActorRef;
  readonly system: AnySystem;
}

interface FakeLogic {
  getInitialSnapshot(scope: FakeScope, input: unknown): FakeSnapshot;
  start(snapshot: FakeSnapshot, scope: FakeScope): void;
  transition(snapshot: FakeSnapshot, event: AnyEventObject, scope: FakeScope): FakeSnapshot;
  getPersistedSnapshot(snapshot: FakeSnapshot): Snapshot<unknown>;
  restoreSnapshot(snapshot: Snapshot<unknown>): FakeSnapshot;
}

type AnySystem = AnyActorRef['system'];

const control = 'fake.control';
const worlds = new WeakMap<AnySystem, AnyWorld>();

function settle(snapshot: FakeSnapshot, fake: Fake, outcome: Outcome | undefined): FakeSnapshot {
  if (outcome === undefined) return snapshot;
  if ('done' in outcome) {
    fake.status = 'done';
    return { ...snapshot, status: 'done', output: outcome.done };
  }
  fake.status = 'error';
  return { ...snapshot, status: 'error', error: outcome.error };
}
