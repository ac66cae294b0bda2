/** What can happen to a Live session in its model: the socket's part, the server's, the uplink's and the calls', each as it is foreseen. */
import { isOpen } from '../../../machines/live/calls.js';
import type { sessionMachine } from '../../../machines/live/session.js';
import type { SessionEvent } from '../../../machines/live/session-events.js';
import type { Fake } from '../model/fake.js';
import type { ErrorCase, Model, Move } from '../model/model.js';
import { requesting } from './live-session-app.js';
import {
  answers,
  callDouble,
  callOf,
  canAnswer,
  canSeed,
  canWrite,
  connectionDouble,
  isGone,
  isSocketOpen,
  liveCall,
  nextAnswer,
  refuse,
  rows,
  rowsBefore,
  type Session,
  socket,
  unasked,
  uplink,
  uplinkDouble,
  write,
} from './live-session-doubles.js';
import {
  answerWords,
  type Case,
  closed,
  difference,
  failing,
  type Foreseen,
  happens,
  ledger,
  type Phase,
  phase,
  rarely,
  stays,
} from './live-session-ledger.js';
import { call, earlierOf, onTheWire, type Said, saying } from './live-session-messages.js';
import { handedIsLost } from './live-session-passing.js';
import { permitPart } from './live-session-permit.js';

type SessionModel = Model<typeof sessionMachine>;

/** New calls at most: more of them make more states, and no others. */
const mostCalls = 2;

const reported = (event: SessionEvent) => (session: Session) => session.report('connection', event);
// ---- the server

const says = (message: Said, when: (session: Session) => boolean = () => true, weight = 1): Case =>
  happens(
    (session) => saying(session, message),
    (session) => session.report('connection', { type: 'server.message', message: onTheWire(message) }),
    { when: (session) => isSocketOpen(session) && when(session), weight },
  );

/** Calls that are new are few. */
const mayCall =
  (...calls: readonly ReturnType<typeof call>[]) =>
  (session: Session): boolean => {
    const fresh = calls.filter((one) => earlierOf(session, one) === undefined).length;
    const former = session.snapshot.context.calls.lastKey - rows(session).filter(({ unasked: isUnasked }) => isUnasked).length;
    return former + fresh <= mostCalls;
  };

const cancelsLate = says(
  { cancels: ['a'] },
  (session) => canWrite(session) && uplink(session).handed === null && rows(session).some(({ id, status }) => id === 'a' && status === 'answering'),
);

const messages: Readonly<Record<string, Case>> = {
  'server: setupComplete': says({ setupComplete: true }, (session) => phase(session) === 'settingUp', 10),
  'server: setupComplete once more': says({ setupComplete: true }, (session) => phase(session) !== 'settingUp', 0.2),
  'server: setupComplete, calls a and goes away, in one message': says(
    { setupComplete: true, calls: [call('a')], goAway: 400 },
    (session) => phase(session) === 'settingUp' && mayCall(call('a'))(session),
  ),
  'server: the model speaks': says({ turn: 'modelTurn' }),
  'server: interrupted': says({ turn: 'interrupted' }),
  'server: the turn is over': says({ turn: 'turnComplete' }),
  'server: calls a': says({ calls: [call('a')] }, mayCall(call('a'))),
  'server: calls a for another city': says({ calls: [call('a', 'Oslo')] }, mayCall(call('a', 'Oslo'))),
  'server: calls later': says({ calls: [call('later')] }, mayCall(call('later'))),
  'server: calls old': says(
    { calls: [call('old')] },
    (session) => mayCall(call('old'))(session) && rows(session).some((row) => row.unasked && row.id === 'old'),
    0.2,
  ),
  'server: calls and cancels a, in one message': says({ calls: [call('a')], cancels: ['a'] }, mayCall(call('a')), 0.25),
  'server: cancels a': says({ cancels: ['a', 'never'] }),
  'server: cancels later': says({ cancels: ['later'] }, (session) => earlierOf(session, call('later')) !== undefined, 0.25),
  'server: hears that the user speaks': says({ speech: 'started' }, () => true, 0.25),
  'server: hears that the user has spoken': says({ speech: 'ended' }, () => true, 0.25),
  'server: cancels a, whose answer is being written': {
    ...cancelsLate,
    run: (session) => {
      uplink(session).handed = rows(session).findLast(({ id }) => id === 'a')?.key ?? null;
      cancelsLate.run?.(session);
    },
  },
  'server: gives a handle': says({ handle: 'h1' }),
  'server: the model speaks, with a handle': says({ turn: 'modelTurn', handle: 'h1' }, () => true, 0.25),
  'server: interrupted, with a handle': says({ turn: 'interrupted', handle: 'h1' }, () => true, 0.25),
  'server: hears that the user speaks, with a handle': says({ speech: 'started', handle: 'h1' }, () => true, 0.25),
  'server: cannot be resumed now': says({ handle: null }, () => true, 0.5),
  'server: goes away in 400 ms': says({ goAway: 400 }),
  'server: goes away': says({ goAway: null }, () => true, 0.5),
};

// ---- the actors

const dies = (kind: string): ErrorCase<typeof sessionMachine> => ({
  error: new Error('no more'),
  weight: rarely,
  owes: (session) => {
    const open = rowsBefore(session).filter(isOpen);
    const said = [...open.map(({ id }) => `tool.abandoned "${id}" "${kind}"`), `session.failed "crash" "${kind}"`];
    return difference(session, { phase: 'failed', said }, { said: session.emittedNow, written: [] });
  },
});

/** The model has the answer that it waited for: it goes on. */
function replied(session: Session, key: number | undefined): void {
  const own = ledger(session);
  const row = rows(session).find((one) => one.key === key);
  if (row?.blocking !== true || uplink(session).handed === key) return;
  if (own.turn !== 'running') own.awaitsTurn = true;
}

/** Closing is the end already: nothing more comes of it. */
const ended =
  (kind: string) =>
  (session: Session): Foreseen =>
    phase(session) === 'closing' ? { phase: 'closing' } : failing(session, kind, 'ended');

const socketEnds = (code: number | string, isOpenThen: boolean, weight = 0.2, phases?: readonly Phase[]): Case => {
  const ends = happens(
    (session) => closed(session, code),
    (session) => {
      (socket(session) as Fake).notes['isOver'] = true;
      session.report('connection', { type: 'socket.closed', code, reason: 'so', at: session.clock.now() });
    },
    {
      when: (session) => socket(session) !== undefined && isSocketOpen(session) === isOpenThen && phases?.includes(phase(session)) !== false,
      weight,
    },
  );
  return {
    ...ends,
    run: (session) => {
      handedIsLost(session);
      ends.run?.(session);
    },
  };
};

const answersOf = (id: 'a' | 'later', part: boolean): Move<typeof sessionMachine> => {
  const response = { output: part ? 'part' : id };
  const scheduling = id === 'later' ? { scheduling: 'SILENT' } : {};
  return happens(
    (session) => ({
      phase: phase(session),
      said: part ? [`tool.progressed "${id}" ${JSON.stringify(response)}`] : [],
      written: [
        answerWords(callOf(liveCall(session, id) as Fake).key, !part, {
          ...{ id, name: call(id).name, response },
          ...{ ...scheduling, ...(part ? { willContinue: true } : {}) },
        }),
      ],
    }),
    (session) => answers(session, id, { response, ...scheduling, ...(part ? { willContinue: true } : {}) }),
    { when: (session) => canAnswer(session, id), weight: part ? 0.5 : 2 },
  );
};

export const outcomes: NonNullable<SessionModel['outcomes']> = {
  connection: {
    ...connectionDouble,
    sends: ['socket.opening'],
    reports: {
      'socket.opened': {
        'socket: opens': happens(
          (session) => {
            const own = ledger(session);
            Object.assign(own, {
              goAway: null,
              turn: 'over',
              asked: own.handle,
              isAmended: own.amended,
              keyAtSetup: session.snapshot.context.calls.lastKey,
            });
            return { phase: 'settingUp' };
          },
          (session) => {
            (socket(session) as Fake).notes['isOpen'] = true;
            session.report('connection', { type: 'socket.opened' });
          },
          { when: (session) => socket(session) !== undefined && !isSocketOpen(session), weight: 10 },
        ),
      },
      'socket.closed': {
        'socket: closed 1000': socketEnds(1000, true, rarely),
        'socket: closed 1006': socketEnds(1006, true),
        'socket: closed 1008': socketEnds(1008, true, rarely),
        'socket: closed 1011': socketEnds(1011, true, rarely, ['settingUp']),
        'socket: refused': socketEnds('ECONNREFUSED', false),
        'socket: refused 401': socketEnds(401, false, rarely),
      },
      'socket.malformed': {
        'socket: a frame is malformed': happens(
          stays('session.malformed "not-json"'),
          reported({ type: 'socket.malformed', reason: 'not-json', detail: '', excerpt: '{' }),
          { when: isSocketOpen, weight: 0.25 },
        ),
      },
      'server.message': messages,
    },
    error: { 'socket: crashes': dies('connectionCrashed') },
  },
  uplink: {
    ...uplinkDouble,
    sends: ['uplink.withdrawn', 'uplink.told', 'turn.requested', 'uplink.settled'],
    reports: {
      'uplink.withdrawn': {
        'uplink: has no room for an answer that nobody had asked for': happens(
          stays('tool.rejected "old" "full"'),
          (session) => session.report('uplink', { type: 'uplink.withdrawn', key: refuse(session) }),
          { when: (session) => unasked(session) !== undefined, weight: 0.2 },
        ),
      },
      'uplink.seeded': {
        'uplink: the history is written': happens(
          (session) => {
            ledger(session).seed = 'written';
            return requesting(session, { phase: phase(session) });
          },
          (session) => {
            uplink(session).hasSeed = false;
            session.report('uplink', { type: 'uplink.seeded' });
          },
          { when: canSeed },
        ),
      },
      'uplink.failed': {
        'uplink: ended by a stranger': happens(
          ended('uplinkCrashed'),
          (session) => {
            (session.find('uplink') as Fake).notes['isGone'] = true;
            session.report('uplink', { type: 'uplink.failed', reason: 'killed' });
          },
          { weight: rarely, when: (session) => !isGone(session.find('uplink')) },
        ),
      },
      'uplink.written': {
        'uplink: an answer is written': {
          ...happens(
            (session) => {
              const next = nextAnswer(session);
              replied(session, next?.key ?? next?.again);
              if (next?.key === null) return requesting(session, { phase: phase(session) });
              const row = rows(session).find(({ key }) => key === next?.key);
              return stays(`tool.answered "${row?.id}" ${JSON.stringify(row?.answer)}`)(session);
            },
            (session) => session.report('uplink', { type: 'uplink.written', key: write(session) }),
            { when: canWrite, weight: 2 },
          ),
        },
      },
    },
    cases: {
      'uplink: is given half a turn, past the chart, which waits': happens(
        stays(),
        (session) => {
          uplink(session).hasUntold = true;
        },
        { when: (session) => !uplink(session).isOpen && !uplink(session).hasUntold && phase(session) !== 'closing', weight: 0.2 },
      ),
    },
    error: { 'uplink: crashes': dies('uplinkCrashed') },
  },
  tools: {
    reports: {
      'tools.failed': {
        'tools: end': happens(ended('toolsCrashed'), (session) => session.report('tools', { type: 'tools.failed', reason: 'killed' }), {
          weight: rarely,
        }),
      },
    },
    error: { 'tools: crash': dies('toolsCrashed') },
  },
  permit: permitPart,
  toolCall: {
    ...callDouble,
    sends: ['call.answer', 'call.listenerFailed'],
    cases: {
      'a answers': answersOf('a', false),
      'later answers': answersOf('later', false),
      'later answers in part': answersOf('later', true),
      'an abort listener of a throws': happens(
        stays('tool.listenerThrew "a" "oops"'),
        (session) => {
          const fake = liveCall(session, 'a') as Fake;
          session.report(fake, { type: 'call.listenerFailed', key: callOf(fake).key, reason: 'oops' });
        },
        { when: (session) => canAnswer(session, 'a'), weight: 0.25 },
      ),
    },
  },
};

/** Events that the chart raises itself, from what it reads. */
const raised = 'the chart raises it itself: from messages of the server, and at deadlines';
export const ignored: NonNullable<SessionModel['ignored']> = {
  'setup.completed': raised,
  'turn.generating': raised,
  'turn.interrupted': raised,
  'turn.completed': raised,
  'rotation.announced': raised,
  'rotation.forced': raised,
  'rotation.over': raised,
};
