/**
 * What those who look may do to the app, where it allows them: send an event to an actor; stop, kill and restart one that is supervised.
 *
 * Supervisors do it themselves, by their own calls, so that order, budgets and reports are what they always are.
 */
import type { AnyActorRef } from 'xstate';

import { supervisorHandle, type Refused } from '../supervision/handle.js';
import { kindOf, type SupervisorKind } from '../supervision/kind.js';
import { taskSupervisorHandle } from '../supervision/tasks.js';
import { exit } from '../supervision/watch.js';
import { hasStopped, logicOf, parentOf } from '../supervision/xstate-internals.js';
import type { Feed } from './feed.js';
import type { ControlRequest, RefusalCode } from './protocol.js';

/** Why it was not done. */
export interface ControlRefusal {
  readonly code: RefusalCode;
  readonly words: string;
}

/** Does it. @returns why not; null when it is done. Never rejects. */
export async function control(feed: Pick<Feed, 'actorAt'>, request: ControlRequest): Promise<ControlRefusal | null> {
  try {
    const actor = feed.actorAt(request.actor);
    if (actor === undefined) return { code: 'unknown-actor', words: 'there is no such actor' };
    if (hasStopped(actor)) return { code: 'ended', words: 'it has ended' };
    return await (request.action === 'send' ? send(actor, request.event) : end(actor, request.action));
  } catch (error) {
    return { code: 'refused', words: wordsOf(error) };
  }
}

function send(actor: AnyActorRef, event: { readonly type: string }): ControlRefusal | null {
  const names = (logicOf(actor) as { events?: readonly string[] }).events;
  if (event.type.startsWith('xstate.')) return { code: 'unknown-event', words: "events of XState's own are not sent from outside" };
  if (names !== undefined && !names.some((name) => isNamed(event.type, name)))
    return {
      code: 'unknown-event',
      words: `it knows ${names.filter((name) => !name.startsWith('xstate.')).join(', ') || 'no events'}`.slice(0, 1_000),
    };
  actor.send(event);
  return null;
}

/** Does a descriptor of a machine take events of this type? */
function isNamed(type: string, descriptor: string): boolean {
  if (descriptor === '*' || descriptor === type) return true;
  return descriptor.endsWith('.*') && (type === descriptor.slice(0, -2) || type.startsWith(descriptor.slice(0, -1)));
}

async function end(actor: AnyActorRef, action: 'stop' | 'kill' | 'restart'): Promise<ControlRefusal | null> {
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

function refusalOf(answer: { readonly ok: true } | Pick<Refused, 'ok' | 'reason'>): ControlRefusal | null {
  return answer.ok ? null : { code: 'refused', words: wordsOf(answer.reason) };
}

/** What a supervisor gives as reason, short. */
function wordsOf(reason: unknown): string {
  let words: string;
  try {
    words = reason instanceof Error ? reason.message : typeof reason === 'string' ? reason : (JSON.stringify(reason) ?? String(reason));
  } catch {
    words = 'it was refused';
  }
  return words.slice(0, 300);
}
