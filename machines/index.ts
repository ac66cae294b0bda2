/** The catalogue: every machine by its id. Tests, diagrams and the inspector iterate it. */
import { gateMachine } from './gate/gate.js';
import { inspectorMachine } from './inspector/inspector.js';
import { interactionMachine } from './interactions/interaction.js';
import { sessionMachine } from './live/session.js';
import { toolCallMachine } from './live/tool-call.js';
import { httpStreamMachine } from './stream/http-stream.js';
import { dynamicSupervisorMachine } from './supervision/dynamic-supervisor.js';
import { supervisorMachine } from './supervision/supervisor.js';
import { taskMachine } from './supervision/task.js';
import { taskSupervisorMachine } from './supervision/task-supervisor.js';
import { conversationMachine } from './tools/conversation.js';
import { executionMachine } from './tools/execution.js';
import { roundMachine } from './tools/round.js';

export {
  conversationMachine,
  dynamicSupervisorMachine,
  executionMachine,
  gateMachine,
  httpStreamMachine,
  inspectorMachine,
  interactionMachine,
  roundMachine,
  sessionMachine,
  supervisorMachine,
  taskMachine,
  taskSupervisorMachine,
  toolCallMachine,
};

export const catalogue = {
  supervisor: supervisorMachine,
  dynamicSupervisor: dynamicSupervisorMachine,
  taskSupervisor: taskSupervisorMachine,
  task: taskMachine,
  gate: gateMachine,
  liveSession: sessionMachine,
  toolCall: toolCallMachine,
  httpStream: httpStreamMachine,
  interaction: interactionMachine,
  conversation: conversationMachine,
  round: roundMachine,
  execution: executionMachine,
  inspector: inspectorMachine,
} as const;
