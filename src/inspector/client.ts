/**
 * One who looks, in Node: for the terminal. A page has a client of its own, on the browser's WebSocket.
 */
import { WebSocket } from 'ws';

import { EspalierError } from '../errors.js';
import { type Clock, systemClock } from '../supervision/clock.js';
import { maxFrameBytes, type ServerMessage, ServerFrames, socketPath, subprotocolsOf, type ViewerMessage, type Welcome } from './protocol.js';

/** How long the way in may take, ms; and then the welcome. */
const connectMs = 10_000;
const welcomeMs = 10_000;

type Request<Message> = Message extends unknown ? Omit<Message, 'id'> : never;
type Answer = Extract<ServerMessage, { type: 'result' }>;

/** A connection to an inspector. */
export interface InspectorClient {
  readonly welcome: Welcome;
  /** Settles with why the connection is over. Never rejects. */
  readonly ended: Promise<string>;
  /** Asks. Rejects with EspalierError `inspector/unreachable` when the connection ends before the answer. */
  ask(request: Request<ViewerMessage>): Promise<Answer>;
  close(): void;
}

/** Where an inspector is, and what lets one in. */
export interface InspectorAddress {
  readonly host: string;
  readonly token: string;
}

/** Reads what an inspector prints as its address: `http://127.0.0.1:4747/#token=…`; null for what is none. */
export function readAddress(text: string): InspectorAddress | null {
  if (!URL.canParse(text)) return null;
  const { protocol, host, hash } = new URL(text);
  const token = new URLSearchParams(hash.slice(1)).get('token') ?? '';
  return protocol === 'http:' && /^[\w-]{16,}$/.test(token) ? { host, token } : null;
}

/**
 * Connects to an inspector.
 * @param hear    is told every message but answers, in order, from the welcome on
 * @param signal  gives up the way in when it aborts; once in, {@link InspectorClient.close} ends it
 * @param clock   by which whoever says no welcome within ten seconds is given up
 * @throws EspalierError (as rejection) `inspector/unreachable` when nobody is there, or it lets nobody in
 */
export async function lookAt(
  { host, token }: InspectorAddress,
  hear: (message: ServerMessage) => void,
  signal?: AbortSignal,
  clock: Clock = systemClock,
): Promise<InspectorClient> {
  const socket = new WebSocket(`ws://${host}${socketPath}`, subprotocolsOf(token), {
    ...{ handshakeTimeout: connectMs, perMessageDeflate: false, maxPayload: maxFrameBytes },
  });
  const frames = new ServerFrames();
  const pending = new Map<number, (answer: Answer | null) => void>();
  let lastId = 0;
  let why = 'the connection was lost';
  let isOver = false;
  const ended = new Promise<string>((resolve) => {
    socket.once('close', () => {
      isOver = true;
      for (const settle of pending.values()) settle(null);
      resolve(why);
    });
  });
  const welcomed = new Promise<Welcome | null>((resolve) => {
    socket.on('error', (error) => (why = error.message));
    void ended.then(() => resolve(null));
    socket.on('message', (data: Buffer) => {
      const read = frames.read(data.toString());
      if (read === null) return;
      if (!read.ok) {
        why = `it speaks otherwise: expected ${read.problem}`;
        socket.terminate();
        return;
      }
      const { message } = read;
      if (message.type === 'welcome') resolve(message);
      if (message.type === 'bye') ({ why } = message);
      if (message.type !== 'result') hear(message);
      else if (message.id === null) {
        // One of ours could not be read, and nobody says which.
        why = `it refused a request: ${message.ok ? '' : message.error.words}`;
        socket.terminate();
      } else {
        pending.get(message.id)?.(message);
        pending.delete(message.id);
      }
    });
  });
  const giveUp = (): void => socket.terminate();
  if (signal?.aborted === true) giveUp();
  signal?.addEventListener('abort', giveUp);
  let deadline: unknown;
  socket.once('open', () => {
    deadline = clock.setTimeout(() => {
      why = `no welcome within ${welcomeMs / 1_000} s`;
      giveUp();
    }, welcomeMs);
  });
  const welcome = await welcomed;
  clock.clearTimeout(deadline);
  signal?.removeEventListener('abort', giveUp);
  if (welcome === null)
    throw new EspalierError('inspector/unreachable', { expected: `an inspector at ${host} that lets in who has this token`, got: why });
  return {
    welcome,
    ended,
    ask: (request) =>
      new Promise((resolve, reject) => {
        const id = ++lastId;
        const lost = (): void => reject(new EspalierError('inspector/unreachable', { expected: 'an answer', got: why }));
        if (isOver) return lost();
        pending.set(id, (answer) => (answer === null ? lost() : resolve(answer)));
        socket.send(JSON.stringify({ ...request, id }));
      }),
    close: () => socket.close(1000),
  };
}
