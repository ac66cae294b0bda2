/** Espalier: the app's own task supervisor, whose every task is a machine made by createActor, and a dynamic supervisor over small machines. */
import { createActor, setup, type AnyActorRef } from 'xstate';
import { dynamicSupervisor, orchestrator, supervisorHandle, taskSupervisor, taskSupervisorHandle } from '../../src/index.js';
import { ignore, pending, type Rig, type Subject, type WorkersRig } from './subject.js';

async function openTasks(): Promise<Rig> {
  const app = orchestrator({ actors: {}, children: [] }).start();
  await app.started();
  const { tasks } = app;
  return {
    start: (work, noticed, name) => {
      const started = tasks.async(work, name === undefined ? {} : { name });
      if (!started.ok) throw new Error(`expected a started task, got: ${started.reason}`);
      void started.task.outcome.then(noticed);
    },
    stop: async () => {
      await app.stop();
    },
  };
}

// As many crashes as there are turns of the loop, and nobody gives up: a short period keeps dozens of restarts in the window, as in an app, and not thousands.
const patience = { intensity: 1_000, periodMs: 1 };

async function openRestarted(siblings: number, restarted: () => void): Promise<WorkersRig> {
  const tasks = taskSupervisorHandle(createActor(taskSupervisor(patience)).start());
  for (let i = 0; i < siblings; i++) tasks.start(pending);
  let fail = ignore;
  let entered = ignore;
  const begun = tasks.start(
    () => {
      entered();
      return new Promise<never>((_, reject) => (fail = () => reject(crash)));
    },
    { restart: 'permanent' },
  );
  if (!begun.ok) throw new Error(`expected a started task, got: ${begun.reason}`);
  entered = restarted;
  return {
    crash: () => fail(),
    stop: async () => {
      await tasks.stop();
    },
  };
}

const crash = new Error('the worker crashes');

type Entered = (self: AnyActorRef) => void;

const worker = setup({
  types: { context: {} as { entered: Entered }, input: {} as { entered: Entered }, events: {} as { type: 'worker.crash' } },
}).createMachine({
  context: ({ input }) => input,
  entry: ({ context, self }) => context.entered(self),
  on: {
    'worker.crash': {
      actions: () => {
        throw crash;
      },
    },
  },
});

async function openWorkers(count: number, restarted: () => void): Promise<WorkersRig> {
  let latest: AnyActorRef | undefined;
  const entered: Entered = (self) => {
    latest = self;
  };
  // Ten thousand crashes a second, and nobody gives up: a short period keeps dozens of restarts in the window, as in an app, and not thousands.
  const actor = createActor(dynamicSupervisor({ actors: { worker }, intensity: 1_000, periodMs: 10 })).start();
  const supervisor = supervisorHandle(actor);
  for (let i = 0; i < count; i++) {
    const started = await supervisor.startChild({ id: `worker-${i}`, src: 'worker', input: { entered }, restart: 'permanent' });
    if (!started.ok) throw new Error(`expected a started worker, got: ${String(started.reason)}`);
  }
  // The successor is at work before this fact is told: crash, entry, registration and report are all inside the figure.
  supervisor.on('child.restarted', restarted);
  return {
    crash: () => latest?.send({ type: 'worker.crash' }),
    stop: async () => {
      await supervisor.stop();
    },
  };
}

// A task costs tens of times as much as a promise.
const share = (): number => 0.1;

export const espalierSubject: Subject = { name: 'espalier', open: openTasks, openWorkers, openRestarted, share, keptShare: 1 };

/** The tasks of `espalier` are the only ones there are: what stands under both names is the same. */
const espalierFullSubject: Subject = { name: 'espalier-full', open: openTasks, openRestarted, share };

export const espalierSubjects: readonly Subject[] = [espalierSubject, espalierFullSubject];
