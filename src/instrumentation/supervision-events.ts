/** The facts of supervision, in words. */
import type { DynamicEmitted } from '../../machines/supervision/supervisor-facts.js';
import type { TaskSupervisorEmitted } from '../../machines/supervision/task-supervisor.js';
import type { EventGroup, Rows } from './event-row.js';

const id = 'the id of the child; of a dynamic supervisor its key';
const run = 'which incarnation, from 1';

const reports = {
  'supervisor.gaveUp': {
    about: 'too many restarts: everybody is stopped, and it exits `shutdown`',
    level: 'error',
    fields: { id: 'whose restart was one too many', reason: 'why that had ended; null after a failed start' },
  },
  'call.replied': {
    about: 'a call on its handle is answered',
    level: 'debug',
    fields: { call: 'its number', result: 'the answer' },
    content: ['result'],
  },
  'supervisor.report': {
    about: "what OTP's supervisor would log",
    level: 'debug',
    fields: {
      context: '`childTerminated`, `startError`, `shutdown` or `shutdownError`',
      id: 'of the child',
      reason: "an exit reason, or OTP's term",
      count: 'how many children, where several are reported as one',
    },
  },
} as const;

const supervisorRows: Rows<DynamicEmitted> = {
  'child.started': { about: 'a child runs', level: 'debug', fields: { id, run, info: 'what it said of its start' }, content: ['info'] },
  'child.declined': { about: 'a child had nothing to run, and no fault', level: 'debug', fields: { id, run } },
  'child.startFailed': { about: 'a child could not start', level: 'warn', fields: { id, run, reason: 'why' } },
  'child.exited': {
    about: 'a child ended by itself, or was killed by a stranger',
    level: 'info',
    fields: { id, run, reason: 'why', willRestart: 'is it started again?' },
  },
  'child.stopped': {
    about: 'a child ended because its supervisor told it to',
    level: 'debug',
    fields: { id, run, reason: 'how it ended', tookMs: 'from the request to the end, ms', killed: 'was its time over?' },
  },
  'child.restarted': {
    about: 'a new incarnation runs',
    level: 'warn',
    fields: {
      id,
      run,
      cause: 'why the child `because` had ended; null after a failed start',
      attempt: 'restarts within the period',
      because: 'whose end it was',
    },
  },
  'child.gaveUp': { about: 'a child spent a restart budget of its own and stays down', level: 'error', fields: { id, reason: 'its last exit' } },
  'children.stopped': { about: 'the ends of an ordered stop, of a dynamic supervisor', level: 'debug', fields: { ended: 'who ended how' } },
  ...reports,
};

const taskRows: Rows<TaskSupervisorEmitted> = {
  'task.restarted': {
    about: 'a task that had ended runs again',
    level: 'warn',
    fields: { id: 'of the task', cause: 'why it had ended', attempt: 'restarts within the period' },
  },
  'task.lost': {
    about: 'it ran when the tree was saved, and a function cannot be restored',
    level: 'warn',
    fields: { id: 'of the task', name: 'its own, or its id' },
  },
  ...reports,
};

export const supervisionEvents: readonly EventGroup[] = [
  { title: 'Supervisors', from: '`app.on`, `supervisorHandle(ref).on`', machines: ['supervisor', 'dynamicSupervisor'], rows: supervisorRows },
  { title: 'Task supervisors', from: '`app.tasks.on`', machines: ['taskSupervisor'], rows: taskRows },
];
