/** A local Gemini Live server as a supervised child, and the way to it for a session that is supervised beside it. */
import { fromPromise, type AnyActorLogic } from 'xstate';

import { openWebSocket } from '../../live/node-socket.js';
import type { ClientSocket, OpenSocket } from '../../live/socket.js';
import { geminiServer, type GeminiServer } from '../../testing/gemini-server/server.js';
import type { GeminiServerOptions } from '../../testing/gemini-server/options.js';
import { untilAborted } from './pause.js';

/** Where {@link LocalGemini.openSocket} leads, whatever port the server has got. */
export const localUrl = 'http://gemini.localhost';

export class LocalGemini {
  /** The child. It emits `server.listening {url}`; stopped, it cuts its sockets and frees its port. */
  readonly logic: AnyActorLogic;
  #server: GeminiServer | undefined;
  /** Sockets that were asked for before the server listened. */
  readonly #waiting = new Set<(server: GeminiServer) => void>();

  constructor(options: GeminiServerOptions) {
    this.logic = fromPromise(async ({ signal, emit }) => {
      await using server = await geminiServer(options);
      this.#server = server;
      for (const open of this.#waiting) open(server);
      this.#waiting.clear();
      emit({ type: 'server.listening', url: server.url });
      await untilAborted(signal);
      this.#server = undefined;
    });
  }

  /** The server that listens now; undefined while none does. */
  get running(): GeminiServer | undefined {
    return this.#server;
  }

  /** The same. @throws Error while none does */
  get server(): GeminiServer {
    if (this.#server === undefined) throw new Error('the local server does not listen');
    return this.#server;
  }

  /** Opens a socket to the server; where that does not listen yet, as soon as it does. The session's own deadline bounds the wait. */
  readonly openSocket: OpenSocket = (address, listener) => {
    let socket: ClientSocket | undefined;
    const open = ({ url }: GeminiServer): void => {
      socket = openWebSocket({ ...address, url: address.url.replace(/^ws:\/\/[^/]+/, url.replace(/^http/, 'ws')) }, listener);
    };
    if (this.#server === undefined) this.#waiting.add(open);
    else open(this.#server);
    return {
      send(text, written) {
        if (socket === undefined) written(false);
        else socket.send(text, written);
      },
      bufferedAmount: () => socket?.bufferedAmount() ?? 0,
      pause: () => socket?.pause() ?? false,
      resume: () => socket?.resume(),
      close: (code, reason) => {
        this.#waiting.delete(open);
        socket?.close(code, reason);
      },
      terminate: () => {
        this.#waiting.delete(open);
        socket?.terminate();
      },
    };
  };
}
