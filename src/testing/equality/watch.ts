/** A machine whose own functions tell when they are called, and throw when they are told to: faults of an app, planted from outside. */
import { assign, enqueueActions, type AnyStateMachine } from 'xstate';

import type { Seen } from './seen.js';

/** What a planted fault throws. */
export const plantedFault = 'planted fault';

/** Who is told of the calls, and when the next of them throws. One at a time plays. */
export class Watch {
  /** Of the one that plays now. */
  seen: Seen | undefined;
  /** Calls so far. */
  calls = 0;
  /** Calls until one throws; 0 is the next. Undefined: none does. */
  fuse: number | undefined;

  readonly #turns = new WeakMap<Seen, number>();

  /** Yes and no in turn, for each that plays: so both are tried, and whoever does the same hears the same. */
  turn(): boolean {
    if (this.seen === undefined) return true;
    const turn = this.#turns.get(this.seen) ?? 0;
    this.#turns.set(this.seen, turn + 1);
    return turn % 2 === 0;
  }

  /** @throws Error where the fuse has burnt down */
  called(kind: string, name: string, args: unknown, params: unknown): void {
    this.calls++;
    const { context, event } = (args ?? {}) as { readonly context?: unknown; readonly event?: unknown };
    this.seen?.note(kind, name, context, event, params);
    if (this.fuse === undefined || this.fuse-- > 0) return;
    this.fuse = undefined;
    throw new Error(`${plantedFault} in ${kind} '${name}'`);
  }
}

type Fn = (args: unknown, params: unknown) => unknown;
type Table = Readonly<Record<string, unknown>>;

/** What XState's action creators make of a function. */
interface Made {
  readonly type?: unknown;
  readonly resolve?: unknown;
  readonly assignment?: unknown;
  readonly collect?: unknown;
}

/**
 * The machine with its named guards, actions and delays watched. What stands without a name in the definition, and what XState makes of others
 * (`and`, `not`, `raise`), is left as it is.
 * @param missing  implementations of names that have none
 */
export function watched<M extends AnyStateMachine>(
  machine: M,
  watch: Watch,
  missing: Partial<Record<'guards' | 'actions' | 'delays', Table>> = {},
): M {
  const { guards, actions, delays } = machine.implementations as Record<'guards' | 'actions' | 'delays', Table>;
  const over = (table: Table, wrap: (name: string, one: unknown) => unknown): object =>
    Object.fromEntries(Object.entries(table).map(([name, one]) => [name, wrap(name, one)]));
  const plain = (kind: string) => (name: string, one: unknown) => {
    if (typeof one !== 'function' || 'check' in one || 'resolve' in one) return one;
    return telling(watch, kind, name, one as Fn);
  };
  return machine.provide({
    guards: over({ ...missing.guards, ...guards }, plain('guard')),
    actions: over({ ...missing.actions, ...actions }, (name, one) => actionTelling(watch, name, one)),
    delays: over({ ...missing.delays, ...delays }, plain('delay')),
  } as never) as M;
}

function telling(watch: Watch, kind: string, name: string, fn: Fn): Fn {
  return (args, params) => {
    watch.called(kind, name, args, params);
    return fn(args, params);
  };
}

function actionTelling(watch: Watch, name: string, action: unknown): unknown {
  if (typeof action !== 'function') return action;
  const { type, resolve, assignment, collect } = action as Made;
  if (resolve === undefined) return telling(watch, 'action', name, action as Fn);
  if (type === 'xstate.assign') {
    const act = typeof assignment === 'function' ? (assignment as Fn) : (args: unknown, params: unknown) => partly(assignment as Table, args, params);
    return assign(telling(watch, 'assign', name, act) as never);
  }
  return type === 'xstate.enqueueActions' ? enqueueActions(telling(watch, 'enqueueActions', name, collect as Fn) as never) : action;
}

function partly(assignment: Table, args: unknown, params: unknown): object {
  return Object.fromEntries(Object.entries(assignment).map(([key, part]) => [key, typeof part === 'function' ? (part as Fn)(args, params) : part]));
}
