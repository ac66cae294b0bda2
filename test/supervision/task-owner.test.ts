import { createActor, setup, type AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { exitReason, type LinkExit } from '../../src/index.js';
import { boom, stage, type Stage } from './stage.js';
import { inEachLane } from './lanes.js';

const never = () => new Promise<never>(() => {});

/** An owner of tasks that dies with what it is linked to, and can be told to finish. */
const mortal = setup({
  types: { events: {} as { type: 'finish' } | { type: 'crash' } },
  actions: {
    crash: () => {
      throw boom;
    },
  },
}).createMachine({
  id: 'mortal',
  initial: 'alive',
  states: { alive: { on: { finish: 'over', crash: { actions: 'crash' } } }, over: { type: 'final' } },
});

/** An owner that traps exits, and keeps what it is told. */
function trapping(heard: LinkExit[]) {
  return setup({
    types: { events: {} as LinkExit },
    actions: {
      hear: ({ event }) => {
        heard.push(event);
      },
    },
  }).createMachine({
    id: 'trapping',
    on: { 'link.exit': { actions: 'hear' } },
  });
}

function ownerOf(here: Stage, logic: Parameters<Stage['root']>[0], id: string): AnyActorRef {
  const owner = here.root(logic, { id });
  owner.subscribe({ error: () => {} });
  return owner;
}

inEachLane((tasksOn) => {
  describe('the owner of a task', () => {
    it('outlives a linked task that succeeds at once', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const owner = ownerOf(here, mortal, 'owner');
      const started = tasks.async(() => 1, { owner });
      expect(started.ok && (await started.task.outcome)).toEqual({ ok: true, value: 1 });
      expect(exitReason(owner)).toBeNull();
    });

    it('outlives a linked task that succeeds later', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const owner = ownerOf(here, mortal, 'owner');
      const started = tasks.async(() => Promise.resolve(1), { owner });
      expect(started.ok && (await started.task.outcome)).toEqual({ ok: true, value: 1 });
      expect(exitReason(owner)).toBeNull();
    });

    it('dies of the crash of a linked task, at once or later', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const first = ownerOf(here, mortal, 'first');
      const second = ownerOf(here, mortal, 'second');
      tasks.async(
        () => {
          throw boom;
        },
        { owner: first },
      );
      tasks.async(() => Promise.reject(boom), { owner: second });
      await here.flush();
      expect(exitReason(first)).toEqual({ crash: boom });
      expect(exitReason(second)).toEqual({ crash: boom });
    });

    it('that traps exits is told instead', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const heard: LinkExit[] = [];
      const owner = ownerOf(here, trapping(heard), 'owner');
      const started = tasks.async(() => Promise.reject(boom), { owner });
      await here.flush();
      expect(heard).toMatchObject([{ type: 'link.exit', reason: { crash: boom } }]);
      expect(started.ok && heard[0]?.from === started.task.ref).toBe(true);
    });

    it('outlives a task that is not linked', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const owner = ownerOf(here, mortal, 'owner');
      const started = tasks.async(() => Promise.reject(boom), { owner, link: false });
      expect(started.ok && (await started.task.outcome)).toEqual({ ok: false, reason: { crash: boom } });
      expect(exitReason(owner)).toBeNull();
    });

    it('outlives a linked task that it cancels or shuts down', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const owner = ownerOf(here, mortal, 'owner');
      const [one, two] = [tasks.async(never, { owner }), tasks.async(never, { owner })];
      if (one.ok) one.task.cancel();
      if (two.ok) await two.task.shutdown('brutalKill');
      expect(exitReason(owner)).toBeNull();
    });

    it('that crashes takes its linked task with it, and the signal of the task says so', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const owner = ownerOf(here, mortal, 'owner');
      let signal: AbortSignal | undefined;
      const started = tasks.async(
        (scope) => {
          ({ signal } = scope);
          return never();
        },
        { owner },
      );
      owner.send({ type: 'crash' });
      expect(started.ok && (await started.task.outcome)).toEqual({ ok: false, reason: { crash: boom } });
      expect(signal?.aborted).toBe(true);
    });

    it('that finishes in good order leaves its linked task running, as a normal exit signal ends nobody', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const owner = ownerOf(here, mortal, 'owner');
      const started = tasks.async(never, { owner });
      owner.send({ type: 'finish' });
      await here.flush();
      expect(tasks.count()).toBe(1);
      if (started.ok) started.task.cancel();
    });

    it('that is dead already gets no running task', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const owner = createActor(mortal, { clock: here.clock }).start();
      owner.stop();
      const started = tasks.async(never, { owner });
      await here.flush();
      expect(tasks.count()).toBe(0);
      expect(started.ok && (await started.task.outcome)).toMatchObject({ ok: false });
    });

    it('keeps no link to a task that has ended', async () => {
      const here = stage();
      const tasks = tasksOn(here);
      const owner = here.root(mortal, { id: 'owner' });
      const observers = () => (owner as unknown as { observers: Set<unknown> }).observers.size;
      for (let round = 0; round < 3; round++) {
        const started = tasks.async(() => Promise.resolve(round), { owner });
        if (started.ok) await started.task.outcome;
        tasks.async(() => round, { owner });
      }
      expect(observers()).toBe(0);
    });
  });
});
