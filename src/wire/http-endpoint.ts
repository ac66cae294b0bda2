/**
 * A small HTTP server for those who look after a process: on loopback unless told otherwise, GET and HEAD only, every wait with a deadline, every size with a
 * bound. Its routes are functions that answer at once, or soon. For health and metrics; what wants more is no business of it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a route is asked. */
export interface EndpointRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  /** What the client accepts, as it says so; empty where it does not. */
  readonly accept: string;
}

/** What it answers. */
export interface EndpointAnswer {
  readonly status: number;
  /** Default: plain text. */
  readonly type?: string;
  readonly body: string;
}

/** One that throws, or rejects, is answered 500, without its words; on one that takes longer than a slow client may, the client is hung up on. */
export type EndpointRoute = (request: EndpointRequest) => EndpointAnswer | Promise<EndpointAnswer>;

/** What an endpoint is made of; checked by whoever makes it. */
export interface EndpointMakings {
  /** 0 to 65 535; 0 is any that is free. */
  readonly port: number;
  readonly host: string;
  /** By path. */
  readonly routes: Readonly<Record<string, EndpointRoute>>;
  /** How long a client may take to ask, or to take the answer, ms. */
  readonly slowMs: number;
  readonly maxConnections: number;
  listening(address: { readonly host: string; readonly port: number }): void;
  /** It cannot listen, or can no longer. */
  failed(error: Error): void;
  /** A route threw. */
  faulty(path: string, error: unknown): void;
}

export interface Endpoint {
  /** Frees the port, and cuts off whoever is connected. Twice is once. */
  close(): void;
}

const careful = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' } as const;
const plainText = 'text/plain; charset=utf-8';
const longestUrl = 2_048;
const loopback = ['127.0.0.1', '::1', 'localhost'];

/** Opens the port; whether that works is told later. */
export function openEndpoint(makings: EndpointMakings): Endpoint {
  const { host, port, slowMs } = makings;
  let own = port;
  let isOver = false;
  const server = createServer(
    {
      ...{ maxHeaderSize: 8_192, headersTimeout: slowMs, requestTimeout: slowMs, keepAliveTimeout: slowMs },
      // By default Node looks for those who are late only every 30 s.
      connectionsCheckingInterval: Math.max(50, slowMs / 4),
    },
    (request, response) => answer(request, response, makings, own),
  );
  server.maxConnections = makings.maxConnections;
  server.maxRequestsPerSocket = 1_000;
  // Who does not take the answer is cut off too.
  server.setTimeout(slowMs, (socket) => socket.destroy());
  server.on('error', (error) => {
    if (!isOver) makings.failed(error);
  });
  server.on('listening', () => {
    own = (server.address() as AddressInfo).port;
    if (!isOver) makings.listening({ host, port: own });
  });
  server.listen(port, host);
  return {
    close: () => {
      isOver = true;
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse, { host, routes, faulty }: EndpointMakings, port: number): void {
  const { headers, method, url = '' } = request;
  const refuse = (status: number, words: string, more: Readonly<Record<string, string>> = {}): void => {
    // Nothing more of a refused request is read.
    response.writeHead(status, { ...careful, ...more, 'Content-Type': plainText, Connection: 'close' }).end(`${words}\n`);
  };
  if (loopback.includes(host) && !isOwnName(headers.host, port)) return refuse(403, 'asked for under a name that is not its own');
  if (method !== 'GET' && method !== 'HEAD') return refuse(405, 'GET only', { Allow: 'GET, HEAD' });
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) return refuse(413, 'no body is wanted');
  if (url.length > longestUrl) return refuse(414, 'too long');
  const [path = '', query = ''] = url.split('?', 2);
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (route === undefined) return refuse(404, 'there is nothing here');
  const fail = (error: unknown): void => {
    faulty(path, error);
    if (response.headersSent) response.destroy();
    else refuse(500, 'the answer could not be made');
  };
  const send = ({ status, type = plainText, body }: EndpointAnswer): void => {
    const bytes = Buffer.from(body);
    response.writeHead(status, { ...careful, 'Content-Type': type, 'Content-Length': bytes.length });
    response.end(method === 'HEAD' ? undefined : bytes);
  };
  try {
    const answered = route({ path, query: new URLSearchParams(query), accept: headers.accept ?? '' });
    if (answered instanceof Promise) answered.then(send).catch(fail);
    else send(answered);
  } catch (error) {
    fail(error);
  }
}

/**
 * A server on loopback is within reach of every page that the user has open, also under names that somebody has pointed at it. Who names nobody is no page: that is
 * HTTP/1.0, as some who look after processes speak it; of HTTP/1.1 Node itself asks for a name.
 */
function isOwnName(host: string | undefined, port: number): boolean {
  return host === undefined || ['127.0.0.1', 'localhost', '[::1]'].some((name) => host === `${name}:${port}` || (port === 80 && host === name));
}
