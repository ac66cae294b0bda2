import { emit, fromCallback, setup, type AnyActorRef, type EventObject } from 'xstate';
import { describe, expect, it } from 'vitest';
import { EspalierError } from '../../../src/errors.js';
import { createWorld } from '../../../src/testing/world/create-world.js';
import { WorldFailure } from '../../../src/testing/world/leftovers.js';
import type { World } from '../../../src/testing/world/world.js';
import { worker } from '../../supervision/stage.js';
import { inWorld, kindsOf } from './scenes.js';

/** Writes down what it is sent. */
function listener(log: string[]) {
  return fromCallback<EventObject & { n?: number }>(({ receive }) => {
    receive(({ type, n }) => log.push(n === undefined ? type : `${type} ${n}`));
  });
}

/** Ticks every `ms`, for ever. */
const ticker = setup({ types: { context: {} as { ticks: number } } }).createMachine({
  id: 'ticker',
  context: { ticks: 0 },
  initial: 'waiting',
  states: { waiting: { after: { 10: { target: 'waiting', reenter: true, actions: emit({ type: 'tick' }) } } } },
});

describe('the scheduler', () => {
  const order = async (world: World): Promise<string> => {
    const log: string[] = [];
    const a = world.start(listener(log), { id: 'a' }) as AnyActorRef;
    const from = world.start(setup({}).createMachine({ id: 'b' }), { id: 'b' });
    world.post(a, { type: 'x', n: 1 });
    world.post(a, { type: 'x', n: 2 });
    world.post(a, { type: 'y', n: 1 }, { from: from as AnyActorRef });
    world.clock.setTimeout(() => log.push('timer'), 5);
    await world.runUntilIdle();
    return log.join(',');
  };

  it('chooses among all that could happen, by the seed, and reaches every order that there is', async () => {
    const orders = await kindsOf(200, order);
    expect([...orders].sort()).toEqual(
      [
        'timer,x 1,x 2,y 1',
        'timer,x 1,y 1,x 2',
        'timer,y 1,x 1,x 2',
        'x 1,timer,x 2,y 1',
        'x 1,timer,y 1,x 2',
        'x 1,x 2,timer,y 1',
        'x 1,x 2,y 1,timer',
        'x 1,y 1,timer,x 2',
        'x 1,y 1,x 2,timer',
        'y 1,timer,x 1,x 2',
        'y 1,x 1,timer,x 2',
        'y 1,x 1,x 2,timer',
      ].sort(),
    );
  });

  it('keeps the order of messages from one sender to one receiver', async () => {
    for (const found of await kindsOf(40, order)) expect(found.indexOf('x 1')).toBeLessThan(found.indexOf('x 2'));
  });

  it('chooses among timers of one moment too; moved by hand, the clock fires them in the order of their setting', async () => {
    const tie = async (world: World): Promise<string> => {
      const log: string[] = [];
      for (const name of ['a', 'b']) world.clock.setTimeout(() => log.push(name), 10);
      await world.runUntilIdle();
      return log.join();
    };
    expect((await kindsOf(20, tie)).size).toBe(2);
    const byHand = async (world: World): Promise<string> => {
      const log: string[] = [];
      for (const name of ['a', 'b']) world.clock.setTimeout(() => log.push(name), 10);
      await world.clock.advanceByAsync(10);
      return log.join();
    };
    expect([...(await kindsOf(20, byHand))]).toEqual(['a,b']);
  });

  it('a timer that is taken back when its moment has come does not fire', async () => {
    const once = async (world: World): Promise<string> => {
      const log: string[] = [];
      const timers: unknown[] = [];
      for (const name of ['a', 'b']) {
        timers.push(
          world.clock.setTimeout(() => {
            log.push(name);
            for (const timer of timers) world.clock.clearTimeout(timer);
          }, 10),
        );
      }
      const steps = await world.runUntilIdle();
      return `${log.join()} ${steps} ${world.clock.pending()}`;
    };
    expect(await kindsOf(20, once)).toEqual(new Set(['a 1 0', 'b 1 0']));
  });

  it('lets promises settle between two steps', async () => {
    await inWorld(async (world) => {
      const log: string[] = [];
      world.clock.setTimeout(() => void Promise.resolve().then(() => log.push('promise')), 1);
      world.clock.setTimeout(() => log.push('timer'), 2);
      await world.runUntilIdle();
      expect(log).toEqual(['promise', 'timer']);
    });
  });

  it('settle() does all that takes no time, and no more', async () => {
    await inWorld(async (world) => {
      const log: string[] = [];
      const app = await world.startSupervised({ actors: { listener: listener(log) }, children: [{ id: 'a', src: 'listener' }] });
      world.post(app.child('a') as AnyActorRef, { type: 'x' });
      world.clock.setTimeout(() => log.push('timer'), 1);
      expect(await world.settle()).toBe(1);
      expect([log, world.clock.now()]).toEqual([['x'], 0]);
      await world.runUntilIdle();
      expect([log, world.clock.now()]).toEqual([['x', 'timer'], 1]);
    });
  });

  it('settle() strikes no fault: those of any time wait for time to pass', async () => {
    await inWorld(async (world) => {
      const ref = world.start(setup({}).createMachine({ id: 'alone' }), { id: 'alone' });
      world.faults.plan([{ fault: 'kill', actor: 'alone', when: 'anytime' }]);
      expect(await world.settle()).toBe(0);
      expect(ref.getSnapshot().status).toBe('active');
      expect(await world.runUntilIdle()).toBe(1);
      expect(ref.getSnapshot().status).toBe('stopped');
    });
  });

  it('runFor() goes through a stretch of time, to its end', async () => {
    await inWorld(async (world) => {
      const ref = world.start(ticker);
      let ticks = 0;
      ref.on('tick' as never, () => ticks++);
      await world.runFor(45);
      expect([ticks, world.clock.now()]).toEqual([4, 45]);
    });
  });

  it('runUntilIdle() says which limit stopped it, and what was still to come', async () => {
    await inWorld(async (world) => {
      world.start(ticker);
      const run = world.runUntilIdle({ maxSteps: 20 });
      await expect(run).rejects.toThrow(WorldFailure);
      await expect(run).rejects.toThrow(/seed 3\) is not idle after 20 steps \(maxSteps\); still ready: timer\. .*runFor/u);
    }, 3);
  });

  it('a message to an actor that has ended is lost, and the trace says so', async () => {
    await inWorld(async (world) => {
      const app = await world.startSupervised({ actors: { worker: worker() }, children: [{ id: 'a', src: 'worker', restart: 'temporary' }] });
      const a = app.child('a') as AnyActorRef;
      world.post(a, { type: 'finish' });
      world.post(a, { type: 'crash' });
      await world.runUntilIdle();
      expect(world.trace.lines).toContain('0 lost outside → app/a crash');
    });
  });
});

describe('ids, chance and names', () => {
  it('ids are counted by kind, in each world anew', async () => {
    const ids = (world: World) => Promise.resolve([world.id('call'), world.id('call'), world.id('turn')].join());
    expect(await inWorld(ids, 1)).toBe('call-1,call-2,turn-1');
    expect(await inWorld(ids, 1)).toBe('call-1,call-2,turn-1');
  });

  it('chance comes from the seed, and drawing it changes nothing of the order', async () => {
    const draw = (world: World) => Promise.resolve([world.random(), world.random()].join());
    expect(await inWorld(draw, 4)).toBe(await inWorld(draw, 4));
    expect(await inWorld(draw, 4)).not.toBe(await inWorld(draw, 5));
    const log = async (draws: number) =>
      await inWorld(async (world) => {
        for (let count = 0; count < draws; count++) world.random();
        const fired: string[] = [];
        for (const name of ['a', 'b', 'c', 'd']) world.clock.setTimeout(() => fired.push(name), 1);
        await world.runUntilIdle();
        return fired.join();
      }, 4);
    expect(await log(0)).toBe(await log(7));
  });

  it('two worlds never share a namespace, even of one name and seed', async () => {
    const names = await Promise.all([1, 1].map((seed) => inWorld((world) => Promise.resolve(world.namespace), seed)));
    expect(new Set(names).size).toBe(2);
  });

  it('an actor is found by its path; pools are no step of it, and later incarnations are numbered', async () => {
    await inWorld(async (world) => {
      const app = await world.startSupervised({ actors: { worker: worker() }, children: [{ id: 'a', src: 'worker' }] }, { id: 'root' });
      const first = app.child('a') as AnyActorRef;
      first.send({ type: 'crash' });
      const second = world.find('root/a') as AnyActorRef;
      expect(second).toBe(app.child('a'));
      expect([world.pathOf(first), world.pathOf(second), world.find('root/b')]).toEqual(['root/a', 'root/a#2', undefined]);
    });
  });
});

describe('bad input is said at the call', () => {
  it.each<[string, (world: World) => unknown, RegExp]>([
    ['an option that nobody knows', () => createWorld({ sede: 1 } as never), /with the keys seed, .*got: "sede"/u],
    ['no options', () => createWorld(null as never), /to be an object, got: null/u],
    ['a seed that is no whole number', () => createWorld({ seed: 1.5 }), /`seed` to be a whole number, got: 1\.5/u],
    ['a name that is no text', () => createWorld({ name: 1 as never }), /`name`/u],
    ['a test that is none', () => createWorld({ test: {} as never }), /onTestFinished \(vitest\) or after \(node:test\)/u],
    ['an allowance of no kind', () => createWorld({ allow: [{ kind: 'x' as never, because: 'y' }] }), /`kind` to be one of actor, timer/u],
    ['an allowance without a reason', () => createWorld({ allow: [{ kind: 'actor', because: '' }] }), /`because`/u],
    ['no lines of a trace', () => createWorld({ maxTraceLines: 0 }), /`maxTraceLines`/u],
    ['a controlled actor without a name', (world) => world.controlled(''), /the name of a controlled actor/u],
    ['a controlled actor with unknown options', (world) => world.controlled('a', { outcome: [] } as never), /outcomes, trapExit.*got: "outcome"/u],
    ['a message to nobody', (world) => world.post(undefined as never, { type: 'x' }), /an actor to post to, got: undefined/u],
    ['steps that are no count', (world) => world.runUntilIdle({ maxSteps: 0 }), /`maxSteps`/u],
    ['a time that is none', (world) => world.runFor(-1), /`ms` to be ms of at least 0, got: -1/u],
    ['an unknown option of a start', (world) => world.startSupervised({}, { name: 'x' } as never), /with the keys id, snapshot/u],
  ])('%s', async (_, act, says) => {
    await using world = createWorld();
    const thrown = await Promise.resolve()
      .then(() => act(world))
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(thrown).toBeInstanceOf(EspalierError);
    expect((thrown as Error).message).toMatch(says);
    expect((thrown as EspalierError).code).toBe('testing/invalid-options');
  });

  it('a world that has ended starts nothing', async () => {
    const world = createWorld();
    await world.end();
    expect(() => world.start(ticker)).toThrow('expected a world that has not ended');
    await expect(world.step()).rejects.toThrow('expected a world that has not ended');
  });
});
