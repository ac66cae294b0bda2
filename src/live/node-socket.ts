/** The socket of Node, over `ws`. */
import type { IncomingMessage } from 'node:http';
import { type RawData, WebSocket } from 'ws';
import type { OpenSocket } from './socket.js';

/** How much of a refusal's body is read, characters: more than is shown, so that no secret in it is cut before it is blotted out. */
const longestBody = 16_384;

/** The default {@link OpenSocket}. No compression: it hides from `bufferedAmount` what a stalled peer leaves unsent. */
export const openWebSocket: OpenSocket = ({ url, headers, closeMs }, listener) => {
  // `closeTimeout` is newer than the published types. Later than the session's own deadline, which decides on closes that the session began.
  const options = { headers, perMessageDeflate: false, closeTimeout: closeMs + 1_000 };
  const socket = new WebSocket(url, options);
  let hasEnded = false;
  let isPaused = false;
  let isClosing = false;
  // A paused socket of `ws` still tells the frames of the segment that it has read: they are kept till it goes on.
  const held: RawData[] = [];
  const goOn = () => {
    isPaused = false;
    for (let data = held.shift(); data !== undefined; data = isPaused ? undefined : held.shift()) listener.frame(data);
    // One that never opened has nothing to resume, and `ws` would throw.
    if (!isPaused && socket.readyState === WebSocket.OPEN) socket.resume();
  };
  const end = (code: number | string, reason: string) => {
    if (hasEnded) return;
    isClosing = true;
    goOn();
    hasEnded = true;
    listener.closed(code, reason);
  };
  socket.on('open', () => {
    if (!hasEnded) listener.opened();
  });
  socket.on('message', (data) => {
    if (hasEnded) return;
    if (isPaused) held.push(data);
    else listener.frame(data);
  });
  socket.on('unexpected-response', (_request, response) => {
    readRefusal(response, (reason) => {
      end(response.statusCode ?? 0, reason);
      socket.terminate();
    });
  });
  // An error ends the socket; `ws` follows it by a close, which says less.
  socket.on('error', (error: Error & { code?: string }) => {
    const { code = 'error', message, name } = error;
    end(code, message || (error.code ?? name)); // where a host has several addresses, Node's error has no message
  });
  socket.on('close', (code, reason) => end(code, reason.toString('utf8')));
  return {
    send(text, written) {
      if (socket.readyState !== WebSocket.OPEN) written(false);
      else socket.send(text, (error) => written(error === undefined || error === null));
    },
    bufferedAmount: () => socket.bufferedAmount,
    pause() {
      if (isClosing) return false;
      isPaused = true;
      socket.pause();
      return true;
    },
    resume: goOn,
    close(code, reason) {
      // Unread, the peer's close would not be heard.
      isClosing = true;
      if (isPaused) goOn();
      socket.close(code, reason);
    },
    terminate: () => socket.terminate(),
  };
};

/** Status line and what the body says of it: `HTTP 401 Unauthorized: API key not valid`. */
function readRefusal(response: IncomingMessage, done: (reason: string) => void): void {
  let body = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    body = (body + chunk).slice(0, longestBody);
  });
  response.on('error', () => undefined); // a cut body is as good as a short one; 'close' follows
  response.on('close', () => {
    // The last word of a body that was cut may be the beginning of a key, which nobody would know for one.
    const words = body.length < longestBody ? messageIn(body) : messageIn(body.replace(/\S*$/, ''));
    done(`HTTP ${response.statusCode ?? 0} ${response.statusMessage ?? ''}${words === '' ? '' : `: ${words}`}`);
  });
}

/** The message of Google's JSON errors, else the body's first line. @throws never */
function messageIn(body: string): string {
  try {
    const value = JSON.parse(body) as { error?: { message?: unknown } } | null;
    if (typeof value?.error?.message === 'string') return value.error.message;
  } catch {
    // not JSON
  }
  return body.trim().split('\n', 1)[0] ?? '';
}
