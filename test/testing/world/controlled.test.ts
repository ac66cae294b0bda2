import { fromPromise, setup, type AnyActorLogic } from 'xstate';
import { describe, expect, it } from 'vitest';
import { exitWith, type TaskScope } from '../../../src/index.js';
import { inWorld, kindsOf } from './scenes.js';

describe('a controlled actor', () => {
  const treeOf = (logic: AnyActorLogic, restart: 'permanent' | 'transient' = 'transient') => ({
    actors: { weather: logic },
    children: [{ id: 'weather', src: 'weather' as const, restart, input: { city: 'Bern' } }],
  });

  it('as a child of a supervisor shows its input, and ends as it is told', async () => {
    await inWorld(async (world) => {
      const weather = world.controlled<{ city: string }, number>('weather');
      const app = await world.startSupervised(treeOf(weather, 'permanent'));
      const exits: unknown[] = [];
      app.on('child.exited', ({ reason }) => exits.push(reason));
      expect(weather.calls.map(({ id, input, status }) => [id, input, status])).toEqual([['weather-1', { city: 'Bern' }, 'running']]);
      weather.calls[0]?.resolve(20);
      weather.calls[1]?.reject(new Error('no sky'));
      expect(weather.calls.map(({ status }) => status)).toEqual(['done', 'failed', 'running']);
      expect(exits).toEqual(['normal', { crash: new Error('no sky') }]);
    });
  });

  it('invoked by a machine gives it its output', async () => {
    await inWorld(async (world) => {
      const weather = world.controlled<undefined, number>('weather');
      const machine = setup({ types: { context: {} as { degrees: number } }, actors: { weather: fromPromise<number>(() => Promise.resolve(0)) } })
        .createMachine({
          context: { degrees: 0 },
          initial: 'asking',
          states: { asking: { invoke: { id: 'w', src: 'weather', onDone: 'told', onError: 'lost' } }, told: {}, lost: {} },
        })
        .provide({ actors: { weather: weather as never } });
      const ref = world.start(machine);
      (await weather.next()).resolve(21);
      expect(ref.getSnapshot().value).toBe('told');
    });
  });

  it('answers late, at its moment of the world’s time', async () => {
    await inWorld(async (world) => {
      const weather = world.controlled('weather');
      await world.startSupervised(treeOf(weather));
      weather.calls[0]?.resolveAfter(300, 1);
      await world.clock.advanceByAsync(299);
      expect(weather.calls[0]?.status).toBe('running');
      await world.clock.advanceByAsync(1);
      expect(weather.calls[0]?.status).toBe('done');
    });
  });

  it('that is given up is stopped, its signal aborted, and its late answer set no more', async () => {
    await inWorld(async (world) => {
      const weather = world.controlled('weather');
      const app = await world.startSupervised(treeOf(weather));
      const [call] = weather.calls;
      call?.rejectAfter(300, new Error('late'));
      await app.terminateChild('weather');
      expect([call?.status, call?.signal.aborted, world.clock.pending()]).toEqual(['stopped', true, 0]);
    });
  });

  it('that traps exits is asked to end, and may take its time', async () => {
    await inWorld(async (world) => {
      const weather = world.controlled('weather', { trapExit: true });
      const app = await world.startSupervised(treeOf(weather));
      const stopping = app.stop();
      expect(weather.calls[0]?.received).toEqual([{ type: 'supervisor.shutdown', reason: 'shutdown' }]);
      weather.calls[0]?.resolve(exitWith('shutdown'));
      expect(await stopping).toMatchObject({ killed: [], children: [{ id: 'weather', reason: 'shutdown' }] });
    });
  });

  it('reports to its parent', async () => {
    await inWorld(async (world) => {
      const part = world.controlled('part');
      const log: string[] = [];
      const parent = setup({ actors: { part }, actions: { note: ({ event }) => void log.push(event.type) } }).createMachine({
        invoke: { id: 'part', src: 'part' },
        on: { news: { actions: 'note' } },
      });
      world.start(parent);
      part.calls[0]?.report({ type: 'news' });
      expect(log).toEqual(['news']);
    });
  });

  it('is ended by the scheduler with one of its outcomes, drawn from the seed', async () => {
    const ends = await kindsOf(20, async (world) => {
      const weather = world.controlled('weather', { outcomes: [{ done: 1 }, { error: new Error('x') }] });
      await world.startSupervised({ ...treeOf(weather), children: [{ id: 'w', src: 'weather', restart: 'temporary' }] });
      expect(await world.step()).toBe('settle');
      return String(weather.calls[0]?.status);
    });
    expect(ends).toEqual(new Set(['done', 'failed']));
  });

  it('that hangs is left alone by the scheduler', async () => {
    await inWorld(async (world) => {
      const weather = world.controlled('weather', { outcomes: [{ done: 1 }] });
      await world.startSupervised(treeOf(weather));
      weather.calls[0]?.hang();
      expect(await world.step()).toBeNull();
    });
  });

  it('as a function of a task gives its value, and follows the signal', async () => {
    await inWorld(async (world) => {
      const load = world.controlled<TaskScope, number>('load');
      const app = await world.startSupervised({});
      const first = app.tasks.run(load.fn, { deadlineMs: 100 });
      (await load.next()).resolve(7);
      expect(await first).toEqual({ ok: true, value: 7 });
      const second = app.tasks.run(load.fn, { deadlineMs: 100 });
      const call = await load.next();
      await world.clock.advanceByAsync(100);
      expect(await second).toEqual({ ok: false, reason: 'timedOut' });
      expect([call.status, call.signal.aborted]).toEqual(['stopped', true]);
    });
  });

  it('as a function that hangs outlives the signal: its answer comes when nobody waits any more', async () => {
    await inWorld(async (world) => {
      const load = world.controlled<{ signal: AbortSignal }, number>('load');
      const controller = new AbortController();
      const answers: number[] = [];
      const pending = load.fn({ signal: controller.signal }).then((value) => answers.push(value));
      const [call] = load.calls;
      call?.hang();
      controller.abort();
      expect([call?.status, call?.signal.aborted]).toEqual(['running', true]);
      call?.resolve(1);
      await pending;
      expect(answers).toEqual([1]);
    });
  });

  it('that has ended, or has its answer, cannot be ended again', async () => {
    await inWorld(async (world) => {
      const weather = world.controlled('weather');
      await world.startSupervised(treeOf(weather));
      weather.calls[0]?.resolve(1);
      for (const act of ['resolve', 'reject', 'hang'] as const)
        expect(() => weather.calls[0]?.[act](1)).toThrow('expected the call weather-1 to run, got: "done"');
    });
  });
});

describe('the outcomes of a controlled actor', () => {
  it('are refused when they are none: a misspelt one would be a failure with nothing', async () => {
    await inWorld(async (world) => {
      for (const [outcomes, expected] of [
        [[{ doen: 1 }], 'expected an outcome of a controlled actor with the keys done, error, got: "doen"'],
        [[{ done: 1, error: 2 }], 'expected an outcome to be either { done } or { error }, got:'],
        [[{}], 'expected an outcome to be either { done } or { error }, got: {}'],
        [{ done: 1 }, 'expected `outcomes` to be a list'],
        [[7], 'expected an outcome of a controlled actor to be an object, got: 7'],
      ] as const) {
        expect(() => world.controlled('x', { outcomes } as never)).toThrow(expected);
      }
      expect(() => world.controlled('x', { outcomes: [{ done: undefined }, { error: 'down' }] })).not.toThrow();
    });
  });
});
