/** The catalogue: every machine by its id. Tests, diagrams and the inspector iterate it. */
import { agentMachine } from './agents/agent.js';
import { balancerMachine } from './agents/balancer.js';
import { variablesMachine } from './agents/variables.js';
import { applicationMachine } from './application/application.js';
import { channelMachine } from './comms/channel.js';
import { commsMachine } from './comms/comms.js';
import { configMachine } from './config/config.js';
import { barrierMachine } from './coordination/barrier.js';
import { allocationMachine } from './coordination/allocation.js';
import { auctionMachine } from './coordination/auction.js';
import { counterMachine } from './coordination/counter.js';
import { delegationMachine } from './coordination/delegation.js';
import { consensusMachine } from './coordination/consensus.js';
import { iterativeConsensusMachine } from './coordination/iterative-consensus.js';
import { leaderMachine } from './coordination/leader.js';
import { lockMachine } from './coordination/lock.js';
import { marketMachine } from './coordination/market.js';
import { negotiationMachine } from './coordination/negotiation.js';
import { coordinationSessionMachine } from './coordination/session.js';
import { votingMachine } from './coordination/voting.js';
import { eventStoreMachine } from './events/event-store.js';
import { gateMachine } from './gate/gate.js';
import { monitorMachine } from './health/monitor.js';
import { probeMachine } from './health/probe.js';
import { serviceMachine } from './health/service.js';
import { inspectorMachine } from './inspector/inspector.js';
import { interactionMachine } from './interactions/interaction.js';
import { isolationMachine } from './isolation/isolation.js';
import { sessionMachine } from './live/session.js';
import { toolCallMachine } from './live/tool-call.js';
import { registryMachine } from './registry/registry.js';
import { httpStreamMachine } from './stream/http-stream.js';
import { dynamicSupervisorMachine } from './supervision/dynamic-supervisor.js';
import { supervisorMachine } from './supervision/supervisor.js';
import { taskMachine } from './supervision/task.js';
import { taskSupervisorMachine } from './supervision/task-supervisor.js';
import { conversationMachine } from './tools/conversation.js';
import { executionMachine } from './tools/execution.js';
import { roundMachine } from './tools/round.js';

export {
  agentMachine,
  applicationMachine,
  barrierMachine,
  channelMachine,
  commsMachine,
  allocationMachine,
  auctionMachine,
  balancerMachine,
  configMachine,
  consensusMachine,
  conversationMachine,
  counterMachine,
  coordinationSessionMachine,
  delegationMachine,
  dynamicSupervisorMachine,
  eventStoreMachine,
  executionMachine,
  gateMachine,
  httpStreamMachine,
  inspectorMachine,
  interactionMachine,
  isolationMachine,
  iterativeConsensusMachine,
  leaderMachine,
  lockMachine,
  marketMachine,
  monitorMachine,
  negotiationMachine,
  probeMachine,
  registryMachine,
  roundMachine,
  serviceMachine,
  sessionMachine,
  supervisorMachine,
  taskMachine,
  taskSupervisorMachine,
  toolCallMachine,
  votingMachine,
  variablesMachine,
};

export const catalogue = {
  supervisor: supervisorMachine,
  dynamicSupervisor: dynamicSupervisorMachine,
  taskSupervisor: taskSupervisorMachine,
  task: taskMachine,
  registry: registryMachine,
  gate: gateMachine,
  monitor: monitorMachine,
  probe: probeMachine,
  service: serviceMachine,
  application: applicationMachine,
  config: configMachine,
  eventStore: eventStoreMachine,
  isolation: isolationMachine,
  comms: commsMachine,
  channel: channelMachine,
  leader: leaderMachine,
  lock: lockMachine,
  barrier: barrierMachine,
  auction: auctionMachine,
  allocation: allocationMachine,
  market: marketMachine,
  counter: counterMachine,
  consensus: consensusMachine,
  negotiation: negotiationMachine,
  delegation: delegationMachine,
  coordinationSession: coordinationSessionMachine,
  voting: votingMachine,
  iterativeConsensus: iterativeConsensusMachine,
  agent: agentMachine,
  balancer: balancerMachine,
  variables: variablesMachine,
  liveSession: sessionMachine,
  toolCall: toolCallMachine,
  httpStream: httpStreamMachine,
  interaction: interactionMachine,
  conversation: conversationMachine,
  round: roundMachine,
  execution: executionMachine,
  inspector: inspectorMachine,
} as const;
