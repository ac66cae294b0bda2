/**
 * A room of agents as supervised logic: a registry of their names, and a dynamic supervisor of their charts, under one supervisor.
 *
 *   orchestrator({ actors: { agents: agents({ logics: { writer, reader } }) }, children: [{ id: 'agents', src: 'agents', type: 'supervisor' }] })
 *
 * The handle that an app holds is in agents-handle.ts.
 */
import type { AnyActorRef, AnyStateMachine } from 'xstate';
import { agentMachine } from '../../machines/agents/agent.js';
import type { AgentEmitted } from '../../machines/agents/agent-events.js';
import { registry } from '../registry/registry.js';
import { type ActorMap, dynamicSupervisor, supervisor, type supervisorMachine } from '../supervision/supervisors.js';
import { emitFrom, hasStopped, logicOf } from '../supervision/xstate-internals.js';
import { type AgentsOptions, type AgentsPlan, mostCapabilities, planAgents } from './agents-options.js';
import { agentsId, capabilitiesSpace, namesId, roomOf } from './agents-place.js';
import { beginning, keeper } from './keeper.js';

/** The logic of a room of agents; it needs no input. */
export type AgentsLogic = typeof supervisorMachine;

const plans = new WeakMap<object, AgentsPlan>();

/** With what a room was made; undefined for what runs no `agents()`. */
export function planOf(ref: AnyActorRef): AgentsPlan | undefined {
  return plans.get(logicOf(ref));
}

/**
 * The logic of a room of agents: for `createActor`, `invoke`, `spawn`, or as a supervisor's child. On `supervisor.shutdown` all agents are asked to end at once, each
 * with its own deadline. Restored from a snapshot, those run that ran, under their names.
 * @throws EspalierError `agents/invalid-options`; `supervision/…` for logics that are none
 */
export function agents<const Logics extends ActorMap>(options: AgentsOptions<Logics>): AgentsLogic {
  const plan = planAgents(options);
  const agent = beginning(agentMachine.provide({ actors: { keeper: keeper(options.logics) as never } }) as AnyStateMachine, tellRoom);
  const logic = supervisor({
    actors: {
      [namesId]: registry({
        namespaces: { [capabilitiesSpace]: { keys: 'duplicate' } },
        maxEntries: plan.maxAgents * (1 + mostCapabilities),
        // A name is given up when its agent is, and not before.
        successorMs: 2 ** 31 - 1,
      }),
      // Agents end by themselves, or stay: nobody is restarted here, and so nobody's restarts are counted together.
      [agentsId]: dynamicSupervisor({ actors: { agent }, maxChildren: plan.maxAgents }),
    },
    children: [
      { id: namesId, src: namesId },
      { id: agentsId, src: agentsId, type: 'supervisor' },
    ],
  });
  plans.set(logic, plan);
  return logic;
}

/** What an agent says is said by its room, too: so one listener hears all, those of the next room in its seat included. */
function tellRoom(agent: AnyActorRef): void {
  const room = roomOf(agent);
  agent.on('*', (fact: AgentEmitted) => {
    if (fact.type !== 'agent.answered' && !hasStopped(room)) emitFrom(room, fact);
  });
}
