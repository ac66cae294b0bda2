/** The model of a task: it ends once, at the first word of its pool. */
import { reasonOfOutput } from '../../../machines/supervision/exit.js';
import { taskMachine } from '../../../machines/supervision/task.js';
import type { Model } from '../model/model.js';
import type { Run } from '../model/run.js';

const wanted: Readonly<Record<string, unknown>> = {
  succeeded: 'normal',
  failed: { crash: 'boom' },
  cancelled: ['shutdown', 'unwanted'],
  timedOut: ['shutdown', 'timedOut'],
};

const becomes =
  (state: string) =>
  ({ snapshot }: Run<typeof taskMachine>): string | undefined =>
    snapshot.value === state ? undefined : `it is ${snapshot.value}`;

export const taskModel: Model<typeof taskMachine> = {
  machine: taskMachine,
  inputs: { 'a task': undefined },
  events: {
    'task.succeeded': { 'it succeeds': { owes: becomes('succeeded') } },
    'task.failed': { 'it fails': { payload: { reason: { crash: 'boom' } }, owes: becomes('failed') } },
    'task.cancelled': { 'it is cancelled': { payload: { reason: ['shutdown', 'unwanted'] }, owes: becomes('cancelled') } },
    'task.timedOut': { 'its time is up': { owes: becomes('timedOut') } },
  },
  key: () => null,
  invariants: {
    'it ends at the first word of its pool, for the reason given': ({ snapshot, before }) => {
      if (snapshot.status === 'active') return before.value === 'running' && snapshot === before ? undefined : 'it goes on';
      const reason = reasonOfOutput(snapshot.output);
      return JSON.stringify(reason) === JSON.stringify(wanted[snapshot.value]) ? undefined : `${snapshot.value}: ${JSON.stringify(reason)}`;
    },
    'it says nothing': ({ emitted }) => emitted[0]?.type,
  },
};
