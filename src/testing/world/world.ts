/**
 * A world for one test: actor trees on virtual time, stepped by a seeded scheduler, struck by planned faults, written down line by line, and looked
 * over at the end: whatever was started in it and is left is named, with where it was started.
 */
import { createActor, type ActorOptions, type Actor, type AnyActorLogic, type AnyActorRef, type AnyEventObject, type InspectionEvent } from 'xstate';

import { contain } from '../../supervision/contain.js';
import { orchestrator, type App, type Orchestrator } from '../../supervision/orchestrator.js';
import { indexTimers } from '../../supervision/scheduler.js';
import type { ActorMap, SupervisorOptions } from '../../supervision/supervisors.js';
import { hasStopped, isUnstarted, parentOf, stopActor, systemOf, type SystemInternals } from '../../supervision/xstate-internals.js';
import { Chance } from './chance.js';
import { controlled, requireOutcomes, type Controlled, type ControlledOptions, type CallOutcome } from './controlled.js';
import { Faults } from './faults.js';
import { Flight } from './flight.js';
import { failureText, leftoversOf, missedFault, unallowed, untilClosed, WorldFailure, type Leftover } from './leftovers.js';
import { Ledger } from './ledger.js';
import { refuse, requireCount, requireKeys, requireMs, type WorldOptions } from './options.js';
import { originHere } from './origin.js';
import { Paths } from './paths.js';
import { Renderer } from './rendering.js';
import { Trace } from './trace.js';
import { WorldClock } from './world-clock.js';

/** One step of the scheduler: something was delivered, a timer fired, a controlled call ended, or a fault struck. */
export type StepKind = 'deliver' | 'timer' | 'settle' | 'fault';

interface Ready {
  readonly kind: StepKind;
  readonly run: () => void;
}

/** How far {@link World.runUntilIdle} goes. */
export interface RunLimits {
  /** Default 10 000. */
  readonly maxSteps?: number;
}

/** Timers that the end of a world fires at most, to let its trees shut down. */
const longestEnd = 10_000;
const worlds = new WeakMap<object, World>();

/** The world that an actor lives in; undefined for any other. */
export function worldOf(actor: AnyActorRef): World | undefined {
  return worlds.get(actor.system);
}

/** A world. Made by {@link createWorld}. */
export class World implements AsyncDisposable {
  readonly seed: number;
  readonly name: string;
  /** A name that no other world has, in this process or another: for files, keys and ports of the test's own. In traces it is `<namespace>`. */
  readonly namespace: string;
  /** The time of every actor here. */
  readonly clock: WorldClock;
  readonly trace: Trace;
  /** Faults, planned and at once. */
  readonly faults: Faults;
  /** What joins a tree that is started elsewhere to this world: `orchestrator(…).start(world.environment)`, `createActor(logic, world.environment)`. */
  readonly environment: { readonly clock: WorldClock; readonly inspect: (event: InspectionEvent) => void };
  readonly #ledger = new Ledger();
  readonly #paths = new Paths();
  readonly #flight: Flight;
  readonly #order: Chance;
  readonly #chance: Chance;
  readonly #ids = new Map<string, number>();
  readonly #controlled: Controlled[] = [];
  readonly #systems = new Set<SystemInternals>();
  /** How each root that was started here is ended. */
  readonly #roots: { readonly ref: AnyActorRef; readonly stop: () => void }[] = [];
  readonly #options: WorldOptions;
  #end: Promise<readonly Leftover[]> | undefined;

  constructor(options: WorldOptions) {
    const { seed = 1, name = 'world', maxTraceLines: limit = 100_000 } = options;
    this.#options = options;
    this.seed = seed;
    this.name = name;
    this.namespace = `${name}-${crypto.randomUUID().slice(0, 13)}`;
    const renderer = new Renderer(this.#paths, this.namespace);
    this.#order = new Chance(seed, 'order');
    this.#chance = new Chance(seed, 'test');
    this.clock = new WorldClock(({ number, dueAt, label }, fn) => {
      this.trace.add('timer', label ?? `${number} due at ${dueAt}`);
      this.#ledger.act(fn);
    });
    this.trace = new Trace({ now: () => this.clock.now(), paths: this.#paths, renderer, limit });
    this.#flight = new Flight(this.#paths, this.trace);
    this.faults = new Faults({ clock: this.clock, paths: this.#paths, trace: this.trace, chance: new Chance(seed, 'faults') });
    this.environment = { clock: this.clock, inspect: (event) => this.#inspect(event) };
    this.#ledger.open();
  }

  /** A number in 0 ≤ x < 1, drawn from the seed. */
  random(): number {
    return this.#chance.next();
  }

  /** `call-1`, `call-2`, …: ids of one kind, counted in this world. */
  id(kind: string): string {
    const count = (this.#ids.get(kind) ?? 0) + 1;
    this.#ids.set(kind, count);
    return `${kind}-${count}`;
  }

  /** Runs `fn` so that what it starts belongs to this world, wherever it is called from. */
  run<Result>(fn: () => Result): Result {
    return this.#ledger.run(fn);
  }

  /** An actor, and function, whose calls end as the test says. Its name, with a number, is the id of each call. */
  controlled<Input = unknown, Output = unknown>(name: string, options: ControlledOptions<Output> = {}): Controlled<Input, Output> {
    if (typeof name !== 'string' || name === '') refuse('the name of a controlled actor', name);
    requireKeys(options, ['outcomes', 'trapExit'], 'the options of a controlled actor');
    requireOutcomes(options.outcomes);
    const desk = { clock: this.clock, id: (kind: string) => this.id(kind), tell: (what: string) => this.trace.add('settle', what) };
    const made = controlled<Input, Output>(name, desk, options);
    this.#controlled.push(made as unknown as Controlled);
    return made;
  }

  /** Starts any logic as a root of its own. */
  start<Logic extends AnyActorLogic>(logic: Logic, options: { readonly input?: unknown; readonly id?: string } = {}): Actor<Logic> {
    this.#requireOpen();
    requireKeys(options, ['input', 'id'], 'the options of a start');
    return this.run(() => {
      const root = createActor(logic, { ...options, ...this.environment } as unknown as ActorOptions<Logic>);
      const ref = root as unknown as AnyActorRef;
      contain(ref);
      indexTimers(ref);
      this.#roots.push({ ref, stop: () => root.stop() });
      this.#ledger.act(() => root.start());
      return root;
    });
  }

  /**
   * Starts a supervised tree, and lets everything settle that takes no time. Children that start slowly may still be at it: `app.started()` tells.
   * @param spec  the options of an orchestrator, or an orchestrator
   * @throws EspalierError with a `supervision/…` code for the first fault of the options, before anything starts
   */
  async startSupervised<const Actors extends ActorMap>(
    spec: SupervisorOptions<Actors> | Orchestrator,
    options: { readonly id?: string; readonly snapshot?: unknown } = {},
  ): Promise<App> {
    this.#requireOpen();
    requireKeys(options, ['id', 'snapshot'], 'the options of a start');
    const described = 'start' in spec && typeof spec.start === 'function' ? spec : orchestrator(spec as SupervisorOptions<Actors>);
    const app = this.#ledger.act(() => described.start({ ...options, ...this.environment }));
    this.#roots.push({ ref: app.ref, stop: () => app.shutdown() });
    await this.clock.flush();
    return app;
  }

  /** The living actor of that path (`app/voice`), the newest of it; undefined when none lives. */
  find(path: string): AnyActorRef | undefined {
    return this.#paths.all().findLast((actor) => !hasStopped(actor) && this.#paths.matches(path, actor));
  }

  /** The path of an actor: `app/voice/socket`. */
  pathOf(actor: AnyActorRef): string {
    return this.#paths.of(actor);
  }

  /** Puts a message in flight; the scheduler delivers it. */
  post(target: AnyActorRef, event: AnyEventObject, options: { readonly from?: AnyActorRef } = {}): void {
    this.#requireOpen();
    requireKeys(options, ['from'], 'the options of a message');
    if (typeof target?.getSnapshot !== 'function') refuse('an actor to post to', target);
    this.#flight.post({ source: options.from, target, event });
  }

  /**
   * Does one thing of all that could happen now, chosen by the seed; promises settle before and after. Time passes only when a timer is chosen.
   * @returns what it was; null when there is nothing
   */
  step(): Promise<StepKind | null> {
    return this.#step(Infinity, true);
  }

  /** Like {@link World.step}, with no timer that is due after `untilMs` of the world's clock. */
  stepUntil(untilMs: number): Promise<StepKind | null> {
    return this.#step(untilMs, true);
  }

  /** Steps until only time could bring anything. @returns the number of steps */
  settle(limits: RunLimits = {}): Promise<number> {
    return this.#steps(limits, () => this.#step(this.clock.now(), false));
  }

  /** Steps until nothing is left to happen. @returns the number of steps. @throws WorldFailure when that takes more than `maxSteps` */
  runUntilIdle(limits: RunLimits = {}): Promise<number> {
    return this.#steps(limits, () => this.step());
  }

  /** Steps through the next `ms` of time. @returns the number of steps */
  async runFor(ms: number, limits: RunLimits = {}): Promise<number> {
    requireMs(ms, 'ms');
    const until = this.clock.now() + ms;
    const count = await this.#steps(limits, () => this.#step(until, true));
    await this.clock.advanceToAsync(until);
    return count;
  }

  /** What is left now, without ending anything: while a tree runs, all of it. */
  leftovers(): Leftover[] {
    return leftoversOf({ ledger: this.#ledger, clock: this.clock, paths: this.#paths });
  }

  /**
   * Ends the world: faults are lifted, trees are shut down in order on the world's time, and everything is looked over. Asked again, it only waits.
   * @throws WorldFailure when something is left, an actor has set a timer of the wall clock, or a planned fault never struck
   */
  async end(): Promise<void> {
    if (this.#end !== undefined) {
      await this.#end;
      return;
    }
    const left = await this.finish();
    if (left.length > 0) throw new WorldFailure(`the world '${this.name}' (seed ${this.seed}) ${failureText(left)}`, left);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }

  /** Ends the world like {@link World.end}, and returns what is left instead of failing. */
  finish(): Promise<readonly Leftover[]> {
    this.#end ??= this.#finish();
    return this.#end;
  }

  async #finish(): Promise<readonly Leftover[]> {
    this.trace.add('end', this.name);
    this.run(() => {
      this.faults.lift();
      this.#flight.drop();
      for (const timer of this.clock.waiting()) if (timer.label !== undefined) this.clock.clearTimeout(timer);
      for (const { ref, stop } of this.#roots.toReversed()) if (!hasStopped(ref)) stop();
    });
    // Those who outlive a killed supervisor have a deadline of their own, after the end of their root.
    const systems = new Set(this.#roots.map(({ ref }) => ref.system));
    const lives = (): boolean => this.#paths.all().some((actor) => systems.has(actor.system) && !hasStopped(actor) && !isUnstarted(actor));
    await this.clock.advanceToAsync(this.clock.now());
    for (let count = 0; lives() && count < longestEnd; count++) {
      const at = this.clock.nextAt();
      if (at === undefined || at === Infinity) break;
      await this.clock.advanceToAsync(at);
    }
    await untilClosed(this.#ledger, () => this.clock.flush(), this.#options.graceMs ?? 500);
    const missed = this.faults.missed().map(({ fault, origin }) => missedFault(JSON.stringify(fault), origin));
    const left = unallowed([...this.leftovers(), ...missed], this.#options.allow ?? []);
    for (const actor of this.#paths.all()) if (parentOf(actor) === undefined) stopActor(actor);
    this.#ledger.close();
    return left;
  }

  #requireOpen(): void {
    if (this.#end !== undefined) refuse(`a world that has not ended`, this.name);
  }

  /** XState tells this of every actor, event, transition and state; it must never throw. */
  #inspect(event: InspectionEvent): void {
    const actor = event.actorRef as AnyActorRef;
    if (event.type === '@xstate.actor') this.#adopt(actor);
    this.trace.inspected(event);
  }

  #adopt(actor: AnyActorRef): void {
    this.#paths.add(actor);
    const { actors } = this.#ledger;
    const parent = parentOf(actor);
    if (!actors.has(actor)) actors.set(actor, originHere(parent === undefined ? undefined : actors.get(parent)));
    const system = systemOf(actor);
    if (this.#systems.has(system)) return;
    this.#systems.add(system);
    worlds.set(actor.system, this);
    const relay = system._relay;
    system._relay = (source, target, event) => {
      this.#ledger.act(() => this.faults.pass({ source, target, event, deliver: () => relay(source, target, event) }));
    };
  }

  /** What could happen now, in an order that depends on nothing but what has happened. */
  #ready(untilMs: number, withFaults: boolean): Ready[] {
    const { clock } = this;
    const ready: Ready[] = this.#flight.ready().map((run) => ({ kind: 'deliver', run }));
    const due = clock.due();
    for (const timer of due) ready.push({ kind: 'timer', run: () => clock.fire(timer) });
    const at = clock.nextAt();
    if (due.length === 0 && at !== undefined && at !== Infinity && at <= untilMs) {
      ready.push({
        kind: 'timer',
        run: () => {
          clock.reach(at);
          clock.fire(this.#order.pick(clock.due()));
        },
      });
    }
    for (const { running, outcomes } of this.#controlled) {
      if (outcomes.length === 0) continue;
      for (const call of running) {
        if (call.hangs || call.isAnswered) continue;
        const run = (): void => {
          const outcome: CallOutcome = this.#order.pick(outcomes);
          if ('done' in outcome) call.resolve(outcome.done);
          else call.reject(outcome.error);
        };
        ready.push({ kind: 'settle', run });
      }
    }
    if (withFaults) for (const run of this.faults.ready()) ready.push({ kind: 'fault', run });
    return ready;
  }

  async #step(untilMs: number, withFaults: boolean): Promise<StepKind | null> {
    this.#requireOpen();
    await this.clock.flush();
    const ready = this.#ready(untilMs, withFaults);
    if (ready.length === 0) return null;
    const { kind, run } = this.#order.pick(ready);
    this.clock.isStepped = true;
    try {
      this.#ledger.act(run);
    } finally {
      this.clock.isStepped = false;
    }
    await this.clock.flush();
    return kind;
  }

  async #steps(limits: RunLimits, step: () => Promise<StepKind | null>): Promise<number> {
    requireKeys(limits, ['maxSteps'], 'the limits of a run');
    const { maxSteps = 10_000 } = limits;
    requireCount(maxSteps, 'maxSteps', 1);
    let count = 0;
    while ((await step()) !== null) {
      if (++count < maxSteps) continue;
      const next = this.#ready(Infinity, true).map(({ kind }) => kind);
      if (next.length === 0) break;
      throw new WorldFailure(
        `the world '${this.name}' (seed ${this.seed}) is not idle after ${maxSteps} steps (maxSteps); still ready: ${next.slice(0, 5).join(', ')}. A tree with a timer that sets itself again never is: use runFor(ms)`,
      );
    }
    return count;
  }
}
