/** Espalier: the app's own task supervisor in its two lanes, and a dynamic supervisor over small machines. */
import { createActor, setup, type AnyActorRef } from 'xstate';
import { dynamicSupervisor, orchestrator, supervisorHandle, taskSupervisor, taskSupervisorHandle, type TaskSupervisor } from '../../src/index.js';
import { ignore, pending, smallYoung, type Rig, type Subject, type Work, type WorkersRig } from './subject.js';

/** The app's tasks, in one lane or the other: as it comes, an app has the fast one. */
async function openApp(lane: 'fast' | 'full'): Promise<{ readonly tasks: TaskSupervisor; readonly rig: Pick<Rig, 'burst' | 'stop'> }> {
  const app = orchestrator({ actors: lane === 'fast' ? {} : { tasks: taskSupervisor({ lane }) }, children: [] }).start();
  await app.started();
  const { tasks } = app;
  const stop = async (): Promise<void> => {
    await app.stop();
  };
  return { tasks, rig: { burst: (count, work, noticed) => void stream(tasks, count, work, noticed), stop } };
}

/** Who wants to know of a task's end is called. */
async function openTasks(lane: 'fast' | 'full'): Promise<Rig> {
  const { tasks, rig } = await openApp(lane);
  return {
    ...rig,
    start: (work, noticed, name) => {
      const started = tasks.start(work, name === undefined ? { onEnd: noticed } : { onEnd: noticed, name });
      if (!started.ok) throw new Error(`expected a started task, got: ${started.reason}`);
    },
  };
}

/** Who wants to know of a task's end has a promise of its outcome. */
async function openOutcomes(): Promise<Rig> {
  const { tasks, rig } = await openApp('fast');
  return {
    ...rig,
    start: (work, noticed, name) => {
      const started = tasks.async(work, name === undefined ? {} : { name });
      if (!started.ok) throw new Error(`expected a started task, got: ${started.reason}`);
      void started.task.outcome.then(noticed);
    },
  };
}

/** As many as there are tasks: a list of 100 000, made within the call, would be a part of what it is held to. */
function* itemsOf(count: number): Generator<number> {
  for (let item = 0; item < count; item++) yield item;
}

/** All of them in one call, as many at a time as there are. */
async function stream(tasks: TaskSupervisor, count: number, work: Work, noticed: () => void): Promise<void> {
  for await (const outcome of tasks.stream(itemsOf(count), work, { maxConcurrency: count, ordered: false })) {
    if (!outcome.ok) throw new Error(`expected a task that succeeds, got: ${JSON.stringify(outcome.reason)}`);
    noticed();
  }
}

// As many crashes as there are turns of the loop, and nobody gives up: a short period keeps dozens of restarts in the window, as in an app, and not thousands.
const patience = { intensity: 1_000, periodMs: 1 };

async function openRestarted(lane: 'fast' | 'full', siblings: number, restarted: () => void): Promise<WorkersRig> {
  const tasks = taskSupervisorHandle(createActor(taskSupervisor({ ...patience, lane })).start());
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

export const espalierSubject: Subject = {
  name: 'espalier',
  open: () => openTasks('fast'),
  openWorkers,
  openRestarted: (siblings, restarted) => openRestarted('fast', siblings, restarted),
};

/** The same: its process has other flags. */
const espalierSmallYoungSubject: Subject = { ...espalierSubject, name: smallYoung };

const espalierOutcomeSubject: Subject = { name: 'espalier-outcome', open: openOutcomes };

const espalierFullSubject: Subject = {
  name: 'espalier-full',
  open: () => openTasks('full'),
  openRestarted: (siblings, restarted) => openRestarted('full', siblings, restarted),
  // A task costs tens of times as much as a promise.
  share: () => 0.1,
};

export const espalierSubjects: readonly Subject[] = [espalierSubject, espalierSmallYoungSubject, espalierOutcomeSubject, espalierFullSubject];
