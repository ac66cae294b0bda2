/** What can happen to a Live session in its model: the socket's part, the server's, the tools' and the app's, each with what the session owes for it. */
import type { AnyEventObject } from 'xstate';
import { isOpen, type JsonObject } from '../../../machines/live/calls.js';
import type { ConnectionCommand, Receipt, SessionEvent, sessionMachine } from '../../../machines/live/session.js';
import type { Fake, FakeOptions } from '../model/fake.js';
import type { EventCase, Model } from '../model/model.js';
import type { Run } from '../model/run.js';

export type Session = Run<typeof sessionMachine>;
type SessionCase = EventCase<typeof sessionMachine, never>;
type SessionModel = Model<typeof sessionMachine>;

// ---- the socket's part, as far as it has been played: `connection` opens once, confirms each receipt once, is silent after its end, and writes
// nothing before it is open

export function socket(session: Session): Fake | undefined {
  const fake = session.find('connection');
  return fake?.notes['gone'] === true ? undefined : fake;
}

export function isSocketOpen(session: Session): boolean {
  return socket(session)?.notes['open'] === true;
}

function commands(fake: Fake): readonly ConnectionCommand[] {
  return fake.received as unknown as readonly ConnectionCommand[];
}

/** What it was told while it was open. */
export function wire(fake: Fake): readonly ConnectionCommand[] {
  return commands(fake).slice(Number(fake.notes['heardBefore'] ?? Infinity));
}

/** Receipts that the socket still owes, oldest first. */
export function owed(session: Session): readonly Receipt[] {
  const fake = socket(session);
  if (fake === undefined) return [];
  const receipts = commands(fake).flatMap((command) => (command.type === 'connection.send' && command.receipt !== null ? [command.receipt] : []));
  return receipts.slice(Number(fake.notes['confirmed'] ?? 0));
}

/** A socket that is not open refuses at once. */
export const connectionFake: FakeOptions = {
  onEvent: (fake, event) => {
    const { receipt } = event as { receipt?: Receipt | null };
    if (fake.notes['open'] === true || receipt === null || receipt === undefined) return undefined;
    fake.notes['confirmed'] = Number(fake.notes['confirmed'] ?? 0) + 1;
    fake.ref._parent?.send({ type: 'socket.unsent', receipt, reason: 'closing' });
    return undefined;
  },
};

/** The oldest receipt that it owes, from now on confirmed. */
function confirm(session: Session): Receipt {
  const [receipt] = owed(session);
  const fake = socket(session) as Fake;
  fake.notes['confirmed'] = Number(fake.notes['confirmed'] ?? 0) + 1;
  session.notes['receipt'] = receipt;
  return receipt as Receipt;
}

export function socketEnds(session: Session, event: SessionEvent): void {
  (socket(session) as Fake).notes['gone'] = true;
  session.report('connection', event);
}

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

/** Every message is passed on; what it says of calls is done, and while closing undone at once. */
function says(message: JsonObject, owes: (session: Session) => string | undefined, when: (session: Session) => boolean = () => true): SessionCase {
  return {
    when: (session) => isSocketOpen(session) && when(session),
    payload: () => ({ message }) as never,
    owes: (session) => (emits(session, 'session.message') === undefined ? 'the message was not passed on' : owes(session)),
  };
}

function calls(...ids: readonly string[]): (session: Session) => string | undefined {
  return (session) => {
    const fresh = ids.filter((id) => !session.before.context.calls.rows.some((row) => row.id === id));
    const told = session.emittedNow.filter(({ type }) => type === 'tool.called').map(({ id }) => id);
    if (told.join() !== fresh.join()) return `new calls: ${fresh.join()}, told: ${told.join()}`;
    const run = session.fakes.flatMap(({ received }) => received.filter(({ type, id }) => type === 'tool.run' && fresh.includes(String(id)))).length;
    return run === (met(session) === 'closing' ? 0 : fresh.length) ? undefined : `${run} of ${fresh.length} run`;
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
  payload: () => ({ id, response: { output: 21 } }) as never,
  owes: (session) => {
    const wasRunning = session.before.context.calls.rows.some((row) => row.id === id && row.status === 'running');
    const command = lastCommand(session);
    const answers = session.fakes
      .flatMap((fake) => (fake.src === 'connection' ? commands(fake) : []))
      .filter((one) => 'receipt' in one && one.receipt?.of === 'call' && one.receipt.id === id);
    if (!wasRunning)
      return answers.length > 0 === session.before.context.calls.rows.some((row) => row.id === id && row.status !== 'running') || answers.length === 0
        ? undefined
        : 'it was answered';
    return command?.type === 'connection.send' && JSON.stringify(command.message).includes('"output":21') ? undefined : 'its answer was not sent';
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
    sends: ['socket.unsent'],
    reports: {
      'socket.opened': {
        'socket: opens': {
          when: (session) => socket(session) !== undefined && !isSocketOpen(session),
          payload: (session) => {
            const fake = socket(session) as Fake;
            Object.assign(fake.notes, { open: true, heardBefore: fake.received.length });
            session.notes['cancelled'] = toolsHeard(session, 'tool.cancelAll');
            return {};
          },
          owes: (session) => {
            const isClosing = met(session) === 'closing';
            const [first] = wire(socket(session) as Fake);
            if (first?.type !== (isClosing ? 'connection.close' : 'connection.send')) return `the socket first hears ${String(first?.type)}`;
            if (isClosing) return becomes(() => 'closing')(session);
            const ran = session.before.context.calls.rows.some(({ status }) => status === 'running');
            if (ran && toolsHeard(session, 'tool.cancelAll') === session.notes['cancelled']) return 'tools of the former socket run on';
            return rows(session).some(isOpen) ? 'a call of the former socket is open' : becomes(() => 'settingUp')(session);
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
          return ready === (met(session) === 'settingUp')
            ? becomes(() => (met(session) === 'settingUp' ? 'ready' : met(session)))(session)
            : `ready was ${ready ? '' : 'not '}told`;
        }),
        'server: text': says({ serverContent: { turnComplete: true } }, becomes(met)),
        'server: calls a and b': says({ toolCall: { functionCalls: [call('a'), call('b')] } }, calls('a', 'b')),
        'server: calls without an id': says(
          { toolCall: { functionCalls: [call(undefined)] } },
          calls('local:1'),
          (session) => session.snapshot.context.calls.unnamedCount < 1,
        ),
        'server: cancels a': says({ toolCallCancellation: { ids: ['a', 'never'] } }, (session) =>
          rows(session).some(({ id, status }) => id === 'a' && status === 'running') ? 'a still runs' : undefined,
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
      session.notes['restored'] = true;
      session.restore();
    },
    owes: becomes(met),
  },
};

function call(id: string | undefined): JsonObject {
  return { ...(id === undefined ? {} : { id }), name: 'weather', args: { city: 'Bern' } };
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
