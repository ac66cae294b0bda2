/**
 * A room of agents as supervised logic: a registry of their names, and a dynamic supervisor of their charts, under one supervisor.
 *
 *   orchestrator({ actors: { agents: agents({ logics: { writer, reader } }) }, children: [{ id: 'agents', src: 'agents', type: 'supervisor' }] })
 *
 * The handle that an app holds is in agents-handle.ts.
 */
import type { AnyActorRef, AnyStateMachine } from 'xstate';
import { agentMachine } from '../../machines/agents/agent.js';
import type { AgentEmitted, AgentInput } from '../../machines/agents/agent-events.js';
import { registry } from '../registry/registry.js';
import { type ActorMap, dynamicSupervisor, supervisor, type supervisorMachine } from '../supervision/supervisors.js';
import { emitFrom, hasStopped, logicOf } from '../supervision/xstate-internals.js';
import { type AgentsOptions, type AgentsPlan, planAgents } from './agents-options.js';
import { agentsId, namesId, placeOf, roomOf } from './agents-place.js';
import { beginning, keeper } from './keeper.js';
import { enter, forget, leaving, ledgerOf } from './ledger.js';
import { recover } from './recover.js';

/** The logic of a room of agents; it needs no input. */
export type AgentsLogic = typeof supervisorMachine;

/** How often charts that were killed are restarted where they are; beyond that all of them are, under a supervisor that is new. */
const chartBudget = { intensity: 10, periodMs: 5_000 };

const plans = new WeakMap<object, AgentsPlan>();

/** With what a room was made; undefined for what runs no `agents()`. */
export function planOf(ref: AnyActorRef): AgentsPlan | undefined {
  return plans.get(logicOf(ref));
}

/**
 * The logic of a room of agents: for `createActor`, `invoke`, `spawn`, or as a supervisor's child. On `supervisor.shutdown` all agents are asked to end at once, each
 * with its own deadline. Restored from a snapshot, those run that ran, under their names.
 * A chart, or the supervisor above all, that is killed comes back with all who were registered, and starts those that were to run; so does the room itself below a
 * supervisor, but after `close()`.
 * @throws EspalierError `agents/invalid-options`; `supervision/…` for logics that are none
 */
export function agents<const Logics extends ActorMap>(options: AgentsOptions<Logics>): AgentsLogic {
  const plan = planAgents(options);
  const bare = agentMachine.provide({ actors: { keeper: keeper(options.logics) as never } }) as AnyStateMachine;
  const agent = beginning(remembering(bare), (self) => {
    tellRoom(self);
    enter(self, roomOf(self));
  });
  // Its charts end by themselves, or stay: only one that is killed is restarted.
  const above = dynamicSupervisor({ actors: { agent }, maxChildren: plan.maxAgents, ...chartBudget });
  const logic = supervisor({
    actors: {
      [namesId]: registry({
        indexes: ['capabilities'],
        // As many again for whoever else the app wants found.
        maxEntries: 2 * plan.maxAgents,
        // A name is given up when its agent is, and not before.
        successorMs: 2 ** 31 - 1,
      }),
      [agentsId]: beginning(above as AnyStateMachine, () => {}, recover),
    },
    children: [
      { id: namesId, src: namesId },
      { id: agentsId, src: agentsId, type: 'supervisor' },
    ],
  });
  plans.set(logic, plan);
  beginning(logic as AnyStateMachine, leaving(plan));
  return logic;
}

/** A chart that comes after one that was lost is given what that was. */
function remembering(machine: AnyStateMachine): AnyStateMachine {
  const { getInitialSnapshot } = machine;
  return Object.assign(machine, {
    getInitialSnapshot: (scope: { readonly self: AnyActorRef }, { spec }: AgentInput) => {
      const room = roomOf(scope.self);
      const { ledger } = placeOf(room);
      const past = ledger.get(spec.id);
      // Its end is all that is left of it, and comes before its start.
      const end: AgentEmitted = { type: 'agent.unregistered', id: spec.id };
      if (past?.was === 'leaving' && ledger.delete(spec.id)) emitFrom(room, end);
      return getInitialSnapshot(scope as never, { spec, past }) as unknown;
    },
  });
}

/** What an agent says is said by its room, too: so one listener hears all, those of the next room in its seat included. */
function tellRoom(agent: AnyActorRef): void {
  const ledger = ledgerOf(roomOf(agent));
  agent.on('*', (fact: AgentEmitted) => {
    // Before it is told: whoever hears it may end them all, and this one is not to come back.
    if (fact.type === 'agent.unregistered' && !forget(agent, fact.id, ledger)) return;
    if (fact.type !== 'agent.answered' && !hasStopped(ledger.room)) emitFrom(ledger.room, fact);
  });
}
