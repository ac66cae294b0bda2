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
export { chatAgent, type ChatAgentOptions } from './agents/chat-agent.js';
export { liveAgent, type LiveAgentOptions } from './agents/live-agent.js';
export type { MindLogic as ModelAgentLogic, MindOptions as ModelAgentOptions } from './agents/mind.js';
export { loadBalancer, type LoadBalancerLogic, type LoadBalancerRef } from './agents/balancer.js';
export {
  type AgentStanding,
  type AssignOptions,
  type BalancerStatus,
  type CompleteReport,
  createLoadBalancer,
  type LoadBalancer,
  loadBalancerHandle,
} from './agents/balancer-handle.js';
export type { BalancedAgent, BalancedTask, LoadBalancerOptions } from './agents/balancer-options.js';
export type { DeskCounts as BalancerCounts } from './agents/desk-records.js';
export type { AddOutcome as AddAgentOutcome, AgentNews, ReportOutcome } from './agents/desk-world.js';
export type { AssignOutcome, TaskEnd } from './agents/task.js';
export type {
  AgentReport,
  Assignment,
  AssignRefusal,
  BalancerEmitted,
  BalanceStrategy,
  ReportRefusal,
  TaskFailure,
  Withdrawal,
} from '../machines/agents/balancer-events.js';
export type { AgentAnswer, CombineRule, CoordinateOptions, CoordinateOutcome } from './agents/coordinate.js';
export type { VariableNews, VariableOutcome, VariableVersion, WriteOptions as VariableWriteOptions } from './agents/shelf.js';
export { variables, type VariablesLogic, type VariablesRef } from './agents/variables.js';
export {
  type CoordinateEach,
  createVariables,
  type SubscribeOutcome as VariableSubscribeOutcome,
  type Variables,
  variablesHandle,
} from './agents/variables-handle.js';
export type { MergeScope, VariableOptions, VariablesOptions } from './agents/variables-options.js';
export type {
  CoordinationRefusal as VariableCoordinationRefusal,
  FailedAgent,
  VariableRefusal,
  VariablesEmitted,
} from '../machines/agents/variables-events.js';
