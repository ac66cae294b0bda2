/** The model of a Live session: the socket's part, the server's, the tools' and the app's. */
import type { AnyEventObject } from 'xstate';
import { isOpen } from '../../../machines/live/calls.js';
import { type Receipt, type SessionInput, sessionMachine } from '../../../machines/live/session.js';
import { declineStart, type ExitReason, exitWith, failStart } from '../../../machines/supervision/exit.js';
import type { Model } from '../model/model.js';
import { cases, closeByApp, delays, events, outcomes, phase, rows } from './live-session-cases.js';
import { answers, isSocketOpen, owed, type Session, socket, socketEnds, wire } from './live-session-socket.js';

const input: SessionInput = { setup: { model: 'm' }, connectMs: 100, setupMs: 200, toolMs: 1_000, closeMs: 300 };

const deadlines: Readonly<Record<string, number>> = { connecting: input.connectMs, settingUp: input.setupMs, closing: input.closeMs };

// ---- what must hold

const told = (session: Session, type: string): readonly AnyEventObject[] => session.emitted.filter((event) => event.type === type);
const toldOf = (session: Session, type: string, id: unknown): readonly AnyEventObject[] => told(session, type).filter((event) => event['id'] === id);
const hasEnded = (session: Session): boolean => session.snapshot.status !== 'active';

export const liveSessionModel: Model<typeof sessionMachine> = {
  machine: sessionMachine,
  inputs: { 'a session': input },
  events,
  outcomes,
  delays,
  cases,
  key: (session) => {
    const { calls, hasBeenReady, exit } = session.snapshot.context;
    const statuses = calls.rows.map(({ id, status, args, answer }) => [id, status, args, answer !== null]);
    return [
      statuses,
      hasBeenReady,
      exit,
      session.notes['exit'],
      socket(session)?.notes['open'],
      socket(session)?.notes['doomed'],
      owed(session),
      session.clock.pending(),
      (session.clock.nextAt() ?? 0) - session.clock.now(),
      session.notes['restored'],
    ];
  },
  corners: {
    'nobody answers the close': [
      'a session',
      ...['socket: opens', 'server: setupComplete', 'app: closes', '100 ms pass', '100 ms pass', '100 ms pass'],
    ],
  },
  invariants: {
    'it exits as its end and its orders say': (session) => {
      if (!hasEnded(session)) return undefined;
      const { output, context } = session.snapshot;
      const { wasReady, exit } = session.notes;
      const wanted =
        context.failure === null
          ? exit === undefined && wasReady !== true
            ? declineStart()
            : exitWith((exit ?? 'normal') as ExitReason)
          : wasReady === true
            ? exitWith({ crash: context.failure })
            : failStart(context.failure);
      const { end: _end, failure: _failure, ...got } = output as unknown as { end: unknown; failure: unknown };
      return JSON.stringify(got) === JSON.stringify(wanted) ? undefined : `exits ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`;
    },
    'no call is left without an answer or an end': (session) => {
      const answering = rows(session)
        .filter(({ status }) => status === 'answering')
        .map(({ id }) => id);
      const waiting = owed(session).map((receipt) => (receipt.of === 'call' ? receipt.id : null));
      const lost = answering.find((id) => !waiting.includes(id));
      const isDoomed = !isSocketOpen(session) || socket(session)?.notes['doomed'] === true;
      return lost === undefined || isDoomed || !session.snapshot.matches({ connected: 'ready' }) ? undefined : `nobody will tell of ${lost}`;
    },
    'every call ends once: answered, cancelled or abandoned': (session) => {
      for (const { id } of told(session, 'tool.called')) {
        const ends = ['tool.answered', 'tool.cancelled', 'tool.abandoned'].flatMap((type) => toldOf(session, type, id));
        const begun = toldOf(session, 'tool.called', id).length;
        const open = rows(session).some((row) => row.id === id && isOpen(row));
        if (ends.length !== begun - (open ? 1 : 0))
          return `of ${begun} calls ${String(id)}, ${open ? 'one' : 'none'} is open, and ${ends.length} were told to end`;
        if (open && hasEnded(session)) return `call ${String(id)} is open after the end`;
      }
      return undefined;
    },
    'a call runs once at most, and only one that was told': (session) => {
      const ran = session.fakes
        .filter(({ src }) => src === 'tools')
        .flatMap(({ received }) => received.filter(({ type }) => type === 'tool.run').map((event) => event['id']));
      const surplus = ran.find((id) => ran.filter((other) => other === id).length > toldOf(session, 'tool.called', id).length);
      return surplus === undefined ? undefined : `${String(surplus)} ran more often than it was called`;
    },
    'a call waits only until the setup is accepted, and none is to be done while it closes': (session) => {
      const unwanted = { ready: ['pending'], closing: ['pending', 'running'] }[phase(session) as string] ?? [];
      const row = rows(session).find(({ status }) => unwanted.includes(status));
      return row === undefined ? undefined : `${row.id} is ${row.status} while it is ${phase(session)}`;
    },
    'while it closes, it knows how it is to exit': (session) =>
      phase(session) === 'closing' && session.snapshot.context.exit === null ? 'it does not' : undefined,
    'a call is answered on the wire once at most, and never after it was cancelled': (session) => {
      const written = answers(session).flatMap(({ receipt }) => (receipt?.of === 'call' ? [receipt.id] : []));
      const surplus = written.find((id) => {
        const owedAnswers = toldOf(session, 'tool.called', id).length - toldOf(session, 'tool.cancelled', id).length;
        return written.filter((other) => other === id).length > owedAnswers;
      });
      return surplus === undefined ? undefined : `${surplus} was answered too often`;
    },
    'what the server takes back is taken back from the tools': (session) => {
      const ran = session.before.context.calls.rows.filter(({ status }) => status === 'running').map(({ id }) => id);
      const cancelled = session.emittedNow.filter(({ type, id }) => type === 'tool.cancelled' && ran.includes(String(id)));
      const tools = session.find('tools');
      const last = tools?.received.at(-1);
      return tools === undefined || cancelled.every(({ id }) => last?.type === 'tool.cancel' && last['id'] === id)
        ? undefined
        : 'a cancelled call runs on';
    },
    'every message of the app is sent or rejected once, or in flight': (session) => {
      const refs = (session.notes['refs'] ?? []) as readonly string[];
      for (const ref of refs) {
        const replies = session.emitted.filter(
          (event) => (event.type === 'session.sent' || event.type === 'session.rejected') && event['ref'] === ref,
        ).length;
        const handed = session.fakes
          .flatMap(({ received }) => received)
          .some(({ receipt }) => (receipt as Receipt | null | undefined)?.of === 'app' && (receipt as { ref?: string }).ref === ref);
        if (replies > 1) return `${ref} has ${replies} replies`;
        if (replies === 0 && !handed) return `${ref} is lost`;
      }
      return undefined;
    },
    'a socket hears the setup first, nothing else before that is accepted, and nothing after the close': (session) => {
      for (const fake of session.fakes.filter(({ src }) => src === 'connection')) {
        const heard = wire(fake).map((command) => (command.type === 'connection.close' ? 'close' : 'setup' in command.message ? 'setup' : 'other'));
        const closed = heard.indexOf('close');
        if (
          heard.lastIndexOf('setup') > 0 ||
          heard[0] === 'other' ||
          (fake === socket(session) && phase(session) === 'settingUp' && heard.length > 1)
        )
          return `heard ${heard.join(', ')}`;
        if (closed >= 0 && heard.slice(closed).some((what) => what !== 'close')) return `heard ${heard.join(', ')}`;
      }
      return undefined;
    },
    'the end is told once, as closed or as failed, and matches the output': (session) => {
      const ends = [...told(session, 'session.closed'), ...told(session, 'session.failed')];
      if (ends.length !== (hasEnded(session) ? 1 : 0)) return `told ${ends.length} ends`;
      if (!hasEnded(session)) return undefined;
      const { end, failure } = session.snapshot.output as unknown as { end: object | null; failure: object | null };
      if ((end === null) === (failure === null)) return 'neither or both of end and failure';
      return (ends[0]?.type === 'session.failed') === (failure !== null) ? undefined : `told ${String(ends[0]?.type)}`;
    },
    'it accepts exactly when ready, and is starting until then': (session) => {
      if (hasEnded(session)) return undefined;
      const ready = session.snapshot.matches({ connected: 'ready' });
      const starting = session.snapshot.matches({ connected: 'connecting' }) || session.snapshot.matches({ connected: 'settingUp' });
      return session.snapshot.hasTag('accepting') === ready && session.snapshot.hasTag('starting') === starting ? undefined : 'tags';
    },
    'no state waits longer than its deadline': (session) => {
      const { clock, notes } = session;
      const deadline = deadlines[phase(session) as string];
      if (deadline === undefined) return undefined;
      if (clock.now() - Number(notes['since']) >= deadline) return `${phase(session)} for ${clock.now() - Number(notes['since'])} ms`;
      return clock.pending() === 1 ? undefined : `${clock.pending()} deadlines are set`;
    },
  },
  observe: (session) => {
    const { notes, clock } = session;
    if (notes['phase'] !== phase(session)) Object.assign(notes, { phase: phase(session), since: clock.now() });
    if (phase(session) === 'ready') session.notes['wasReady'] = true;
    if (session.snapshot.context.end?.by === 'server') session.notes['exit'] ??= 'normal';
  },
  finish: (session) => {
    if (phase(session) === 'closing') socketEnds(session, { type: 'socket.closed', code: 1000, reason: '' });
    else closeByApp(session);
  },
};
