/**
 * Who keeps an agent: a supervisor with that one child, under the agent's own budget, which tells the agent's chart what it does, and has the agent
 * enter and leave the registry.
 */
import { type AnyActorLogic, type AnyActorRef, type AnyStateMachine, fromPromise } from 'xstate';
import type { AgentEvent, AgentSpec } from '../../machines/agents/agent-events.js';
import type { SupervisorInput } from '../../machines/supervision/child-spec.js';
import { type ExitReason, isClean } from '../../machines/supervision/exit.js';
import type { ChildFact } from '../../machines/supervision/supervisor-facts.js';
import { supervisorHandle } from '../supervision/handle.js';
import { orphansBelow } from '../supervision/orphans.js';
import { type ActorMap, supervisor } from '../supervision/supervisors.js';
import { onSeated } from '../supervision/seats.js';
import { inTurn } from '../supervision/turns.js';
import { ended, onExit, terminate } from '../supervision/watch.js';
import { hasStopped, parentOf, systemOf } from '../supervision/xstate-internals.js';
import { placeOf, roomOf } from './agents-place.js';
import { type Ledger, ledgerOf } from './ledger.js';

type KeeperEvent = Extract<AgentEvent, { type: `keeper.${string}` }>;
type Fact<Type extends ChildFact['type']> = Extract<ChildFact, { type: Type }>;
interface Scope {
  readonly self: AnyActorRef;
}

/** A machine's logic that does something as each actor of it starts, before its first event, and after its children are there again. */
export function beginning<Machine extends AnyStateMachine>(
  machine: Machine,
  before: (self: AnyActorRef) => void,
  after?: (self: AnyActorRef) => void,
): Machine {
  const { start } = machine as unknown as { start(snapshot: unknown, scope: Scope): void };
  return Object.assign(machine, {
    start: (snapshot: unknown, scope: Scope) => {
      before(scope.self);
      start.call(machine, snapshot, scope);
      after?.(scope.self);
    },
  });
}

/** The name of {@link formerEnded}, which no logic of an app has. */
const formerId = 'espalier.formerEnded';

/** Of a keeper whose agent's former actor still lives: done when that has ended, and its name is free. */
const formerEnded = fromPromise(async ({ self }: Scope) => {
  const chart = parentOf(parentOf(parentOf(self) as AnyActorRef) as AnyActorRef) as AnyActorRef;
  const former = ledgerAbove(chart).lastOf(chart.id);
  if (former === undefined) return;
  // Its own keeper may have ended before it: nobody comes after it in its seat, for whom its name would wait.
  placeOf(roomOf(chart)).names.unregister(former.id, former);
  await ended(former, () => {});
});

function ledgerAbove(agent: AnyActorRef): Ledger {
  return ledgerOf(roomOf(agent));
}

/** The actor `keeper` of an agent's chart. Its input is the agent's spec. */
export function keeper(logics: ActorMap): AnyActorLogic {
  const machine = supervisor({ actors: logics }).provide({ actors: { [formerId]: formerEnded } as never });
  const { getInitialSnapshot, transition } = machine;
  const asked = Object.assign(machine, {
    getInitialSnapshot: (scope: Scope, spec: AgentSpec) => {
      const isFree = ledgerAbove(parentOf(scope.self) as AnyActorRef).lastOf(spec.id) === undefined;
      return getInitialSnapshot(scope as never, { ...inputOf(spec), ...(isFree ? {} : { init: { src: formerId } }) });
    },
    transition: (snapshot: never, event: { readonly type: string }, scope: Scope) => {
      const next = transition.call(machine, snapshot, event as never, scope as never);
      if (event.type === 'supervisor.shutdown') callOff(scope.self, next);
      return next;
    },
  });
  return beginning(asked as AnyStateMachine, listen, enlistAgain);
}

/** The agent as the only child of a supervisor whose intensity is its budget. One that is not restarted ends that. */
function inputOf({ capabilities: _capabilities, budget, ...child }: AgentSpec): SupervisorInput {
  const isPermanent = child.restart === 'permanent';
  return {
    ...budget,
    autoShutdown: isPermanent ? 'never' : 'anySignificant',
    children: [{ ...child, significant: !isPermanent }],
  };
}

interface KeeperSnapshot {
  matches(state: unknown): boolean;
  readonly context: { readonly toStart: readonly string[] };
}

/** Who is being started has promised nothing yet: asked to end, a keeper does not wait for it. */
function callOff(self: AnyActorRef, snapshot: KeeperSnapshot): void {
  const [id] = snapshot.context.toStart;
  if (id === undefined || !(snapshot.matches('starting') || snapshot.matches({ restarting: 'startingChildren' }))) return;
  inTurn(() => {
    const ref = supervisorHandle(self).child(id);
    if (ref !== undefined) terminate(ref, 'shutdown');
  });
}

function listen(self: AnyActorRef): void {
  const agent = parentOf(self) as AnyActorRef;
  const tell = (event: KeeperEvent): void => {
    if (!hasStopped(agent)) systemOf(self)._relay(self, agent, event);
  };
  const hear = <Type extends ChildFact['type']>(type: Type, heard: (fact: Fact<Type>) => void): void => void self.on(type, heard as never);
  const { actors } = ledgerAbove(agent);
  onSeated(self, agent.id, (actor) => {
    if (actor !== null) actors.set(actor.id, actor);
  });
  let last: ExitReason | null = null;
  let isSpent = false;
  hear('child.started', () => {
    const refused = enlist(self, agent);
    tell(refused === null ? { type: 'keeper.up' } : { type: 'keeper.refused', why: refused });
  });
  hear('child.declined', () => tell({ type: 'keeper.refused', why: 'declined' }));
  hear('child.startFailed', ({ reason }) => tell({ type: 'keeper.startFailed', why: reason }));
  hear('child.exited', ({ reason, willRestart }) => {
    last = reason;
    if (willRestart || !isClean(reason)) tell({ type: 'keeper.crashed', reason, willRestart });
  });
  hear('supervisor.gaveUp', ({ reason }) => {
    isSpent = true;
    last = reason ?? last;
  });
  onExit(self, (reason) => {
    const { status } = self.getSnapshot() as { status: string };
    // A supervisor that could not be made is told of by XState itself.
    if (status === 'error') return;
    const own = reason === 'noproc' || reason === 'shutdown' ? (last ?? 'shutdown') : reason;
    const ended = (): void => tell({ type: 'keeper.ended', reason: own, isSpent, isDone: status === 'done' });
    const [orphan] = reason === 'killed' ? orphansBelow(self) : [];
    // After all others who watch it: by then its name is free for whoever is started next.
    if (orphan === undefined) inTurn(ended);
    else awaitEnd(orphan, agent, () => tell({ type: 'keeper.refused', why: own }), ended);
  });
}

/**
 * A keeper was killed, and its agent takes its time over its end: as long as it lives it is on its way down, and no other is started in its place. It does not
 * outlive the agent's chart.
 */
function awaitEnd(orphan: AnyActorRef, agent: AnyActorRef, begin: () => void, ended: () => void): void {
  // Without a keeper nobody comes after it in its seat, for whom its name would wait.
  placeOf(roomOf(agent)).names.unregister(orphan.id, orphan);
  inTurn(begin);
  const watch = onExit(agent, () => terminate(orphan, 'killed'));
  onExit(orphan, () => {
    watch.unsubscribe();
    inTurn(ended);
  });
}

/** Gives an agent that runs its name, which follows its restarts, and makes it found by what it can do. @returns why not; null where it has them */
function enlist(self: AnyActorRef, agent: AnyActorRef): unknown {
  const { spec } = (agent.getSnapshot() as { context: { spec: AgentSpec } }).context;
  const ref = supervisorHandle(self).child(spec.id);
  if (ref === undefined) return 'ended';
  const { names } = placeOf(roomOf(agent));
  const named = names.register(spec.id, ref, { metadata: { capabilities: spec.capabilities }, follow: true });
  return named.ok || named.ref === ref ? null : ['name', named.reason];
}

/** One that was restored with its tree runs as it did, and nobody is told of its start: it has its names again. */
function enlistAgain(self: AnyActorRef): void {
  const agent = parentOf(self) as AnyActorRef;
  const { spec } = (agent.getSnapshot() as { context: { spec: AgentSpec } }).context;
  const isUp = (self.getSnapshot() as { context: { children: readonly { status: string }[] } }).context.children[0]?.status === 'running';
  if (isUp && supervisorHandle(self).child(spec.id) !== undefined) enlist(self, agent);
}
