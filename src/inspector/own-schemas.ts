/**
 * Schemas of the events that somebody may well send by hand to the machines of the house. Their other events are between actors, and come from them. A
 * machine of an app's may have an id of ours, and has nothing of this.
 */
import { inspectorMachine } from '../../machines/inspector/inspector.js';
import { sessionMachine } from '../../machines/live/session.js';
import { dynamicSupervisorMachine } from '../../machines/supervision/dynamic-supervisor.js';
import { supervisorMachine } from '../../machines/supervision/supervisor.js';
import { taskSupervisorMachine } from '../../machines/supervision/task-supervisor.js';
import { onlyOf, type SchemasOfMachines } from '../charts/event-schemas.js';

const nothingMore = { type: 'object', properties: {}, additionalProperties: false };

const shutdown = {
  type: 'object',
  properties: { reason: { description: 'an exit reason: "shutdown", ["shutdown", "deploy"]' } },
  additionalProperties: false,
};

export const ownSchemas: SchemasOfMachines = {
  supervisor: onlyOf(supervisorMachine, { 'supervisor.shutdown': shutdown }),
  dynamicSupervisor: onlyOf(dynamicSupervisorMachine, { 'supervisor.shutdown': shutdown }),
  taskSupervisor: onlyOf(taskSupervisorMachine, { 'supervisor.shutdown': shutdown }),
  liveSession: onlyOf(sessionMachine, {
    'session.close': nothingMore,
    'session.send': {
      type: 'object',
      properties: {
        message: { type: 'object', description: 'a message of the Live API: { "clientContent": { … } }' },
        ref: { type: 'string', description: 'comes back in what is told of it' },
      },
      required: ['message'],
      additionalProperties: false,
    },
    'supervisor.shutdown': shutdown,
  }),
  inspector: onlyOf(inspectorMachine, { 'inspector.close': nothingMore, 'supervisor.shutdown': shutdown }),
};
