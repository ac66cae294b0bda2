/**
 * What an action enqueues: each effect in words, and the same machine without some of them.
 *
 * `enqueueActions` decides while it runs, so what it does is no part of the chart. Here its `enqueue` is put through a sieve.
 */
import { type AnyStateMachine, assign, cancel, emit, enqueueActions, raise, sendParent, sendTo, spawnChild, stopChild } from 'xstate';
import { actionListsOf, type Piece, remade } from './edits.js';

/** The effects of each action that enqueues, in words: by the action, as {@link sieved} names it. */
export type Effects = Readonly<Record<string, readonly string[]>>;

/**
 * Whether an effect passes. Called once for each, in order, with its words: `emit job.done`, `assign retries`, `sendTo pool pool.stop`,
 * `raise retry`, `cancel retry`, `spawnChild worker`, `stopChild worker`, `action tell`. The second of the same words within one execution, and all
 * after it, have ` #2` behind them. Ids that are made of data (`retry.17`) are told by their stem (`retry`).
 */
export type Sieve = (effect: string) => boolean;

/**
 * A copy of the machine whose actions enqueue only what passes.
 * @param sieveOf  by action: `<machine id> action <name>`, or for one written at its place `<state id> <place> action#<index>`; undefined leaves it alone
 */
export function sieved<M extends AnyStateMachine>(machine: M, sieveOf: (action: string) => Sieve | undefined): M {
  const through = (action: unknown, name: string): unknown => {
    const sieve = isEnqueuer(action) ? sieveOf(name) : undefined;
    return sieve === undefined ? action : sifted(action as Enqueuer, () => counting(sieve));
  };
  const config = actionListsOf(machine).reduce<Piece>(
    (piece, { at, edit }) => edit(piece, (actions) => actions.map((one, index) => through(one, `${at} action#${index}`))),
    machine.config as Piece,
  );
  const named = Object.entries(machine.implementations.actions).map(([name, action]) => [name, through(action, `${machine.id} action ${name}`)]);
  return remade(machine, config, { ...machine.implementations, actions: Object.fromEntries(named) as object });
}

// ---- one execution

/** What XState's action creators make: a function that carries what it is for. */
interface BuiltIn {
  readonly type: string;
  readonly assignment?: unknown;
  readonly event?: unknown;
  readonly to?: unknown;
  readonly id?: unknown;
  readonly delay?: unknown;
  readonly sendId?: unknown;
  readonly src?: unknown;
  readonly actorRef?: unknown;
}

interface Enqueuer extends BuiltIn {
  readonly collect: (all: object, params: unknown) => void;
}

type Enqueue = (action: unknown) => void;

/** What an expression of an action is called with. */
interface Scope {
  readonly enqueue: Enqueue;
}

const enqueuer = 'xstate.enqueueActions';
/** As methods of `enqueue`. */
const creators = { assign, cancel, emit, raise, sendParent, sendTo, spawnChild, stopChild };

function isEnqueuer(action: unknown): action is Enqueuer {
  return typeof action === 'function' && (action as unknown as Partial<Enqueuer>).type === enqueuer;
}

function counting(sieve: Sieve): Sieve {
  const seen = new Set<string>();
  return (effect) => {
    if (seen.has(effect)) return sieve(`${effect} #2`);
    seen.add(effect);
    return sieve(effect);
  };
}

function sifted({ collect }: Enqueuer, open: () => Sieve): unknown {
  return deferred((all, params) => {
    const sieve = open();
    const put: Enqueue = (action) => pass(action, sieve, all.enqueue);
    const methods = Object.entries(creators).map(([name, create]) => [
      name,
      (...given: readonly unknown[]) => put((create as (...all: readonly unknown[]) => unknown)(...given)),
    ]);
    collect({ ...all, enqueue: Object.assign(put, Object.fromEntries(methods)) }, params);
  });
}

function deferred(act: (all: Scope, params: unknown) => void): unknown {
  return enqueueActions(act as never);
}

/** Enqueues what of the action passes. */
function pass(action: unknown, sieve: Sieve, enqueue: Enqueue): void {
  if (isEnqueuer(action)) return enqueue(sifted(action, () => sieve));
  const computed = resolving(action as BuiltIn);
  // An expression sees what the effects before it have assigned, so it is computed when its turn comes.
  if (computed !== undefined) return enqueue(deferred((all) => pass(computed(all), sieve, all.enqueue)));
  const { type, assignment } = action as BuiltIn;
  if (type === 'xstate.assign' && typeof assignment === 'object' && assignment !== null) {
    const kept = Object.entries(assignment).filter(([key]) => sieve(`assign ${key}`));
    if (kept.length > 0) enqueue(assign(Object.fromEntries(kept) as never));
    return;
  }
  // Nobody who uses a machine sees what it logs.
  if (type === 'xstate.log' || sieve(wordsOf(action))) enqueue(action);
}

/** How to compute an action that is given by expressions; undefined when it is not. */
function resolving({ type, event, to, id, delay, sendId, actorRef }: BuiltIn): ((all: Scope) => unknown) | undefined {
  const at = (value: unknown, all: Scope): never => (typeof value === 'function' ? (value as (all: Scope) => unknown)(all) : value) as never;
  const options = { id, delay } as never;
  if (![event, to, sendId, actorRef].some((part) => typeof part === 'function')) return undefined;
  switch (type) {
    case 'xstate.emit':
      return (all) => emit(at(event, all));
    case 'xstate.raise':
      return (all) => raise(at(event, all), options);
    case 'xstate.sendTo':
      return (all) => sendTo(at(to, all), at(event, all), options);
    case 'xstate.cancel':
      return (all) => cancel(at(sendId, all));
    case 'xstate.stopChild':
      return (all) => stopChild(at(actorRef, all));
    default:
      return undefined;
  }
}

function wordsOf(action: unknown): string {
  if (typeof action === 'string') return `action ${action}`;
  const { type, event, to, sendId, src, actorRef } = action as BuiltIn;
  if (typeof action !== 'function') return `action ${type}`;
  const said = String((event as { type?: unknown } | undefined)?.type);
  switch (type) {
    case 'xstate.emit':
      return `emit ${said}`;
    case 'xstate.raise':
      return `raise ${said}`;
    case 'xstate.sendTo':
      return `sendTo ${stemOf(to)} ${said}`;
    case 'xstate.cancel':
      return `cancel ${stemOf(sendId)}`;
    case 'xstate.stopChild':
      return `stopChild ${stemOf(actorRef)}`;
    case 'xstate.spawnChild':
      return typeof src === 'string' ? `spawnChild ${src}` : 'spawnChild';
    case 'xstate.assign':
      return 'assign';
    default:
      return `action ${action.name || 'without a name'}`;
  }
}

/** Of an id, or of an actor's: `retry` of `retry.17`. */
function stemOf(one: unknown): string {
  const id = typeof one === 'string' ? one : String((one as { id?: unknown } | undefined)?.id);
  return /^.[^.:/-]*/u.exec(id)?.[0] ?? id;
}
