/**
 * The actor `connection` of a Live session: one socket, from its opening to its end.
 *
 * It says that it has begun (`socket.opening`), reports what the socket tells as events (`socket.opened`, `server.message`, `socket.malformed`,
 * `socket.closed`), and never throws on what the wire brings. While its lane is open, messages that change no state of the session are told to those who
 * listen to the session directly, beside the chart. When it is stopped, the socket is terminated; nothing of it reaches the session afterwards, but,
 * where a stranger has ended it, that this socket is lost (`killed`). The deadlines are the
 * session's: connect and close are delays of its chart.
 */
import { type AnyActorRef, fromCallback } from 'xstate';
import { wordsOf } from '../../machines/live/ending.js';
import { isTelling } from '../../machines/live/messages.js';
import type { ConnectionCommand, ConnectionInput, SessionEmitted, SessionEvent } from '../../machines/live/session-events.js';
import { clockOf } from '../supervision/clock.js';
import { emitFrom, parentOf } from '../supervision/xstate-internals.js';
import { type Frame, isData, parseServerMessage, textOf, type UnreadableFrame } from '../wire/gemini/live.js';
import { hideInExcerpt, type Secrets, secretsOf } from '../wire/secrets.js';
import { noteSocket } from './intake.js';
import type { ClientSocket, OpenSocket } from './socket.js';
import { onStranger } from './stranger.js';
import { uplinkOf } from './uplink-actor.js';

interface Endpoint {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where and how {@link connection} opens its socket. */
export interface ConnectionOptions {
  /** The address, with the credentials. They stay here: no event, error or snapshot of a session holds them. */
  endpoint(): Endpoint | Promise<Endpoint>;
  /** Words to be blotted out where the peer repeats them. */
  readonly secrets?: readonly string[];
  readonly openSocket: OpenSocket;
}

/** How much of an odd value a `socket.malformed` shows, characters. */
const longestExcerpt = 120;
/** How much of what a peer says of the end is told, characters. */
const longestReason = 2_048;

/**
 * The logic of one socket.
 * @throws the actor errors (a crash, seen by the session) when the socket cannot even be made
 */
export function connection({ endpoint, secrets = [], openSocket }: ConnectionOptions) {
  return fromCallback<ConnectionCommand, ConnectionInput>(({ input, self, system, sendBack, receive }) => {
    const session = parentOf(self) as AnyActorRef;
    const clock = clockOf(system);
    let isOpen = false;
    let isOver = false;
    let isLaneOpen = false;
    // Has nothing been said since the latest handle? What is said first makes it old, by the chart.
    let isHandleNew = false;
    // A token that was fetched for this socket is not among those of the options.
    let hidden: Secrets = secrets;
    const hide = (text: string) => hideInExcerpt(text, hidden);
    const report = (event: SessionEvent) => {
      if (!isOver) sendBack(event);
    };
    const readFrame = (data: Frame) => {
      const read = parseServerMessage(data);
      if (!read.ok) {
        // Read once more without the secrets: at the end of an excerpt, half of one would not be known for what it is.
        const text = textOf(data);
        const clean = typeof text === 'string' ? parseServerMessage(hide(text)) : read;
        const { detail, excerpt } = clean.ok ? { detail: hide(read.detail), excerpt: '' } : clean;
        malformed(read.reason, detail, excerpt);
        return;
      }
      const { message, faults } = read;
      // Beside the chart: no event of its own is made, for there are hundreds in a turn.
      if (isLaneOpen && !isOver && faults.length === 0 && isData(message) && !(isHandleNew && isTelling(message))) {
        emitFrom(session, { type: 'session.message', message } as SessionEmitted);
        return;
      }
      for (const { detail, got } of faults) malformed('invalid-shape', detail, JSON.stringify(got) ?? '');
      isHandleNew = message.sessionResumptionUpdate !== undefined || (isHandleNew && !isTelling(message));
      report({ type: 'server.message', message });
      // Not before: a socket that is not read would never be set up.
      if (message.setupComplete !== undefined && socket !== null) noteSocket(session, socket);
    };
    const malformed = (reason: UnreadableFrame['reason'], detail: string, excerpt: string) =>
      report({ type: 'socket.malformed', reason, detail: hide(detail), excerpt: hide(hide(excerpt).slice(0, longestExcerpt)) });
    report({ type: 'socket.opening' });
    let socket: ClientSocket | null = null;
    const end = (code: number | string, reason: string) => {
      if (socket !== null) uplinkOf(session)?.detach(socket);
      report({ type: 'socket.closed', code, reason: hide(hide(reason).slice(0, longestReason)), at: clock.now() });
    };
    const open = ({ url, headers }: Endpoint) => {
      if (isOver) return;
      hidden = [...new Set([...hidden, ...secretsOf(url, headers)])];
      const opened = () => {
        if (isOver) return;
        isOpen = true;
        if (socket !== null) uplinkOf(session)?.attach(socket);
        report({ type: 'socket.opened' });
      };
      socket = openSocket({ url, headers, closeMs: input.closeMs }, { opened, frame: readFrame, closed: end });
    };
    const where = endpoint();
    if (where instanceof Promise) where.then(open).catch((error: unknown) => end('noCredentials', wordsOf(error)));
    else {
      try {
        open(where);
      } catch (error) {
        // oxlint-disable-next-line preserve-caught-error -- it may show the URL, and with it the key
        throw new Error(hide(wordsOf(error)));
      }
    }

    const obey = (command: ConnectionCommand) => {
      if (command.type === 'connection.lane') isLaneOpen = command.open;
      else if (command.type === 'connection.close') socket?.close(command.code, command.reason);
      else if (isOpen) socket?.send(JSON.stringify(command.message), () => undefined);
    };
    receive((command) => {
      try {
        obey(command);
      } catch (error) {
        // A throw would end this actor, and XState runs no cleanup then: the socket would be left open.
        end('crash', wordsOf(error));
      }
    });

    onStranger(self, (_, reason) => session.send({ type: 'socket.closed', code: 'killed', reason, at: clock.now() } satisfies SessionEvent));

    return () => {
      isOver = true;
      if (socket === null) return;
      uplinkOf(session)?.detach(socket);
      // The close frame is a courtesy, written before the cut where the runtime writes at once.
      socket.close(1000, '');
      socket.terminate();
    };
  });
}
