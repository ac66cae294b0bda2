import { createActor, setup, SimulatedClock, type AnyActorRef } from 'xstate';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { supervisor, supervisorHandle, supervisorMachine } from '../../src/index.js';
import { boom, stage, trapper, worker } from './stage.js';

describe("a supervisor as any logic of the app's own machine", () => {
  const inner = (log: string[]) =>
    supervisor({
      intensity: 5,
      actors: { worker: worker(log), trapper: trapper(log, 50) },
      children: [
        { id: 'a', src: 'worker', input: { name: 'a' } },
        { id: 'b', src: 'trapper', input: { name: 'b' }, shutdownMs: 100 },
      ],
    });

  /** The app's own machine, that invokes the supervisor in one of its states. */
  const host = (log: string[], ended: unknown[] = []) =>
    setup({
      types: { events: {} as { type: 'leave' } | { type: 'crash' } },
      actors: { workers: inner(log) },
      actions: {
        crash: () => {
          throw boom;
        },
        note: ({ event }) => {
          ended.push((event as unknown as { output: unknown }).output);
        },
      },
    }).createMachine({
      initial: 'on',
      on: { crash: { actions: 'crash' } },
      states: { on: { invoke: { id: 'workers', src: 'workers', onDone: { actions: 'note' } }, on: { leave: 'off' } }, off: {} },
    });

  const workersOf = (root: AnyActorRef) => (root.getSnapshot() as { children: { workers?: AnyActorRef } }).children.workers as AnyActorRef;

  it('leaves with the state that invokes it: all are stopped once, no timer waits', () => {
    const here = stage();
    const log: string[] = [];
    const root = here.root(host(log));
    expect(log).toEqual(['+a', '+b']);
    root.send({ type: 'leave' });
    expect(log.slice(2).sort()).toEqual(['-a', '-b']);
    expect(here.clock.pending()).toBe(0);
  });

  it('leaves with the state that invokes it, grandchildren that trap included', () => {
    const here = stage();
    const log: string[] = [];
    const outer = supervisor({ actors: { inner: inner(log) }, children: [{ id: 'inner', src: 'inner', type: 'supervisor' }] });
    const root = here.root(
      setup({ actors: { outer } }).createMachine({ initial: 'on', states: { on: { invoke: { src: 'outer' }, on: { leave: 'off' } }, off: {} } }),
    );
    root.send({ type: 'leave' });
    expect(log.filter((entry) => entry.startsWith('-')).sort()).toEqual(['-a', '-b']);
    expect(here.clock.pending()).toBe(0);
  });

  it('restarts there as anywhere', () => {
    const here = stage();
    const log: string[] = [];
    const root = here.root(host(log));
    const handle = supervisorHandle(workersOf(root));
    handle.child('a')?.send({ type: 'crash' });
    expect(log).toEqual(['+a', '+b', '-a', '+a']);
  });

  it('is stopped in order by its handle, and its host learns of its end', async () => {
    const here = stage();
    const log: string[] = [];
    const ended: unknown[] = [];
    const root = here.root(host(log, ended));
    const report = await here.settle(supervisorHandle(workersOf(root)).stop());
    expect(report).toMatchObject({
      id: 'workers',
      reason: 'normal',
      tookMs: 50,
      killed: [],
      children: [
        { id: 'b', reason: 'shutdown', tookMs: 50 },
        { id: 'a', reason: 'shutdown' },
      ],
    });
    expect(log).toEqual(['+a', '+b', '?b', '-b', '-a']);
    expect(ended).toHaveLength(1);
  });

  it('under a root that crashes is stopped with everything below, once', () => {
    const here = stage();
    const log: string[] = [];
    const root = here.root(host(log));
    root.subscribe({ error: () => {} });
    root.send({ type: 'crash' });
    expect(log.slice(2).sort()).toEqual(['-a', '-b']);
  });

  it('can be spawned, provided later, and given its input then', () => {
    const here = stage();
    const log: string[] = [];
    const bare = supervisorMachine.provide({ actors: { worker: worker(log) } } as never);
    const root = here.root(
      setup({ actors: { bare } }).createMachine({
        context: ({ spawn }) => ({ ref: spawn('bare', { id: 'workers', input: { children: [{ id: 'x', src: 'worker', input: { name: 'x' } }] } }) }),
      }),
    );
    expect(log).toEqual(['+x']);
    expect(root.getSnapshot().status).toBe('active');
  });

  it("runs on XState's SimulatedClock", async () => {
    const log: string[] = [];
    const clock = new SimulatedClock();
    const root = createActor(host(log), { clock }).start();
    const handle = supervisorHandle(workersOf(root));
    const stopped = handle.stop();
    await new Promise(setImmediate);
    clock.increment(50);
    expect(await stopped).toMatchObject({ reason: 'normal', tookMs: 50 });
    root.stop();
  });

  describe("on XState's default clock", () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    it('stops in order within its deadlines, and leaves no timer', async () => {
      const log: string[] = [];
      const root = createActor(host(log)).start();
      const stopped = supervisorHandle(workersOf(root)).stop();
      vi.advanceTimersByTime(50);
      expect(await stopped).toMatchObject({ reason: 'normal', tookMs: 50 });
      root.stop();
      expect(vi.getTimerCount()).toBe(0);
    });

    it('waits for a slow start that has no deadline (footgun: Infinity fires after 1 ms)', () => {
      const slow = setup({}).createMachine({ initial: 'starting', states: { starting: { tags: 'starting' } } });
      const root = createActor(
        setup({ actors: { s: supervisor({ actors: { slow }, children: [{ id: 'slow', src: 'slow' }] }) } }).createMachine({
          invoke: { id: 'workers', src: 's' },
        }),
      ).start();
      vi.advanceTimersByTime(10_000);
      expect(supervisorHandle(workersOf(root)).child('slow')?.getSnapshot().status).toBe('active');
      root.stop();
      expect(vi.getTimerCount()).toBe(0);
    });

    it('takes a deadline beyond what a timer of the runtime can: it does not fire at once (footgun: 2³¹ ms)', async () => {
      const log: string[] = [];
      const stubborn = supervisor({ actors: { trapper: trapper(log) }, children: [{ id: 't', src: 'trapper', shutdownMs: 3_000_000_000 }] });
      const root = createActor(setup({ actors: { s: stubborn } }).createMachine({ invoke: { id: 'workers', src: 's' } })).start();
      let limit = 0;
      const { setTimeout: faked } = globalThis;
      vi.stubGlobal('setTimeout', (fn: () => void, ms: number) => {
        limit = Math.max(limit, ms);
        return faked(fn, ms > 2 ** 31 - 1 ? 1 : ms);
      });
      void supervisorHandle(workersOf(root)).stop();
      vi.advanceTimersByTime(100);
      expect(log).toEqual(['+trapper', '?trapper']);
      expect(limit).toBeLessThanOrEqual(2 ** 31 - 1);
      root.stop();
      vi.unstubAllGlobals();
    });
  });
});
