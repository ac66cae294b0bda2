/**
 * What of a saved application goes on: each service's own state, and nothing of the plan that it ran by, nor of how it had failed. Flags, needs, options,
 * attempts and budgets are those of the code that runs now.
 */
import type { AnyActorLogic, AnyActorRef } from 'xstate';
import { withoutRestarts } from '../supervision/forget-restarts.js';
import { type PersistedTimer, restoreTimers } from '../supervision/persistence.js';
import { invalidSnapshot, requireSaved } from '../wire/saved-tree.js';
import type { CheckedApplication } from './options.js';

/** What became of the services of a saved application. */
export interface RestoredServices {
  /** They go on where they were. */
  readonly resumed: readonly string[];
  /** They begin anew: they are new, were not running, or have no state that could go on. */
  readonly anew: readonly string[];
  /** They had ended in order, and are not started again. */
  readonly ended: readonly string[];
  /** They were saved, and run no more. */
  readonly gone: readonly string[];
}

/** The state of one service, as its pool saved it. */
export interface SavedService {
  readonly snapshot: { readonly status: string };
  readonly timers: readonly PersistedTimer[];
}

interface Pooled extends SavedService {
  readonly id: string;
  readonly phase: string;
  readonly askedAt: number | null;
}
interface Known {
  readonly id: string;
  readonly stage: string;
  readonly why: string | null;
}

/**
 * What of a saved application this plan goes on with. Who was in the midst of a start, of an end or of a wait begins anew.
 * @throws EspalierError `supervision/invalid-snapshot` for what is no saved application
 */
export function savedServices(
  snapshot: unknown,
  applicationId: string,
  { specs, replaced }: Pick<CheckedApplication, 'specs' | 'replaced'>,
): { readonly states: ReadonlyMap<string, SavedService>; readonly restored: RestoredServices } {
  requireSaved(snapshot, { [applicationId]: true });
  const own = pooledIn(snapshot).find(({ id }) => id === applicationId)?.snapshot as
    | { context?: { services?: readonly Known[] }; children?: { tree?: { snapshot?: unknown } } }
    | undefined;
  const tree = own?.children?.tree?.snapshot;
  const known = own?.context?.services;
  if (tree === undefined || !Array.isArray(known) || !known.every(isKnown)) throw invalidSnapshot('a saved application', snapshot);
  requireSaved(tree, null);
  const states = new Map<string, SavedService>();
  for (const { id, phase, askedAt, snapshot: state, timers } of pooledIn(tree))
    if (specs.has(id) && !replaced.includes(id) && phase === 'running' && askedAt === null && canGoOn(state))
      states.set(id, { snapshot: withoutRestarts(state), timers });
  const ended = (known as readonly Known[])
    .filter(
      ({ id, stage, why }) =>
        stage === 'stopped' && why === 'normal' && !replaced.includes(id) && (specs.get(id)?.restart ?? 'permanent') !== 'permanent',
    )
    .map(({ id }) => id);
  const ids = [...specs.keys()];
  return {
    states,
    restored: {
      resumed: ids.filter((id) => states.has(id)),
      anew: ids.filter((id) => !states.has(id) && !ended.includes(id)),
      ended,
      gone: (known as readonly Known[]).map(({ id }) => id).filter((id) => !specs.has(id)),
    },
  };
}

function isKnown(value: unknown): value is Known {
  if (typeof value !== 'object' || value === null) return false;
  const { id, stage, why } = value as Partial<Known>;
  return typeof id === 'string' && typeof stage === 'string' && (why === null || typeof why === 'string');
}

function pooledIn(tree: unknown): readonly Pooled[] {
  return (tree as { children: { pool: { snapshot: { children: readonly Pooled[] } } } }).children.pool.snapshot.children;
}

/** A callback, a promise and an observable begin with their input, which is that of the code that runs now. */
function canGoOn(snapshot: { readonly status: string }): boolean {
  return snapshot.status === 'active' && !('input' in snapshot) && Object.keys(snapshot).some((key) => !['status', 'output', 'error'].includes(key));
}

/** The logic, whose first actor goes on where a saved one was; each later one begins anew. */
export function resuming(logic: AnyActorLogic, saved: SavedService | undefined): AnyActorLogic {
  if (saved === undefined || logic.restoreSnapshot === undefined) return logic;
  const { getInitialSnapshot, restoreSnapshot, start } = logic;
  let waiting: SavedService | null = saved;
  let first: AnyActorRef | null = null;
  return Object.assign(Object.create(logic) as AnyActorLogic, {
    getInitialSnapshot: (scope: { readonly self: AnyActorRef }, input: unknown): unknown => {
      if (waiting === null) return getInitialSnapshot.call(logic, scope as never, input);
      const { snapshot } = waiting;
      waiting = null;
      first = scope.self;
      return restoreSnapshot.call(logic, snapshot as never, scope as never);
    },
    start: (snapshot: unknown, scope: { readonly self: AnyActorRef }): void => {
      start?.call(logic, snapshot as never, scope as never);
      if (scope.self !== first) return;
      first = null;
      restoreTimers(scope.self, saved.timers);
    },
  });
}
