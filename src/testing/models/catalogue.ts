/** The models of the catalogue's machines, by machine id: for apps that embed one, change one with `provide()`, or restart one. */
import { agentModel } from './agent.js';
import { applicationModel } from './application.js';
import { barrierModel } from './barrier.js';
import { channelModel } from './channel.js';
import { commsModel } from './comms.js';
import { allocationModel } from './allocation.js';
import { auctionModel } from './auction.js';
import { balancerModel } from './balancer.js';
import { configModel } from './config.js';
import { conversationModel } from './conversation.js';
import { counterModel } from './counter.js';
import { coordinationSessionModel } from './coordination-session.js';
import { delegationModel } from './delegation.js';
import { dynamicSupervisorModel } from './dynamic-supervisor.js';
import { eventStoreModel } from './event-store.js';
import { executionModel } from './execution.js';
import { httpStreamModel } from './http-stream.js';
import { gateModel } from './gate.js';
import { inspectorModel } from './inspector.js';
import { interactionModel } from './interaction.js';
import { isolationModel } from './isolation.js';
import { iterativeConsensusModel } from './iterative-consensus.js';
import { leaderModel } from './leader.js';
import { liveSessionModel } from './live-session.js';
import { lockModel } from './lock.js';
import { marketModel } from './market.js';
import { consensusModel } from './consensus.js';
import { monitorModel } from './monitor.js';
import { negotiationModel } from './negotiation.js';
import { probeModel } from './probe.js';
import { registryModel } from './registry.js';
import { roundModel } from './round.js';
import { serviceModel } from './service.js';
import { supervisorModel } from './supervisor.js';
import { taskModel } from './task.js';
import { taskSupervisorModel } from './task-supervisor.js';
import { toolCallModel } from './tool-call.js';
import { votingModel } from './voting.js';
import { variablesModel } from './variables.js';

export const models = {
  supervisor: supervisorModel,
  dynamicSupervisor: dynamicSupervisorModel,
  taskSupervisor: taskSupervisorModel,
  task: taskModel,
  registry: registryModel,
  gate: gateModel,
  monitor: monitorModel,
  probe: probeModel,
  service: serviceModel,
  application: applicationModel,
  config: configModel,
  eventStore: eventStoreModel,
  isolation: isolationModel,
  comms: commsModel,
  channel: channelModel,
  leader: leaderModel,
  lock: lockModel,
  barrier: barrierModel,
  auction: auctionModel,
  allocation: allocationModel,
  market: marketModel,
  counter: counterModel,
  consensus: consensusModel,
  negotiation: negotiationModel,
  delegation: delegationModel,
  coordinationSession: coordinationSessionModel,
  voting: votingModel,
  iterativeConsensus: iterativeConsensusModel,
  agent: agentModel,
  balancer: balancerModel,
  variables: variablesModel,
  liveSession: liveSessionModel,
  toolCall: toolCallModel,
  httpStream: httpStreamModel,
  interaction: interactionModel,
  conversation: conversationModel,
  round: roundModel,
  execution: executionModel,
  inspector: inspectorModel,
} as const;
