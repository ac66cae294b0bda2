/**
 * A whole ground floor on virtual time: one application with every service of it, and two of an app that need them. It plays a script, notes each step that
 * the script and the application's chart take, and says at the end what is not as it must be.
 */
import { type AnyActorRef, fromCallback, type InspectionEvent, type StateValue } from 'xstate';
import { z } from 'zod';
import type { ApplicationEmitted } from '../../machines/application/application-events.js';
import { application } from '../../src/application/application.js';
import type { Application } from '../../src/application/handle.js';
import type { ApplicationService } from '../../src/application/options.js';
import { config } from '../../src/config/config.js';
import { configHandle } from '../../src/config/handle.js';
import { objectSource } from '../../src/config/sources.js';
import { eventStore } from '../../src/event-store/event-store.js';
import { eventStoreHandle } from '../../src/event-store/handle.js';
import { gate } from '../../src/gate/gate.js';
import { gateHandle } from '../../src/gate/handle.js';
import { healthHandle } from '../../src/health/health-handle.js';
import { healthMonitor } from '../../src/health/health-monitor.js';
import { serviceMonitor } from '../../src/health/service-monitor.js';
import { instrument } from '../../src/instrumentation/instrument.js';
import { isolationHandle } from '../../src/isolation/handle.js';
import { isolationWith } from '../../src/isolation/isolation.js';
import type { OpenSeat } from '../../src/isolation/seat.js';
import { registryHandle } from '../../src/registry/handle.js';
import { registry } from '../../src/registry/registry.js';
import { onExit } from '../../src/supervision/watch.js';
import { hasStopped, isUnstarted, logicOf, parentOf } from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { statesIn } from './chart-states.js';

/** A step that was taken, and who lived then, by the path from the root. */
export interface GroundStep {
  readonly name: string;
  readonly living: readonly string[];
}

/** A blow, at the step of that number. */
export interface Blow {
  readonly at: number;
  readonly strike: (ground: Ground) => void;
  /** `midst`: within the step; `behind`: when all is done that it sets off at once; `later`: a turn behind it. */
  readonly moment: 'midst' | 'behind' | 'later';
}

/** Something that happened to a service, or a fact of the application. */
export type Happening =
  | { readonly kind: 'came' | 'went'; readonly id: string }
  | { readonly kind: 'fact'; readonly type: string; readonly id: string | null };

/** Whom each service cannot do without. */
export const needs: Readonly<Record<string, readonly string[]>> = {
  ...{
    telemetry: [],
    settings: [],
    names: [],
    events: ['settings'],
    models: ['settings'],
    health: ['events'],
    watch: ['health'],
    work: ['settings'],
  },
  ...{ api: ['names', 'settings', 'events'], feed: ['events', 'models'] },
};
/** Who goes on, degraded, when one of those goes. */
export const goesOn: readonly string[] = ['feed'];
export const servicesPath = 'app/pool/application/tree/pool/';

const monitored = Object.entries(needs).flatMap(([id, dependsOn]) => (id === 'watch' ? [] : [{ id, dependsOn }]));

/** To make a machine costs more than to run it. */
const kept = {
  names: registry({ names: { api: 'api', feed: 'feed' }, successorMs: 1_000 }),
  events: eventStore({ memory: true, waitMs: 1_000 }),
  models: gate({ permits: 1 }),
  watch: serviceMonitor({ services: monitored }),
};

export class Ground {
  readonly clock = new VirtualClock();
  readonly #paths = new Map<AnyActorRef, string>();
  readonly #seats = new Set<object>();
  readonly steps: GroundStep[] = [];
  readonly happened: Happening[] = [];
  readonly faults: string[] = [];
  readonly registry = registryHandle(() => this.service('names'));
  readonly events = eventStoreHandle(() => this.service('events'));
  readonly health = healthHandle(() => this.service('health'));
  readonly work = isolationHandle(() => this.service('work'));
  readonly models = gateHandle(() => this.service('models'));
  readonly telemetry = instrument();
  readonly #settings = config({ schema: z.object({ level: z.string() }), sources: [objectSource({ level: 'info' })], settleMs: 5 });
  readonly settings = configHandle(this.#settings);
  readonly app: Application;
  readonly #blow: Blow | undefined;
  hasStruck = false;

  constructor(blow?: Blow, path?: string) {
    this.#blow = blow;
    const limits = { intensity: 20, retryMs: 50, graceMs: 5_000 };
    const onFact = (fact: ApplicationEmitted): void =>
      void this.happened.push({ kind: 'fact', type: fact.type, id: (fact as { id?: string | null }).id ?? null });
    this.app = application({ services: this.#services(path), ...limits, onFact }).start({
      clock: this.clock,
      inspect: (event) => this.#inspect(event),
    });
  }

  #services(path: string | undefined): ApplicationService[] {
    const own = fromCallback(() => () => undefined);
    const check = (): Promise<boolean> => this.events.read({ limit: 1 }).then(({ ok }) => ok);
    const logic: Record<string, ApplicationService['src']> = {
      telemetry: this.telemetry.logic,
      settings: this.#settings,
      ...kept,
      ...(path === undefined ? {} : { events: eventStore({ path, waitMs: 1_000 }) }),
      health: healthMonitor({ probes: [{ id: 'events', everyMs: 1_000, firstMs: 100, deadlineMs: 500, check }] }),
      work: isolationWith({ threads: 1, inside: 'thread', drainMs: 200 }, () => Promise.resolve(this.#seat)),
      ...{ api: own, feed: own },
    };
    const flush = (id: string) => () => this.events.append('flushed', [{ type: 'flushed', data: id }]).then(() => undefined);
    return Object.entries(needs).map(([id, dependsOn]) => ({
      ...{ id, dependsOn, src: logic[id] as ApplicationService['src'], shutdownMs: 500, flushMs: 500 },
      ...(goesOn.includes(id) ? { onDependencyLoss: 'degrade' as const } : {}),
      ...(id === 'api' || id === 'feed' ? { flush: flush(id) } : {}),
    }));
  }

  /** In place of a thread: a job takes 20 ms. */
  readonly #seat: OpenSeat = (_, events) => {
    const seat = {};
    this.#seats.add(seat);
    let timer: unknown;
    return {
      run: ({ input }) => {
        timer = this.clock.setTimeout(() => {
          events.answered({ status: 'done', value: input });
          events.freed(0, false);
        }, 20);
      },
      end: () => {
        this.clock.clearTimeout(timer);
        if (this.#seats.delete(seat)) queueMicrotask(() => events.gone(null));
      },
    };
  };

  /** Before the application is to be had there is none. */
  service(id: string): AnyActorRef | undefined {
    return this.find(servicesPath + id);
  }

  hasCome(id: string): boolean {
    return this.happened.some((each) => each.kind === 'came' && each.id === id);
  }

  /** Whoever lives at that path, the latest. */
  find(path: string): AnyActorRef | undefined {
    return [...this.#paths].findLast(([actor, known]) => known === path && !hasStopped(actor) && !isUnstarted(actor))?.[0];
  }

  /** The application's chart, also when it has ended. */
  get chart(): AnyActorRef | undefined {
    return [...this.#paths].find(([, path]) => path === 'app/pool/application')?.[0];
  }

  living(): readonly string[] {
    const all = [...this.#paths].filter(([actor]) => !hasStopped(actor) && !isUnstarted(actor)).map(([, path]) => path);
    return [...new Set(all)].sort();
  }

  /** What was left: actors, timers, threads. */
  left(): readonly string[] {
    return [
      ...this.living().map((path) => `'${path}' goes on`),
      ...(this.clock.pending() === 0 ? [] : [`${this.clock.pending()} timers wait`]),
      ...(this.#seats.size === 0 ? [] : [`${this.#seats.size} threads run`]),
    ];
  }

  /** A step of the script, or of the chart. */
  step(name: string): void {
    const at = this.steps.length;
    this.steps.push({ name, living: this.living() });
    if (this.#blow?.at !== at) return;
    const { moment, strike } = this.#blow;
    const act = (): void => {
      this.hasStruck = true;
      strike(this);
    };
    if (moment === 'midst') act();
    else if (moment === 'behind') queueMicrotask(act);
    else setImmediate(act);
  }

  /** Lets time pass until a promise settles, at most so long. */
  async until<Value>(name: string, promise: Promise<Value>, withinMs: number): Promise<Value | undefined> {
    let settled: { readonly value: Value } | 'failed' | undefined;
    promise.then(
      (value) => (settled = { value }),
      (error: unknown) => {
        settled = 'failed';
        this.faults.push(`'${name}' was rejected: ${String(error)}`);
      },
    );
    const limit = this.clock.now() + withinMs;
    for (;;) {
      await this.turns();
      if (settled !== undefined) return settled === 'failed' ? undefined : settled.value;
      const next = this.clock.nextAt();
      if (next === undefined || next > limit) break;
      this.clock.advanceTo(next);
    }
    this.faults.push(`'${name}' was not settled within ${withinMs} ms`);
    return undefined;
  }

  async pass(ms: number): Promise<void> {
    const limit = this.clock.now() + ms;
    for (;;) {
      await this.turns();
      const next = this.clock.nextAt();
      if (next === undefined || next > limit) break;
      this.clock.advanceTo(next);
    }
    this.clock.advanceTo(limit);
    await this.turns();
  }

  /** Lets be heard all that is under way. A file is opened in the time of the world: the clock stands still meanwhile, and no deadline of the ground ends it. */
  async turns(): Promise<void> {
    await this.clock.flush();
    await this.clock.flush();
    const opening = this.#opening();
    if (opening === null) return;
    await opening;
    await this.turns();
  }

  /** Settles when the store has opened, or nobody does any more; null where it does not open. One that closes before it was open does so first. */
  #opening(): Promise<void> | null {
    const [store, engine] = [this.service('events'), this.service('events/engine')];
    const isUnderWay = (value: StateValue): boolean => statesIn(value).some((state) => state === 'running.opening' || state === 'running.closing');
    if (store === undefined || engine === undefined || !isUnderWay((store.getSnapshot() as { value: StateValue }).value)) return null;
    return new Promise((resolve) => {
      const changes = store.subscribe({ next: ({ value }: { value: StateValue }) => isUnderWay(value) || end(), error: () => {} });
      const exits = [store, engine].map((actor) => onExit(actor, () => end()));
      const end = (): void => {
        for (const each of [changes, ...exits]) each.unsubscribe();
        resolve();
      };
    });
  }

  #inspect(event: InspectionEvent): void {
    try {
      this.#note(event);
    } catch (error) {
      // Nobody else would hear of it: what an observer throws is dropped.
      this.faults.push(`the ground itself failed: ${String(error)}`);
    }
  }

  #note(event: InspectionEvent): void {
    const actor = event.actorRef as AnyActorRef;
    if (event.type === '@xstate.actor') {
      const parent = parentOf(actor);
      this.#paths.set(actor, parent === undefined ? actor.id : `${this.#paths.get(parent) ?? '?'}/${actor.id}`);
      return;
    }
    const path = this.#paths.get(actor) ?? '?';
    const id = path.startsWith(servicesPath) ? path.slice(servicesPath.length) : '';
    if (event.type === '@xstate.event' && event.event.type === 'xstate.init' && id in needs) {
      this.happened.push({ kind: 'came', id });
      onExit(actor, () => this.happened.push({ kind: 'went', id }));
    }
    if (event.type !== '@xstate.snapshot' || (logicOf(actor) as { id?: string }).id !== 'application') return;
    const { context, value } = event.snapshot as unknown as { value: StateValue; context: { turn: string | null } };
    this.step([event.event.type, '→', statesIn(value).at(-1), context.turn ?? ''].join(' ').trimEnd());
  }
}
