/** What the model of an application's chart starts it with. */
import type { ApplicationInput, ServicePlan } from '../../../machines/application/application-events.js';

const plan = (id: string, more: Partial<ServicePlan> = {}): ServicePlan => ({
  ...{ id, dependsOn: [], canMiss: [], onDependencyLoss: 'restart', flushes: false, flushMs: 100 },
  ...more,
});

/** Two services, of which one needs the other, and has something to write. */
export const input: ApplicationInput = {
  services: [plan('db'), plan('api', { dependsOn: ['db'], flushes: true })],
  ...{ startAttempts: 2, retryMs: 40, graceMs: 1_000 },
};

export const inputs: Readonly<Record<string, ApplicationInput>> = {
  'a service on another': input,
  'one that goes on without the other': { ...input, services: [plan('db'), plan('api', { dependsOn: ['db'], onDependencyLoss: 'degrade' })] },
  'one that goes on without one that waits': {
    ...input,
    services: [plan('db'), plan('api', { dependsOn: ['db'], flushes: true }), plan('page', { dependsOn: ['api'], onDependencyLoss: 'degrade' })],
  },
  'one start each': { ...input, startAttempts: 1 },
  'one of which the first had done its part': { ...input, ended: ['db'] },
  'no services': { ...input, services: [] },
};

const bothUp = ['the tree is there', 'it is done', 'it is done'] as const;

/** Ways into what no short path reaches. */
export const corners: Readonly<Record<string, readonly [start: string, ...cases: string[]]>> = {
  'it is there again, later': ['a service on another', ...bothUp, '100 ms pass', 'the tree is there again, restored'],
  'one is back later': ['one that goes on without the other', ...bothUp, 'db crashes', '40 ms pass', 'db is back'],
  'one waits for what is lost, and another goes on without': [
    'one that goes on without one that waits',
    ...['the tree is there', 'it is done', 'db gives up', 'it is done', 'it is done', 'it is done'],
  ],
  'one lacks what has done its part': ['one that goes on without the other', ...bothUp, 'api lacks db', 'db ends'],
  'one lacks another later': ['one that goes on without the other', ...bothUp, '40 ms pass', 'api lacks db'],
  'one ends while it is flushed': ['a service on another', ...bothUp, 'app: restarts api', 'api ends', 'it is written'],
};
