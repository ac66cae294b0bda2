/** Charts that run from tables. */
import { StateMachine, type AnyStateMachine, type EventObject } from 'xstate';

import { EspalierError } from '../errors.js';
import { indexTimers } from '../supervision/scheduler.js';
import { warnOfFallback } from './fallback.js';
import { enabled, first, macrostep } from './step.js';
import { Tables, type Interpreted } from './tables.js';
import { brokenPart, type Parts, type Scope } from './xstate-parts.js';

const tables = new WeakMap<object, Tables>();

/**
 * A machine that runs from tables, made of the definition once: its snapshots, events, actions, emitted events, persistence and inspection are those of
 * XState's interpreter, at a part of its price; where it runs, the delayed events of its whole system wait on the wheel of the clock. It is a machine in
 * every respect; what `provide()` makes of it is compiled, too. What tables cannot tell beforehand is asked of XState each time ({@link interpretedParts});
 * where XState is not the one that this was written for, it is all of the machine, and the process is warned once (`ESPALIER_INTERPRETED`).
 * @param machine  any machine of XState 5; it stays as it is
 * @returns the same where it is compiled already
 * @throws EspalierError `compiled/no-machine`
 */
export function compile<Machine extends AnyStateMachine>(machine: Machine): Machine {
  requireMachine(machine);
  if (tables.has(machine)) return machine;
  const broken = brokenPart();
  if (broken !== null) warnOfFallback('ESPALIER_INTERPRETED', `compiled charts run interpreted: ${broken}`);
  if (broken !== null || obstacle(machine) !== null) return machine;
  const compiled = machine.provide({} as never) as Machine;
  const own = new Tables(compiled);
  tables.set(compiled, own);
  const { start } = compiled;
  return Object.assign(compiled, {
    transition: (snapshot: unknown, event: EventObject, scope: unknown) => macrostep(own, snapshot as Parts, event, scope as Scope),
    // Bound, as XState's is: by that it is known that nobody has put another in its place.
    getInitialSnapshot: firstOf.bind(undefined, own),
    // Before anything of it can be delayed; once for all actors of its system. Who wraps a machine's `start` may pass on the snapshot alone: XState's takes no more.
    start: (snapshot: never, scope?: Scope) => {
      if (scope !== undefined) indexTimers(scope.self, false);
      start(snapshot);
    },
    getTransitionData: (snapshot: unknown, event: EventObject) => enabled(own, snapshot as Parts, event).map(({ transition }) => transition),
    provide: (implementations: never) => compile(machine.provide(implementations)),
  });
}

/**
 * What of a machine is left to XState's interpreter when it is compiled, and why: transitions into a history, and machines whose `transition`,
 * `getInitialSnapshot`, `start`, `getPersistedSnapshot` or `restoreSnapshot` is not XState's, or that another copy of XState has made. Empty for most.
 * @param machine  compiled or not
 * @throws EspalierError `compiled/no-machine`
 */
export function interpretedParts(machine: AnyStateMachine): readonly Interpreted[] {
  requireMachine(machine);
  const known = tables.get(machine);
  if (known !== undefined) return known.interpreted;
  const why = obstacle(machine);
  return why === null ? new Tables(machine.provide({})).interpreted : [{ node: machine.root.id, why }];
}

/** Whether a machine runs from tables: what `compile` returns does, unless it has returned the machine as it is. */
export function isCompiled(machine: AnyStateMachine): boolean {
  return tables.has(machine);
}

function firstOf(own: Tables, scope: unknown, input: unknown): Parts {
  return first(own, input, scope as Scope);
}

function requireMachine(machine: unknown): void {
  const { root, provide, transition } = (machine ?? {}) as Partial<AnyStateMachine>;
  if (typeof root === 'object' && typeof provide === 'function' && typeof transition === 'function') return;
  throw new EspalierError('compiled/no-machine', { expected: 'a machine of XState 5', got: machine });
}

/** What runs a machine. Tables take the place of each, or a copy of the machine would have XState's again; so no machine with its own has any. */
const ownMethods = ['transition', 'getInitialSnapshot', 'start', 'getPersistedSnapshot', 'restoreSnapshot'] as const;

/** Why none of a machine can run from tables; null where it can. */
function obstacle(machine: AnyStateMachine): string | null {
  const broken = brokenPart();
  if (broken !== null) return `this XState is another than its tables are made for: ${broken}`;
  if (!(machine instanceof StateMachine)) return 'it was made by another copy of XState';
  // XState binds its own to the machine; whoever puts another in its place does so without.
  const replaced = ownMethods.find((method) => machine[method].name !== `bound ${method}`);
  return replaced === undefined ? null : `its \`${replaced}\` is not that of XState`;
}
