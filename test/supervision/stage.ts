/**
 * What the tests of supervision stand on: virtual time, every actor that the test has made, and the look around when it is over.
 *
 * `stage()` checks by itself, at the end of its test, that no timer waits and no actor runs; a test that leaves something behind fails.
 */
import { assertEvent, createActor, fromCallback, setup, type ActorOptions, type AnyActorLogic, type AnyActorRef, type InspectionEvent } from 'xstate';
import { expect, onTestFinished } from 'vitest';
import { EspalierError, exitWith, orchestrator, type ActorMap, type App, type ExitReason, type SupervisorOptions } from '../../src/index.js';
import { SupervisorHandle } from '../../src/supervision/handle.js';
import { watchedSystemOf } from '../../src/supervision/watched-system.js';
import { hasStopped, isUnstarted } from '../../src/supervision/xstate-internals.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** A fact, as loosely as a test compares it. */
export type Fact = { readonly type: string } & Record<string, unknown>;

export class Stage {
  readonly clock = new VirtualClock();
  readonly #made = new Set<AnyActorRef>();

  /** Notes every actor that is made below the root that it is given to. */
  readonly inspect = (event: InspectionEvent): void => {
    if (event.type === '@xstate.actor') this.#made.add(event.actorRef as AnyActorRef);
  };

  /** Ids of the actors that run, in the order in which they were made. */
  living(): string[] {
    return [...this.#made].filter((actor) => !hasStopped(actor) && !isUnstarted(actor)).map((actor) => actor.id);
  }

  /** A running app tree, started on this stage; stopped at the end of the test at the latest. */
  app<const Actors extends ActorMap>(options: SupervisorOptions<Actors>, snapshot?: unknown): App {
    const app = orchestrator(options).start({ clock: this.clock, inspect: this.inspect, ...(snapshot === undefined ? {} : { snapshot }) });
    this.#stopAtEnd(app.ref);
    return app;
  }

  /**
   * A running root of any logic.
   * @param options  `unwatched`: what is made in full only for who looks is not made so for this stage
   */
  root(logic: AnyActorLogic, options: { input?: unknown; id?: string; snapshot?: unknown; unwatched?: boolean } = {}): AnyActorRef {
    const { unwatched = false, ...others } = options;
    const inspect = unwatched ? {} : { inspect: this.inspect };
    const root = createActor(logic, { ...others, clock: this.clock, ...inspect } as ActorOptions<AnyActorLogic>) as AnyActorRef;
    if (unwatched) {
      this.#made.add(root);
      watchedSystemOf(root).glance(this.inspect);
    }
    this.#stopAtEnd(root);
    root.start();
    return root;
  }

  #stopAtEnd(root: AnyActorRef): void {
    onTestFinished(() => {
      root.stop();
    });
  }

  flush(): Promise<void> {
    return this.clock.flush();
  }

  /** Moves time until a promise has settled. @throws when nothing is left that could settle it */
  async settle<Value>(pending: Promise<Value>): Promise<Value> {
    const open = Symbol('open');
    pending.catch(() => {});
    for (;;) {
      await this.flush();
      const now = await Promise.race([pending, Promise.resolve(open)]);
      if (now !== open) return now;
      const due = this.clock.nextAt();
      if (due === undefined || due === Infinity) throw new Error('a promise that nothing is left to settle');
      this.clock.advanceTo(due);
    }
  }

  /** What a promise has come to by now, or `pending`. */
  async peek<Value>(pending: Promise<Value>): Promise<Value | 'pending'> {
    await this.flush();
    return Promise.race([pending, Promise.resolve('pending' as const)]);
  }
}

/** A stage for one test; see above. */
export function stage(): Stage {
  const made = new Stage();
  onTestFinished(() => {
    expect(made.living(), 'actors that still run').toEqual([]);
    expect(made.clock.pending(), 'timers that still wait').toBe(0);
  });
  return made;
}

/** Everything that an actor emits from now on. */
export function factsOf(of: SupervisorHandle | AnyActorRef): Fact[] {
  const emitter = of instanceof SupervisorHandle ? of.ref : of;
  const facts: Fact[] = [];
  const note = (fact: Fact): void => {
    facts.push(fact);
  };
  emitter.on('*', note);
  return facts;
}

/** The facts of some types, as `type id`. */
export function told(facts: readonly Fact[], ...types: string[]): string[] {
  return facts.filter(({ type }) => types.includes(type)).map(({ type, id }) => `${type} ${String(id)}`);
}

export const boom = new Error('boom');

export type WorkerEvent =
  | { type: 'crash' }
  | { type: 'finish' }
  | { type: 'exit'; reason: ExitReason }
  | { type: 'supervisor.shutdown'; reason?: ExitReason };

/**
 * A worker that writes its life down: `+name` when it starts, `-name` when what it holds is cleaned up. It does not trap exits.
 * @param log  where
 */
export function worker(log: string[] = []) {
  return setup({
    types: { input: undefined as { name?: string } | undefined, context: {} as { name: string; reason: ExitReason }, events: {} as WorkerEvent },
    actors: {
      held: fromCallback<WorkerEvent, string>(({ input }) => {
        log.push(`+${input}`);
        return () => {
          log.push(`-${input}`);
        };
      }),
    },
    actions: {
      crash: () => {
        throw boom;
      },
    },
  }).createMachine({
    id: 'worker',
    context: ({ input }) => ({ name: input?.name ?? 'worker', reason: 'normal' }),
    invoke: { id: 'held', src: 'held', input: ({ context }) => context.name },
    initial: 'working',
    output: ({ event }) => {
      const { output } = event as unknown as { output: ExitReason };
      return exitWith(output);
    },
    states: {
      working: {
        on: {
          crash: { actions: 'crash' },
          finish: 'finished',
          exit: 'left',
        },
      },
      finished: { type: 'final', output: 'normal' },
      left: {
        type: 'final',
        output: ({ event }) => {
          assertEvent(event, 'exit');
          return event.reason;
        },
      },
    },
  });
}

/** A worker that traps exits: told to shut down, it writes `?name` and ends when it is sent `finish`, by itself after `lingerMs`, or not at all. */
export function trapper(log: string[] = [], lingerMs = Infinity) {
  return setup({
    types: { input: undefined as { name?: string } | undefined, context: {} as { name: string }, events: {} as WorkerEvent },
    delays: { linger: lingerMs },
    actions: {
      crash: () => {
        throw boom;
      },
      noteRequest: ({ context }) => {
        log.push(`?${context.name}`);
      },
    },
    actors: {
      held: fromCallback<WorkerEvent, string>(({ input }) => {
        log.push(`+${input}`);
        return () => {
          log.push(`-${input}`);
        };
      }),
    },
  }).createMachine({
    id: 'trapper',
    context: ({ input }) => ({ name: input?.name ?? 'trapper' }),
    invoke: { id: 'held', src: 'held', input: ({ context }) => context.name },
    initial: 'working',
    output: () => exitWith('shutdown'),
    on: { crash: { actions: 'crash' } },
    states: {
      working: { on: { 'supervisor.shutdown': 'ending', finish: 'ended' } },
      ending: { entry: 'noteRequest', on: { finish: 'ended' }, after: { linger: 'ended' } },
      ended: { type: 'final' },
    },
  });
}

/** A child of a machine that runs. */
export function childOf(parent: AnyActorRef | undefined, id: string): AnyActorRef {
  const { children } = (parent?.getSnapshot() ?? {}) as { children?: Record<string, AnyActorRef | undefined> };
  const child = children?.[id];
  if (child === undefined) throw new Error(`no child '${id}'`);
  return child;
}

/** What a call throws; fails when it throws nothing, or nothing of ours. */
export function thrownBy(call: () => unknown): EspalierError {
  try {
    call();
  } catch (error) {
    if (error instanceof EspalierError) return error;
    throw new Error(`not an EspalierError: ${String(error)}`, { cause: error });
  }
  throw new Error('nothing was thrown');
}
