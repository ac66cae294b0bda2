/** Steps of a compiled chart: XState's macrostep and microstep, over tables. @see SCXML, Algorithm for SCXML Interpretation */
import { spawnChild, stopChild, type AnyActorRef, type EventObject } from 'xstate';

import { isFailureOfChild } from '../../machines/supervision/exit.js';
import { runActions, withParts } from './actions.js';
import type { Choice, Configuration, Move, Row, Tables } from './tables.js';
import { beforeAll, can, getMeta, hasTag, matches, toJSON, type Node, type Parts, type Scope } from './xstate-parts.js';

const stopEvent = 'xstate.stop';
const initEvent = 'xstate.init';

/** One event, to the end. Throws what a guard or an action of the app throws, as XState does. */
export function macrostep(tables: Tables, snapshot: Parts, event: EventObject, scope: Scope): Parts {
  if (event.type === stopEvent) {
    const stopped = withParts(stopAll(snapshot, event, scope), { status: 'stopped' });
    tell(scope, stopped, event, []);
    return stopped;
  }
  const rows = enabled(tables, snapshot, event);
  if (rows.length === 0 && isFailureOfChild(event)) {
    const { error } = event as EventObject & { error?: unknown };
    const failed = withParts(stopAll(snapshot, event, scope), { status: 'error', error });
    tell(scope, failed, event, []);
    return failed;
  }
  const queue: EventObject[] = [];
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
    before = beforeAll(tables.machine, scope, event, queue);
    const entered = take(tables, tables.configurationOf(before), before, event, scope, tables.begin(), [], queue);
    return settle(tables, entered, event, scope, queue);
  } catch (error) {
    return withParts(before, { status: 'error', error });
  }
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

function tell(scope: Scope, snapshot: Parts, event: EventObject, rows: readonly Row[]): void {
  scope.system._sendInspectionEvent({
    type: '@xstate.microstep',
    actorRef: scope.self,
    event,
    snapshot,
    _transitions: rows.map(({ transition }) => transition),
  });
}

/** The rows that an event enables here. */
export function enabled(tables: Tables, snapshot: Parts, event: EventObject): readonly Row[] {
  const choice = tables.choiceOf(tables.configurationOf(snapshot), event.type);
  return choice === null ? [] : chosen(choice, snapshot, event);
}

function chosen({ regions, rows }: Choice, snapshot: Parts, event: EventObject): readonly Row[] {
  if (regions.length > 0) {
    const found = regions.flatMap((region) => chosen(region, snapshot, event));
    if (found.length > 0) return found;
  }
  for (const row of rows) if (passes(row, snapshot, event)) return [row];
  return [];
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
  if (from.always.length === 0) return [];
  const found = new Set<Row>();
  for (const rows of from.always) {
    const row = rows.find(({ guard }) => guard === undefined || Boolean(guard(snapshot, event)));
    if (row !== undefined) found.add(row);
  }
  return tables.withoutConflicts([...found], from, snapshot);
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
  { exited, entered, to, isSame }: Move,
  rows: readonly Row[],
  queue: EventObject[],
): Parts {
  const historyValue = historyAfter(snapshot, exited, from);
  const extra = { internalQueue: queue, deferredActorIds: undefined };
  let now = snapshot;
  for (const { exit, invoke } of exited) {
    now = runActions(now, event, scope, invoke.length === 0 ? exit : [...exit, ...invoke.map(({ id }) => stopChild(id))], extra);
  }
  for (const { transition } of rows) now = runActions(now, event, scope, transition.actions, extra);
  const active = new Set(from.nodes);
  for (const node of exited) active.delete(node);
  const completed = new Set<Node>();
  for (const { node, byDefault } of entered) {
    active.add(node);
    const { invoke } = node;
    const invoked = invoke.map((one) => spawnChild(one.src, { ...one, syncSnapshot: Boolean(one.onSnapshot) }));
    const first = byDefault ? (node.initial?.actions ?? []) : [];
    const actions = invoked.length + first.length === 0 ? node.entry : [...node.entry, ...invoked, ...first];
    now = runActions(now, event, scope, actions, { internalQueue: queue, deferredActorIds: invoke.map(({ id }) => id) });
    if (node.type === 'final') now = finish(tables, now, event, scope, node, active, completed, queue);
  }
  const isDone = now.status === 'done';
  const last = isDone ? tables.innermostFirst(to) : to;
  if (isDone) for (const { exit } of last.nodes) now = runActions(now, event, scope, exit, extra);
  if (isSame && historyValue === snapshot.historyValue) return now;
  const { status, output, error, context, children } = now;
  const { nodes, value, tags } = last;
  const { machine } = tables;
  return { status, output, error, machine, context, _nodes: nodes, value, tags, children, historyValue, matches, hasTag, can, getMeta, toJSON };
}

/** What is remembered of the nodes that are left, for those that have a history. */
function historyAfter({ historyValue }: Parts, exited: readonly Node[], { nodes }: Configuration): Parts['historyValue'] {
  let changed: Record<string, readonly Node[]> | undefined;
  for (const left of exited) {
    for (const node of Object.values(left.states)) {
      if (node.type !== 'history') continue;
      const isKept = (one: Node): boolean => (node.history === 'deep' ? isAtomic(one) && isBelow(one, left) : one.parent === left);
      (changed ??= { ...historyValue })[node.id] = nodes.filter(isKept);
    }
  }
  return changed ?? historyValue;
}

/** A final node was entered: its parent is done, perhaps a parallel state above it, perhaps the machine. */
function finish(
  tables: Tables,
  snapshot: Parts,
  event: EventObject,
  { self }: Scope,
  node: Node,
  active: ReadonlySet<Node>,
  completed: Set<Node>,
  queue: EventObject[],
): Parts {
  const { parent } = node;
  let above = parent?.type === 'parallel' ? parent : parent?.parent;
  let last = above ?? node;
  if (parent?.type === 'compound')
    queue.push(doneOf(parent, node.output === undefined ? undefined : outputOf(node.output, snapshot.context, event, self)));
  while (above?.type === 'parallel' && !completed.has(above) && isFinal(above, active)) {
    completed.add(above);
    queue.push(doneOf(above, undefined));
    last = above;
    above = above.parent;
  }
  if (above !== undefined) return snapshot;
  const { output } = tables.root;
  if (output === undefined) return withParts(snapshot, { status: 'done', output: undefined });
  const told = last.output !== undefined && last.parent !== undefined ? outputOf(last.output, snapshot.context, event, self) : undefined;
  return withParts(snapshot, { status: 'done', output: outputOf(output, snapshot.context, doneOf(last, told), self) });
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

function isBelow(node: Node, above: Node): boolean {
  for (let at = node.parent; at !== undefined; at = at.parent) if (at === above) return true;
  return false;
}

function stopAll(snapshot: Parts, event: EventObject, scope: Scope): Parts {
  const stops = Object.values(snapshot.children).map((child) => stopChild(child));
  return runActions(snapshot, event, scope, stops, { internalQueue: [], deferredActorIds: undefined });
}
