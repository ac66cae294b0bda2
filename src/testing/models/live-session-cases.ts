/** What can happen to a Live session in its model: the socket's part, the server's, the tools' and the app's, each with what the session owes for it. */
import type { AnyEventObject } from 'xstate';
import { type CallRow, isOpen, type JsonObject } from '../../../machines/live/calls.js';
import type { ConnectionCommand, Receipt, sessionMachine } from '../../../machines/live/session.js';
import type { Fake } from '../model/fake.js';
import type { EventCase, Model } from '../model/model.js';
import { answers, commands, confirm, connectionFake, isSocketOpen, owed, type Session, socket, wire } from './live-session-socket.js';

type SessionCase = EventCase<typeof sessionMachine, never>;
type SessionModel = Model<typeof sessionMachine>;

// ---- where it was, where it is

type Phase = 'connecting' | 'settingUp' | 'ready' | 'closing' | 'closed' | 'failed';

function phaseOf(value: unknown): Phase {
  return (typeof value === 'string' ? value : (value as { connected: string }).connected) as Phase;
}

export const phase = ({ snapshot }: Session): Phase => phaseOf(snapshot.value);
export const rows = ({ snapshot }: Session) => snapshot.context.calls.rows;
const met = ({ before }: Session): Phase => phaseOf(before.value);
const failureOf = ({ snapshot }: Session): string | undefined => snapshot.context.failure?.kind;

/** What the session should be now, by what it was. */
function becomes(expected: (session: Session) => Phase): (session: Session) => string | undefined {
  return (session) => {
    const wanted = expected(session);
    return phase(session) === wanted ? undefined : `met while ${met(session)}, it is ${phase(session)}, not ${wanted}`;
  };
}

function fails(kind: (session: Session) => string): (session: Session) => string | undefined {
  return (session) =>
    becomes(() => 'failed')(session) ?? (failureOf(session) === kind(session) ? undefined : `it failed by ${String(failureOf(session))}`);
}

const emits = (session: Session, type: string): AnyEventObject | undefined => session.emittedNow.find((event) => event.type === type);
const lastCommand = (session: Session): ConnectionCommand | undefined => {
  const fake = session.fakes.findLast(({ src }) => src === 'connection');
  return fake === undefined ? undefined : commands(fake).at(-1);
};
const toolsHeard = (session: Session, type: string): number =>
  session.fakes.filter(({ src }) => src === 'tools').flatMap(({ received }) => received.filter((event) => event.type === type)).length;

// ---- the cases

/** Every message is passed on; what it says of calls waits for the setup, is done, and while closing undone at once. */
function says(message: JsonObject, owes: (session: Session) => string | undefined, when: (session: Session) => boolean = () => true): SessionCase {
  return {
    when: (session) => isSocketOpen(session) && when(session),
    payload: (session) => {
      Object.assign(session.notes, { ran: toolsHeard(session, 'tool.run'), written: answers(session).length });
      return { message } as never;
    },
    owes: (session) => (emits(session, 'session.message') === undefined ? 'the message was not passed on' : owes(session)),
  };
}

const newlyRun = (session: Session): number => toolsHeard(session, 'tool.run') - Number(session.notes['ran']);

/** Is it, by the table before the step, a call that was delivered before? */
function earlierOf(session: Session, { id, args }: Call): CallRow | undefined {
  const row = session.before.context.calls.rows.find((one) => one.id === id);
  if (row === undefined || isOpen(row)) return row;
  return row.status === 'answered' && row.answer !== null && JSON.stringify(row.args) === JSON.stringify(args) ? row : undefined;
}

function calls(...made: readonly Call[]): (session: Session) => string | undefined {
  return (session) => {
    const fresh = made.filter((one) => earlierOf(session, one) === undefined).map(({ id }) => id);
    const told = session.emittedNow.filter(({ type }) => type === 'tool.called').map(({ id }) => id);
    if (told.join() !== fresh.join()) return `new calls: ${fresh.join()}, told: ${told.join()}`;
    const isReady = met(session) === 'ready';
    if (newlyRun(session) !== (isReady ? fresh.length : 0)) return `${newlyRun(session)} of ${fresh.length} run while ${met(session)}`;
    const again = isReady ? made.filter((one) => earlierOf(session, one)?.status === 'answered').length : 0;
    const written = answers(session).slice(Number(session.notes['written']));
    if (written.length !== again || written.some(({ receipt }) => receipt !== null))
      return `${again} answers are due again, ${written.length} went out`;
    return undefined;
  };
}

function sends(message: JsonObject, isReserved: boolean): SessionCase {
  return {
    when: (session) => owed(session).length < 2,
    payload: (session) => {
      const refs = (session.notes['refs'] ??= []) as string[];
      refs.push(`r${refs.length}`);
      return { message, ref: `r${refs.length - 1}` } as never;
    },
    owes: (session) => {
      const passed = met(session) === 'ready' && !isReserved;
      if (passed) {
        const command = lastCommand(session);
        return command?.type === 'connection.send' && command.message === message ? undefined : 'it was not passed to the socket';
      }
      const reason = emits(session, 'session.rejected')?.['reason'];
      return reason === (met(session) === 'ready' ? 'reserved' : met(session)) ? undefined : `it was rejected as ${String(reason)}`;
    },
  };
}

const settles = (id: string): SessionCase => ({
  payload: (session) => {
    session.notes['written'] = answers(session).length;
    return { id, response: { output: 21 } } as never;
  },
  owes: (session) => {
    const wasRunning = session.before.context.calls.rows.some((row) => row.id === id && row.status === 'running');
    const written = answers(session).slice(Number(session.notes['written']));
    if (!wasRunning) return written.length === 0 ? undefined : 'it was answered';
    return written.length === 1 && JSON.stringify(written).includes('"output":21') ? undefined : 'its answer was not sent';
  },
});

const isOrderly = (session: Session): boolean => met(session) === 'ready' || met(session) === 'closing';

function ends(by: 'client' | 'server', code: number): (session: Session) => string | undefined {
  return ({ snapshot }) =>
    snapshot.context.end?.by === by && snapshot.context.end.code === code ? undefined : `its end is ${JSON.stringify(snapshot.context.end)}`;
}

function lost(session: Session): string {
  return met(session) === 'connecting' ? 'connectFailed' : met(session) === 'settingUp' ? 'closedBeforeSetup' : 'connectionLost';
}

/** What the app and its supervisor send. */
export const events: NonNullable<SessionModel['events']> = {
  'session.send': {
    'app: says hello': sends({ clientContent: { turns: [] } }, false),
    'app: forges an answer': sends({ toolResponse: { functionResponses: [] } }, true),
  },
  'session.close': { 'app: closes': { weight: 0.25, run: closeByApp, owes: takesLeave } },
  'supervisor.shutdown': {
    'supervisor: shutdown': {
      weight: 0.25,
      payload: (session) => {
        session.notes['exit'] = ['shutdown', 'deploy'];
        session.notes['cancelled'] = toolsHeard(session, 'tool.cancelAll');
        return { reason: ['shutdown', 'deploy'] };
      },
      owes: takesLeave,
    },
  },
};

/** A socket that could not write: an answer to a call is JSON, `tools` sees to it. */
const couldNotWrite = (reason: 'closing' | 'notJson'): SessionCase => ({
  when: (session) => (reason === 'closing' ? owed(session).length > 0 : owed(session)[0]?.of === 'app'),
  payload: (session) => {
    // Then its end is on the way, and abandons what is open.
    if (reason === 'closing') (socket(session) as Fake).notes['doomed'] = true;
    return { receipt: confirm(session), reason } as never;
  },
  owes: (session) => {
    const receipt = session.notes['receipt'] as Receipt;
    return receipt.of === 'call' || emits(session, 'session.rejected')?.['reason'] === reason ? undefined : 'the app was not told';
  },
});

/** An end of the socket that is no orderly close. */
const breaks = (code: number | string, reason: string, closeCode: number): SessionCase => ({
  weight: 0.25,
  when: (session) => socket(session) !== undefined,
  payload: (session) => {
    (socket(session) as Fake).notes['gone'] = true;
    return { code, reason } as never;
  },
  owes: (session) => (met(session) === 'closing' ? (becomes(() => 'closed')(session) ?? ends('client', closeCode)(session)) : fails(lost)(session)),
});

/** What the socket and the tools do. */
export const outcomes: NonNullable<SessionModel['outcomes']> = {
  connection: {
    ...connectionFake,
    sends: ['socket.opening', 'socket.unsent'],
    reports: {
      'socket.opened': {
        'socket: opens': {
          when: (session) => socket(session) !== undefined && !isSocketOpen(session),
          payload: (session) => {
            const fake = socket(session) as Fake;
            Object.assign(fake.notes, { open: true, heardBefore: fake.received.length });
            return {};
          },
          owes: (session) => {
            const [first] = wire(socket(session) as Fake);
            return first?.type === 'connection.send' && 'setup' in first.message
              ? becomes(() => 'settingUp')(session)
              : 'the socket does not hear the setup';
          },
        },
      },
      'socket.sent': {
        'socket: confirms': {
          when: (session) => owed(session).length > 0,
          payload: (session) => ({ receipt: confirm(session) }),
          owes: (session) => {
            const receipt = session.notes['receipt'] as Receipt;
            if (receipt.of === 'app') return emits(session, 'session.sent')?.['ref'] === receipt.ref ? undefined : 'the app was not told';
            const wasOpen = session.before.context.calls.rows.some((row) => row.id === receipt.id && isOpen(row));
            return wasOpen === (emits(session, 'tool.answered')?.['id'] === receipt.id) ? undefined : 'the answer was not told';
          },
        },
      },
      'socket.unsent': {
        'socket: could not write, closing': couldNotWrite('closing'),
        'socket: could not write, notJson': couldNotWrite('notJson'),
      },
      'socket.malformed': {
        'socket: a frame is malformed': {
          when: isSocketOpen,
          payload: { reason: 'not-json', detail: '', excerpt: '{' },
          owes: (session) => (emits(session, 'session.malformed')?.['excerpt'] === '{' ? undefined : 'nobody was told'),
        },
      },
      'socket.closed': {
        'socket: closed 1000': {
          weight: 0.25,
          when: isSocketOpen,
          payload: (session) => {
            (socket(session) as Fake).notes['gone'] = true;
            return { code: 1000, reason: 'bye' };
          },
          owes: (session) =>
            isOrderly(session)
              ? (becomes(() => 'closed')(session) ?? ends(met(session) === 'ready' ? 'server' : 'client', 1000)(session))
              : fails(lost)(session),
        },
        'socket: closed 1011': breaks(1011, 'internal', 1011),
      },
      'socket.failed': { 'socket: failed ECONNRESET': breaks('ECONNRESET', 'reset', 1006) },
      'server.message': {
        'server: setupComplete': says({ setupComplete: { sessionId: 's1' } }, (session) => {
          const ready = emits(session, 'session.ready')?.['sessionId'] === 's1';
          const waited = ready ? session.before.context.calls.rows.filter(({ status }) => status === 'pending').length : 0;
          if (newlyRun(session) !== waited) return `${newlyRun(session)} of ${waited} calls run that waited for it`;
          return ready === (met(session) === 'settingUp')
            ? becomes(() => (met(session) === 'settingUp' ? 'ready' : met(session)))(session)
            : `ready was ${ready ? '' : 'not '}told`;
        }),
        'server: text': says({ serverContent: { turnComplete: true } }, becomes(met)),
        'server: calls a and b': says({ toolCall: { functionCalls: [call('a'), call('b')] } }, calls(call('a'), call('b'))),
        'server: calls a for another city': says({ toolCall: { functionCalls: [call('a', 'Oslo')] } }, calls(call('a', 'Oslo'))),
        'server: calls without an id': says(
          { toolCall: { functionCalls: [{ name: 'weather' }] } },
          calls({ ...call('local:1'), args: {} }),
          (session) => session.snapshot.context.calls.unnamedCount < 1,
        ),
        'server: cancels a': says({ toolCallCancellation: { ids: ['a', 'never'] } }, (session) =>
          rows(session).some(({ id, status }) => id === 'a' && (status === 'running' || status === 'pending')) ? 'a is still to be done' : undefined,
        ),
      },
    },
    error: { 'socket: crashes': { error: new Error('no socket'), weight: 0.25, owes: fails(() => 'connectionCrashed') } },
  },
  tools: {
    reports: {
      'tool.settled': {
        'tools: a settles': settles('a'),
        'tools: local:1 settles': settles('local:1'),
        'tools: never settles': settles('never'),
      },
      'tool.listenerThrew': {
        'tools: an abort listener throws': {
          payload: { id: 'a', name: 'weather', reason: 'oops' },
          owes: (session) => (emits(session, 'tool.listenerThrew')?.['reason'] === 'oops' ? becomes(met)(session) : 'nobody was told'),
        },
      },
      'tools.failed': { 'tools: fail': { weight: 0.25, payload: { reason: 'gave up' }, owes: fails(() => 'toolsCrashed') } },
    },
    error: { 'tools: crash': { error: new Error('no tools'), weight: 0.25, owes: fails(() => 'toolsCrashed') } },
  },
};

export const delays: NonNullable<SessionModel['delays']> = {
  '100 ms pass': {
    ms: 100,
    owes: (session) => {
      if (phase(session) === met(session)) return undefined;
      const timeout = { connecting: fails(() => 'connectTimeout'), settingUp: fails(() => 'setupTimeout'), closing: ends('client', 1006) }[
        met(session) as 'connecting'
      ];
      return timeout === undefined ? `it left ${met(session)}` : timeout(session);
    },
  },
};

export const cases: NonNullable<SessionModel['cases']> = {
  'restored from a snapshot': {
    weight: 0.25,
    when: (session) => session.notes['restored'] !== true,
    run: (session) => {
      // A new socket: its deadline begins now.
      Object.assign(session.notes, { restored: true, phase: undefined });
      session.restore();
    },
    owes: (session) => {
      if (met(session) === 'closing') return becomes(() => 'closed')(session) ?? ends('client', 1006)(session);
      return rows(session).some(isOpen) ? 'a call of the former socket is open' : becomes(() => 'connecting')(session);
    },
  },
};

interface Call extends JsonObject {
  readonly id: string;
  readonly args: JsonObject;
}

function call(id: string, city = 'Bern'): Call {
  return { id, name: 'weather', args: { city } };
}

/** The app asks it to close. */
export function closeByApp(session: Session): void {
  if (phase(session) === 'ready') session.notes['exit'] = 'normal';
  session.notes['cancelled'] = toolsHeard(session, 'tool.cancelAll');
  session.send({ type: 'session.close' });
}

/** Asked to end: at once while starting, by a close while ready. */
function takesLeave(session: Session): string | undefined {
  if (!isOrderly(session)) return becomes(() => 'closed')(session);
  if (met(session) === 'ready' && isSocketOpen(session) && lastCommand(session)?.type !== 'connection.close')
    return 'the socket was not told to close';
  const ran = session.before.context.calls.rows.some(({ status }) => status === 'running');
  if (met(session) === 'ready' && ran && toolsHeard(session, 'tool.cancelAll') === session.notes['cancelled']) return 'its tools run on';
  return becomes(() => 'closing')(session);
}
