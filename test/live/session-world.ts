/** A session chart on a virtual clock, with a socket and tools that do what a test says. */
import { expect } from 'vitest';
import { type Actor, createActor, fromCallback, type Snapshot } from 'xstate';
import type { JsonObject } from '../../machines/live/calls.js';
import {
  type ConnectionCommand,
  type ConnectionInput,
  type SessionEmitted,
  type SessionEvent,
  type SessionInput,
  sessionMachine,
  type ToolsCommand,
  type ToolsInput,
} from '../../machines/live/session.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

export const input: SessionInput = { setup: { model: 'models/m' }, connectMs: 1_000, setupMs: 2_000, toolMs: 3_000, closeMs: 500 };

export interface SessionWorld {
  readonly clock: VirtualClock;
  readonly session: Actor<typeof sessionMachine>;
  /** What the chart told the socket and the tools, oldest first. */
  readonly toSocket: ConnectionCommand[];
  readonly toTools: ToolsCommand[];
  readonly facts: SessionEmitted[];
  /** Actors that run now, by role. */
  readonly running: Set<string>;
  /** Are sends confirmed at once? Set false to hold confirmations back. */
  confirms: boolean;
  /** The socket, or the tools, report an event. */
  report(event: SessionEvent): void;
  message(message: JsonObject): void;
  call(...ids: string[]): void;
  factTypes(): string[];
  statusOf(id: string): string | undefined;
  state(): unknown;
}

const worlds: SessionWorld[] = [];

/** Ends the sessions of a test, and holds that nothing of them goes on. */
export function leaveNothing(): void {
  for (const { session, running, clock } of worlds.splice(0)) {
    session.stop();
    expect([...running], 'actors left running').toEqual([]);
    expect(clock.pending(), 'timers left').toBe(0);
  }
}

/** Starts a session; `ready` brings it through the handshake, `snapshot` is what it is restored from. */
export function sessionWorld(options: { readonly ready?: boolean; readonly snapshot?: unknown } = {}): SessionWorld {
  const clock = new VirtualClock();
  const toSocket: ConnectionCommand[] = [];
  const toTools: ToolsCommand[] = [];
  const running = new Set<string>();
  let report: (event: SessionEvent) => void = () => undefined;
  const machine = sessionMachine.provide({
    actors: {
      connection: fromCallback<ConnectionCommand, ConnectionInput>(({ sendBack, receive }) => {
        running.add('connection');
        report = sendBack;
        sendBack({ type: 'socket.opening' });
        receive((command) => {
          toSocket.push(command);
          if (command.type === 'connection.send' && command.receipt !== null && world.confirms)
            sendBack({ type: 'socket.sent', receipt: command.receipt });
        });
        return () => running.delete('connection');
      }),
      tools: fromCallback<ToolsCommand, ToolsInput>(({ receive }) => {
        running.add('tools');
        receive((command) => toTools.push(command));
        return () => running.delete('tools');
      }),
    },
  });
  const { snapshot } = options;
  const session = createActor(machine, { input, clock, ...(snapshot === undefined ? {} : { snapshot: snapshot as Snapshot<unknown> }) });
  const facts: SessionEmitted[] = [];
  session.on('*', (fact) => facts.push(fact));
  const world: SessionWorld = {
    clock,
    session,
    toSocket,
    toTools,
    facts,
    running,
    confirms: true,
    report: (event) => report(event),
    message: (message) => report({ type: 'server.message', message }),
    call: (...ids) =>
      report({ type: 'server.message', message: { toolCall: { functionCalls: ids.map((id) => ({ id, name: `tool-${id}`, args: { of: id } })) } } }),
    factTypes: () => facts.map((fact) => fact.type),
    statusOf: (id) => session.getSnapshot().context.calls.rows.find((row) => row.id === id)?.status,
    state: () => session.getSnapshot().value,
  };
  worlds.push(world);
  session.start();
  if (options.ready === true) {
    world.report({ type: 'socket.opened' });
    world.message({ setupComplete: {} });
    facts.length = 0;
    toSocket.length = 0;
  }
  return world;
}
