/** The actor `uplink` of a Live session: its lanes, for as long as it runs. */
import { type AnyActorRef, fromCallback } from 'xstate';
import { isOpen, rowByKey } from '../../machines/live/calls.js';
import type { SessionEmitted, SessionEvent, UplinkCommand } from '../../machines/live/session-events.js';
import type { SessionContext } from '../../machines/live/session-state.js';
import { clockOf } from '../supervision/clock.js';
import { emitFrom, isBeingStopped, parentOf } from '../supervision/xstate-internals.js';
import type { SchedulingPlace } from '../wire/gemini/live.js';
import { onStranger } from './stranger.js';
import { Uplink, type UplinkLimits, type UplinkNews } from './uplink.js';

const uplinks = new WeakMap<AnyActorRef, Uplink>();

/** The uplink of a running session; undefined for one that does not run. */
export function uplinkOf(session: AnyActorRef): Uplink | undefined {
  return uplinks.get(session);
}

/** The actor `uplink` of a session: its {@link Uplink}, for as long as the session runs. */
export function uplink(limits: UplinkLimits, schedulingPlace: SchedulingPlace) {
  return fromCallback<UplinkCommand, undefined>(({ self, system, sendBack, receive }) => {
    const session = parentOf(self) as AnyActorRef;
    const tell = (news: UplinkNews) => {
      // The session hears no events of its last turn: what its end finds waiting is told beside it.
      if (own.isOver && news.type === 'uplink.told') emitFrom(session, news.fact);
      else sendBack(news);
    };
    const known = () => (session.getSnapshot() as { readonly context: SessionContext }).context;
    const own: Uplink = new Uplink({
      ...{ limits, clock: clockOf(system), schedulingPlace, tell },
      idOf: (key) => rowByKey(known().calls, key)?.id ?? '',
      written: (asks) => {
        if (asks || known().isFresh) sendBack({ type: 'turn.requested', awaits: asks });
      },
    });
    uplinks.set(session, own);
    onStranger(self, (_, reason) => session.send({ type: 'uplink.failed', reason } satisfies SessionEvent));
    receive((command) => own.obey(command));
    return () => {
      if (isBeingStopped(session)) abandonCalls(session, known());
      own.end();
      uplinks.delete(session);
    };
  });
}

/** A session that is stopped from outside takes no transition any more: what becomes of its open calls is told beside it. */
function abandonCalls(session: AnyActorRef, { calls }: SessionContext): void {
  for (const { id, name } of calls.rows.filter(isOpen)) {
    const fact: SessionEmitted = { type: 'tool.abandoned', id, name, reason: 'stopped' };
    emitFrom(session, fact);
  }
}
