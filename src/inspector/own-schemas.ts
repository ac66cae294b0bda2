/** Schemas of the events that somebody may well send by hand to the machines of the house. Their other events are between actors, and come from them. */
import type { SchemasOfMachines } from '../charts/event-schemas.js';

const nothingMore = { type: 'object', properties: {}, additionalProperties: false };

const shutdown = {
  type: 'object',
  properties: { reason: { description: 'an exit reason: "shutdown", ["shutdown", "deploy"]' } },
  additionalProperties: false,
};

export const ownSchemas: SchemasOfMachines = {
  supervisor: { 'supervisor.shutdown': shutdown },
  dynamicSupervisor: { 'supervisor.shutdown': shutdown },
  taskSupervisor: { 'supervisor.shutdown': shutdown },
  liveSession: {
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
  },
  inspector: { 'inspector.close': nothingMore, 'supervisor.shutdown': shutdown },
};
