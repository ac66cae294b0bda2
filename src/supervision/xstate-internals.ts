/**
 * Every private part of XState 5 that Espalier leans on, in one file. test/supervision/xstate-internals.test.ts holds XState to it.
 *
 * Why at all: XState gives no way to stop an actor from outside its parent, none to learn of *every* death, and its scheduler scans all timers of
 * the system whenever any actor stops.
 */
import type { ActorOptions, AnyActorLogic, AnyActorRef, EventObject, InspectionEvent, Observer, Subscription } from 'xstate';
import { Actor, createActor } from 'xstate';

import { isActor } from '../option-checks.js';

/** A delayed event, as XState's scheduler knows it. */
export interface ScheduledEvent {
  readonly id: string;
  readonly event: EventObject;
  readonly delay: number;
  readonly source: AnyActorRef;
  readonly target: AnyActorRef;
  readonly startedAt: number;
}

/** An actor system with its private parts. */
export interface SystemInternals {
  scheduler: {
    schedule(source: AnyActorRef, target: AnyActorRef, event: EventObject, delay: number, id: string | undefined): void;
    cancel(source: AnyActorRef, id: string): void;
    cancelAll(actor: AnyActorRef): void;
  };
  /** Called for every actor that ends, also ahead of time for one that is about to be stopped. */
  _unregister(actor: AnyActorRef): void;
  /** Called when an actor starts, before anything else of it. */
  _register(sessionId: string, actor: AnyActorRef): string;
  /** Called for whatever happens, also when nobody inspects. */
  _sendInspectionEvent(event: InspectionEvent): void;
  inspect(observer: Observer<InspectionEvent> | ((event: InspectionEvent) => void)): Subscription;
  /** The next session id; none is used twice. */
  _bookId(): string;
  _relay(source: AnyActorRef | undefined, target: AnyActorRef, event: EventObject): void;
  readonly _clock: unknown;
  readonly _logger: unknown;
  readonly _snapshot: { _scheduledEvents: Record<string, ScheduledEvent> };
  getSnapshot(): { _scheduledEvents: Record<string, ScheduledEvent> };
  getAll(): Record<string, AnyActorRef>;
}

interface ActorInternals {
  readonly _processingStatus: 0 | 1 | 2;
  readonly _actorScope: { emit(event: EventObject): void };
  readonly eventListeners?: ReadonlyMap<string, unknown>;
  readonly logic: AnyActorLogic;
  readonly mailbox: { readonly _current: { readonly value: EventObject } | null | undefined; enqueue(event: EventObject): void };
  _stop(): void;
}

export function systemOf(actor: AnyActorRef): SystemInternals {
  return actor.system as unknown as SystemInternals;
}

/** Has it ended, in whatever way? */
export function hasStopped(actor: AnyActorRef): boolean {
  return (actor as unknown as ActorInternals)._processingStatus === 2;
}

/** Was it created but never started? */
export function isUnstarted(actor: AnyActorRef): boolean {
  return (actor as unknown as ActorInternals)._processingStatus === 0;
}

/** Is an event of the actor being processed, so that what it is sent waits? */
export function isInTurn(actor: AnyActorRef): boolean {
  return ((actor as unknown as ActorInternals).mailbox._current ?? null) !== null;
}

/** Is it being stopped just now, by XState or by {@link stopActor}? Its children go first, and its listeners are still there. */
export function isBeingStopped(actor: AnyActorRef): boolean {
  return (actor as unknown as ActorInternals).mailbox._current?.value.type === 'xstate.stop';
}

/** Ends an actor at once, whoever its parent is: its logic sees `xstate.stop`, its children go with it. Idempotent. */
export function stopActor(actor: AnyActorRef): void {
  (actor as unknown as ActorInternals)._stop();
}

/**
 * Ends an actor that somebody is about to start as soon as it has started: so those who watch it hear of its end. XState would let it lie without a word, and who
 * invoked it would wait for it for ever.
 */
export function stopOnceStarted(actor: AnyActorRef): void {
  (actor as unknown as ActorInternals).mailbox.enqueue({ type: 'xstate.stop' });
}

/** Lets logic that holds something (a callback, an observable, a pool) let go of it, after an error that XState did not tell it of. Never throws. */
export function cleanUp(actor: AnyActorRef): void {
  const { logic, _actorScope } = actor as unknown as ActorInternals;
  const snapshot = actor.getSnapshot() as object | undefined;
  if (typeof logic.start !== 'function' || 'implementations' in logic) return;
  try {
    logic.transition({ ...snapshot, status: 'active' }, { type: 'xstate.stop' }, _actorScope as never);
  } catch {
    // It has failed already; that its cleaning up fails too adds nothing.
  }
}

/** Has an actor emit a fact outside any transition: for data that changes no state, and would cost a transition each. */
export function emitFrom(actor: AnyActorRef, fact: EventObject): void {
  (actor as unknown as ActorInternals)._actorScope.emit(fact);
}

/** May anybody hear a fact of that type from it? Where nobody can, it need not be made. */
export function isHeard(actor: AnyActorRef, type: string): boolean {
  const { eventListeners } = actor as unknown as ActorInternals;
  if (eventListeners === undefined) return true;
  return eventListeners.size > 0 && (eventListeners.has(type) || eventListeners.has('*'));
}

/** The actor at the top of its system. */
export function rootOf(actor: AnyActorRef): AnyActorRef {
  let root = actor;
  for (let above = parentOf(root); above !== undefined; above = parentOf(root)) root = above;
  return root;
}

export function parentOf(actor: AnyActorRef): AnyActorRef | undefined {
  return actor._parent;
}

/** Is the one somewhere below the other? */
export function isBelow(actor: AnyActorRef, ancestor: AnyActorRef): boolean {
  for (let above = parentOf(actor); above !== undefined; above = parentOf(above)) if (above === ancestor) return true;
  return false;
}

export function logicOf(actor: AnyActorRef): AnyActorLogic {
  return (actor as unknown as ActorInternals).logic;
}

/** The definition of the machine that an actor runs, which provide() keeps; undefined for other logic, and for what is no actor. */
export function definitionOf(ref: unknown): unknown {
  return isActor(ref) ? (logicOf(ref) as { config?: unknown } | undefined)?.config : undefined;
}

/** Does the actor run this machine, with whatever actors it was provided? */
export function runsMachine(ref: unknown, machine: { readonly config: object }): boolean {
  return definitionOf(ref) === machine.config;
}

/** The actor logics that a machine was provided with, by name. */
export function providedActors(actor: AnyActorRef): Readonly<Record<string, AnyActorLogic>> {
  const { implementations } = logicOf(actor) as unknown as { implementations?: { actors?: Record<string, AnyActorLogic> } };
  return implementations?.actors ?? {};
}

/** The logic that a machine was provided with under a name; never its own pool. */
export function providedActor(actor: AnyActorRef, name: string): AnyActorLogic | undefined {
  const actors = providedActors(actor);
  return name !== 'pool' && Object.hasOwn(actors, name) ? actors[name] : undefined;
}

/** The children that an actor's snapshot lists; none for logic that keeps no such list. */
export function childrenOf(actor: AnyActorRef): AnyActorRef[] {
  const { children } = (actor.getSnapshot() ?? {}) as { children?: Record<string, AnyActorRef | undefined> };
  return Object.values(children ?? {}).filter((child): child is AnyActorRef => child !== undefined);
}

/**
 * Actors that a system itself names: those with a `systemId`, and who has ordered a delayed event or is to get one. XState keeps its list of all actors
 * to itself: one that no snapshot lists and that is not among these cannot be found.
 */
export function namedBySystem(actor: AnyActorRef): AnyActorRef[] {
  const system = systemOf(actor);
  const scheduled = Object.values(system.getSnapshot()._scheduledEvents).flatMap(({ source, target }) => [source, target]);
  return [...new Set([...Object.values(system.getAll()), ...scheduled])];
}

/** The id of the child whose end XState tells by this event; undefined for any other. (The same is in its type, a string made anew for each event.) */
export function endedChildOf(event: EventObject): string | undefined {
  const { actorId } = event as { readonly actorId?: unknown };
  return typeof actorId === 'string' ? actorId : undefined;
}

/** Creates a child of any actor. XState types `parent` but documents it as internal. */
export function createChild(
  logic: AnyActorLogic,
  options: { parent: AnyActorRef; id: string; src?: string; input?: unknown; snapshot?: unknown; syncSnapshot?: boolean },
): AnyActorRef {
  return createActor(logic, options as unknown as ActorOptions<AnyActorLogic>) as AnyActorRef;
}

const unlisted = new WeakMap<object, Set<AnyActorLogic>>();

/**
 * Keeps actors with this logic out of a system's list of its actors, which nobody reads. It is a Map, and whatever comes and goes in a Map by the thousand lives until the
 * next full collection: V8 chains each of its former tables to the next, and the first that has grown old keeps the others, with all that was in them.
 */
export function keepUnlisted(system: SystemInternals, logic: AnyActorLogic): void {
  const known = unlisted.get(system);
  if (known !== undefined) {
    known.add(logic);
    return;
  }
  const logics = new Set([logic]);
  unlisted.set(system, logics);
  const register = system._register.bind(system);
  system._register = (sessionId, actor) => (logics.has(logicOf(actor)) ? sessionId : register(sessionId, actor));
}

/** Who inspects was there before anybody could count: an event that throws when it is copied is copied only for inspectors. */
export function isInspected(system: SystemInternals): boolean {
  const isCopied = new Error('copied');
  const probe = Object.defineProperty({ type: '@espalier.probe' }, 'copied', {
    enumerable: true,
    get: () => {
      throw isCopied;
    },
  });
  try {
    system._sendInspectionEvent(probe as unknown as InspectionEvent);
    return false;
  } catch (error) {
    if (error === isCopied) return true;
    throw error;
  }
}

/** Every field that an actor of XState has of its own. */
export const actorFields = [
  'logic', '_snapshot', 'clock', 'options', 'id', 'mailbox', 'observers', 'eventListeners', 'logger', '_processingStatus', '_parent', '_syncSnapshot',
  'ref', '_actorScope', 'systemId', 'sessionId', 'system', '_doneEvent', 'src', '_deferred', 'send',
] as const; // biome-ignore format: a list

/** An actor of XState with all of its fields. */
type ActorFields = Record<(typeof actorFields)[number], unknown>;

interface MailboxInternals {
  start(): void;
}

/** How an actor stands that is to be made in full. */
export interface Standing {
  readonly logic: AnyActorLogic;
  readonly parent: AnyActorRef;
  readonly id: string;
  readonly src: string;
  /** Absent: the next free one. */
  readonly sessionId: string | undefined;
  readonly snapshot: unknown;
  readonly hasStopped: boolean;
  readonly input?: unknown;
  /** Of a child that a chart has spawned or invoked. */
  readonly syncSnapshot?: boolean;
}

/**
 * Makes an object an actor of XState, as if `createActor` had made it and it had come to where it stands: the same object, so that whoever holds it holds
 * the actor. Nobody is told of it.
 */
export function becomeActor(object: object, standing: Standing): void {
  const { logic, parent, id, src, sessionId, snapshot, hasStopped: isOver, ...rest } = standing;
  const made = createChild(logic, { parent, id, src, ...rest }) as unknown as ActorFields;
  Object.setPrototypeOf(object, Actor.prototype);
  const actor = Object.assign(object, made) as unknown as ActorFields & { _process(event: EventObject): void };
  const self = actor as unknown as AnyActorRef;
  const { system, _actorScope: scope } = made as { system: SystemInternals; _actorScope: object };
  const Mailbox = (made.mailbox as object).constructor as new (process: (event: EventObject) => void) => MailboxInternals;
  const mailbox = new Mailbox((event) => actor._process(event));
  actor.mailbox = mailbox;
  actor.ref = self;
  actor.sessionId = sessionId ?? made.sessionId;
  actor.send = (event: EventObject) => Actor.prototype.send.call(self as never, event as never);
  actor._actorScope = {
    ...scope,
    self,
    sessionId: actor.sessionId,
    stopChild: (child: AnyActorRef) => {
      if (parentOf(child) !== self) throw new Error(`Cannot stop child actor ${child.id} of ${id} because it is not a child`);
      stopActor(child);
    },
    actionExecutor: ({
      type,
      params,
      info,
      exec,
    }: {
      type: string;
      params: unknown;
      info: unknown;
      exec?: (info: unknown, params: unknown) => void;
    }) => {
      system._sendInspectionEvent({ type: '@xstate.action', actorRef: self, action: { type, params } } as unknown as InspectionEvent);
      exec?.(info, params);
    },
  };
  actor._snapshot = snapshot;
  actor._processingStatus = isOver ? 2 : 1;
  if (isOver) return;
  system._register(actor.sessionId as string, self);
  mailbox.start();
}

/**
 * Creates a child whose logic does not look at its scope when it is created: what {@link createChild} makes, for a fraction of the price.
 *
 * XState copies an actor's options over its defaults, and to each name that the defaults have not (`parent`, `id`, `src`) the V8 of Node 20 gives a hidden class
 * of its own, for each actor anew: three quarters of the time that it takes to make one, and memory that only a full collection frees. So it is made without options, which is
 * as a root, and is given here what it would have as a child.
 */
export function createLeaf(logic: AnyActorLogic, { parent, id, src }: { parent: AnyActorRef; id: string; src: string }): AnyActorRef {
  if (strangeActor() !== null) return createChild(logic, { parent, id, src });
  return asChild(createActor(logic) as unknown as ActorFields, parent, id, src);
}

/** Takes in a root that was made without options, before it is started. */
function asChild(actor: ActorFields, parent: AnyActorRef, id: string, src: string): AnyActorRef {
  const system = systemOf(parent);
  const { clock, logger, devTools } = actor.options as Record<'clock' | 'logger' | 'devTools', unknown>;
  const scope = actor._actorScope as { id: string; logger: unknown; system: unknown };
  actor.options = { clock, logger, devTools, parent, id, src };
  actor.system = system;
  actor.id = id;
  actor.logger = system._logger;
  actor.clock = system._clock;
  actor._parent = parent;
  actor.src = src;
  scope.id = id;
  scope.logger = system._logger;
  scope.system = system;
  const ref = actor as unknown as AnyActorRef;
  system._sendInspectionEvent({ type: '@xstate.actor', actorRef: ref } as unknown as InspectionEvent);
  return ref;
}

let strangeness: string | null | undefined;

/** What of XState's actors is not as {@link becomeActor} and {@link createLeaf} need it; null where all is. */
export function strangeActor(): string | null {
  if (strangeness === undefined) strangeness = lookForStrange();
  return strangeness;
}

function lookForStrange(): string | null {
  const snapshot = { status: 'active' };
  const logic = {
    transition: (now: object) => now,
    getInitialSnapshot: () => snapshot,
    getPersistedSnapshot: (now: object) => now,
  } as unknown as AnyActorLogic;
  const clock = { setTimeout: () => 0, clearTimeout: () => undefined };
  const actor = createActor(logic, { clock, logger: () => undefined });
  const fields = Object.keys(actor);
  const { mailbox, system, _actorScope } = actor as unknown as ActorFields;
  if (fields.length !== actorFields.length || actorFields.some((field) => !fields.includes(field)))
    return `an actor has the fields ${fields.join(', ')}`;
  if (typeof (mailbox as Partial<MailboxInternals>).start !== 'function') return 'a mailbox has no start()';
  if (typeof (system as Partial<SystemInternals>)._bookId !== 'function') return 'a system has no _bookId()';
  if (typeof (_actorScope as { emit?: unknown }).emit !== 'function') return 'the scope of an actor has no emit()';
  if (typeof (Actor.prototype as unknown as { _process?: unknown })._process !== 'function') return 'an actor has no _process()';
  const child = createChild(logic, { parent: actor, id: 'id', src: 'src' });
  const taken = asChild(createActor(logic) as unknown as ActorFields, actor, 'id', 'src');
  const other = otherField(child, taken);
  return other === undefined ? null : `a child has another ${other} than a root that was made one`;
}

/** The first field in which two actors differ by more than their being two. */
function otherField(child: object, taken: object, ofChild: object = child, ofTaken: object = taken): string | undefined {
  const one = ofChild as Record<string, unknown>;
  const two = ofTaken as Record<string, unknown>;
  if (Object.keys(one).join() !== Object.keys(two).join()) return 'list of fields';
  return Object.keys(one).find((field) => {
    const [a, b] = [one[field], two[field]];
    if (a === b || field === 'sessionId' || (a === child && b === taken)) return false;
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return typeof a !== 'function' || typeof b !== 'function';
    return Object.getPrototypeOf(a) !== Object.getPrototypeOf(b) || ofChild !== child || otherField(child, taken, a, b) !== undefined;
  });
}
