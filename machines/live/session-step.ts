/** A decision of a Live session, and how it is carried out, in one place. */
import { childOfEvent, reasonOfEvent } from '../supervision/exit.js';
import { actorOf, type CallRow } from './calls.js';
import type { ConnectionCommand, SessionEmitted, SessionEvent, UplinkCommand } from './session-events.js';
import type { SessionContext } from './session-state.js';
import type { ToolCallEvent, ToolCallInput } from './tool-call.js';

/** A decision, in the order in which it is carried out. */
export interface SessionStep {
  readonly changes?: Partial<SessionContext>;
  readonly facts?: readonly SessionEmitted[];
  /** Calls that begin, each an actor of its own. */
  readonly calls?: readonly CallRow[];
  readonly toConnection?: readonly ConnectionCommand[];
  readonly toUplink?: readonly UplinkCommand[];
  /** What single calls are told; their actors must live. */
  readonly toCalls?: readonly { readonly row: CallRow; readonly event: ToolCallEvent }[];
  /** Calls that are over. */
  readonly over?: readonly CallRow[];
  /** What it tells itself. */
  readonly raises?: readonly SessionEvent[];
}

/** The part of XState's `enqueue` that a step needs. */
interface Enqueue {
  assign(changes: never): void;
  emit(fact: never): void;
  spawnChild(src: never, options: never): void;
  stopChild(id: never): void;
  sendTo(target: never, event: never): void;
  raise(event: never): void;
}

/**
 * Carries a step out: `enqueueActions(({ context, enqueue }, p) => carryOut(enqueue, context, steps.decide(context, p)))`.
 * @param event  given where it may be the end of one of the session's own actors, which can be told nothing any more
 */
export function carryOut(enqueue: Enqueue, context: SessionContext, step: SessionStep, event?: { readonly type: string }): void {
  const { changes, facts = none, calls = none, toConnection = none, toUplink = none, toCalls = none, over = none, raises = none } = step;
  const fallen = event === undefined ? null : fallenIn(event);
  if (changes !== undefined) enqueue.assign(changes as never);
  for (const fact of facts) enqueue.emit(fact as never);
  for (const row of calls) enqueue.spawnChild('toolCall' as never, { id: actorOf(row), input: callInput(context, row) } as never);
  if (fallen !== 'connection') for (const command of toConnection) enqueue.sendTo('connection' as never, command as never);
  if (fallen !== 'uplink') for (const command of toUplink) enqueue.sendTo('uplink' as never, command as never);
  // Actors were not restored, or never were.
  if (!context.isRestored) for (const { row, event: told } of toCalls) if (!row.unasked) enqueue.sendTo(actorOf(row) as never, told as never);
  for (const row of over) enqueue.stopChild(actorOf(row) as never);
  for (const raised of raises) enqueue.raise(raised as never);
}

const none: readonly never[] = [];

/** The actor of the session whose end the event tells of. */
function fallenIn(event: { readonly type: string }): string | null {
  if (event.type === 'uplink.failed') return 'uplink';
  return reasonOfEvent(event) === undefined ? null : childOfEvent(event);
}

function callInput({ toolDeadlines, toolMs }: SessionContext, { key, id, name, args, blocking }: CallRow): ToolCallInput {
  const deadlineMs = Object.hasOwn(toolDeadlines, name) ? (toolDeadlines[name] ?? toolMs) : toolMs;
  return { key, id, name, args, blocking, deadlineMs };
}
