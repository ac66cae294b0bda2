import { reasonOfOutput } from '../../machines/supervision/exit.js';
import { type TaskEvent, taskMachine } from '../../machines/supervision/task.js';
import { testModel } from './suite.js';
import type { Case } from './walk.js';

const wanted: Readonly<Record<string, unknown>> = {
  succeeded: 'normal',
  failed: { crash: 'boom' },
  cancelled: ['shutdown', 'unwanted'],
  timedOut: ['shutdown', 'timedOut'],
};

const is = (name: string, event: TaskEvent): Case<typeof taskMachine> => ({
  name,
  run: (task) => task.send(event),
  owes: ({ snapshot }) => (snapshot.value === event.type.slice('task.'.length) ? undefined : `it is ${snapshot.value}`),
});

testModel<typeof taskMachine>({
  machine: taskMachine,
  fakes: {},
  starts: { 'a task': undefined },
  cases: [
    is('it succeeds', { type: 'task.succeeded' }),
    is('it fails', { type: 'task.failed', reason: { crash: 'boom' } }),
    is('it is cancelled', { type: 'task.cancelled', reason: ['shutdown', 'unwanted'] }),
    is('its time is up', { type: 'task.timedOut' }),
  ],
  key: () => null,
  invariants: {
    'it ends at the first word of its pool, for the reason given': ({ snapshot, before }) => {
      if (snapshot.status === 'active') return before.value === 'running' && snapshot === before ? undefined : 'it goes on';
      const reason = reasonOfOutput(snapshot.output);
      return JSON.stringify(reason) === JSON.stringify(wanted[snapshot.value]) ? undefined : `${snapshot.value}: ${JSON.stringify(reason)}`;
    },
    'it says nothing': ({ emitted }) => emitted[0]?.type,
  },
});
