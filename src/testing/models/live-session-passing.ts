/** What passes a Live session by in its model: time, sockets that are gone, and the process that it runs in. */
import type { Snapshot } from 'xstate';
import { isOpen } from '../../../machines/live/calls.js';
import type { sessionMachine } from '../../../machines/live/session.js';
import { connectingAgain } from '../../../machines/live/session-restore.js';
import type { Model, Move } from '../model/model.js';
import { loseHanded, rows, type Session, uplink } from './live-session-doubles.js';
import { closingBy, happens, inputOf, ledger, phase, play, stays, waiting } from './live-session-ledger.js';

/** With its socket goes the answer that it was given, and that was taken back meanwhile. */
export function handedIsLost(session: Session): void {
  const { handed } = uplink(session);
  if (handed === null || phase(session) === 'closing' || !session.isActive) return;
  const row = rows(session).find(({ key }) => key === handed);
  play(session, stays(...(row?.status === 'answering' ? [`tool.cancelled "${row.id}"`] : []))(session), () =>
    session.report('uplink', { type: 'uplink.withdrawn', key: loseHanded(session) }),
  );
}

function passes(steps: number): Move<typeof sessionMachine> {
  return {
    weight: steps > 1 ? 0.2 : 0.5,
    run: (session) => {
      for (let step = 0; step < steps && session.isActive; step++) {
        const former = session.find('connection');
        play(session, waiting(session, 100), () => session.advance(100));
        if (session.find('connection') !== former) handedIsLost(session);
      }
    },
    owes: ({ notes }) => (notes['ledger'] as { problem?: string }).problem,
  };
}

/** The session goes on in another process: its losses are forgotten, its calls abandoned. */
function restored(how: (saved: Snapshot<unknown>) => Snapshot<unknown>, when: (session: Session) => boolean): Move<typeof sessionMachine> {
  return happens(
    (session) => {
      const own = ledger(session);
      Object.assign(own, { phase: null, restored: own.restored + 1 });
      if (phase(session) === 'closing') return closingBy(session, 'client', 1006);
      Object.assign(own, { losses: [], rotations: [], attempt: 0, awaitsTurn: false });
      if (how === again) own.goAway = null;
      else if (own.goAway !== null) own.goAway.by = null;
      const open = rows(session).filter(isOpen);
      const isAtGate = phase(session) === 'atGate' || (how === again && inputOf(session).isBehindGate === true);
      return { phase: isAtGate ? 'atGate' : 'connecting', said: open.map(({ id }) => `tool.abandoned "${id}" "restored"`) };
    },
    (session) => {
      const saved = how(JSON.parse(JSON.stringify(session.actor.getPersistedSnapshot())) as Snapshot<unknown>);
      session.actor.getPersistedSnapshot = () => saved;
      session.restore();
    },
    { weight: 0.25, when: (session) => ledger(session).restored === 0 && when(session) },
  );
}

/** In an app of the same options. */
const again = (saved: Snapshot<unknown>): Snapshot<unknown> => {
  const { context } = saved as unknown as { context: { isBehindGate?: boolean } };
  return connectingAgain(saved, context.isBehindGate === true);
};

export const cases: NonNullable<Model<typeof sessionMachine>['cases']> = {
  '100 ms pass': passes(1),
  'a second passes': passes(10),
  'restored by liveSession()': restored(again, () => true),
  'restored by XState alone': restored(
    (saved) => saved,
    (session) => !['connecting', 'backingOff'].includes(phase(session)),
  ),
};
