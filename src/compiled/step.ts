/** Steps of a compiled chart: XState's macrostep and microstep, over tables. @see SCXML, Algorithm for SCXML Interpretation */
import { stopChild, type AnyActorRef, type EventObject } from 'xstate';

import { isFailureOfChild } from '../../machines/supervision/exit.js';
import { plansOf, runActions, type Plan } from './actions.js';
import { Draft } from './draft.js';
import { isBelow } from './nodes.js';
import type { Choice, Configuration, Move, Row, Tables } from './tables.js';
import type { Node, Parts, Scope, Transition } from './xstate-parts.js';

const stopEvent = 'xstate.stop';
const initEvent = 'xstate.init';

/** One event, to the end. Throws what a guard or an action of the app throws, as XState does. */
export function macrostep(tables: Tables, snapshot: Parts, event: EventObject, scope: Scope): Parts {
  if (event.type === stopEvent) {
    const stopped = stopAll(snapshot, event, scope, (draft) => {
      draft.status = 'stopped';
    });
    tell(scope, stopped, event, []);
    return stopped;
  }
  const queue: EventObject[] = [];
  // Sent again to one that runs, it selects nothing, not even by a wildcard.
  if (event.type === initEvent) return settle(tables, snapshot, event, scope, queue);
  // Asked first: what has no type fails here, as it does with XState, before a wildcard takes it.
  const isFailure = isFailureOfChild(event);
  const rows = enabled(tables, snapshot, event);
  if (isFailure && rows.length === 0) {
    const { error } = event as EventObject & { error?: unknown };
    const failed = stopAll(snapshot, event, scope, (draft) => {
      draft.status = 'error';
      draft.error = error;
    });
    tell(scope, failed, event, []);
    return failed;
  }
  const after = microstep(tables, snapshot, event, scope, rows, queue);
  tell(scope, after, event, rows);
  return settle(tables, after, event, scope, queue);
}

/** The first snapshot. What the app's own context, actions or guards throw is in it, as `error`. */
export function first(tables: Tables, input: unknown, scope: Scope): Parts {
  const event = { type: initEvent, input };
  const queue: EventObject[] = [];
  let before = tables.blank;
  try {
    before = withContext(tables, event, scope, queue);
    const entered = take(tables, tables.configurationOf(before), before, event, scope, tables.begin(), [], queue);
    return settle(tables, entered, event, scope, queue);
  } catch (error) {
    const draft = new Draft(before);
    draft.status = 'error';
    draft.error = error;
    draft.isChanged = true;
    return draft.snapshot();
  }
}

/** Before all, with the context; where a function of the app makes it, as an assignment does. */
function withContext(tables: Tables, event: EventObject, scope: Scope, queue: EventObject[]): Parts {
  if (tables.contextPlans === undefined) return tables.blank;
  const draft = new Draft(tables.blank);
  runActions(draft, event, scope, tables.contextPlans, { internalQueue: queue, deferredActorIds: undefined });
  return draft.snapshot();
}

/** Transitions that need no event, and raised events, until neither is left. */
function settle(tables: Tables, snapshot: Parts, event: EventObject, scope: Scope, queue: EventObject[]): Parts {
  const most = tables.machine.options?.maxIterations ?? Infinity;
  let now = snapshot;
  let next = event;
  let mayBeEventless = true;
  for (let count = 1; now.status === 'active'; count++) {
    if (count > most) throw new Error(loops(most));
    let rows: readonly Row[] = mayBeEventless ? eventless(tables, now, next) : [];
    const before: Parts | undefined = rows.length > 0 ? now : undefined;
    if (rows.length === 0) {
      const raised = queue.shift();
      if (raised === undefined) break;
      next = raised;
      rows = enabled(tables, now, next);
    }
    now = microstep(tables, now, next, scope, rows, queue);
    mayBeEventless = now !== before;
    tell(scope, now, next, rows);
  }
  if (now.status !== 'active') stopAll(now, next, scope);
  return now;
}

function loops(most: number): string {
  return `Infinite loop detected: the machine has processed more than ${most} microsteps without reaching a stable state. This usually happens when there's a cycle of transitions (e.g., eventless transitions or raised events causing state A -> B -> C -> A).`;
}

const none: readonly Row[] = [];
const nothing: readonly Transition[] = [];

function tell(scope: Scope, snapshot: Parts, event: EventObject, rows: readonly Row[]): void {
  const taken = rows.length === 0 ? nothing : rows.length === 1 ? (rows[0] as Row).told : rows.map(({ transition }) => transition);
  scope.system._sendInspectionEvent({ type: '@xstate.microstep', actorRef: scope.self, event, snapshot, _transitions: taken });
}

/** The rows that an event enables here. */
export function enabled(tables: Tables, snapshot: Parts, event: EventObject): readonly Row[] {
  const choice = tables.choiceOf(tables.configurationOf(snapshot), event.type);
  return choice === null ? none : chosen(choice, snapshot, event);
}

function chosen({ regions, rows }: Choice, snapshot: Parts, event: EventObject): readonly Row[] {
  let found = none;
  for (const region of regions) {
    const one = chosen(region, snapshot, event);
    if (one.length > 0) found = found.length === 0 ? one : [...found, ...one];
  }
  if (found.length > 0) return found;
  for (const row of rows) if (passes(row, snapshot, event)) return row.alone;
  return none;
}

function passes({ guard, guardName, transition }: Row, snapshot: Parts, event: EventObject): boolean {
  if (guard === undefined) return true;
  try {
    return Boolean(guard(snapshot, event));
  } catch (error) {
    const name = guardName === '' ? '' : `'${guardName}' `;
    // oxlint-disable-next-line preserve-caught-error -- XState's has no cause either
    throw new Error(
      `Unable to evaluate guard ${name}in transition for event '${event.type}' in state node '${transition.source.id}':\n${(error as Error).message}`,
    );
  }
}

function eventless(tables: Tables, snapshot: Parts, event: EventObject): readonly Row[] {
  const from = tables.configurationOf(snapshot);
  let found = none;
  for (const rows of from.always) {
    for (const row of rows) {
      if (row.guard !== undefined && !row.guard(snapshot, event)) continue;
      if (!found.includes(row)) found = found.length === 0 ? row.alone : [...found, row];
      break;
    }
  }
  return found.length < 2 ? found : tables.withoutConflicts(found, from, snapshot);
}

function microstep(tables: Tables, snapshot: Parts, event: EventObject, scope: Scope, rows: readonly Row[], queue: EventObject[]): Parts {
  if (rows.length === 0) return snapshot;
  const from = tables.configurationOf(snapshot);
  const taken = tables.withoutConflicts(rows, from, snapshot);
  return take(tables, from, snapshot, event, scope, tables.moveBy(from, taken, snapshot), taken, queue);
}

/** Leaves, acts, enters. */
function take(
  tables: Tables,
  from: Configuration,
  snapshot: Parts,
  event: EventObject,
  scope: Scope,
  move: Move,
  rows: readonly Row[],
  queue: EventObject[],
): Parts {
  const { entered, to, isSame } = move;
  const historyValue = historyAfter(snapshot, move, from);
  const extra = { internalQueue: queue, deferredActorIds: undefined };
  const draft = new Draft(snapshot);
  runActions(draft, event, scope, move.exits, extra);
  for (const { plans } of rows) runActions(draft, event, scope, plans, extra);
  let completed: Set<Node> | undefined;
  for (let at = 0; at < entered.length; at++) {
    const { node, plans, invoked } = entered[at] as Move['entered'][number];
    runActions(draft, event, scope, plans, invoked === undefined ? extra : { internalQueue: queue, deferredActorIds: invoked });
    if (node.type !== 'final') continue;
    finish(tables, draft, event, scope, node, activeAt(from, move, at), (completed ??= new Set()), queue);
  }
  const isDone = draft.status === 'done';
  const last = isDone ? tables.innermostFirst(to) : to;
  if (isDone) for (const node of last.nodes) runActions(draft, event, scope, tables.endOf(node), extra);
  if (isSame && historyValue === snapshot.historyValue) return draft.snapshot();
  return draft.at(tables.machine, last.nodes, last.value, last.tags, historyValue);
}

/** The nodes that are active once the first so many, and one more, have been entered. */
function activeAt(from: Configuration, { exited, entered }: Move, last: number): ReadonlySet<Node> {
  const active = new Set(from.nodes);
  for (const node of exited) active.delete(node);
  for (let at = 0; at <= last; at++) active.add((entered[at] as Move['entered'][number]).node);
  return active;
}

/** What is remembered of the nodes that are left, for those that have a history. */
function historyAfter({ historyValue }: Parts, { histories }: Move, { nodes }: Configuration): Parts['historyValue'] {
  if (histories.length === 0) return historyValue;
  const changed: Record<string, readonly Node[]> = { ...historyValue };
  for (const { node, of } of histories) {
    const isKept = (one: Node): boolean => (node.history === 'deep' ? isAtomic(one) && isBelow(one, of) : one.parent === of);
    changed[node.id] = nodes.filter(isKept);
  }
  return changed;
}

/** A final node was entered: its parent is done, perhaps a parallel state above it, perhaps the machine. */
function finish(
  tables: Tables,
  draft: Draft,
  event: EventObject,
  { self }: Scope,
  node: Node,
  active: ReadonlySet<Node>,
  completed: Set<Node>,
  queue: EventObject[],
): void {
  const { parent } = node;
  let above = parent?.type === 'parallel' ? parent : parent?.parent;
  let last = above ?? node;
  if (parent?.type === 'compound')
    queue.push(doneOf(parent, node.output === undefined ? undefined : outputOf(node.output, draft.context, event, self)));
  while (above?.type === 'parallel' && !completed.has(above) && isFinal(above, active)) {
    completed.add(above);
    queue.push(doneOf(above, undefined));
    last = above;
    above = above.parent;
  }
  if (above !== undefined) return;
  const { output } = tables.root;
  const told =
    output !== undefined && last.output !== undefined && last.parent !== undefined ? outputOf(last.output, draft.context, event, self) : undefined;
  draft.output = output === undefined ? undefined : outputOf(output, draft.context, doneOf(last, told), self);
  draft.status = 'done';
  draft.isChanged = true;
}

function doneOf({ id }: Node, output: unknown): EventObject {
  return { type: `xstate.done.state.${id}`, output } as EventObject;
}

function outputOf(output: unknown, context: object, event: EventObject, self: AnyActorRef): unknown {
  return typeof output === 'function' ? (output as (args: object) => unknown)({ context, event, self }) : output;
}

function isAtomic({ type }: Node): boolean {
  return type === 'atomic' || type === 'final';
}

function isFinal(node: Node, active: ReadonlySet<Node>): boolean {
  const below = Object.values(node.states).filter(({ type }) => type !== 'history');
  if (node.type === 'compound') return below.some((one) => one.type === 'final' && active.has(one));
  if (node.type === 'parallel') return below.every((one) => isFinal(one, active));
  return node.type === 'final';
}

const noPlans: readonly Plan[] = [];

function stopAll(snapshot: Parts, event: EventObject, scope: Scope, change?: (draft: Draft) => void): Parts {
  const children = Object.values(snapshot.children);
  const draft = new Draft(snapshot);
  const stops =
    children.length === 0
      ? noPlans
      : plansOf(
          snapshot.machine,
          children.map((child) => stopChild(child)),
        );
  runActions(draft, event, scope, stops, { internalQueue: [], deferredActorIds: undefined });
  if (change !== undefined) {
    change(draft);
    draft.isChanged = true;
  }
  return draft.snapshot();
}
