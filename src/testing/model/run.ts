/**
 * One executed machine: the real actor on a virtual clock, its actors replaced by fakes that record what they were sent.
 *
 * Everything is synchronous: a fake settles when the model says so and the machine sees it in the same call, so a path of steps needs no promises
 * and two runs of it are equal.
 */
import { createActor } from 'xstate';
import type {
  Actor,
  AnyActorRef,
  AnyEventObject,
  AnyMachineSnapshot,
  AnyStateMachine,
  EventFrom,
  InspectionEvent,
  Snapshot,
  SnapshotFrom,
} from 'xstate';
import { indexTimers } from '../../supervision/scheduler.js';
import { VirtualClock } from '../virtual-clock.js';
import { control, type Fake, isFake, runs } from './fake.js';

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

/** Who watches a run: its coverage, or whoever draws it. */
export interface Probe {
  /** Is the machine run beside a compiled one? */
  readonly isCompared?: boolean;
  /** The actor is made, or made again: nothing is on its clock. */
  begins?(): void;
  inspect?(event: InspectionEvent, run: Run<AnyStateMachine>): void;
  /** An invocation's actor ended; by the machine's doing, not because the run ended. */
  actorEnded?(invocation: string, how: 'done' | 'error' | 'stopped'): void;
  /** The actor has put an event on the clock, under an id that is unique to its sender, if it has given one. */
  scheduled?(event: AnyEventObject, delayMs: number, id: string | undefined): void;
  /** It was taken off, whether it had fired or not. */
  cancelled?(id: string): void;
  /** What the machine has logged; without it that is printed. */
  logged?(words: readonly unknown[]): void;
}

type Scheduler = {
  schedule(source: AnyActorRef, target: AnyActorRef, event: AnyEventObject, delay: number, id: string | undefined): void;
  cancel(source: AnyActorRef, id: string): void;
};

/** The real actor and all that surrounds it. */
export class Run<M extends AnyStateMachine> {
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
  /** Actors that run by themselves, out of the model's hand, by id. */
  readonly strangers: string[] = [];
  /** Free room for a model's own bookkeeping, such as the calls that it has made. */
  readonly notes: Record<string, unknown> = {};
  /** The snapshot before the last step, and how many events had been emitted by then. */
  before: SnapshotFrom<M>;
  emittedBefore = 0;
  /** What an unobserved child or the actor itself died of. */
  failure: { readonly error: unknown } | undefined;
  /** Counts whatever happens: transitions taken, events heard by actors, emitted events, time. */
  activity = 0;
  /** How much of that was time alone. */
  waits = 0;
  /** Whether the run itself is being ended, or restored: what stops now was not stopped by the machine. */
  isEnding = false;
  /** The fake that speaks right now, if one does. */
  speaker: Fake | undefined;
  readonly probe: Probe | undefined;
  readonly #machine: M;

  /** @param machine  with all its actors replaced by `fakeLogic` */
  constructor(machine: M, input: unknown, start: string, probe?: Probe) {
    this.start = start;
    this.#machine = machine;
    this.probe = probe;
    this.actor = this.#create({ input });
    this.before = this.snapshot;
    this.actor.start();
  }

  /** Stops the actor and goes on with one restored from its persisted snapshot, as after a restart of the process. */
  restore(): void {
    const snapshot: unknown = JSON.parse(JSON.stringify(this.actor.getPersistedSnapshot()));
    this.end();
    this.isEnding = false;
    this.actor = this.#create({ snapshot });
    this.actor.start();
  }

  /** Stops the actor from outside. */
  end(): void {
    this.isEnding = true;
    this.actor.stop();
  }

  readonly #observe = (event: InspectionEvent): void => {
    this.probe?.inspect?.(event, this);
    const ref = event.actorRef as AnyActorRef;
    if (event.type === '@xstate.microstep' && event._transitions.length > 0) this.activity++;
    if (event.type === '@xstate.actor' && ref._parent !== undefined && !isFake(ref)) this.strangers.push(ref.id);
    // The actor itself is inspected while it is created.
    if (event.type !== '@xstate.event' || event.sourceRef === undefined || event.sourceRef !== this.actor || ref === this.actor) return;
    if ((ref.getSnapshot() as Snapshot<unknown>).status !== 'active') this.deadLetters.push({ to: ref.id, event: event.event });
  };

  #create(from: { readonly input: unknown } | { readonly snapshot: unknown }): Actor<M> {
    const { probe } = this;
    const logger = probe?.logged === undefined ? {} : { logger: (...words: readonly unknown[]) => probe.logged?.(words) };
    const options = { ...from, ...logger, clock: this.clock, id: this.#machine.id, inspect: this.#observe };
    const actor = createActor(this.#machine, options as unknown as NonNullable<Parameters<typeof createActor<M>>[1]>);
    runs.set(actor.system, this);
    // As a compiled chart does when it starts: who came before it would hear nothing, and who is compared with it waits as it does.
    if (this.probe?.isCompared === true) indexTimers(actor, false);
    this.#watchTimers((actor.system as unknown as { scheduler: Scheduler }).scheduler, actor);
    actor.on('*' as never, (event: AnyEventObject) => {
      this.activity++;
      this.emitted.push(event);
    });
    actor.subscribe({ error: (error: unknown) => (this.failure = { error }) });
    return actor;
  }

  #watchTimers(scheduler: Scheduler, actor: AnyActorRef): void {
    const { schedule, cancel } = scheduler;
    this.probe?.begins?.();
    scheduler.schedule = (source, target, event, delay, id) => {
      if (source === actor) this.probe?.scheduled?.(event, delay, id);
      schedule(source, target, event, delay, id);
    };
    scheduler.cancel = (source, id) => {
      if (source === actor && !this.isEnding) this.probe?.cancelled?.(id);
      cancel(source, id);
    };
  }

  get snapshot(): SnapshotFrom<M> {
    return this.actor.getSnapshot();
  }

  get isActive(): boolean {
    return (this.snapshot as AnyMachineSnapshot).status === 'active';
  }

  /** What the last step emitted. */
  get emittedNow(): readonly AnyEventObject[] {
    return this.emitted.slice(this.emittedBefore);
  }

  send(event: EventFrom<M>): void {
    this.actor.send(event);
  }

  advance(ms: number): void {
    this.activity++;
    this.waits++;
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

  /** The living fakes of that `src`, oldest first. */
  of(src: string): readonly Fake[] {
    return this.running().filter((fake) => fake.src === src);
  }

  /** The fake ends with `output`; the machine sees its done event. */
  resolve(who: string | Fake, output?: unknown): void {
    this.#alive(who).ref.send({ type: control, outcome: { done: output } });
  }

  /** The fake fails; the machine sees its error event. */
  reject(who: string | Fake, error: unknown): void {
    this.#alive(who).ref.send({ type: control, outcome: { error } });
  }

  /** The fake sends `event` to its parent, as a callback actor does. */
  report(who: string | Fake, event: EventFrom<M>): void {
    const fake = this.#alive(who);
    this.speakAs(fake, () => fake.ref._parent?.send(event));
  }

  /** What is sent meanwhile comes from that fake. */
  speakAs<Result>(fake: Fake, say: () => Result): Result {
    const former = this.speaker;
    this.speaker = fake;
    try {
      return say();
    } finally {
      this.speaker = former;
    }
  }

  #alive(who: string | Fake): Fake {
    const fake = typeof who === 'string' ? this.find(who) : who;
    if (fake?.status === 'running') return fake;
    const running = this.running().map(({ id }) => id);
    const id = typeof who === 'string' ? who : who.id;
    throw new Error(`the model speaks for actor '${id}', which does not run; running: ${running.join(', ') || 'none'}`);
  }
}
