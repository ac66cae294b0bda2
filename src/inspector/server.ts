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
import { maxStatelyFrame } from './adapters/stately-app.js';
import { XStateInspect } from './adapters/xstate-inspect.js';
import { type Door, isToken, newToken, rebuffOf, showsSubprotocol } from './access.js';
import type { Feed } from './feed.js';
import { Guests } from './guest-connection.js';
import { answerHttp, servedPage } from './http-side.js';
import { type AppFacts, Hub } from './hub.js';
import type { InspectorPlan } from './plan.js';
import { readPage } from './page.js';
import { maxFrameBytes, socketPath, subprotocol } from './protocol.js';
import { Rate } from './rate.js';
import { Respite } from './respite.js';

/** Most TCP connections beside those of viewers. */
const mostConnections = 64;

/** Handshakes in a second, of all who have the token: after each one may say as much at once as anybody who has been silent. */
const handshakesPerSecond = 10;

/** Connections, of all who find the port: so many at once beside those there is room for, and so many a second. A page of a person needs a few. */
const [burstOfConnections, connectionsPerSecond] = [120, 200] as const;

/** For so long nobody is let in when more have come, ms: each that is hung up on costs a little, and comes again. */
const shutMs = 100;

/** In how many frames one message may come: of what a viewer asks, and of what an app says, which a browser may split. Empty ones cost as much as others. */
const [askedFragments, arrivingFragments] = [64, 1_024] as const;

/** How long a connection may say nothing that can be answered, ms; and how often that is looked at. */
const headersMs = 3_000;
const lookMs = 1_000;

/** The longest that a socket watches over itself, ms. */
const longestTimeoutMs = 2 ** 31 - 1;

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
  /** How often somebody is let in. Default: so many at once as there may be connections, then ten a second. */
  readonly handshakes?: Pick<Rate, 'allows'>;
  /** How often somebody may connect, whoever he is. Default: 120 more at once than there may be connections, then twenty a second. */
  readonly connections?: Pick<Rate, 'allows'>;
}

/** The logic of the server. */
export function server({ plan, facts, open, handshakes, connections }: ServerMakings) {
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
    const guests = new Guests(feed, clockOf(self.system));
    const sockets = new Set<Duplex>();
    /** Those of them that have asked for nothing yet, the oldest first. */
    const silent = new Set<Duplex>();
    const page = readPage().then(servedPage);
    const recordings = new Respite(clockOf(self.system));
    const http = createServer(
      { maxHeaderSize: 16_384, headersTimeout: headersMs, requestTimeout: 10_000, connectionsCheckingInterval: lookMs },
      (request, response) => {
        silent.delete(request.socket);
        if (!isAlone(request)) return;
        void page.then((shown) => {
          // Who was hung up on meanwhile costs nothing more.
          if (request.socket.destroyed) return;
          // The socket's own watch over what goes to and fro, from the answer on: that the page has to be read first is not the client's doing.
          response.setTimeout(Math.min(plan.stallMs, longestTimeoutMs), () => request.socket.destroy());
          answerHttp(request, response, { door, page: shown, feed, recordings });
        });
      },
    );
    const most = mostConnections + plan.maxViewers;
    const ways = handshakes ?? new Rate(clockOf(self.system), { atOnce: most, perSecond: handshakesPerSecond });
    const callers = connections ?? new Rate(clockOf(self.system), { atOnce: most + burstOfConnections, perSecond: connectionsPerSecond });
    let reopening: unknown;
    const shut = (): void => {
      // Those beyond it are dropped before there is a socket, which is what they cost.
      http.maxConnections = 1;
      reopening ??= clockOf(self.system).setTimeout(() => {
        reopening = undefined;
        http.maxConnections = Number.POSITIVE_INFINITY;
      }, shutMs);
    };
    http.on('connection', (socket) => {
      if (!callers.allows()) {
        socket.destroy();
        return shut();
      }
      // One that has asked for nothing yet makes room: none without a token keeps out one that has it.
      if (sockets.size >= most) {
        const [oldest = socket] = silent;
        sockets.delete(oldest);
        silent.delete(oldest);
        oldest.destroy();
        if (oldest === socket) return;
      }
      sockets.add(socket);
      silent.add(socket);
      socket.once('close', () => {
        sockets.delete(socket);
        silent.delete(socket);
      });
    });
    const quiet = { noServer: true, clientTracking: false, perMessageDeflate: false } as const;
    const upgrades = new WebSocketServer({
      ...{ ...quiet, maxPayload: maxFrameBytes, maxFragments: askedFragments },
      handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
    });
    // What an app says of itself is longer than what a viewer asks.
    const arrivals = new WebSocketServer({ ...quiet, maxPayload: maxStatelyFrame, maxFragments: arrivingFragments });
    http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      silent.delete(socket);
      const [path] = (request.url ?? '').split('?', 1);
      const rebuff = rebuffOf(request, door);
      if (rebuff !== null) return refuse(socket, rebuff.status, rebuff.words);
      const foreign = foreignOf(path ?? '');
      if (path !== socketPath && foreign === null) return refuse(socket, 404, 'there is no socket here');
      if (foreign !== null && !isToken(foreign.token, door.token)) return refuse(socket, 401, 'wanted: the token of this run, after the last /');
      if (foreign === null && !showsSubprotocol(request, door)) return refuse(socket, 401, `wanted: ${subprotocol}, token.<the token of this run>`);
      if (!ways.allows()) return refuse(socket, 503, 'too many come at once: again in a second');
      const isGuest = foreign?.make === 'guest';
      if (isGuest ? !guests.hasRoom : !hub.hasRoom) return refuse(socket, 503, isGuest ? 'as many are shown as may' : 'as many are looking as may');
      (isGuest ? arrivals : upgrades).handleUpgrade(request, socket, head, (webSocket) => {
        try {
          if (foreign === null) hub.join(webSocket);
          else if (foreign.make === 'guest') guests.join(webSocket);
          else hub.joinForeign(webSocket, foreign.make(feed));
        } catch {
          // A fault of the inspector's own must not be one of the process.
          webSocket.terminate();
        }
      });
    });
    let { port, orNext } = plan;
    http.on('error', (error: NodeJS.ErrnoException) => {
      // Told late, of a port that was taken: nobody would close the next.
      if (isOver) return;
      const isTaken = error.code === 'EADDRINUSE' && orNext > 0 && port > 0 && port < 65_535;
      if (!isTaken) return report({ type: 'server.failed', reason: error.message });
      orNext--;
      http.listen(++port, '127.0.0.1');
    });
    http.on('listening', () => {
      if (isOver) return void http.close();
      door.port = (http.address() as AddressInfo).port;
      addresses.set(inspector, { port: door.port, token: door.token });
      report({ type: 'server.listening', port: door.port });
    });
    http.listen(port, '127.0.0.1');

    receive(() => {
      guests.close('the inspector is closing');
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
      clockOf(self.system).clearTimeout(reopening);
      guests.close('the inspector has ended');
      hub.cut();
      http.close();
      upgrades.close();
      arrivals.close();
      for (const socket of sockets) socket.destroy();
      feed.dispose();
    };
  });
}

/** Sockets that have asked for something. */
const asking = new WeakSet<Duplex>();

/** One request for each socket: one that asks again before it was answered is hung up on. */
function isAlone({ socket }: IncomingMessage): boolean {
  if (socket.destroyed) return false;
  if (asking.has(socket)) {
    socket.destroy();
    return false;
  }
  asking.add(socket);
  return true;
}

/** Who comes by the protocol of another inspector: one of its viewers, or an app that has only its client. */
type Foreigner = ((feed: Feed) => ForeignViewer) | 'guest';

/** By the first part of the path; after it comes the token. */
const foreigners: ReadonlyMap<string, Foreigner> = new Map<string, Foreigner>([
  ['xstate-inspect', () => new XStateInspect()],
  ['statelyai', (feed) => new StatelyViewer({ wallAt: feed.head().wallAt ?? 0 })],
  ['statelyai-app', 'guest'],
]);

function foreignOf(path: string): { readonly make: Foreigner; readonly token: string } | null {
  const [, name = '', token = ''] = /^\/([\w-]+)\/([\w-]*)$/.exec(path) ?? [];
  const make = foreigners.get(name);
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
