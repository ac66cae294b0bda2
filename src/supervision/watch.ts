/**
 * Links, monitors and exit signals between any actors of XState, with Erlang's rules.
 *
 * A monitor is one-way, stacks, and fires once; one on the dead fires at once with `noproc`. A link is mutual and single; the end of one side is an
 * exit signal to the other. A signal ends an actor that does not trap exits; one that does gets `link.exit` instead. An actor traps exits exactly
 * when it names the event and its current state handles it.
 *
 * An end is told to everybody in turn (turns.ts), in the order in which they asked; what that sets off comes after. However many are tied together,
 * in whatever shape, all have been told when the outermost call returns.
 * @see Erlang Reference Manual, Processes: links, monitors, exit signals
 */
import { createActor, type ActorLogic, type AnyActorRef, type EventObject, type Snapshot, type Subscription } from 'xstate';

import { isExitReason, reasonOfError, reasonOfOutput, type ExitReason } from '../../machines/supervision/exit.js';
import { EspalierError } from '../errors.js';
import { inTurn, queueTurn, takeWaiting, type Turn } from './turns.js';
import { hasStopped, isUnstarted, logicOf, parentOf, stopActor, stopOnceStarted } from './xstate-internals.js';

/** What a monitor's owner is sent, exactly once. */
export interface MonitorDown {
  readonly type: 'monitor.down';
  readonly ref: string;
  readonly actor: AnyActorRef;
  readonly reason: ExitReason | 'noproc';
}

/** What an actor that traps exits is sent when somebody it is linked to ends, or signals it. */
export interface LinkExit {
  readonly type: 'link.exit';
  readonly from: AnyActorRef;
  readonly reason: ExitReason | 'noproc';
}

/** A monitor that was set. */
export interface Monitor {
  readonly ref: string;
  /** Takes it back; no event comes after. @returns whether it was still active */
  demonitor(): boolean;
}

/** A subscription to one actor's end. */
export interface ExitWatch {
  /** @returns whether the end had not been told yet */
  unsubscribe(): boolean;
}

const ordered = new WeakMap<AnyActorRef, ExitReason>();
/** Whose signal ended an actor. */
const signallers = new WeakMap<AnyActorRef, AnyActorRef>();
const endings = new WeakMap<AnyActorRef, Ending>();
const explicit = new WeakMap<object, Map<string, boolean>>();
let monitorCount = 0;

/**
 * Why the actor ended; null while it lives. One that was stopped by XState itself, by order of nobody here, ended `shutdown`.
 * @throws EspalierError `supervision/invalid-actor` for what is no actor
 */
export function exitReason(actor: AnyActorRef): ExitReason | null {
  checkActor('actor', actor);
  const snapshot = actor.getSnapshot() as { status?: string; output?: unknown; error?: unknown } | undefined;
  if (snapshot?.status === 'done') return reasonOfOutput(snapshot.output);
  if (snapshot?.status === 'error') return ordered.get(actor) ?? reasonOfError(snapshot.error);
  return hasStopped(actor) ? (ordered.get(actor) ?? 'shutdown') : null;
}

/** Does the actor's logic name this event, and does its present state handle it? Wildcards other than `noun.*` do not count. */
export function handles(actor: AnyActorRef, event: EventObject): boolean {
  if (!names(actor, event.type)) return false;
  const snapshot = actor.getSnapshot() as { can?: (event: EventObject) => boolean };
  try {
    return snapshot.can?.(event) ?? false;
  } catch {
    // A guard that throws must throw in its own actor's transition, where it is that actor's crash: so the event is to be sent.
    return true;
  }
}

/** Does the actor's logic name this event, or `noun.*` of it? Logic that says nothing of its events names none. */
export function names(actor: AnyActorRef, type: string): boolean {
  const logic = logicOf(actor) as { events?: readonly string[] };
  const known = explicit.get(logic) ?? new Map<string, boolean>();
  explicit.set(logic, known);
  let named = known.get(type);
  if (named === undefined) {
    named = logic.events?.some((descriptor) => descriptor === type || descriptor === `${type.slice(0, type.lastIndexOf('.'))}.*`) ?? false;
    known.set(type, named);
  }
  return named;
}

/**
 * Ends an actor with a reason, which everybody who watches it sees: at once, after the event that it is in the midst of, or once its parent has started it. Its
 * supervisor is told after them. Does nothing to the dead, nor to one that is ending already: the first signal counts.
 */
export function terminate(actor: AnyActorRef, reason: ExitReason): void {
  if (hasStopped(actor) || ordered.has(actor)) return;
  ordered.set(actor, reason);
  const parent = parentOf(actor);
  if (parent !== undefined && isUnstarted(actor)) stopOnceStarted(actor);
  else stopActor(actor);
  if (parent === undefined || !names(parent, 'pool.ended')) return;
  const tell = (): void => {
    if (!hasStopped(parent)) parent.send({ type: 'pool.ended', id: actor.id, actor });
  };
  if (hasStopped(actor)) inTurn(tell);
  else onExit(actor, tell);
}

/**
 * Notes why an actor is about to be stopped by its owner. One that has ended, or is ending, keeps its reason.
 * @param isOver  it was stopped so before anybody asked for it as an actor
 */
export function noteOrder(actor: AnyActorRef, reason: ExitReason, isOver = false): void {
  if ((isOver || !hasStopped(actor)) && !ordered.has(actor)) ordered.set(actor, reason);
}

/** Why somebody ordered the actor's end; undefined when nobody has. */
export function orderOf(actor: AnyActorRef): ExitReason | undefined {
  return ordered.get(actor);
}

/** What somebody is told when an actor ends, once. */
class Notice implements Turn {
  readonly #ending: Ending;
  readonly #tell: (reason: ExitReason) => void;
  #isDue = true;
  before: Notice | undefined;
  after: Notice | undefined;

  constructor(ending: Ending, tell: (reason: ExitReason) => void) {
    this.#ending = ending;
    this.#tell = tell;
    ending.add(this);
  }

  /** Takes it back, also when the actor has ended and it waits for its turn. @returns whether it was still due */
  drop(): boolean {
    if (!this.#isDue) return false;
    this.#isDue = false;
    this.#ending.remove(this);
    return true;
  }

  /** A fault of one who is told keeps nobody else from hearing. */
  take(): void {
    if (!this.drop()) return;
    try {
      this.#tell(this.#ending.reason);
    } catch (fault) {
      reportFault(fault);
    }
  }
}

/** All that is due when one actor ends. One subscription, however many are to be told, so that they are told in the order in which they asked. */
class Ending {
  /** What cuts each of the actor's links, by the other side. */
  links: Map<AnyActorRef, () => void> | undefined;
  reason: ExitReason = 'shutdown';
  readonly #actor: AnyActorRef;
  #first: Notice | undefined;
  #last: Notice | undefined;
  #subscription: Subscription | undefined;

  constructor(actor: AnyActorRef) {
    this.#actor = actor;
  }

  static of(actor: AnyActorRef): Ending {
    let ending = endings.get(actor);
    if (ending === undefined) {
      ending = new Ending(actor);
      endings.set(actor, ending);
    }
    return ending;
  }

  add(notice: Notice): void {
    if (this.#last === undefined) {
      const ended = (): void => this.#tell();
      this.#subscription = this.#actor.subscribe({ complete: ended, error: ended });
      this.#first = notice;
    } else {
      this.#last.after = notice;
      notice.before = this.#last;
    }
    this.#last = notice;
  }

  remove(notice: Notice): void {
    const { before, after } = notice;
    notice.before = undefined;
    notice.after = undefined;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    if (this.#last === undefined) this.#subscription?.unsubscribe();
  }

  #tell(): void {
    // XState lets its observers go itself; to take one out of the set that it goes through costs more than all the rest.
    this.#subscription = undefined;
    this.reason = exitReason(this.#actor) ?? 'shutdown';
    for (let notice = this.#first; notice !== undefined; notice = notice.after) queueTurn(notice);
    takeWaiting();
  }
}

const overLogic: ActorLogic<Snapshot<undefined>, EventObject> = {
  transition: (snapshot) => snapshot,
  getInitialSnapshot: () => ({ status: 'done', output: undefined, error: undefined }),
  getPersistedSnapshot: (snapshot) => snapshot,
};

/** XState hands what an observer throws to the process, on a fresh stack. A listener's fault goes the same way, by observing an actor that is over. */
function reportFault(fault: unknown): void {
  const over = createActor(overLogic).start();
  over.subscribe({
    complete: () => {
      throw fault;
    },
  });
}

/**
 * Calls `listener` once, with the reason, when the actor ends; at once with `noproc` when it already has.
 * The primitive beneath monitors and links; prefer those where an actor is to be told.
 * @throws EspalierError `supervision/invalid-actor` for a target that is no actor, `supervision/invalid-options` for a listener that is no function
 */
export function onExit(target: AnyActorRef, listener: (reason: ExitReason | 'noproc') => void): ExitWatch {
  checkActor('target', target);
  if (typeof listener !== 'function') {
    throw new EspalierError('supervision/invalid-options', { expected: '`listener` to be a function', got: listener });
  }
  if (exitReason(target) !== null) {
    listener('noproc');
    return { unsubscribe: () => false };
  }
  const notice = new Notice(Ending.of(target), listener);
  return { unsubscribe: () => notice.drop() };
}

/**
 * Calls once when a part of an actor is lost: it was ended by anybody but its owner, by which it ends `shutdown`, while the owner lives. The owner's chart itself
 * hears nothing of such an end.
 */
export function onLoss(part: AnyActorRef, owner: AnyActorRef, lost: () => void): void {
  onExit(part, (reason) => {
    const isByOwner = reason === 'shutdown' && (signallers.get(part) ?? owner) === owner;
    if (!isByOwner && !hasStopped(owner)) lost();
  });
}

/**
 * Orders an actor's end, unless it has ended.
 * @param order  has it end, at once or later
 * @returns why it has ended, as soon as it has; `noproc` where it had, or where it is a root that was never started: one that is yet finds the order. Never rejects
 */
export function ended<Ref extends AnyActorRef>(ref: Ref, order: (ref: Ref) => void): Promise<ExitReason | 'noproc'> {
  return new Promise((resolve) => {
    onExit(ref, resolve);
    if (exitReason(ref) === null) order(ref);
    // A child that is not started yet is about to be.
    if (isUnstarted(ref) && parentOf(ref) === undefined) resolve('noproc');
  });
}

/**
 * Sets a monitor: when `target` ends, `owner` is sent one {@link MonitorDown}. It dies with its owner. To monitor oneself sets none.
 * @param ref  the monitor's name in that event; made up when absent
 * @throws EspalierError `supervision/invalid-actor` when either is no actor
 */
export function monitor(owner: AnyActorRef, target: AnyActorRef, ref = `monitor.${++monitorCount}`): Monitor {
  checkActor('owner', owner);
  checkActor('target', target);
  let isSet = owner !== target && exitReason(owner) === null;
  let due: Notice | undefined;
  let release: Notice | undefined;
  const demonitor = (): boolean => {
    const wasSet = isSet;
    isSet = false;
    due?.drop();
    release?.drop();
    return wasSet;
  };
  const tell = (reason: ExitReason | 'noproc'): void => {
    const down: MonitorDown = { type: 'monitor.down', ref, actor: target, reason };
    if (demonitor() && exitReason(owner) === null) owner.send(down);
  };
  if (isSet && exitReason(target) === null) {
    due = new Notice(Ending.of(target), tell);
    release = new Notice(Ending.of(owner), demonitor);
  } else if (isSet) {
    inTurn(() => {
      tell('noproc');
    });
  }
  return { ref, demonitor };
}

/**
 * Links two actors; a second link of the same two changes nothing.
 * @returns `noproc` when `a` is dead, or when `b` is and `a` does not trap exits; one that traps is sent `link.exit` with that reason
 * @throws EspalierError `supervision/invalid-actor` when either is no actor
 */
export function link(a: AnyActorRef, b: AnyActorRef): { readonly ok: true } | { readonly ok: false; readonly reason: 'noproc' } {
  checkActor('a', a);
  checkActor('b', b);
  if (exitReason(a) !== null) return { ok: false, reason: 'noproc' };
  if (a === b || endings.get(a)?.links?.has(b) === true) return { ok: true };
  if (exitReason(b) !== null) {
    const event: LinkExit = { type: 'link.exit', from: b, reason: 'noproc' };
    if (!handles(a, event)) return { ok: false, reason: 'noproc' };
    a.send(event);
    return { ok: true };
  }
  tie(a, b);
  return { ok: true };
}

/**
 * Takes a link away, from whichever side it was made. No signal comes through it after, not even that of one that has ended and waits to be told.
 * @throws EspalierError `supervision/invalid-actor` when either is no actor
 * @see Erlang erlang:unlink/1
 */
export function unlink(a: AnyActorRef, b: AnyActorRef): void {
  checkActor('a', a);
  checkActor('b', b);
  endings.get(a)?.links?.get(b)?.();
}

/** When either ends, the other gets its exit signal. */
function tie(a: AnyActorRef, b: AnyActorRef): void {
  const endOfA = Ending.of(a);
  const endOfB = Ending.of(b);
  const cut = (): void => {
    fromA.drop();
    fromB.drop();
    endOfA.links?.delete(b);
    endOfB.links?.delete(a);
  };
  const fromA = new Notice(endOfA, (reason) => {
    cut();
    signal(b, reason, a);
  });
  const fromB = new Notice(endOfB, (reason) => {
    cut();
    signal(a, reason, b);
  });
  (endOfA.links ??= new Map()).set(b, cut);
  (endOfB.links ??= new Map()).set(a, cut);
}

/**
 * Sends an exit signal. `kill` cannot be trapped, and is seen by everybody as `killed`. `normal` from another is ignored by one that does not trap.
 * @param from  the sender; the target itself when absent
 * @throws EspalierError `supervision/invalid-actor` when the target or the sender is no actor, `supervision/invalid-options` for what is no reason
 */
export function exit(target: AnyActorRef, reason: ExitReason | 'kill', from: AnyActorRef = target): void {
  checkActor('target', target);
  checkActor('from', from);
  if (reason !== 'kill' && !isExitReason(reason)) {
    const expected = "`reason` to be kill, normal, shutdown, killed, ['shutdown', term] or { crash: term }";
    throw new EspalierError('supervision/invalid-options', { expected, got: reason });
  }
  if (reason === 'kill') terminate(target, 'killed');
  else signal(target, reason, from);
}

function signal(target: AnyActorRef, reason: ExitReason, from: AnyActorRef): void {
  if (exitReason(target) !== null) return;
  const event: LinkExit = { type: 'link.exit', from, reason };
  if (handles(target, event)) target.send(event);
  else if (reason !== 'normal' || from === target) {
    if (!ordered.has(target)) signallers.set(target, from);
    terminate(target, reason);
  }
}

function checkActor(role: string, value: unknown): void {
  const { getSnapshot, subscribe, system } = (value ?? {}) as Partial<Record<keyof AnyActorRef, unknown>>;
  if (typeof getSnapshot === 'function' && typeof subscribe === 'function' && typeof system === 'object') return;
  const expected = `\`${role}\` to be an actor: what \`createActor\` makes, \`app.ref\`, \`app.child(id)\``;
  throw new EspalierError('supervision/invalid-actor', { expected, got: value });
}
