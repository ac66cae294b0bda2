/** The model of a Live session: the socket's part, the server's, the tools' and the app's. */
import type { AnyEventObject } from 'xstate';
import { isOpen } from '../../../machines/live/calls.js';
import { type Receipt, type SessionInput, sessionMachine } from '../../../machines/live/session.js';
import { declineStart, type ExitReason, exitWith, failStart } from '../../../machines/supervision/exit.js';
import {
  cases,
  closeByApp,
  delays,
  events,
  isSocketOpen,
  outcomes,
  owed,
  phase,
  rows,
  type Session,
  socket,
  socketEnds,
  wire,
} from './live-session-cases.js';
import type { Model } from '../model/model.js';

const input: SessionInput = { setup: { model: 'm' }, connectMs: 100, setupMs: 200, toolMs: 1_000, closeMs: 300 };

// ---- what must hold

const told = (session: Session, type: string): readonly AnyEventObject[] => session.emitted.filter((event) => event.type === type);
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
    const statuses = calls.rows.map(({ id, status }) => [id, status]);
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
  invariants: {
    'it exits as its end and its orders say': (session) => {
      if (!hasEnded(session)) return undefined;
      const { output, context } = session.snapshot;
      const { wasReady, exit } = session.notes;
      const wanted =
        context.failure === null
          ? exit === undefined
            ? declineStart()
            : exitWith(exit as ExitReason)
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
        const ends = session.emitted.filter(
          (event) => ['tool.answered', 'tool.cancelled', 'tool.abandoned'].includes(event.type) && event['id'] === id,
        );
        const open = rows(session).some((row) => row.id === id && isOpen(row));
        if (ends.length !== (open ? 0 : 1)) return `call ${String(id)} is ${open ? 'open' : 'over'} and was told to end ${ends.length} times`;
        if (open && hasEnded(session)) return `call ${String(id)} is open after the end`;
      }
      return undefined;
    },
    'a call runs once at most, and only one that was told': (session) => {
      const run = session.fakes
        .filter(({ src }) => src === 'tools')
        .flatMap(({ received }) => received.filter(({ type }) => type === 'tool.run').map((event) => String(event['id'])));
      const known = told(session, 'tool.called').map(({ id }) => id);
      return new Set(run).size === run.length && run.every((id) => known.includes(id)) ? undefined : `ran ${run.join(', ')}`;
    },
    'a call is answered on the wire once at most, and never after it was cancelled': (session) => {
      const written = session.fakes
        .filter(({ src }) => src === 'connection')
        .flatMap((fake) => wire(fake))
        .flatMap((command) => (command.type === 'connection.send' && command.receipt?.of === 'call' ? [command.receipt.id] : []));
      if (new Set(written).size !== written.length) return `answered twice: ${written.join(', ')}`;
      const cancelled = told(session, 'tool.cancelled').map(({ id }) => id);
      return written.find((id) => cancelled.includes(id));
    },
    'what the server takes back is taken back from the tools': (session) => {
      const tools = session.find('tools');
      const cancelled = session.emitted.slice(session.emittedBefore).filter(({ type }) => type === 'tool.cancelled');
      const asked = tools?.received.filter(({ type }) => type === 'tool.cancel').map((event) => event['id']) ?? [];
      return tools === undefined || cancelled.every(({ id }) => asked.includes(id)) ? undefined : 'a cancelled call runs on';
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
    'a socket hears the setup first, and nothing after the close': (session) => {
      for (const fake of session.fakes.filter(({ src }) => src === 'connection')) {
        const heard = wire(fake).map((command) => (command.type === 'connection.close' ? 'close' : 'setup' in command.message ? 'setup' : 'other'));
        const closed = heard.indexOf('close');
        if (heard.lastIndexOf('setup') > 0 || heard[0] === 'other') return `heard ${heard.join(', ')}`;
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
    'no state waits longer than its deadline, unless restored': (session) => {
      const { clock, snapshot, notes } = session;
      if (hasEnded(session) || snapshot.matches({ connected: 'ready' }) || notes['restored'] === true) return undefined;
      return clock.pending() === 1 ? undefined : `${clock.pending()} deadlines are set`;
    },
  },
  observe: (session) => {
    if (phase(session) === 'ready') session.notes['wasReady'] = true;
    if (session.snapshot.context.end?.by === 'server') session.notes['exit'] ??= 'normal';
  },
  finish: (session) => {
    if (phase(session) === 'closing') socketEnds(session, { type: 'socket.closed', code: 1000, reason: '' });
    else closeByApp(session);
  },
};
