/**
 * One recorded actor, run again through today's machine: `machine.transition()` and nothing else. No action runs, no child starts, no timer is set.
 *
 * XState's own `transition()` makes an actor without a parent, a name or a system, so `sendParent` and `system.get` fail in it; here the machine finds
 * the parent, the children and the names that it had. What is leaned on of XState beyond its typings is in this file, and
 * test/testing/replay/fold.test.ts holds XState to it.
 */
import { createActor, type AnyActorLogic, type AnyActorRef, type AnyMachineSnapshot, type AnyStateMachine, type EventObject } from 'xstate';

import { parentOf } from '../../supervision/xstate-internals.js';
import { ActorNames, idOfPath } from '../names.js';
import type { RecordedActor } from '../../wire/recording/lines.js';
import type { OrderedAction } from '../actions.js';
import { Touches } from '../black-hole.js';
import { withOwnContext } from './own-context.js';
import { Promises } from './promises.js';

/** An action that a step has ordered. */
export interface CollectedAction extends OrderedAction {
  readonly exec?: unknown;
}

/** What today's machine made of an event. */
export interface Step {
  readonly snapshot: AnyMachineSnapshot;
  readonly actions: readonly CollectedAction[];
  /** What it has asked of values that the recording does not hold: the words for each. */
  readonly touched: readonly string[];
}

export interface TakenStep extends Step {
  /** Was an edge taken, also one that leads nowhere and does nothing? A guard that throws crashes the machine, and is heard, too. */
  readonly isHandled: boolean;
}

/** What XState tells of itself, as far as it is heard here. */
type Inspected =
  | { readonly type: '@xstate.actor'; readonly actorRef: AnyActorRef }
  | { readonly type: '@xstate.microstep'; readonly actorRef: AnyActorRef; readonly _transitions: readonly unknown[] };

/** Logic that does nothing: what stands in for every other actor. */
const inert: AnyActorLogic = {
  getInitialSnapshot: () => ({ status: 'active', output: undefined, error: undefined }),
  transition: (snapshot) => snapshot,
  getPersistedSnapshot: (snapshot) => snapshot,
};

interface Settable {
  id: string;
  sessionId: string;
  system: unknown;
  _parent: AnyActorRef | undefined;
  logic: AnyActorLogic;
  getSnapshot: () => unknown;
}

/** The actors of a recording, as the machines that are replayed see them. */
export class Cast {
  readonly names = new ActorNames();
  readonly #refs = new Map<string, AnyActorRef>();
  readonly #folds = new Map<AnyActorRef, Fold>();
  readonly #registered = new Map<string, AnyActorRef>();
  /** Other actors whose state a machine has looked at: nobody knows here what it was at that moment. */
  readonly lookedAt = new Set<string>();
  /** What a step asks of values that the recording does not hold. */
  readonly touches = new Touches();
  #sessions = 0;

  readonly #system = {
    _clock: { now: () => 0, setTimeout: () => 0, clearTimeout: () => undefined },
    _logger: () => undefined,
    _bookId: () => `x:new${this.#sessions++}`,
    _register: (session: string) => session,
    _unregister: () => undefined,
    _relay: () => undefined,
    _set: (name: string, actor: AnyActorRef) => this.#registered.set(name, actor),
    _snapshot: { _scheduledEvents: {} },
    _sendInspectionEvent: (event: Inspected) => {
      if (event.type === '@xstate.actor') this.#created(event.actorRef);
      else if (event.type === '@xstate.microstep' && event._transitions.length > 0) this.#folds.get(event.actorRef)?.noteEdge();
    },
    scheduler: { schedule: () => undefined, cancel: () => undefined, cancelAll: () => undefined },
    get: (name: string) => this.#registered.get(name),
    getAll: () => Object.fromEntries(this.#registered),
    getSnapshot: () => ({ _scheduledEvents: {} }),
    inspect: () => ({ unsubscribe: () => undefined }),
    start: () => undefined,
  };

  /** The actor of this name. */
  ref(path: string): AnyActorRef {
    const known = this.#refs.get(path);
    if (known !== undefined) return known;
    const id = idOfPath(path);
    const ref = createActor(inert, { id: id ?? `x:${path}` }) as AnyActorRef;
    const above = path.lastIndexOf('/');
    this.#dress(ref, path, above < 0 ? undefined : this.ref(path.slice(0, above)));
    this.#refs.set(path, ref);
    this.names.adopt(ref, path);
    return ref;
  }

  /** An actor has started under a name of the system's. */
  register(systemId: string, path: string): void {
    this.#registered.set(systemId, this.ref(path));
  }

  /** Begins to follow an actor. */
  fold(machine: AnyStateMachine, line: RecordedActor): Fold {
    const self = this.ref(line.actor);
    const settable = self as unknown as Settable;
    settable.id = line.id;
    const fold = new Fold(machine, self, this);
    settable.getSnapshot = () => fold.snapshot;
    this.#folds.set(self, fold);
    return fold;
  }

  #dress(ref: AnyActorRef, path: string, parent: AnyActorRef | undefined): void {
    const settable = ref as unknown as Settable;
    const look = ref.getSnapshot.bind(ref);
    if (settable.id === settable.sessionId) settable.id = `x:${path}`;
    settable.sessionId = `x:${path}`;
    settable.system = this.#system;
    settable._parent = parent;
    settable.getSnapshot = () => {
      this.lookedAt.add(path);
      return look();
    };
  }

  /** A machine that is replayed has made a child. XState tells it before the child's logic makes its first snapshot: that of an inline one runs as little. */
  #created(child: AnyActorRef): void {
    const parent = parentOf(child);
    const fold = parent === undefined ? undefined : this.#folds.get(parent);
    if (fold === undefined) return;
    (child as unknown as Settable).logic = inert;
    this.names.note(child);
    const path = this.names.pathOf(child);
    this.#dress(child, path, parent);
    fold.own.set(path, child);
  }
}

/** One actor, followed. */
export class Fold {
  readonly self: AnyActorRef;
  /** Children that the machine has made here, by name. */
  readonly own = new Map<string, AnyActorRef>();
  snapshot: AnyMachineSnapshot | undefined;
  readonly #machine: AnyStateMachine;
  readonly #cast: Cast;
  #collected: CollectedAction[] = [];
  #isHandled = false;
  readonly #promises = new Promises();
  readonly #scope: object;

  constructor(machine: AnyStateMachine, self: AnyActorRef, cast: Cast) {
    this.#machine = machine;
    this.self = self;
    this.#cast = cast;
    this.#scope = {
      self,
      id: self.id,
      sessionId: self.sessionId,
      system: self.system,
      logger: () => undefined,
      defer: () => undefined,
      stopChild: () => undefined,
      emit: () => undefined,
      actionExecutor: (action: CollectedAction) => {
        this.#collected.push(action);
      },
    };
  }

  /** The reference that this actor has of the actor of a name. */
  ref(path: string): AnyActorRef {
    return this.own.get(path) ?? this.#cast.ref(path);
  }

  /** Its first snapshot. */
  begin(input: unknown): Step {
    return this.#step(() => this.#machine.getInitialSnapshot(this.#scope as never, input) as AnyMachineSnapshot);
  }

  /** Takes up a state that was recorded. @throws what XState says when today's machine has no such state */
  resume(state: { value: unknown; context: unknown; status: unknown; output: unknown; error: unknown }, line: RecordedActor): AnyMachineSnapshot {
    const history = Object.entries(line.history ?? {}).map(([id, nodes]) => [id, nodes.map((node) => this.#machine.getStateNodeById(node))]);
    const snapshot = this.#machine.resolveState({ ...state, historyValue: Object.fromEntries(history) as never } as never) as AnyMachineSnapshot;
    const children = Object.entries(line.children ?? {}).map(([id, path]) => [id, this.#cast.ref(path)]);
    Object.assign(snapshot, { children: Object.fromEntries(children) as object, status: state.status });
    for (const path of Object.values(line.children ?? {})) this.#cast.names.countOn(this.self, path);
    this.snapshot = snapshot;
    return snapshot;
  }

  /** What the machine makes of an event; {@link Fold.snapshot} is then the new one. */
  take(event: EventObject): TakenStep {
    return this.#step(() => this.#machine.transition(this.snapshot as never, event, this.#scope as never) as AnyMachineSnapshot);
  }

  /** An edge of it was taken. */
  noteEdge(): void {
    this.#isHandled = true;
  }

  #step(run: () => AnyMachineSnapshot): TakenStep {
    this.#collected = [];
    this.#isHandled = false;
    this.#cast.lookedAt.clear();
    this.#cast.touches.begin();
    let snapshot: AnyMachineSnapshot;
    try {
      snapshot = run();
    } catch (error) {
      snapshot = { ...(this.snapshot as AnyMachineSnapshot), status: 'error', error } as AnyMachineSnapshot;
    }
    this.snapshot = snapshot;
    const touched = this.#cast.touches.words;
    this.#promises.calm(snapshot.context);
    this.#promises.calm(snapshot.output);
    return { snapshot, actions: this.#collected, touched, isHandled: this.#isHandled || snapshot.status === 'error' };
  }
}

/**
 * The machine with its named actors replaced by ones that do nothing (those that stand inline are as soon as they are made, see {@link Cast}), and with a context of its own.
 * @param isBeside  actors of it live in this process, with which it must share nothing: see {@link withOwnContext}
 */
export function withoutChildren(machine: AnyStateMachine, isBeside = false): AnyStateMachine {
  const { actors } = machine.implementations as { actors: object };
  const bare = machine.provide({ actors: Object.fromEntries(Object.keys(actors).map((name) => [name, inert])) } as never);
  return withOwnContext(bare as AnyStateMachine, isBeside);
}
