/** A coordinator on a virtual clock with agents by script, which ends with its test; and protocols that do as they are told. */
import { type AnyActorRef, fromPromise } from 'xstate';
import type { ProtocolEnd, ProtocolInput } from '../../machines/coordination/protocol-events.js';
import { coordinatorHandle, type Coordinator, type CoordinationSession, createCoordinator } from '../../src/coordination/coordinator-handle.js';
import type { CoordinatorOptions, SessionOptions } from '../../src/coordination/coordinator-options.js';
import { coordinator as coordinatorLogic } from '../../src/coordination/coordinator.js';
import type { Protocol } from '../../src/coordination/protocol.js';
import { orchestrator, type App } from '../../src/supervision/orchestrator.js';
import { actorsBelow } from '../../src/supervision/pool-actor.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ends } from '../ends.js';
import { type Script, scriptedAgents, type ScriptedAgents } from './scripted-agents.js';

export interface Room {
  readonly clock: VirtualClock;
  readonly agents: ScriptedAgents;
  readonly coordinator: Coordinator;
  /** Lets so many ms go by. */
  pass(ms: number): Promise<void>;
}

/** A coordinator by itself. */
export function room(scripts: Readonly<Record<string, Script>> = {}, options: Partial<CoordinatorOptions> = {}): Room {
  const clock = new VirtualClock();
  const agents = scriptedAgents(clock, scripts);
  const coordinator = createCoordinator({ requests: agents, ...options }, { clock });
  ends.push(() => coordinator.close());
  return { clock, agents, coordinator, pass: (ms) => clock.advanceByAsync(ms) };
}

/** The same as a child of a tree. */
export function treeRoom(
  scripts: Readonly<Record<string, Script>> = {},
  options: Partial<CoordinatorOptions> = {},
): Room & { readonly app: App; readonly start: (snapshot: unknown) => App } {
  const clock = new VirtualClock();
  const agents = scriptedAgents(clock, scripts);
  const actors = { coordinator: coordinatorLogic({ requests: agents, ...options }) };
  const tree = orchestrator({ actors, children: [{ id: 'coordinator', src: 'coordinator', type: 'supervisor' }] });
  const start = (snapshot?: unknown): App => {
    const app = tree.start({ clock, ...(snapshot === undefined ? {} : { snapshot }) });
    ends.push(() => app.stop());
    return app;
  };
  const app = start();
  const coordinator = coordinatorHandle(() => app.child('coordinator'));
  return { clock, agents, coordinator, app, start, pass: (ms) => clock.advanceByAsync(ms) };
}

/** Begins a session that must begin. */
export function begun<Value>(coordinator: Coordinator, protocol: Protocol<Value>, options: SessionOptions): CoordinationSession<Value> {
  const outcome = coordinator.run(protocol, options);
  if (!outcome.ok) throw new Error(`it was not begun: ${outcome.reason}`);
  return outcome.session;
}

/** A run of a protocol that {@link played} has. */
export interface Play {
  readonly input: ProtocolInput;
  readonly end: (end: ProtocolEnd) => void;
  readonly crash: (error: Error) => void;
  /** Its chart. */
  readonly self: AnyActorRef;
  /** Aborts when its chart is ended. */
  readonly signal: AbortSignal;
}

/** A protocol that ends as the test says. @param plays  each time that it is begun */
export function played(plays: Play[] = [], name = 'played'): Protocol<string> {
  const logic = fromPromise<ProtocolEnd, ProtocolInput>(
    ({ input, self, signal }) => new Promise((end, crash) => void plays.push({ input, end, crash, self: self as AnyActorRef, signal })),
  );
  return { name, requireAgents: () => {}, logic: () => logic };
}

/** A protocol that decides at once. */
export const quick: Protocol<string> = {
  name: 'quick',
  requireAgents: () => {},
  logic: () => fromPromise<ProtocolEnd>(() => Promise.resolve({ outcome: 'decided', value: 'at once' })),
};

/** All actors below one, parents first. */
export function allBelow(actor: AnyActorRef): AnyActorRef[] {
  return actorsBelow(actor).flatMap((child) => [child, ...allBelow(child)]);
}

/** The actor of a session, or of something below it, by its id. */
export function actorOf(coordinator: { readonly ref: AnyActorRef | undefined }, id: string): AnyActorRef {
  const found = allBelow(coordinator.ref as AnyActorRef).find((actor) => actor.id === id);
  if (found === undefined) throw new Error(`no actor ${id}`);
  return found;
}
