/**
 * The socket of a browser, or of any runtime whose only socket is the platform's `WebSocket`; nothing of Node is imported here.
 *
 * Bundlers for browsers put this file in the place of node-socket.ts, by the `browser` field of package.json: a field that all of them know, and that
 * changes nothing where there is no bundler. (`imports` with a condition would do it as well, but it names built files, which the sources then need.)
 *
 * What it cannot do, and what is done about it:
 *
 * | a platform's socket                    | so                                                                                     |
 * |----------------------------------------|----------------------------------------------------------------------------------------|
 * | sets no headers                        | a session that needs any ends before it connects, `headersUnsupported`: `keyIn: 'query'` |
 * | does not say why it could not connect  | 1006, with words that say so                                                           |
 * | cannot be paused                       | `pause` answers false: a slow reader's backlog has a bound (stream.ts)                 |
 * | does not say when it has written       | what it takes counts as written                                                        |
 * | cannot be cut                          | `terminate` closes it and hears no more of it; the platform ends it in its own time    |
 */
import type { OpenSocket, SocketListener } from './socket.js';

/** What is needed of the platform's `WebSocket`; that of `ws` has it as well. */
export interface PlatformSocket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  binaryType: string;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: never) => void): void;
}

const open = 1;

/** The default {@link OpenSocket} of browsers: over the platform's own `WebSocket`. */
export const openWebSocket: OpenSocket = (address, listener) => overPlatform(globalThis.WebSocket as never)(address, listener);

/** An {@link OpenSocket} over this class; undefined where the platform has none. */
export function overPlatform(WebSocket: (new (url: string) => PlatformSocket) | undefined): OpenSocket {
  return ({ url, headers }, listener) => {
    if (WebSocket === undefined) return refused('noWebSocket', 'this platform has no WebSocket', listener);
    const names = Object.keys(headers);
    const reason = `a browser's socket can't send headers (${names.join(', ')}): give the key with keyIn: 'query', best an ephemeral token`;
    if (names.length > 0) return refused('headersUnsupported', reason, listener);
    try {
      return overSocket(new WebSocket(url), listener);
    } catch (error) {
      // Not the error's own words: they may show the URL, and with it the key.
      const { name } = error as Error;
      return refused(name, `the platform refused to open a socket to this address (${name})`, listener);
    }
  };
}

/** A socket that never was. It may not say so from within the call that asked for it. */
function refused(code: string, reason: string, listener: SocketListener): ReturnType<OpenSocket> {
  let isOver = false;
  queueMicrotask(() => {
    if (!isOver) listener.closed(code, reason);
  });
  return {
    send: (_text, written) => written(false),
    bufferedAmount: () => 0,
    pause: () => false,
    resume: () => undefined,
    close: () => undefined,
    terminate: () => {
      isOver = true;
    },
  };
}

function overSocket(socket: PlatformSocket, listener: SocketListener): ReturnType<OpenSocket> {
  let hasOpened = false;
  let isOver = false;
  // As blobs, bytes could be had only later, and a later frame could pass an earlier one.
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('open', () => {
    if (isOver) return;
    hasOpened = true;
    listener.opened();
  });
  socket.addEventListener('message', ({ data }: { readonly data: string | ArrayBuffer }) => {
    if (!isOver) listener.frame(data);
  });
  socket.addEventListener('error', () => undefined); // says nothing, and a close follows
  socket.addEventListener('close', ({ code, reason }: { readonly code: number; readonly reason: string }) => {
    if (isOver) return;
    isOver = true;
    const words = hasOpened || reason !== '' ? reason : 'no connection; a platform does not say why (refused, HTTP 401, no network, …)';
    listener.closed(code, words);
  });
  const close = (code: number, reason: string) => {
    // Any other code throws, and a reason may have 123 bytes: three for each UTF-16 unit at most.
    if (code === 1000 || (code >= 3000 && code <= 4999)) socket.close(code, reason.slice(0, 41));
    else socket.close();
  };
  return {
    send(text, written) {
      const isOpen = !isOver && socket.readyState === open;
      if (isOpen) socket.send(text);
      written(isOpen);
    },
    bufferedAmount: () => socket.bufferedAmount,
    pause: () => false,
    resume: () => undefined,
    close,
    terminate() {
      isOver = true;
      close(1000, '');
    },
  };
}
