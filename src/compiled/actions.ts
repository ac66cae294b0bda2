/** The actions of a compiled chart: run in XState's order, by XState's own rules, without a new snapshot for each. */
import type { AnyActorRef, AnyStateMachine, EventObject } from 'xstate';

import { nameOf, paramsOf } from './guards.js';
import { isBuiltinAction, resolveAssign, type ActionArgs, type BuiltinAction, type Extra, type Parts, type Scope } from './xstate-parts.js';

/** What was sent to an actor that was being invoked, and finds it afterwards. */
type Retry = readonly [BuiltinAction, unknown];

/** The snapshot with other parts; the same nodes. */
export function withParts(
  { status, output, error, machine, context, _nodes, value, tags, children, historyValue, matches, hasTag, can, getMeta, toJSON }: Parts,
  changed: Partial<Pick<Parts, 'status' | 'output' | 'error' | 'context' | 'children'>>,
): Parts {
  const next = { status, output, error, machine, context, _nodes, value, tags, children, historyValue, matches, hasTag, can, getMeta, toJSON };
  return Object.assign(next, changed);
}

/** Runs actions in turn; each sees the context that those before it have left. */
export function runActions(snapshot: Parts, event: EventObject, scope: Scope, actions: readonly unknown[], extra: Extra): Parts {
  if (actions.length === 0) return snapshot;
  if (extra.deferredActorIds === undefined) return runEach(snapshot, event, scope, actions, extra, undefined);
  const retries: Retry[] = [];
  const after = runEach(snapshot, event, scope, actions, extra, retries);
  for (const [action, params] of retries) action.retryResolve?.(scope, after, params);
  return after;
}

function runEach(snapshot: Parts, event: EventObject, scope: Scope, actions: readonly unknown[], extra: Extra, retries: Retry[] | undefined): Parts {
  const { machine } = snapshot;
  let now = snapshot;
  for (const action of actions) {
    const isInline = typeof action === 'function';
    const resolved = isInline ? action : implementationOf(machine, action);
    const args: ActionArgs = { context: now.context, event, self: scope.self, system: scope.system };
    const params = isInline || typeof action === 'string' ? undefined : paramsOf(action, { context: now.context, event });
    if (!isBuiltinAction(resolved)) {
      const type = isInline ? action.name || '(anonymous)' : nameOf(action);
      scope.actionExecutor({ type, info: args, params, exec: resolved });
      continue;
    }
    if (resolved.resolve === resolveAssign) {
      now = assigned(now, resolved, args, params, scope);
      continue;
    }
    const [after, effect, further] = resolved.resolve(scope, now, args, params, resolved, extra);
    now = after;
    if (resolved.retryResolve !== undefined) retries?.push([resolved, effect]);
    if (resolved.execute !== undefined) {
      scope.actionExecutor({ type: resolved.type, info: args, params: effect, exec: resolved.execute.bind(null, scope, effect) });
    }
    if (further !== undefined) now = runEach(now, event, scope, further, extra, retries);
  }
  return now;
}

function implementationOf({ implementations }: AnyStateMachine, action: unknown): unknown {
  return (implementations.actions as Record<string, unknown>)[nameOf(action)];
}

type Assignment = (args: object, params: unknown) => object | undefined;

/** What `assign` does, without a spawner unless one is asked for: {@link spawnerOf} then has XState make it. */
function assigned(snapshot: Parts, action: BuiltinAction, args: ActionArgs, params: unknown, scope: Scope): Parts {
  const { assignment } = action;
  const spawned: Record<string, AnyActorRef> = {};
  let hasSpawned = false;
  const spawn = (src: unknown, options: unknown): AnyActorRef => {
    const ref = spawnerOf(snapshot, args, scope)(src, options);
    hasSpawned = true;
    spawned[ref.id] = ref;
    return ref;
  };
  const given = { context: snapshot.context, event: args.event, spawn, self: scope.self, system: scope.system };
  let update: object | undefined;
  if (typeof assignment === 'function') update = (assignment as Assignment)(given, params);
  else {
    const parts: Record<string, unknown> = {};
    for (const [key, part] of Object.entries(assignment as Record<string, unknown>)) {
      parts[key] = typeof part === 'function' ? (part as Assignment)(given, params) : part;
    }
    update = parts;
  }
  const context: object = Object.assign({}, snapshot.context, update);
  return withParts(snapshot, hasSpawned ? { context, children: { ...snapshot.children, ...spawned } } : { context });
}

type Spawner = (src: unknown, options: unknown) => AnyActorRef;

/** XState's own `spawn`, as an assignment gets it. */
function spawnerOf(snapshot: Parts, args: ActionArgs, scope: Scope): Spawner {
  let spawner: Spawner | undefined;
  const assignment = ({ spawn }: { readonly spawn: Spawner }): object => {
    spawner = spawn;
    return {};
  };
  resolveAssign(scope, snapshot, args, undefined, { assignment }, { internalQueue: [], deferredActorIds: undefined });
  return spawner as Spawner;
}
