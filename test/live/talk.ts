/** What the end-to-end tests of a session share: the session, its server, and the proof that nothing is left of either. */
import { expect } from 'vitest';
import { type AnyActorRef, createActor, type Snapshot } from 'xstate';
import type { SessionEmitted } from '../../machines/live/session-events.js';
import { type LiveSession, liveSessionHandle } from '../../src/live/handle.js';
import { openWebSocket } from '../../src/live/node-socket.js';
import type { LiveSessionOptions } from '../../src/live/options.js';
import { liveSession } from '../../src/live/session.js';
import type { OpenSocket } from '../../src/live/socket.js';
import type { LiveTool, LiveTools } from '../../src/live/tool-plan.js';
import { exitReason } from '../../src/supervision/watch.js';
import { geminiServer, type GeminiServer } from '../../src/testing/gemini-server/server.js';
import type { Step } from '../../src/testing/gemini-server/steps.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** Sockets of the test, each a promise of its end; sessions; servers. All must have ended when a test is over. */
const sockets: Promise<void>[] = [];
const sessions: LiveSession[] = [];
const clocks: VirtualClock[] = [];
const everyActor: AnyActorRef[] = [];
const servers: { close(): unknown }[] = [];

/** Ends whatever a test has left, and holds that nothing of it goes on: no socket, no actor, no timer. */
export async function leaveNothing(): Promise<void> {
  for (const { ref } of sessions.splice(0)) ref.stop();
  await socketsGone();
  sockets.length = 0;
  for (const server of servers.splice(0)) await server.close();
  const alive = everyActor.splice(0).filter((actor) => exitReason(actor) === null);
  expect(
    alive.map(({ id }) => id),
    'actors left running',
  ).toEqual([]);
  for (const clock of clocks.splice(0)) expect(clock.pending(), 'timers left').toBe(0);
}

/** Settles when every socket of the test has ended. */
export async function socketsGone(): Promise<void> {
  await Promise.all(sockets);
}

/** Something that listens, closed when the test is over. */
export function serving<Server extends { close(): unknown }>(server: Server): Server {
  servers.push(server);
  return server;
}

/** The sockets of `ws`, each watched until its end. */
export const watched: OpenSocket = (address, listener) => {
  let ended: () => void = () => undefined;
  sockets.push(new Promise((resolve) => (ended = resolve)));
  return openWebSocket(address, {
    ...listener,
    closed: (code, reason) => {
      ended();
      listener.closed(code, reason);
    },
  });
};

/** Facts of one shape share a member of the union: `Extract` finds none of those. */
type Fact<Type extends SessionEmitted['type'], One = SessionEmitted> = One extends { type: infer Own }
  ? Type extends Own
    ? One & { readonly type: Type }
    : never
  : never;

export interface Talk {
  readonly session: LiveSession;
  readonly clock: VirtualClock;
  readonly facts: SessionEmitted[];
  /** Every actor that was ever created beneath it. */
  readonly actors: AnyActorRef[];
  /** The first fact of this type that holds, past or to come. */
  fact<Type extends SessionEmitted['type']>(type: Type, holds?: (fact: Fact<Type>) => boolean): Promise<Fact<Type>>;
  /** As many of them, oldest first. */
  factsOf<Type extends SessionEmitted['type']>(type: Type, count: number): Promise<Fact<Type>[]>;
  /** Waits until the session is in such a state, dotted: `online.ready.idle` of the region `connection`. */
  inState(region: string, state: string): Promise<void>;
}

/** Starts a session on a virtual clock. */
export function start(...session: Parameters<typeof prepare>): Talk {
  const talk = prepare(...session);
  talk.session.ref.start();
  return talk;
}

/** A session that is still to be started, from its beginning or from a snapshot. */
export function prepare(baseUrl: string, tools: LiveTools = {}, options: Partial<LiveSessionOptions> = {}, snapshot?: unknown): Talk {
  const clock = new VirtualClock();
  clocks.push(clock);
  const actors: AnyActorRef[] = [];
  const ref = createActor(liveSession({ apiKey: 'the-key', baseUrl, model: 'gemini-live', tools, openSocket: watched, ...options }), {
    clock,
    ...(snapshot === undefined ? {} : { snapshot: snapshot as Snapshot<unknown> }),
    inspect: (event) => {
      if (event.type !== '@xstate.actor') return;
      actors.push(event.actorRef as AnyActorRef);
      everyActor.push(event.actorRef as AnyActorRef);
    },
  });
  const facts: SessionEmitted[] = [];
  const waits = new Set<() => void>();
  ref.on('*', (fact) => {
    facts.push(fact);
    for (const look of waits) look();
  });
  const factsOf: Talk['factsOf'] = (type, count) => found(type, count, () => true);
  const found = <Type extends SessionEmitted['type']>(type: Type, count: number, holds: (fact: Fact<Type>) => boolean): Promise<Fact<Type>[]> =>
    new Promise((resolve) => {
      const look = () => {
        const all = facts.filter((one) => one.type === type && holds(one as never)) as Fact<Type>[];
        if (all.length < count) return;
        waits.delete(look);
        resolve(all.slice(0, count));
      };
      waits.add(look);
      look();
    });
  const fact: Talk['fact'] = async (type, holds = () => true) => (await found(type, 1, holds))[0]!;
  const inState: Talk['inState'] = (region, state) =>
    new Promise((resolve) => {
      const look = () => {
        if (stateOf(ref.getSnapshot().value, region) !== state && !stateOf(ref.getSnapshot().value, region).startsWith(`${state}.`)) return;
        subscription?.unsubscribe();
        resolve();
      };
      const subscription = ref.subscribe(look);
      look();
    });
  const session = liveSessionHandle(ref);
  sessions.push(session);
  return { session, clock, facts, fact, factsOf, actors, inState };
}

function stateOf(value: unknown, region: string): string {
  const open = (value as { open?: Record<string, unknown> }).open?.[region];
  return wayOf(open).join('.');
}

function wayOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  const [first] = Object.entries(value ?? {});
  return first === undefined ? [] : [first[0], ...wayOf(first[1])];
}

/** The server's part of the handshake. */
export const setUp: readonly Step[] = [{ expect: 'setup' }, { send: { setupComplete: {} } }];

/** The server's part of the handshake on a new socket that resumes with this handle, or with none. */
export const setUpAgain = (handle: string | null): Step[] => [{ accept: { handle } }, ...setUp];

/** One call for each name; its id is `call-NAME`. */
export const calls = (...names: string[]): Step => ({ callTools: names.map((name) => ({ id: `call-${name}`, name, args: { for: name } })) });

/** A local Gemini that plays this script. */
export async function serve(script: readonly Step[], options: Parameters<typeof geminiServer>[0] = {}): Promise<GeminiServer> {
  return serving(await geminiServer({ script, ...options }));
}

/** A promise that a test resolves. */
export function latch<T = void>() {
  let open: (value: T) => void = () => undefined;
  const opened = new Promise<T>((resolve) => (open = resolve));
  return { open, opened };
}

export const tool = (execute: LiveTool['execute'], rest: Partial<LiveTool> = {}): LiveTool => ({
  description: 'a tool',
  ...(execute === undefined ? {} : { execute }),
  ...rest,
});

/** A tool that goes on until its call ends; `begun` gives its signal. */
export function endless(rest: Partial<LiveTool> = {}) {
  const begun = latch<AbortSignal>();
  return { begun: begun.opened, tool: tool((_args, { signal }) => (begun.open(signal), new Promise(() => undefined)), rest) };
}

/**
 * Brings the session back: waits until it backs off, and lets that time pass.
 * @returns once the new socket's setup is accepted
 */
export async function comeBack({ fact, clock, factsOf }: Talk, nth = 1): Promise<Fact<'session.ready'>> {
  const loss = (await factsOf('session.reconnecting', nth))[nth - 1]!;
  clock.advanceBy(loss.delayMs);
  return fact('session.ready', ({ resumed }) => resumed);
}
