/**
 * The actor `connection` of a Live session: one socket, from its opening to its end.
 *
 * It says that it has begun (`socket.opening`), reports what the socket tells as events (`socket.opened`, `server.message`, `socket.malformed`,
 * `socket.sent`, `socket.unsent`, `socket.closed`, `socket.failed`), and never throws on what the wire brings. When it is stopped, the socket is terminated; nothing of it reaches the
 * session afterwards. The deadlines are the session's: connect and close are delays of its chart.
 */
import { fromCallback } from 'xstate';
import type { ConnectionCommand, ConnectionInput, SessionEvent } from '../../machines/live/session.js';
import { wordsOf } from '../../machines/live/ending.js';
import { type Frame, parseServerMessage } from '../wire/gemini/live.js';
import { openWebSocket, type OpenSocket } from './socket.js';

/** Where and how {@link connection} opens its socket. */
export interface ConnectionOptions {
  readonly url: string;
  /** With the credentials. They stay here: no event, error or snapshot of a session holds them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Words to be blotted out where the peer repeats them. */
  readonly secrets?: readonly string[];
  /** Default: `ws`. */
  readonly openSocket?: OpenSocket;
}

/** How much of an odd value a `socket.malformed` shows, characters. */
const longestExcerpt = 120;

/**
 * The logic of one socket.
 * @throws the actor errors (a crash, seen by the session) when the socket cannot even be made
 */
export function connection({ url, headers, secrets = [], openSocket = openWebSocket }: ConnectionOptions) {
  const hide = (text: string) => secrets.reduce((clean, secret) => (secret === '' ? clean : clean.replaceAll(secret, '[hidden]')), text);

  return fromCallback<ConnectionCommand, ConnectionInput>(({ input, sendBack, receive }) => {
    let isOpen = false;
    let isOver = false;
    const report = (event: SessionEvent) => {
      if (!isOver) sendBack(event);
    };
    const reportFrame = (event: SessionEvent) => {
      report(event.type === 'socket.malformed' ? { ...event, detail: hide(event.detail), excerpt: hide(event.excerpt) } : event);
    };
    report({ type: 'socket.opening' });
    const socket = openSocket(
      { url, headers, closeMs: input.closeMs },
      {
        opened: () => {
          isOpen = true;
          report({ type: 'socket.opened' });
        },
        frame: (data) => readFrame(data, reportFrame),
        closed: (code, reason) => report({ type: 'socket.closed', code, reason: hide(reason) }),
        failed: (code, reason) => report({ type: 'socket.failed', code, reason: hide(reason) }),
      },
    );

    const obey = (command: ConnectionCommand) => {
      if (command.type === 'connection.close') {
        socket.close(command.code, command.reason);
        return;
      }
      const { message, receipt } = command;
      if (!isOpen) {
        if (receipt !== null) report({ type: 'socket.unsent', receipt, reason: 'connecting' });
        return;
      }
      const text = jsonOf(message);
      if (text === null) {
        if (receipt !== null) report({ type: 'socket.unsent', receipt, reason: 'notJson' });
        return;
      }
      socket.send(text, (ok) => {
        if (receipt !== null) report(ok ? { type: 'socket.sent', receipt } : { type: 'socket.unsent', receipt, reason: 'closing' });
      });
    };
    receive((command) => {
      try {
        obey(command);
      } catch (error) {
        // A throw would end this actor, and XState runs no cleanup then: the socket would be left open.
        report({ type: 'socket.failed', code: 'crash', reason: hide(wordsOf(error)) });
      }
    });

    return () => {
      isOver = true;
      // The close frame is a courtesy, written before the cut where the runtime writes at once.
      socket.close(1000, '');
      socket.terminate();
    };
  });
}

/** One frame, as events: what of it can be read, and each part that cannot. @throws never */
function readFrame(data: Frame, report: (event: SessionEvent) => void): void {
  const read = parseServerMessage(data);
  if (!read.ok) {
    report({ type: 'socket.malformed', reason: read.reason, detail: read.detail, excerpt: read.excerpt });
    return;
  }
  for (const fault of read.faults) {
    report({ type: 'socket.malformed', reason: 'invalid-shape', detail: fault.detail, excerpt: (jsonOf(fault.got) ?? '').slice(0, longestExcerpt) });
  }
  report({ type: 'server.message', message: read.message });
}

/** JSON, or null for what is none (a circle, a BigInt, a function). @throws never */
function jsonOf(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? null;
  } catch {
    return null;
  }
}
