/** What the app and its supervisor can do to a Live session in its model. */
import { isOpen } from '../../../machines/live/calls.js';
import type { sessionMachine } from '../../../machines/live/session.js';
import type { SessionEvent } from '../../../machines/live/session-events.js';
import type { Model } from '../model/model.js';
import { rows, type Session } from './live-session-doubles.js';
import { answerWords, type Case, closingBy, type Foreseen, happens, isReady, ledger, phase, play, rarely, stays } from './live-session-ledger.js';
import { replaced } from './live-session-messages.js';

const sent = (event: SessionEvent) => (session: Session) => session.send(event);

/** What waits for the model is not in any handle yet. */
export function requesting(session: Session, foreseen: Foreseen, awaits = false): Foreseen {
  const own = ledger(session);
  own.isFresh = false;
  own.awaitsTurn ||= awaits;
  return foreseen;
}

const update = { systemInstruction: replaced.systemInstruction, tools: { tools: replaced.tools } };

/** Later setups are to have what replaced a part of the first. */
function amending(session: Session, foreseen: Foreseen): Foreseen {
  ledger(session).amended = true;
  return requesting(session, foreseen);
}

/** Asked to end: at once where there is nobody to take leave of. */
function leaving(session: Session): Foreseen {
  if (!isReady(phase(session)) && phase(session) !== 'closing') return closingBy(session, 'client', 1000);
  const undone = phase(session) === 'closing' ? [] : rows(session).filter((row) => isOpen(row) && row.status !== 'answering');
  return { phase: 'closing', said: undone.map(({ id }) => `tool.abandoned "${id}" "closed"`) };
}

export function closeByApp(session: Session): void {
  play(session, leaving(session), () => session.send({ type: 'session.close' }));
}

function responds(part: boolean, id: 'a' | 'later' = 'a'): Case {
  const response = { by: 'app' };
  return happens(
    (session) => {
      const row = rows(session).findLast((one) => one.id === id);
      if (row === undefined) return stays(`tool.rejected "${id}" "unknown"`)(session);
      if (part && row.blocking && isOpen(row)) return stays(`tool.rejected "${id}" "blocking"`)(session);
      const isTaken = row.status === 'running' || (row.status === 'pending' && !part);
      if (!isTaken) return stays(`tool.rejected "${id}" "${row.status === 'pending' ? 'pending' : 'ended'}"`)(session);
      const answer = { id, name: row.name, response, ...(part ? { willContinue: true } : {}) };
      return {
        phase: phase(session),
        said: part ? [`tool.progressed "${id}" ${JSON.stringify(response)}`] : [],
        written: [answerWords(row.key, !part, answer)],
      };
    },
    sent({ type: 'session.respond', id, response, ...(part ? { willContinue: true } : {}) }),
    { weight: 0.3 },
  );
}

export const events: NonNullable<Model<typeof sessionMachine>['events']> = {
  'session.send': {
    'app: says hello': happens(
      (session) =>
        phase(session) === 'closing'
          ? stays('session.rejected "closing" "r"')(session)
          : requesting(session, { phase: phase(session), written: ['send'], said: ['session.queued "r"'] }, true),
      sent({ type: 'session.send', message: { clientContent: { turnComplete: true } }, ref: 'r' }),
      { weight: 0.3 },
    ),
    'app: lets the user be heard': happens(
      (session) =>
        phase(session) === 'closing'
          ? stays('session.rejected "closing" null')(session)
          : requesting(session, { phase: phase(session), written: ['send'] }),
      sent({ type: 'session.send', message: { realtimeInput: { audio: {} } } }),
      { weight: 0.2 },
    ),
    'app: asks to have the instruction replaced': happens(
      (session) => requesting(session, { phase: phase(session), written: ['send'] }),
      sent({ type: 'session.send', message: { contextUpdate: update } }),
      { weight: 0.1, when: (session) => phase(session) !== 'closing' },
    ),
  },
  'turn.requested': {
    'app: has sent a turn, past the chart': happens(
      (session) => requesting(session, { phase: phase(session) }, true),
      sent({ type: 'turn.requested', awaits: true }),
      { weight: 0.2 },
    ),
    'app: has sent audio, past the chart': happens(
      (session) => requesting(session, { phase: phase(session) }),
      sent({ type: 'turn.requested', awaits: false }),
      { weight: 0.2 },
    ),
  },
  'setup.amended': {
    'app: has replaced the instruction': happens((session) => amending(session, { phase: phase(session) }), sent({ type: 'setup.amended', update }), {
      weight: 0.1,
      when: (session) => !ledger(session).amended,
    }),
  },
  'session.respond': {
    'app: answers a': responds(false),
    'app: answers a in part': responds(true),
    'app: answers later in part': responds(true, 'later'),
    'app: answers a call of another process': happens(
      (session) =>
        requesting(session, {
          phase: phase(session),
          written: [answerWords(session.snapshot.context.calls.lastKey + 1, true, { id: 'old', name: 'weather', response: { by: 'app' } })],
        }),
      sent({ type: 'session.respond', id: 'old', unsolicited: 'weather', response: { by: 'app' } }),
      { weight: 0.2, when: (session) => phase(session) !== 'closing' && !rows(session).some(({ id }) => id === 'old') },
    ),
  },
  'session.close': { 'app: closes': { weight: rarely, run: closeByApp, owes: ({ notes }) => (notes['ledger'] as { problem?: string }).problem } },
  'supervisor.shutdown': {
    'supervisor: shutdown': happens(
      (session) => {
        ledger(session).exit = ['shutdown', 'deploy'];
        return leaving(session);
      },
      sent({ type: 'supervisor.shutdown', reason: ['shutdown', 'deploy'] }),
      { weight: rarely },
    ),
  },
  'speech.started': {
    'app: the user speaks': happens(
      (session) => {
        const at = phase(session);
        ledger(session).speaksOver = at === 'generating';
        return { phase: at === 'idle' || at === 'interrupted' ? 'userSpeaking' : at };
      },
      sent({ type: 'speech.started' }),
    ),
  },
  'speech.ended': {
    'app: the user has spoken': happens(
      (session) => {
        const at = phase(session);
        ledger(session).speaksOver = false;
        return { phase: at === 'userSpeaking' ? 'idle' : at };
      },
      sent({ type: 'speech.ended' }),
    ),
  },
};
