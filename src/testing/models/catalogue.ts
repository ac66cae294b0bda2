/** The models of the catalogue's machines, by machine id: for apps that embed one, change one with `provide()`, or restart one. */
import { conversationModel } from './conversation.js';
import { dynamicSupervisorModel } from './dynamic-supervisor.js';
import { executionModel } from './execution.js';
import { httpStreamModel } from './http-stream.js';
import { gateModel } from './gate.js';
import { inspectorModel } from './inspector.js';
import { interactionModel } from './interaction.js';
import { liveSessionModel } from './live-session.js';
import { roundModel } from './round.js';
import { supervisorModel } from './supervisor.js';
import { taskModel } from './task.js';
import { taskSupervisorModel } from './task-supervisor.js';
import { toolCallModel } from './tool-call.js';

export const models = {
  supervisor: supervisorModel,
  dynamicSupervisor: dynamicSupervisorModel,
  taskSupervisor: taskSupervisorModel,
  task: taskModel,
  gate: gateModel,
  liveSession: liveSessionModel,
  toolCall: toolCallModel,
  httpStream: httpStreamModel,
  interaction: interactionModel,
  conversation: conversationModel,
  round: roundModel,
  execution: executionModel,
  inspector: inspectorModel,
} as const;
