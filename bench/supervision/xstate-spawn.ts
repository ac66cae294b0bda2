/**
 * Raw XState, as its documentation teaches it: a machine that spawns `fromPromise` children and stops each when it is done.
 *
 * Every spawn and every stop copies the map of children, and stopping the parent takes the square of their number: about 15 s at 10 000.
 */
import { createActor, enqueueActions, fromPromise, setup, spawnChild, stopChild, type AnyActorRef } from 'xstate';
import { ignore, pending, type Rig, type Subject, type Work, type WorkersRig } from './subject.js';

interface Job {
  readonly work: Work;
  readonly noticed: () => void;
}

const job = fromPromise(({ input }: { input: Job }) => input.work());

interface TaskStart {
  readonly type: 'task.start';
  readonly id: string;
  readonly job: Job;
}

const tasks = setup({
  types: {
    context: {} as { jobs: Map<string, () => void> },
    events: {} as TaskStart | { type: 'tasks.fill'; count: number } | { type: 'xstate.done.actor.*'; actorId: string },
  },
  actors: { job },
});

// Defined anew for each supervisor: XState keeps the type of every done event in the definition, and a fresh one does not carry the past of others.
const tasksMachine = () =>
  tasks.createMachine({
    context: () => ({ jobs: new Map() }),
    on: {
      'task.start': {
        actions: [
          spawnChild('job', { id: ({ event }) => event.id, input: ({ event }) => (event as TaskStart).job }),
          ({ context, event }) => context.jobs.set(event.id, event.job.noticed),
        ],
      },
      'tasks.fill': {
        actions: enqueueActions(({ enqueue, event }) => {
          for (let i = 0; i < event.count; i++) enqueue.spawnChild('job', { id: `pending-${i}`, input: { work: pending, noticed: ignore } });
        }),
      },
      'xstate.done.actor.*': {
        actions: [
          stopChild(({ event }) => event.actorId),
          ({ context, event }) => {
            const noticed = context.jobs.get(event.actorId);
            context.jobs.delete(event.actorId);
            noticed?.();
          },
        ],
      },
    },
  });

function openTasks(): Rig {
  const actor = createActor(tasksMachine()).start();
  let count = 0;
  return {
    start: (work, noticed) => actor.send({ type: 'task.start', id: `task-${count++}`, job: { work, noticed } }),
    startPending: (many) => actor.send({ type: 'tasks.fill', count: many }),
    stop: async () => {
      actor.stop();
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

const workers = setup({
  types: {
    events: {} as { type: 'xstate.error.actor.*'; actorId: string },
  },
  actors: { worker },
});

async function openWorkers(count: number, restarted: () => void): Promise<WorkersRig> {
  let latest: AnyActorRef | undefined;
  let running = false;
  const entered: Entered = (self) => {
    latest = self;
    if (running) restarted();
  };
  const machine = workers.createMachine({
    entry: enqueueActions(({ enqueue }) => {
      for (let i = 0; i < count; i++) enqueue.spawnChild('worker', { id: `worker-${i}`, input: { entered } });
    }),
    on: {
      'xstate.error.actor.*': {
        actions: [stopChild(({ event }) => event.actorId), spawnChild('worker', { id: ({ event }) => event.actorId, input: { entered } })],
      },
    },
  });
  const actor = createActor(machine).start();
  running = true;
  return {
    crash: () => latest?.send({ type: 'worker.crash' }),
    // Not stopped: at 10 000 children that alone takes 15 s, and nothing here outlives its last reference.
    stop: async () => void actor,
  };
}

export const xstateSpawnSubject: Subject = {
  name: 'xstate-spawn',
  maxLive: 10_000,
  maxLiveStoppedEachRound: 100,
  // One task costs a quarter of a millisecond in a window of 100, and nine at 10 000 live children.
  share: (live) => (live >= 1_000 ? 0.001 : 0.01),
  open: async () => openTasks(),
  openWorkers,
};
