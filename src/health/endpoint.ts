/**
 * How the app is, over HTTP, in the way of Kubernetes: `/livez`, `/readyz`, `/healthz`.
 *
 *   lookout: healthEndpoint({ port: 9_090, health: healthHandle(() => app.child('health')) })
 *
 * The port is open as long as its actor runs; where it cannot be had, the actor crashes, and its supervisor tries again.
 */
import { type AnyActorRef, fromPromise, type PromiseActorLogic } from 'xstate';
import type { Health } from '../../machines/health/verdict.js';
import { isObject, sortOf } from '../option-checks.js';
import { printFault } from '../supervision/last-resort.js';
import { heedRejection } from '../telemetry/rejections.js';
import { type EndpointAnswer, type EndpointRequest, type EndpointRoute, openEndpoint } from '../wire/http-endpoint.js';
import type { HealthHandle } from './health-handle.js';
import { count, duration, invalid, requireFunction, requireOptions } from './refusal.js';
import type { ServicesHandle } from './service-handle.js';

/** Options of an endpoint; each may be left out. A name that is not here is refused. */
export interface HealthEndpointOptions {
  /** 0, the default, is any that is free; {@link endpointAddress} tells which. */
  readonly port?: number;
  /** Default 127.0.0.1: nobody beyond this machine. Where others are to ask, as a kubelet is, say `0.0.0.0` or an address. */
  readonly host?: string;
  /** Whose probes must not be unhealthy, for the app to be ready. */
  readonly health?: HealthHandle;
  /** Whose services must not be down, for the app to be ready. */
  readonly services?: ServicesHandle;
  /** Is it ready, by the app's own word: true or false, at once? One that throws says no, and what says anything else, a promise too, is `misanswered`: no. */
  readonly isReady?: () => boolean;
  /** Is it to be left alive? Default: as long as it answers. Else as `isReady`. */
  readonly isLive?: () => boolean;
  /** More routes, by path. */
  readonly routes?: Readonly<Record<string, EndpointRoute>>;
  /** How long a client may take to ask, or to take the answer, ms. Default 5 000. */
  readonly slowMs?: number;
  /** Default 64. */
  readonly maxConnections?: number;
}

/** Where an endpoint listens. */
export interface EndpointAddress {
  readonly host: string;
  readonly port: number;
}

/** What an endpoint emits. */
export type EndpointEmitted = { readonly type: 'endpoint.opened'; readonly host: string; readonly port: number };

/** The logic of an endpoint. It ends only when it is stopped, or crashes. */
export type HealthEndpointLogic = PromiseActorLogic<never, undefined, EndpointEmitted>;

const endpointKeys = ['port', 'host', 'health', 'services', 'isReady', 'isLive', 'routes', 'slowMs', 'maxConnections'];
const addresses = new WeakMap<AnyActorRef, EndpointAddress>();

/** Where the endpoint listens; undefined before it does. */
export function endpointAddress(ref: AnyActorRef): EndpointAddress | undefined {
  return addresses.get(ref);
}

/**
 * The logic of an endpoint, for a supervisor's child.
 * @throws EspalierError `health/invalid-options`
 */
export function healthEndpoint(options: HealthEndpointOptions = {}): HealthEndpointLogic {
  requireOptions('the options of an endpoint', options, endpointKeys);
  const { port = 0, host = '127.0.0.1', health, services, isReady, isLive, routes = {} } = options;
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535)) throw invalid('port', '0 to 65535', typeof port === 'number' ? port : sortOf(port));
  if (typeof host !== 'string' || host === '') throw invalid('host', 'an address', sortOf(host));
  for (const [name, handle] of Object.entries({ health, services }))
    if (handle !== undefined && typeof (handle as Partial<HealthHandle> | null)?.overall !== 'function')
      throw invalid(name, 'a handle', sortOf(handle));
  requireFunction('isReady', isReady);
  requireFunction('isLive', isLive);
  if (!isObject(routes)) throw invalid('routes', 'functions by path', sortOf(routes));
  for (const [path, route] of Object.entries(routes))
    if (!path.startsWith('/') || typeof route !== 'function') throw invalid('routes', 'functions by paths that begin with /', sortOf(route));
  const slowMs = duration('slowMs', options.slowMs, 5_000);
  const maxConnections = count('maxConnections', options.maxConnections, 64, 10_000);
  const own: Readonly<Record<string, EndpointRoute>> = {
    '/livez': (request) => told([['process', ask('isLive', isLive)]], request),
    '/readyz': (request) => told(readiness(options), request),
    '/healthz': () => wholeStory(options),
  };
  return fromPromise<never, undefined, EndpointEmitted>(
    ({ self, emit, signal }) =>
      new Promise<never>((_, reject) => {
        const endpoint = openEndpoint({
          ...{ port, host, slowMs, maxConnections, routes: { ...own, ...routes } },
          listening: (address) => {
            addresses.set(self, address);
            emit({ type: 'endpoint.opened', ...address });
          },
          failed: (error) => {
            endpoint.close();
            reject(error);
          },
          faulty: (path, error) => printFault(`the route ${path}`, error),
        });
        signal.addEventListener('abort', () => {
          addresses.delete(self);
          endpoint.close();
        });
      }),
  );
}

/** What the app says of itself; `misanswered` is neither yes nor no. */
type Word = Health | 'misanswered';

function ask(name: string, question: (() => unknown) | undefined): Word {
  if (question === undefined) return 'healthy';
  try {
    const said = question();
    if (typeof said === 'boolean') return said ? 'healthy' : 'unhealthy';
    // A promise is no answer; one that rejects must not be nobody's.
    heedRejection(said, () => {});
    printFault(`'${name}' of an endpoint`, invalid(name, 'a function that returns true or false at once', sortOf(said)));
    return 'misanswered';
  } catch (error) {
    printFault(`'${name}' of an endpoint`, error);
    return 'unhealthy';
  }
}

type Line = readonly [what: string, health: Word];

function readiness({ health, services, isReady }: HealthEndpointOptions): Line[] {
  return [
    ...(health === undefined ? [] : [['probes', health.overall()] as const]),
    ...(services === undefined ? [] : [['services', services.overall()] as const]),
    ...(isReady === undefined ? [] : [['app', ask('isReady', isReady)] as const]),
  ];
}

/** Degraded is good enough: to take traffic away from what still serves would make it worse. What is not known is not. */
const isWell = ([, health]: Line): boolean => health === 'healthy' || health === 'degraded';

function told(lines: readonly Line[], { query }: EndpointRequest): EndpointAnswer {
  const isOk = lines.every(isWell);
  const shown = query.has('verbose') ? lines : lines.filter((line) => !isWell(line));
  const body = [...shown.map((line) => `[${isWell(line) ? '+' : '-'}]${line[0]} ${line[1]}`), isOk ? 'ok' : 'not ok'];
  return { status: isOk ? 200 : 503, body: `${body.join('\n')}\n` };
}

function wholeStory(options: HealthEndpointOptions): EndpointAnswer {
  const lines = readiness(options);
  const isOk = lines.every(isWell);
  const { health, services } = options;
  const body = {
    ...{ status: isOk ? 'ok' : 'not ok', parts: Object.fromEntries(lines) },
    ...(health === undefined ? {} : { probes: health.all() }),
    ...(services === undefined ? {} : { services: services.all().map(({ id, state, missing, deaths }) => ({ id, state, missing, deaths })) }),
  };
  return { status: isOk ? 200 : 503, type: 'application/json', body: `${JSON.stringify(body)}\n` };
}
