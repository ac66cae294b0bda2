/**
 * What those who look may do to the app, where it allows them: send an event to an actor; stop, kill and restart one that is supervised.
 *
 * Supervisors do it themselves, by their own calls, so that order, budgets and reports are what they always are.
 */
import type { AnyActorRef, AnyStateMachine } from 'xstate';

import { takes } from '../charts/descriptor.js';
import { eventSchemasOf, type SchemasOfMachines } from '../charts/event-schemas.js';
import { supervisorHandle, type Refused } from '../supervision/handle.js';
import { kindOf, type SupervisorKind } from '../supervision/kind.js';
import { taskSupervisorHandle } from '../supervision/tasks.js';
import { exit } from '../supervision/watch.js';
import { hasStopped, logicOf, parentOf } from '../supervision/xstate-internals.js';
import type { Redaction } from '../recording/portable.js';
import { type SchemaProblem, schemaProblems } from '../wire/recording/event-schema.js';
import { blot, hideInExcerpt, hideInQueries } from '../wire/secrets.js';
import type { Feed } from './feed.js';
import type { ControlRequest, RefusalCode } from './protocol.js';

/** Why it was not done. */
export interface ControlRefusal {
  readonly code: RefusalCode;
  readonly words: string;
}

/** Does it. @param redaction  of the words of a refusal. @returns why not; null when it is done. Never rejects. */
export async function control(
  feed: Pick<Feed, 'actorAt'>,
  request: ControlRequest,
  schemas: SchemasOfMachines,
  redaction: Redaction = { secret: null },
): Promise<ControlRefusal | null> {
  try {
    const actor = feed.actorAt(request.actor);
    if (actor === undefined) return { code: 'unknown-actor', words: 'there is no such actor' };
    if (hasStopped(actor)) return { code: 'ended', words: 'it has ended' };
    return await (request.action === 'send' ? send(actor, request.event, schemas) : end(actor, request.action, redaction));
  } catch (error) {
    return { code: 'refused', words: wordsOf(error, redaction) };
  }
}

function send(actor: AnyActorRef, event: { readonly type: string }, schemas: SchemasOfMachines): ControlRefusal | null {
  const refusal = refusalOfEvent(logicOf(actor), event, schemas);
  if (refusal === null) actor.send(event);
  return refusal;
}

/** Why an event is not given to an actor of this logic, nor to a machine that is asked what it would do; null where it may be. */
export function refusalOfEvent(logic: object, event: { readonly type: string }, schemas: SchemasOfMachines): ControlRefusal | null {
  const names = (logic as { events?: readonly string[] }).events;
  if (event.type.startsWith('xstate.')) return { code: 'unknown-event', words: "events of XState's own are not sent from outside" };
  if (names !== undefined && !names.some((name) => takes(name, event.type)))
    return {
      code: 'unknown-event',
      words: `it knows ${names.filter((name) => !name.startsWith('xstate.')).join(', ') || 'no events'}`.slice(0, 1_000),
    };
  const [problem] = problemsOf(logic, event, schemas);
  if (problem !== undefined) return { code: 'invalid-event', words: `${['event', ...problem.at].join('.')}: ${problem.words}`.slice(0, 1_000) };
  return null;
}

/** In what the event does not fit its schema; nothing where it has none. */
function problemsOf(logic: object, event: { readonly type: string }, schemas: SchemasOfMachines): readonly SchemaProblem[] {
  if (typeof (logic as { getStateNodeById?: unknown }).getStateNodeById !== 'function') return [];
  const known = eventSchemasOf(logic as AnyStateMachine, schemas);
  const schema = Object.hasOwn(known, event.type) ? known[event.type] : undefined;
  return schema === undefined ? [] : schemaProblems(schema, event);
}

type Answer = { readonly ok: true } | Pick<Refused, 'ok' | 'reason'>;

async function end(actor: AnyActorRef, action: 'stop' | 'kill' | 'restart', redaction: Redaction): Promise<ControlRefusal | null> {
  const refusalOf = (answer: Answer): ControlRefusal | null => (answer.ok ? null : { code: 'refused', words: wordsOf(answer.reason, redaction) });
  const owner = supervisorOf(actor);
  if (owner === null) return { code: 'not-supervised', words: 'no supervisor has it as its child' };
  const { supervisor, kind } = owner;
  if (action === 'kill') {
    exit(actor, 'kill');
    return null;
  }
  if (action === 'stop') {
    if (kind === 'taskSupervisor') return refusalOf(taskSupervisorHandle(supervisor).terminate({ ref: actor }));
    return refusalOf(await supervisorHandle(supervisor).terminateChild(kind === 'supervisor' ? actor.id : actor));
  }
  if (kind !== 'supervisor')
    return { code: 'refused', words: 'children of a dynamic supervisor have no place to come back to: kill it, and its restart type decides' };
  const handle = supervisorHandle(supervisor);
  const spec = await handle.childSpec(actor.id);
  if (!spec.ok) return refusalOf(spec);
  if (spec.spec.restart === 'temporary') return { code: 'refused', words: 'it is temporary: once stopped it would be forgotten' };
  const stopped = await handle.terminateChild(actor.id);
  if (!stopped.ok) return refusalOf(stopped);
  return refusalOf(await handle.restartChild(actor.id));
}

function supervisorOf(actor: AnyActorRef): { readonly supervisor: AnyActorRef; readonly kind: SupervisorKind } | null {
  const pool = parentOf(actor);
  const supervisor = pool === undefined || pool.id !== 'pool' ? undefined : parentOf(pool);
  const kind = kindOf(supervisor);
  return supervisor === undefined || kind === undefined ? null : { supervisor, kind };
}

/** What a supervisor gives as reason, short. */
function wordsOf(reason: unknown, { secret, secrets = [] }: Redaction): string {
  let words: string;
  try {
    // Of an error within a tuple, JSON would show nothing.
    const told = (key: string, value: unknown): unknown => (secret?.test(key) === true ? blot : value instanceof Error ? value.message : value);
    const shown = JSON.stringify(reason, told);
    words = reason instanceof Error ? reason.message : typeof reason === 'string' ? reason : (shown ?? String(reason));
  } catch {
    words = 'it was refused';
  }
  return hideInExcerpt(secret === null ? words : hideInQueries(words), secrets).slice(0, 300);
}
