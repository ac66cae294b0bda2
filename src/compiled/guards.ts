/** Guards of a compiled chart: looked up once, evaluated as XState does. */
import type { AnyStateMachine, EventObject } from 'xstate';

import type { BuiltinGuard, Parts } from './xstate-parts.js';

/** Whether a transition may be taken. Throws what the app's own guard throws. */
export type Guard = (snapshot: Parts, event: EventObject) => unknown;

type GuardFn = (args: { readonly context: object; readonly event: EventObject }, params: unknown) => unknown;

/** A guard of the definition: a function, a name, or a name with `params`. */
export function guardOf(machine: AnyStateMachine, guard: unknown): Guard {
  const resolved = typeof guard === 'function' ? guard : (machine.implementations.guards as Record<string, unknown>)[nameOf(guard)];
  if (resolved === undefined) {
    return () => {
      // XState's own words, to the last sign.
      throw new Error(`Guard '${nameOf(guard)}' is not implemented.'.`);
    };
  }
  if (typeof resolved !== 'function') return guardOf(machine, resolved);
  if ('check' in resolved) {
    const builtin = resolved as unknown as BuiltinGuard;
    return (snapshot, event) => builtin.check(snapshot, { context: snapshot.context, event }, builtin);
  }
  const fn = resolved as GuardFn;
  return ({ context }, event) => {
    const args = { context, event };
    return fn(args, paramsOf(guard, args));
  };
}

/** What a guard or an action is called in messages and in inspection; `''` for what has no name. */
export function nameOf(named: unknown): string {
  if (typeof named === 'string') return named;
  return typeof named === 'object' && named !== null ? (named as { type: string }).type : '';
}

type ParamsArgs = { readonly context: object; readonly event: EventObject };

/** The `params` with which the definition names a guard or an action, made for this event; undefined where it names none. */
function paramsOf(named: unknown, args: ParamsArgs): unknown {
  if (typeof named !== 'object' || named === null || !('params' in named)) return undefined;
  const { params } = named;
  return typeof params === 'function' ? (params as (args: ParamsArgs) => unknown)(args) : params;
}
