/** The part of a gate in the model of a Live session: it lets it pass or refuses it, and may take the permit back as long as it lives. */
import type { sessionMachine } from '../../../machines/live/session.js';
import type { ActorModel } from '../model/model.js';
import type { Session } from './live-session-doubles.js';
import { failing, happens, inputOf, phase } from './live-session-ledger.js';

/** Closing is the end already: nothing more comes of it. */
const fails = (code: string, when: (session: Session) => boolean) =>
  happens(
    (session) => (phase(session) === 'closing' ? { phase: 'closing' } : failing(session, 'gate', code)),
    (session) => session.report('permit', { type: 'permit.failed', code, reason: 'so' }),
    { when, weight: 0.05 },
  );

export const permitPart: ActorModel<typeof sessionMachine> = {
  onStart: (fake) => {
    fake.ref._parent?.send({ type: 'permit.asked' });
    return undefined;
  },
  sends: ['permit.asked'],
  reports: {
    'permit.granted': {
      'gate: lets it pass': happens(
        () => ({ phase: 'connecting' }),
        (session) => session.report('permit', { type: 'permit.granted' }),
        { when: (session) => phase(session) === 'atGate', weight: 10 },
      ),
    },
    'permit.failed': {
      'gate: refuses it': fails('full', (session) => phase(session) === 'atGate'),
      'gate: takes the permit back': fails('lost', (session) => phase(session) !== 'atGate'),
    },
  },
};

/** What is wrong with its permit: it has one, from its beginning to its end, exactly where it is behind a gate. */
export function permitFault(session: Session): string | undefined {
  const wanted = session.snapshot.status === 'active' && inputOf(session).isBehindGate === true ? 1 : 0;
  const count = session.of('permit').length;
  if (count !== wanted) return `${count} permits`;
  return phase(session) === 'atGate' && wanted === 0 ? 'it waits where there is no gate' : undefined;
}
