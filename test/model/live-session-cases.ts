/** What can happen to a Live session in its model: the socket's part, the server's, the tools' and the app's, each with what the session owes for it. */
import type { AnyEventObject } from 'xstate';
import { type CallRow, isOpen, type JsonObject } from '../../machines/live/calls.js';
import type { ConnectionCommand, Receipt, sessionMachine } from '../../machines/live/session.js';
import { answers, commands, confirm, isSocketOpen, owed, type Session, socket, socketEnds, wire } from './live-session-socket.js';
import type { Case } from './walk.js';
import type { Fake } from './world.js';

type SessionCase = Case<typeof sessionMachine>;

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
function says(
  name: string,
  message: JsonObject,
  when: (session: Session) => boolean = () => true,
  owes: SessionCase['owes'] = () => undefined,
): SessionCase {
  return {
    name: `server: ${name}`,
    when: (session) => isSocketOpen(session) && when(session),
    run: (session) => {
      Object.assign(session.notes, { ran: toolsHeard(session, 'tool.run'), written: answers(session).length });
      session.report('connection', { type: 'server.message', message });
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

function sends(name: string, message: JsonObject, isReserved: boolean): SessionCase {
  return {
    name: `app: ${name}`,
    when: (session) => owed(session).length < 2,
    run: (session) => {
      const refs = (session.notes['refs'] ??= []) as string[];
      refs.push(`r${refs.length}`);
      session.send({ type: 'session.send', message, ref: `r${refs.length - 1}` });
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
  name: `tools: ${id} settles`,
  when: (session) => session.find('tools') !== undefined,
  run: (session) => {
    session.notes['written'] = answers(session).length;
    session.report('tools', { type: 'tool.settled', id, response: { output: 21 } });
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

export const cases: readonly SessionCase[] = [
  {
    name: 'socket: opens',
    when: (session) => socket(session) !== undefined && !isSocketOpen(session),
    run: (session) => {
      const fake = socket(session) as Fake;
      Object.assign(fake.notes, { open: true, heardBefore: fake.received.length });
      session.report('connection', { type: 'socket.opened' });
    },
    owes: (session) => {
      const [first] = wire(socket(session) as Fake);
      return first?.type === 'connection.send' && 'setup' in first.message
        ? becomes(() => 'settingUp')(session)
        : 'the socket does not hear the setup';
    },
  },
  {
    name: 'socket: confirms',
    when: (session) => owed(session).length > 0,
    run: (session) => {
      [session.notes['receipt']] = owed(session);
      confirm(session, (receipt) => ({ type: 'socket.sent', receipt }));
    },
    owes: (session) => {
      const receipt = session.notes['receipt'] as Receipt;
      if (receipt.of === 'app') return emits(session, 'session.sent')?.['ref'] === receipt.ref ? undefined : 'the app was not told';
      const wasOpen = session.before.context.calls.rows.some((row) => row.id === receipt.id && isOpen(row));
      return wasOpen === (emits(session, 'tool.answered')?.['id'] === receipt.id) ? undefined : 'the answer was not told';
    },
  },
  ...(['closing', 'notJson'] as const).map(
    (reason): SessionCase => ({
      name: `socket: could not write, ${reason}`,
      // An answer is JSON: `tools` sees to it.
      when: (session) => (reason === 'closing' ? owed(session).length > 0 : owed(session)[0]?.of === 'app'),
      run: (session) => {
        // Then its end is on the way, and abandons what is open.
        if (reason === 'closing') (socket(session) as Fake).notes['doomed'] = true;
        [session.notes['receipt']] = owed(session);
        confirm(session, (receipt) => ({ type: 'socket.unsent', receipt, reason }));
      },
      owes: (session) => {
        const receipt = session.notes['receipt'] as Receipt;
        return receipt.of === 'call' || emits(session, 'session.rejected')?.['reason'] === reason ? undefined : 'the app was not told';
      },
    }),
  ),
  {
    name: 'socket: a frame is malformed',
    when: isSocketOpen,
    run: (session) => session.report('connection', { type: 'socket.malformed', reason: 'not-json', detail: '', excerpt: '{' }),
    owes: (session) => (emits(session, 'session.malformed')?.['excerpt'] === '{' ? undefined : 'nobody was told'),
  },
  {
    name: 'socket: closed 1000',
    rare: true,
    when: isSocketOpen,
    run: (session) => socketEnds(session, { type: 'socket.closed', code: 1000, reason: 'bye' }),
    owes: (session) =>
      isOrderly(session)
        ? (becomes(() => 'closed')(session) ?? ends(met(session) === 'ready' ? 'server' : 'client', 1000)(session))
        : fails(lost)(session),
  },
  ...[
    { type: 'socket.closed' as const, code: 1011, reason: 'internal' },
    { type: 'socket.failed' as const, code: 'ECONNRESET', reason: 'reset' },
  ].map(
    (event): SessionCase => ({
      name: `socket: ${event.type.slice('socket.'.length)} ${event.code}`,
      rare: true,
      when: (session) => socket(session) !== undefined,
      run: (session) => socketEnds(session, event),
      owes: (session) =>
        met(session) === 'closing'
          ? (becomes(() => 'closed')(session) ?? ends('client', event.type === 'socket.closed' ? 1011 : 1006)(session))
          : fails(lost)(session),
    }),
  ),
  {
    name: 'socket: crashes',
    rare: true,
    when: (session) => session.find('connection') !== undefined,
    run: (session) => session.reject('connection', new Error('no socket')),
    owes: fails(() => 'connectionCrashed'),
  },
  says(
    'setupComplete',
    { setupComplete: { sessionId: 's1' } },
    () => true,
    (session) => {
      const ready = emits(session, 'session.ready')?.['sessionId'] === 's1';
      const waited = ready ? session.before.context.calls.rows.filter(({ status }) => status === 'pending').length : 0;
      if (newlyRun(session) !== waited) return `${newlyRun(session)} of ${waited} calls run that waited for it`;
      return ready === (met(session) === 'settingUp')
        ? becomes(() => (met(session) === 'settingUp' ? 'ready' : met(session)))(session)
        : `ready was ${ready ? '' : 'not '}told`;
    },
  ),
  says('text', { serverContent: { turnComplete: true } }, () => true, becomes(met)),
  says('calls a and b', { toolCall: { functionCalls: [call('a'), call('b')] } }, () => true, calls(call('a'), call('b'))),
  says('calls a for another city', { toolCall: { functionCalls: [call('a', 'Oslo')] } }, () => true, calls(call('a', 'Oslo'))),
  says(
    'calls without an id',
    { toolCall: { functionCalls: [{ name: 'weather' }] } },
    (session) => session.snapshot.context.calls.unnamedCount < 1,
    calls({ ...call('local:1'), args: {} }),
  ),
  says(
    'cancels a',
    { toolCallCancellation: { ids: ['a', 'never'] } },
    () => true,
    (session) =>
      rows(session).some(({ id, status }) => id === 'a' && (status === 'running' || status === 'pending')) ? 'a is still to be done' : undefined,
  ),
  settles('a'),
  settles('local:1'),
  settles('never'),
  {
    name: 'tools: an abort listener throws',
    when: (session) => session.find('tools') !== undefined,
    run: (session) => session.report('tools', { type: 'tool.listenerThrew', id: 'a', name: 'weather', reason: 'oops' }),
    owes: (session) => (emits(session, 'tool.listenerThrew')?.['reason'] === 'oops' ? becomes(met)(session) : 'nobody was told'),
  },
  {
    name: 'tools: fail',
    rare: true,
    when: (session) => session.find('tools') !== undefined,
    run: (session) => session.report('tools', { type: 'tools.failed', reason: 'gave up' }),
    owes: fails(() => 'toolsCrashed'),
  },
  {
    name: 'tools: crash',
    rare: true,
    when: (session) => session.find('tools') !== undefined,
    run: (session) => session.reject('tools', new Error('no tools')),
    owes: fails(() => 'toolsCrashed'),
  },
  sends('says hello', { clientContent: { turns: [] } }, false),
  sends('forges an answer', { toolResponse: { functionResponses: [] } }, true),
  {
    name: 'app: closes',
    rare: true,
    run: closeByApp,
    owes: takesLeave,
  },
  {
    name: 'supervisor: shutdown',
    rare: true,
    run: (session) => {
      session.notes['exit'] = ['shutdown', 'deploy'];
      session.notes['cancelled'] = toolsHeard(session, 'tool.cancelAll');
      session.send({ type: 'supervisor.shutdown', reason: ['shutdown', 'deploy'] });
    },
    owes: takesLeave,
  },
  {
    name: '100 ms pass',
    run: (session) => session.advance(100),
    owes: (session) => {
      if (phase(session) === met(session)) return undefined;
      const timeout = { connecting: fails(() => 'connectTimeout'), settingUp: fails(() => 'setupTimeout'), closing: ends('client', 1006) }[
        met(session) as 'connecting'
      ];
      return timeout === undefined ? `it left ${met(session)}` : timeout(session);
    },
  },
  {
    name: 'restored from a snapshot',
    rare: true,
    when: (session) => session.notes['restored'] !== true,
    run: (session) => {
      session.notes['restored'] = true;
      session.restore();
    },
    owes: (session) => {
      if (met(session) === 'closing') return becomes(() => 'closed')(session) ?? ends('client', 1006)(session);
      return rows(session).some(isOpen) ? 'a call of the former socket is open' : becomes(() => 'connecting')(session);
    },
  },
];

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
