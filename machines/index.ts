/** The catalogue: every machine by its id. Tests, diagrams and the inspector iterate it. */
import { sessionMachine } from './live/session.js';
import { toolCallMachine } from './live/tool-call.js';
import { dynamicSupervisorMachine } from './supervision/dynamic-supervisor.js';
import { supervisorMachine } from './supervision/supervisor.js';
import { taskMachine } from './supervision/task.js';
import { taskSupervisorMachine } from './supervision/task-supervisor.js';

export { dynamicSupervisorMachine, sessionMachine, supervisorMachine, taskMachine, taskSupervisorMachine, toolCallMachine };

export const catalogue = {
  supervisor: supervisorMachine,
  dynamicSupervisor: dynamicSupervisorMachine,
  taskSupervisor: taskSupervisorMachine,
  task: taskMachine,
  liveSession: sessionMachine,
  toolCall: toolCallMachine,
} as const;
