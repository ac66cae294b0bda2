/**
 * Links, monitors and exit signals between any actors of XState, with Erlang's rules.
 *
 * A monitor is one-way, stacks, and fires once; one on the dead fires at once with `noproc`. A link is mutual and single; the end of one side is an
 * exit signal to the other. A signal ends an actor that does not trap exits; one that does gets `link.exit` instead. An actor traps exits exactly
 * when it names the event and its current state handles it.
 * @see Erlang Reference Manual, Processes: links, monitors, exit signals
 */
import type { AnyActorRef, EventObject } from 'xstate';

import { reasonOfError, reasonOfOutput, type ExitReason } from '../../machines/supervision/exit.js';
import { hasStopped, logicOf, parentOf, stopActor } from './xstate-internals.js';

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
const links = new WeakMap<AnyActorRef, Map<AnyActorRef, ExitWatch>>();
const explicit = new WeakMap<object, Map<string, boolean>>();
let monitorCount = 0;

/** Why the actor ended; null while it lives. One that was stopped by XState itself, by order of nobody here, ended `shutdown`. */
export function exitReason(actor: AnyActorRef): ExitReason | null {
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

function names(actor: AnyActorRef, type: string): boolean {
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

/** Ends an actor at once with a reason; what everybody who watches it sees. Its supervisor is told. Does nothing to the dead. */
export function terminate(actor: AnyActorRef, reason: ExitReason): void {
  if (hasStopped(actor)) return;
  ordered.set(actor, reason);
  stopActor(actor);
  const parent = parentOf(actor);
  if (parent === undefined || hasStopped(parent) || !names(parent, 'pool.ended')) return;
  const tell = (): void => {
    parent.send({ type: 'pool.ended', id: actor.id, actor });
  };
  if (hasStopped(actor)) tell();
  else onExit(actor, tell);
}

/** Notes why an actor is about to be stopped by its owner. */
export function noteOrder(actor: AnyActorRef, reason: ExitReason): void {
  ordered.set(actor, reason);
}

/** Why somebody ordered the actor's end; undefined when nobody has. */
export function orderOf(actor: AnyActorRef): ExitReason | undefined {
  return ordered.get(actor);
}

/**
 * Calls `listener` once, with the reason, when the actor ends; at once with `noproc` when it already has.
 * The primitive beneath monitors and links; prefer those where an actor is to be told.
 */
export function onExit(target: AnyActorRef, listener: (reason: ExitReason | 'noproc') => void): ExitWatch {
  let told = false;
  const tell = (reason: ExitReason | 'noproc'): void => {
    if (told) return;
    told = true;
    listener(reason);
  };
  if (exitReason(target) !== null) {
    tell('noproc');
    return { unsubscribe: () => false };
  }
  const ended = (): void => {
    tell(exitReason(target) ?? 'shutdown');
  };
  const subscription = target.subscribe({ complete: ended, error: ended });
  return {
    unsubscribe() {
      subscription.unsubscribe();
      const active = !told;
      told = true;
      return active;
    },
  };
}

/**
 * Sets a monitor: when `target` ends, `owner` is sent one {@link MonitorDown}. It dies with its owner. To monitor oneself sets none.
 * @param ref  the monitor's name in that event; made up when absent
 */
export function monitor(owner: AnyActorRef, target: AnyActorRef, ref = `monitor.${++monitorCount}`): Monitor {
  if (owner === target) return { ref, demonitor: () => false };
  let ownerWatch: ExitWatch | undefined;
  const watch = onExit(target, (reason) => {
    ownerWatch?.unsubscribe();
    const down: MonitorDown = { type: 'monitor.down', ref, actor: target, reason };
    if (exitReason(owner) === null) owner.send(down);
  });
  if (exitReason(target) === null) ownerWatch = onExit(owner, () => watch.unsubscribe());
  return {
    ref,
    demonitor() {
      ownerWatch?.unsubscribe();
      return watch.unsubscribe();
    },
  };
}

/**
 * Links two actors; a second link of the same two changes nothing.
 * @returns `noproc` when `a` is dead, or when `b` is and `a` does not trap exits; one that traps is sent `link.exit` with that reason
 */
export function link(a: AnyActorRef, b: AnyActorRef): { readonly ok: true } | { readonly ok: false; readonly reason: 'noproc' } {
  if (exitReason(a) !== null) return { ok: false, reason: 'noproc' };
  if (a === b || links.get(a)?.has(b) === true) return { ok: true };
  if (exitReason(b) !== null) {
    const event: LinkExit = { type: 'link.exit', from: b, reason: 'noproc' };
    if (!handles(a, event)) return { ok: false, reason: 'noproc' };
    a.send(event);
    return { ok: true };
  }
  tie(a, b);
  tie(b, a);
  return { ok: true };
}

/** Takes a link away, from whichever side it was made. */
export function unlink(a: AnyActorRef, b: AnyActorRef): void {
  links.get(a)?.get(b)?.unsubscribe();
  links.get(a)?.delete(b);
  links.get(b)?.get(a)?.unsubscribe();
  links.get(b)?.delete(a);
}

/** When `watched` ends, `actor` gets its exit signal. */
function tie(actor: AnyActorRef, watched: AnyActorRef): void {
  const own = links.get(actor) ?? new Map<AnyActorRef, ExitWatch>();
  links.set(actor, own);
  own.set(
    watched,
    onExit(watched, (reason) => {
      unlink(actor, watched);
      signal(actor, reason === 'noproc' ? 'shutdown' : reason, watched);
    }),
  );
}

/**
 * Sends an exit signal. `kill` cannot be trapped, and is seen by everybody as `killed`. `normal` from another is ignored by one that does not trap.
 * @param from  the sender; the target itself when absent
 */
export function exit(target: AnyActorRef, reason: ExitReason | 'kill', from: AnyActorRef = target): void {
  if (reason === 'kill') terminate(target, 'killed');
  else signal(target, reason, from);
}

function signal(target: AnyActorRef, reason: ExitReason, from: AnyActorRef): void {
  if (exitReason(target) !== null) return;
  const event: LinkExit = { type: 'link.exit', from, reason };
  if (handles(target, event)) target.send(event);
  else if (reason !== 'normal' || from === target) terminate(target, reason);
}
