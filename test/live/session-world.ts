/** A session's chart on a virtual clock, with sockets, an uplink and tools that do what a test says; its calls are the real ones. */
import { expect } from 'vitest';
import { type Actor, createActor, fromCallback, type Snapshot } from 'xstate';
import { type JsonObject, rowOf } from '../../machines/live/calls.js';
import { asksForTurn } from '../../machines/live/messages.js';
import { sessionMachine } from '../../machines/live/session.js';
import type {
  ConnectionCommand,
  ConnectionInput,
  SessionEmitted,
  SessionEvent,
  SessionInput,
  UplinkCommand,
} from '../../machines/live/session-events.js';
import { type ExecuteInput, type ToolAnswer, type ToolCallEvent, toolCallMachine } from '../../machines/live/tool-call.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

export const input: SessionInput = {
  setup: { model: 'models/m' },
  connectMs: 1_000,
  setupMs: 2_000,
  toolMs: 3_000,
  toolDeadlines: {},
  nonBlocking: ['tool-later'],
  goesOn: true,
  closeMs: 500,
  resumption: true,
  reconnect: { intensity: 2, periodMs: 60_000, backoff: { minMs: 100, maxMs: 1_000, factor: 2, jitter: 0, resetAfterMs: 1_000 } },
  rotationMarginMs: 1_000,
  gatesAudio: false,
  staleAnswers: 'send',
  history: [],
};

/** One socket, as far as the chart is concerned. */
export interface FakeSocket {
  readonly heard: ConnectionCommand[];
  readonly input: ConnectionInput;
  isRunning: boolean;
  report(event: SessionEvent): void;
}

/** One function that runs for a call. */
export interface FakeRun {
  readonly input: ExecuteInput;
  /** False once it was stopped: its signal has aborted. */
  isRunning: boolean;
  say(event: ToolCallEvent): void;
  /** Its actor throws. */
  die(error: Error): void;
}

export interface SessionWorld {
  readonly clock: VirtualClock;
  readonly session: Actor<typeof sessionMachine>;
  /** Oldest first; the last is the present one. */
  readonly sockets: FakeSocket[];
  /** What the uplink was told. */
  readonly toUplink: UplinkCommand[];
  /** What the uplink has written, over all sockets. */
  readonly wire: JsonObject[];
  readonly runs: FakeRun[];
  readonly facts: SessionEmitted[];
  /** When actors began and ended: `socket 1 begins`, `socket 1 ends` … */
  readonly log: string[];
  /** Whether the socket takes what the uplink has: set false for one that holds too much. */
  isFast: boolean;
  /** Whether a socket was given what waits: set true, an answer can no longer be withdrawn, and its socket's word decides. */
  isHanded: boolean;
  /** The present socket reports an event. */
  report(event: SessionEvent): void;
  opened(): void;
  closed(code: number | string, reason?: string): void;
  message(message: JsonObject): void;
  /** The server calls `tool-<id>` with that id. */
  call(...ids: string[]): void;
  /** The function of the latest call with that id gives its answer. */
  settle(id: string, response?: JsonObject, rest?: Omit<ToolAnswer, 'response'>): void;
  /** The uplink writes what it has. */
  flush(): void;
  fact<Type extends SessionEmitted['type']>(type: Type): Extract<SessionEmitted, { type: Type }>[];
  /** Types of all facts but `session.message`. */
  told(): string[];
  statusOf(id: string): string | undefined;
  /** Where the connection is (`ready.idle`), or the session once it has ended. */
  state(): string;
  region(name: 'rotation' | 'tools' | 'microphone' | 'life'): unknown;
  /** As it would be stored. */
  saved(): unknown;
}

const worlds: { readonly world: SessionWorld; readonly running: Set<string> }[] = [];

/** Ends the sessions of a test, and holds that nothing of them goes on. */
export function leaveNothing(): void {
  for (const { world, running } of worlds.splice(0)) {
    world.session.stop();
    expect([...running], 'actors left running').toEqual([]);
    expect(world.clock.pending(), 'timers left').toBe(0);
  }
}

export interface WorldOptions {
  /** Through the handshake; what was told until then is forgotten. */
  readonly ready?: boolean;
  /** What it is restored from. */
  readonly snapshot?: unknown;
  readonly input?: Partial<SessionInput>;
  /** Told to close before it is started. */
  readonly closed?: boolean;
}

export function sessionWorld({ ready = false, snapshot, input: changes = {}, closed = false }: WorldOptions = {}): SessionWorld {
  const clock = new VirtualClock();
  const running = new Set<string>();
  const sockets: FakeSocket[] = [];
  const toUplink: UplinkCommand[] = [];
  const wire: JsonObject[] = [];
  const runs: FakeRun[] = [];
  const facts: SessionEmitted[] = [];
  const log: string[] = [];
  let uplink = fakeUplink(
    wire,
    () => undefined,
    () => false,
  );
  const begin = (name: string): (() => void) => {
    running.add(name);
    log.push(`${name} begins`);
    return () => {
      running.delete(name);
      log.push(`${name} ends`);
    };
  };
  const machine = sessionMachine.provide({
    actors: {
      connection: fromCallback<ConnectionCommand, ConnectionInput>(({ input: given, sendBack, receive }) => {
        const socket: FakeSocket = { heard: [], input: given, isRunning: true, report: sendBack };
        sockets.push(socket);
        const end = begin(`socket ${sockets.length}`);
        sendBack({ type: 'socket.opening' });
        receive((command) => socket.heard.push(command));
        return () => {
          socket.isRunning = false;
          end();
        };
      }),
      uplink: fromCallback<UplinkCommand, undefined>(({ sendBack, receive }) => {
        uplink = fakeUplink(wire, sendBack, () => world.isHanded);
        receive((command) => {
          toUplink.push(command);
          uplink.obey(command);
          if (world.isFast) uplink.flush();
        });
        return begin('uplink');
      }),
      tools: fromCallback(() => begin('tools')),
      toolCall: toolCallMachine.provide({
        actors: {
          execute: fromCallback(({ input: given, self, sendBack, receive }) => {
            const die = (error: Error) => self.send({ type: 'execute.none', error } as never);
            const run: FakeRun = { input: given, isRunning: true, say: sendBack, die };
            runs.push(run);
            receive((event) => {
              end();
              throw (event as unknown as { error: Error }).error;
            });
            const end = begin(`function ${runs.length}`);
            return () => {
              run.isRunning = false;
              end();
            };
          }),
        },
      }),
    },
  });
  const restored = snapshot === undefined ? {} : { snapshot: snapshot as Snapshot<unknown> };
  const session = createActor(machine, { input: { ...input, ...changes }, clock, ...restored });
  session.on('*', (fact) => facts.push(fact));
  const report = (event: SessionEvent) => sockets.at(-1)?.report(event);
  const world: SessionWorld = {
    ...{ clock, session, sockets, toUplink, wire, runs, facts, log, isFast: true, isHanded: false, report },
    opened: () => report({ type: 'socket.opened' }),
    closed: (code, reason = '') => report({ type: 'socket.closed', code, reason, at: clock.now() }),
    message: (message) => report({ type: 'server.message', message }),
    call: (...ids) => world.message({ toolCall: { functionCalls: ids.map((id) => ({ id, name: `tool-${id}`, args: { of: id } })) } }),
    settle: (id, response = { output: id }, rest = {}) =>
      runs.findLast((run) => run.input.id === id)?.say({ type: 'call.settled', response, ...rest }),
    flush: () => uplink.flush(),
    fact: (type) => facts.filter((fact) => fact.type === type) as never,
    told: () => facts.map(({ type }) => type).filter((type) => type !== 'session.message'),
    statusOf: (id) => rowOf(session.getSnapshot().context.calls, id)?.status,
    state: () => placeOf(session.getSnapshot().value),
    region: (name) => (session.getSnapshot().value as { open?: Readonly<Record<string, unknown>> }).open?.[name],
    saved: () => JSON.parse(JSON.stringify(session.getPersistedSnapshot())) as unknown,
  };
  worlds.push({ world, running });
  if (closed) session.send({ type: 'session.close' });
  session.start();
  if (ready) {
    world.opened();
    world.message({ setupComplete: {} });
    facts.length = 0;
    toUplink.length = 0;
    wire.length = 0;
  }
  return world;
}

/** Answers wait until the uplink is open and the socket takes them; each that is written is told, and each that is withdrawn before. */
function fakeUplink(wire: JsonObject[], tell: (event: SessionEvent) => void, isHanded: () => boolean) {
  let isOpen = false;
  let waiting: Extract<UplinkCommand, { type: 'uplink.answer' | 'uplink.seed' | 'uplink.send' }>[] = [];
  /** Does the last answer to that call wait, which is to be written once more? */
  const isWaiting = (again: number | undefined): boolean =>
    again !== undefined && waiting.some((one) => one.type === 'uplink.answer' && one.final && (one.key ?? one.again) === again);
  return {
    obey(command: UplinkCommand): void {
      if (command.type === 'uplink.open') isOpen = true;
      else if (command.type === 'uplink.settle') tell({ type: 'uplink.settled' });
      else if (command.type === 'uplink.hold') {
        isOpen = false;
        if (waiting.some((one) => one.type === 'uplink.send' && asksForTurn(one.message))) tell({ type: 'turn.requested', awaits: true });
      } else if (command.type === 'uplink.answer' && isWaiting(command.again)) return;
      else if (command.type === 'uplink.answer' || command.type === 'uplink.seed' || command.type === 'uplink.send') waiting.push(command);
      else if (command.type === 'uplink.withdraw' && !isHanded()) {
        const mine = waiting.filter((one) => one.type === 'uplink.answer' && (one.key ?? one.again) === command.key);
        waiting = waiting.filter((one) => !mine.includes(one));
        const { key } = command;
        const isLast = mine.some((one) => one.type === 'uplink.answer' && one.final && one.key !== null);
        if (key !== null && isLast) tell({ type: 'uplink.withdrawn', key });
      }
    },
    flush(): void {
      if (!isOpen) return;
      for (const one of waiting.splice(0)) {
        wire.push(one.message);
        if (one.type === 'uplink.seed') tell({ type: 'uplink.seeded' });
        const key = one.type === 'uplink.answer' && one.final ? (one.key ?? one.again) : undefined;
        if (key !== undefined) tell({ type: 'uplink.written', key });
      }
    },
  };
}

function placeOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const { connection } = (value as { open: { connection: unknown } }).open;
  const names = (one: unknown): string[] =>
    typeof one === 'string' ? [one] : Object.entries(one as object).flatMap(([name, inner]) => [name, ...names(inner)]);
  return names(connection)
    .filter((name) => name !== 'online')
    .join('.');
}
