/** How an actor is now, for who wants no more of it than that. */
import type { AnyActorRef } from 'xstate';

import { hasStopped, logicOf } from '../supervision/xstate-internals.js';
import { hideInJson, type Secrets } from '../wire/secrets.js';
import type { SummarisedActor } from './protocol.js';

/** @returns JSON, without the secrets; null for what JSON has no word for. A getter of the app's may throw. */
export function summaryText(actor: AnyActorRef, path: string, events: number, secrets: Secrets = []): string | null {
  return textOf(hideInJson(summaryOf(actor, path, events), secrets));
}

function summaryOf(actor: AnyActorRef, path: string, events: number): SummarisedActor {
  const { status = 'active', value } = (actor.getSnapshot() ?? {}) as { status?: SummarisedActor['status']; value?: unknown };
  const isMachine = typeof (logicOf(actor) as { getStateNodeById?: unknown }).getStateNodeById === 'function';
  return {
    actor: path,
    status: status === 'active' && hasStopped(actor) ? 'stopped' : status,
    ...(isMachine ? { value: value as string } : {}),
    events,
  };
}

function textOf(value: object): string | null {
  try {
    return JSON.stringify(value);
  } catch {
    return null;
  }
}
