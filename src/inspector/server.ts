/**
 * The actor `server` of an inspector: one port on 127.0.0.1, and whoever is connected to it.
 *
 * It tells its chart that it listens, who comes and goes, and its end. Stopped or killed, it leaves nothing: no port, no socket, no timer, no eye on the
 * app.
 */
import { createServer, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type AnyActorRef, fromCallback } from 'xstate';
import { WebSocketServer } from 'ws';

import type { InspectorEvent, ServerCommand } from '../../machines/inspector/inspector.js';
import { clockOf } from '../supervision/clock.js';
import { onExit } from '../supervision/watch.js';
import { hasStopped, parentOf } from '../supervision/xstate-internals.js';
import type { ForeignViewer } from './adapters/foreign.js';
import { StatelyViewer } from './adapters/statelyai.js';
import { XStateInspect } from './adapters/xstate-inspect.js';
import { type Door, isToken, newToken, rebuffOf, showsSubprotocol } from './access.js';
import type { Feed } from './feed.js';
import { answerHttp } from './http-side.js';
import { type AppFacts, Hub } from './hub.js';
import type { InspectorPlan } from './plan.js';
import { readPage } from './page.js';
import { maxFrameBytes, socketPath, subprotocol } from './protocol.js';

/** Most TCP connections beside those of viewers. */
const mostConnections = 64;

/** Where an inspector is found. The token is nowhere else. */
export interface Address {
  readonly port: number;
  readonly token: string;
}

const addresses = new WeakMap<AnyActorRef, Address>();

/** Where this inspector listens; undefined before it does. */
export function addressOf(inspector: AnyActorRef): Address | undefined {
  return addresses.get(inspector);
}

/** What the server needs of who makes it. */
export interface ServerMakings {
  readonly plan: InspectorPlan;
  readonly facts: AppFacts;
  /** Looks at the app; called once, when the server starts. */
  open(inspector: AnyActorRef): Feed;
}

/** The logic of the server. */
export function server({ plan, facts, open }: ServerMakings) {
  return fromCallback<ServerCommand>(({ self, sendBack, receive }) => {
    const inspector = parentOf(self) as AnyActorRef;
    let isOver = false;
    const report = (event: InspectorEvent): void => {
      if (!isOver) sendBack(event);
    };
    const feed = open(inspector);
    const door: Door & { port: number } = { token: newToken(), port: 0, origins: plan.origins };
    const hub = new Hub(feed, plan, facts, clockOf(self.system), {
      joined: (viewers) => report({ type: 'viewer.joined', viewers }),
      left: (viewers, why) => report({ type: 'viewer.left', viewers, why }),
    });
    const sockets = new Set<Duplex>();
    const page = readPage();
    const http = createServer({ maxHeaderSize: 16_384, headersTimeout: 10_000, requestTimeout: 10_000 }, (request, response) => {
      void page.then((shown) => answerHttp(request, response, { door, page: shown, feed }));
    });
    http.maxConnections = mostConnections + plan.maxViewers;
    http.on('connection', (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    const upgrades = new WebSocketServer({
      ...{ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: maxFrameBytes },
      handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
    });
    http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      const [path] = (request.url ?? '').split('?', 1);
      const rebuff = rebuffOf(request, door);
      if (rebuff !== null) return refuse(socket, rebuff.status, rebuff.words);
      const foreign = foreignOf(path ?? '');
      if (path !== socketPath && foreign === null) return refuse(socket, 404, 'there is no socket here');
      if (foreign !== null && !isToken(foreign.token, door.token)) return refuse(socket, 401, 'wanted: the token of this run, after the last /');
      if (foreign === null && !showsSubprotocol(request, door)) return refuse(socket, 401, `wanted: ${subprotocol}, token.<the token of this run>`);
      if (!hub.hasRoom) return refuse(socket, 503, 'as many are looking as may');
      upgrades.handleUpgrade(request, socket, head, (webSocket) => {
        try {
          if (foreign === null) hub.join(webSocket);
          else hub.joinForeign(webSocket, foreign.make());
        } catch {
          // A fault of the inspector's own must not be one of the process.
          webSocket.terminate();
        }
      });
    });
    let { port, orNext } = plan;
    http.on('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE' && orNext > 0 && port > 0 && port < 65_535;
      if (!isTaken) return report({ type: 'server.failed', reason: error.message });
      orNext--;
      http.listen(++port, '127.0.0.1');
    });
    http.on('listening', () => {
      door.port = (http.address() as AddressInfo).port;
      addresses.set(inspector, { port: door.port, token: door.token });
      report({ type: 'server.listening', port: door.port });
    });
    http.listen(port, '127.0.0.1');

    receive(() => {
      hub.close('the inspector is closing');
      http.close(() => report({ type: 'server.closed' }));
      http.closeIdleConnections();
    });

    // Stopped by its chart it ends `shutdown`; by anybody else it was killed, and nobody tells the chart.
    onExit(self, (reason) => {
      if (reason !== 'shutdown' && !hasStopped(inspector)) inspector.send({ type: 'server.ended' } satisfies InspectorEvent);
    });

    return () => {
      isOver = true;
      hub.cut();
      http.close();
      upgrades.close();
      for (const socket of sockets) socket.destroy();
      feed.dispose();
    };
  });
}

/** Other inspectors whose viewers may come, by the first part of the path; after it comes the token. */
const foreignViewers: ReadonlyMap<string, () => ForeignViewer> = new Map<string, () => ForeignViewer>([
  ['xstate-inspect', () => new XStateInspect()],
  ['statelyai', () => new StatelyViewer()],
]);

function foreignOf(path: string): { readonly make: () => ForeignViewer; readonly token: string } | null {
  const [, name = '', token = ''] = /^\/([\w-]+)\/([\w-]*)$/.exec(path) ?? [];
  const make = foreignViewers.get(name);
  return make === undefined ? null : { make, token };
}

/** Answers a handshake with a status, and hangs up. */
function refuse(socket: Duplex, status: 401 | 403 | 404 | 503, words: string): void {
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${words.length + 1}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${words}\n`, () => socket.destroy());
}
