/** The part of the front door that leads to agents. */
export { agents, type AgentsLogic } from './agents/agents.js';
export {
  type AgentFact,
  type AgentOutcome,
  type AgentRegistered,
  type Agents,
  agentsHandle,
  type AgentStartOutcome,
  type AgentState,
  type AgentStatus,
  createAgents,
  type RunningAgent,
} from './agents/agents-handle.js';
export type { AgentOptions, AgentsOptions, AgentUpdate } from './agents/agents-options.js';
export type { AgentRefusal } from '../machines/agents/agent-events.js';
