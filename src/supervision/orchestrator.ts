/** An application's tree: the root supervisor, its tasks, its end. */
import { createActor, type ActorOptions, type AnyActorLogic, type AnyActorRef, type InspectionEvent } from 'xstate';

import { requireClock, systemClock, type Clock } from './clock.js';
import { contain } from './contain.js';
import { SupervisorHandle } from './handle.js';
import { EspalierError } from '../errors.js';
import { invalidSnapshot, requireSaved } from '../wire/saved-tree.js';
import { indexTimers } from './scheduler.js';
import { requireOptions, supervisor, supervisorOptions, type ActorMap, type SupervisorOptions } from './supervisors.js';
import { taskSupervisor, TaskSupervisor } from './tasks.js';

/** What attaches itself to a tree, and decides by itself how closely it looks. `recorder()` of 'espalier/inspector' makes one. */
export interface Inspector {
  /** @param root  of a system that has not started */
  attach(root: AnyActorRef): unknown;
}

/** What a tree is started with. */
export interface StartEnvironment {
  /** Where time comes from. Default the machine's own. */
  readonly clock?: Clock;
  /** A tree persisted by {@link App.getPersistedSnapshot}; it goes on where that one was. */
  readonly snapshot?: unknown;
  /**
   * XState's inspection events of the whole tree; or a recorder, which is attached before anything starts. An observer that throws harms nobody; what it
   * threw is dropped.
   */
  readonly inspect?: ((event: InspectionEvent) => void) | Inspector;
  /** The root's id. Default `app`. */
  readonly id?: string;
}

/** The id under which {@link App.tasks} joins the tree. */
const tasksId = 'tasks';

/** A running application tree. */
export class App extends SupervisorHandle {
  /**
   * Tasks of the app's own. The first use adds a task supervisor to the tree, last in start order and so first to stop; where the app has a child
   * `tasks` of its own that is a task supervisor, it is that one.
   */
  readonly tasks: TaskSupervisor;
  #joining: Promise<unknown> | undefined;

  constructor(ref: AnyActorRef) {
    super(ref);
    this.tasks = new TaskSupervisor(
      () => {
        const running = this.child(tasksId);
        if (running === undefined) void this.#join();
        return running ?? this.child(tasksId);
      },
      () => (this.child(tasksId) === undefined ? this.#join() : Promise.resolve()),
    );
  }

  /** One start, however many ask at once. */
  #join(): Promise<unknown> {
    this.#joining ??= this.startChild({ id: tasksId, src: 'tasks', restart: 'transient', type: 'supervisor' })
      .then((result) => (!result.ok && result.reason === 'alreadyPresent' ? this.restartChild(tasksId) : result))
      .finally(() => {
        this.#joining = undefined;
      });
    return this.#joining;
  }

  /** The whole tree as JSON: children, their states, pending timers, remaining restart budgets. Tasks that run are functions, and come back as lost. */
  getPersistedSnapshot(): unknown {
    return this.ref.getPersistedSnapshot();
  }

  /** `await using app = …`: stops the tree in order. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop({ reason: 'shutdown' });
  }
}

/** A tree that has been described and checked, and can be started. */
export interface Orchestrator {
  /** What the children run, by name: by these is told whether a saved tree is of the same machines. */
  readonly actors: Readonly<Record<string, AnyActorLogic>>;
  /**
   * Starts the root. Returns at once; {@link App.started} tells when the children are up, or why not.
   * @throws EspalierError `supervision/invalid-snapshot` for a snapshot that is no saved tree of these options, before anything starts
   */
  start(environment?: StartEnvironment): App;
}

/**
 * Describes an application's tree: a supervisor as its root.
 * @throws EspalierError with a `supervision/…` code for the first fault of the options, before anything starts
 */
export function orchestrator<const Actors extends ActorMap>(options: SupervisorOptions<Actors> = {}): Orchestrator {
  requireOptions(options, supervisorOptions, 'the options of an orchestrator');
  const actors: Record<string, AnyActorLogic> = { tasks: taskSupervisor(), ...options.actors };
  const logic = supervisor({ ...options, actors } as SupervisorOptions);
  return {
    actors: options.actors ?? {},
    start(environment = {}) {
      requireOptions(environment, ['clock', 'snapshot', 'inspect', 'id'], 'the environment of a start');
      const { clock = systemClock, snapshot, inspect, id = 'app' } = environment;
      requireClock(clock);
      if (inspect !== undefined && typeof inspect !== 'function' && typeof inspect?.attach !== 'function')
        throw new EspalierError('supervision/invalid-options', { expected: '`inspect` to be a function or a recorder', got: inspect });
      const base = {
        clock,
        id,
        ...(typeof inspect === 'function' ? { inspect: harmless(inspect) } : {}),
        ...(snapshot === undefined ? {} : { snapshot }),
      };
      if (snapshot !== undefined) requireSaved(snapshot, actors);
      const root = createActor(logic, base as unknown as ActorOptions<typeof logic>);
      const { status, error } = root.getSnapshot();
      if (snapshot !== undefined && status === 'error') throw invalidSnapshot('a saved tree that these options can go on with', snapshot, error);
      contain(root);
      indexTimers(root);
      if (typeof inspect === 'object') harmless(() => inspect.attach(root))();
      root.start();
      return new App(root);
    },
  };
}

/** An inspector that throws would wedge the mailbox of the actor it looks at, for ever. */
function harmless<Seen extends unknown[]>(look: (...seen: Seen) => void): (...seen: Seen) => void {
  return (...seen) => {
    try {
      look(...seen);
    } catch {
      // The observer's own fault; the tree must not pay for it.
    }
  };
}
