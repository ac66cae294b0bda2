/** Each fault, on a real supervised tree, and what the tree makes of it. */
import { fromCallback, setup, type EventObject } from 'xstate';
import { describe, expect, it } from 'vitest';
import { inWorld, office, workers } from './scenes.js';

const letter = { to: 'app/neighbour', from: 'app/clerk' };

describe('a crash', () => {
  it('at its moment fails the actor with an error, and its supervisor restarts it', async () => {
    await inWorld(async (world) => {
      const { app, facts } = await workers(world);
      const reasons: unknown[] = [];
      app.on('child.exited', ({ reason }) => reasons.push(reason));
      world.faults.plan([{ fault: 'crash', actor: 'app/a', error: 'disk', when: { atMs: 20 } }]);
      await world.clock.advanceByAsync(19);
      expect(facts).toEqual([]);
      await world.clock.advanceByAsync(1);
      expect([facts, reasons]).toEqual([['child.exited a', 'child.restarted a'], [{ crash: new Error('disk') }]]);
    });
  });

  it('at the nth event loses that event', async () => {
    await inWorld(async (world) => {
      const { world: _, app, got, mail } = await office(world);
      world.faults.plan([{ fault: 'crash', actor: 'app/neighbour', when: { nth: 2 } }]);
      for (const n of [1, 2, 3]) mail(n);
      expect(got).toEqual(['1@0', '3@0']);
      expect(await app.countChildren()).toMatchObject({ active: 2 });
      expect(world.trace.text()).toContain('0 fault crash app/neighbour\n');
    });
  });

  it('of a root is nobody’s unhandled error', async () => {
    await inWorld(async (world) => {
      const ref = world.start(setup({}).createMachine({ id: 'alone' }), { id: 'alone' });
      expect(world.faults.strike({ fault: 'crash', actor: 'alone', when: 'anytime' })).toBe(1);
      expect(ref.getSnapshot()).toMatchObject({ status: 'error', error: new Error('planned crash') });
    });
  });

  it('strikes as often as it may: more often than its supervisor bears', async () => {
    await inWorld(async (world) => {
      const { app, facts } = await workers(world);
      world.faults.plan([{ fault: 'crash', actor: 'app/a', when: { nth: 1 }, times: 4 }]);
      for (let count = 0; count < 4; count++) app.child('a')?.send({ type: 'hello' });
      expect(facts.filter((fact) => fact === 'child.restarted a')).toHaveLength(3);
      expect(facts).toContain('supervisor.gaveUp a');
      expect(app.ref.getSnapshot()).toMatchObject({ status: 'done' });
    });
  });
});

describe('a kill', () => {
  it('cannot be trapped, and is seen as killed', async () => {
    await inWorld(async (world) => {
      const { app, facts } = await workers(world, { traps: true });
      const reasons: unknown[] = [];
      app.on('child.exited', ({ reason }) => reasons.push(reason));
      world.faults.plan([{ fault: 'kill', actor: 'app/b', when: { atMs: 5 } }]);
      await world.clock.advanceByAsync(5);
      expect([facts, reasons]).toEqual([['child.exited b', 'child.restarted b'], ['killed']]);
    });
  });

  it('at any time is one of the things that the scheduler chooses among', async () => {
    const moments = new Set<number>();
    for (let seed = 0; seed < 12; seed++) {
      await inWorld(async (world) => {
        const { facts } = await workers(world);
        world.faults.plan([{ fault: 'kill', actor: 'app/*', when: 'anytime' }]);
        for (const ms of [1, 2, 3]) world.clock.setTimeout(() => {}, ms);
        const kinds: string[] = [];
        for (let kind = await world.step(); kind !== null; kind = await world.step()) kinds.push(kind);
        moments.add(kinds.indexOf('fault'));
        expect(facts.filter((fact) => fact.startsWith('child.restarted'))).toHaveLength(1);
      }, seed);
    }
    expect([...moments].sort((left, right) => left - right)).toEqual([0, 1, 2, 3]);
  });

  it('by a pattern strikes all whom it means, pools never', async () => {
    await inWorld(async (world) => {
      const { facts } = await workers(world);
      expect(world.faults.strike({ fault: 'kill', actor: '**/held', when: 'anytime' })).toBe(2);
      expect(world.faults.strike({ fault: 'kill', actor: 'app/*', when: 'anytime' })).toBe(2);
      expect(facts).toEqual(['child.exited a', 'child.restarted a', 'child.exited b', 'child.restarted b']);
    });
  });
});

describe('a hang', () => {
  it('lets nothing reach the actor for its time; all of it comes after, in its order', async () => {
    await inWorld(async (world) => {
      const { got, mail } = await office(world);
      world.faults.plan([{ fault: 'hang', actor: 'app/neighbour', forMs: 100, when: { nth: 2 } }]);
      for (const n of [1, 2, 3]) mail(n);
      await world.clock.advanceByAsync(99);
      expect(got).toEqual(['1@0']);
      await world.clock.advanceByAsync(1);
      expect(got).toEqual(['1@0', '2@100', '3@100']);
      mail(4);
      expect(got.at(-1)).toBe('4@100');
    });
  });

  it('for ever makes it deaf to the order to end, and its supervisor kills it at its deadline', async () => {
    await inWorld(async (world) => {
      const { app } = await workers(world, { traps: true, shutdownMs: 70 });
      world.faults.plan([{ fault: 'hang', actor: 'app/a', when: { atMs: 0 } }]);
      await world.clock.advanceByAsync(0);
      const stopping = app.stop();
      await world.clock.advanceByAsync(100);
      expect(await stopping).toMatchObject({ tookMs: 70, killed: ['a'] });
    });
  });

  it('keeps the answer of a controlled call from whoever waits for it', async () => {
    await inWorld(async (world) => {
      const job = world.controlled('job');
      const app = await world.startSupervised({ actors: { job }, children: [{ id: 'job', src: 'job', restart: 'temporary' }] });
      world.faults.strike({ fault: 'hang', actor: 'app/job', forMs: 10, when: 'anytime' });
      job.calls[0]?.resolve(1);
      expect([job.calls[0]?.status, job.calls[0]?.isAnswered]).toEqual(['running', true]);
      await world.clock.advanceByAsync(10);
      expect(job.calls[0]?.status).toBe('done');
      expect(await app.countChildren()).toMatchObject({ active: 0 });
    });
  });
});

describe('a hanging actor', () => {
  it('says nothing either, until it goes on', async () => {
    await inWorld(async (world) => {
      const log: string[] = [];
      const talker = fromCallback<EventObject>(({ system, sendBack }) => {
        const timer = system._clock.setTimeout(() => sendBack({ type: 'news' }), 5);
        return () => system._clock.clearTimeout(timer);
      });
      const parent = setup({ actors: { talker }, actions: { note: () => void log.push(`${world.clock.now()}`) } }).createMachine({
        invoke: { id: 'talker', src: 'talker' },
        on: { news: { actions: 'note' } },
      });
      world.start(parent, { id: 'parent' });
      world.faults.strike({ fault: 'hang', actor: 'parent/talker', forMs: 20, when: 'anytime' });
      await world.clock.advanceByAsync(30);
      expect(log).toEqual(['20']);
    });
  });

  it('can still crash, and its supervisor learns of it', async () => {
    await inWorld(async (world) => {
      const { app, facts } = await workers(world);
      world.faults.strike({ fault: 'hang', actor: 'app/a', when: 'anytime' });
      world.faults.strike({ fault: 'crash', actor: 'app/a', when: 'anytime' });
      expect(facts).toEqual(['child.exited a', 'child.restarted a']);
      expect(await app.countChildren()).toMatchObject({ active: 2 });
    });
  });
});

describe('slowness', () => {
  it('brings everything later by so much, in its order, and for so long', async () => {
    await inWorld(async (world) => {
      const { got, mail } = await office(world);
      world.faults.plan([{ fault: 'slow', actor: 'app/neighbour', byMs: 30, forMs: 100, when: { nth: 1 } }]);
      mail(1);
      await world.clock.advanceByAsync(90);
      mail(2);
      await world.clock.advanceByAsync(15);
      mail(3);
      await world.clock.advanceByAsync(20);
      mail(4);
      expect(got).toEqual(['1@30', '2@120', '3@120', '4@125']);
    });
  });

  it('lets an actor miss the deadline of its shutdown', async () => {
    await inWorld(async (world) => {
      const { app } = await workers(world, { traps: true, shutdownMs: 40 });
      world.faults.strike({ fault: 'slow', actor: 'app/b', byMs: 60, when: 'anytime' });
      const stopping = app.stop();
      await world.clock.advanceByAsync(200);
      expect(await stopping).toMatchObject({ killed: ['b'] });
    });
  });
});

describe('messages', () => {
  it('dropped do not arrive', async () => {
    await inWorld(async (world) => {
      const { got, mail } = await office(world);
      world.faults.plan([{ fault: 'drop', ...letter, when: { nth: 2 } }]);
      for (const n of [1, 2, 3]) mail(n);
      expect(got).toEqual(['1@0', '3@0']);
      expect(world.trace.lines).toContain('0 lost app/clerk → app/neighbour letter {"n":2}');
    });
  });

  it('dropped by chance are others under another seed, and the same under the same', async () => {
    const arrived = async (seed: number): Promise<string> => {
      let all = '';
      await inWorld(async (world) => {
        const { got, mail } = await office(world);
        world.faults.plan([{ fault: 'drop', ...letter, event: 'letter', when: { chance: 0.5 } }]);
        for (let n = 0; n < 20; n++) mail(n);
        all = got.join();
      }, seed);
      return all;
    };
    const [first, again, other] = [await arrived(1), await arrived(1), await arrived(2)];
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    expect(first.split(',').length).toBeLessThan(20);
  });

  it('duplicated arrive twice', async () => {
    await inWorld(async (world) => {
      const { got, mail } = await office(world);
      world.faults.plan([{ fault: 'duplicate', ...letter, when: { nth: 1 } }]);
      for (const n of [1, 2]) mail(n);
      expect(got).toEqual(['1@0', '1@0', '2@0']);
    });
  });

  it('duplicated arrive once where the first ends the actor', async () => {
    await inWorld(async (world) => {
      const { app } = await workers(world);
      world.faults.plan([{ fault: 'duplicate', to: 'app/a', event: 'finish', when: { nth: 1 } }]);
      app.child('a')?.send({ type: 'finish' });
      expect(world.trace.lines.filter((line) => line === '0 event outside → app/a finish')).toHaveLength(1);
    });
  });

  it('reordered come behind the next of their channel', async () => {
    await inWorld(async (world) => {
      const { got, mail } = await office(world);
      world.faults.plan([{ fault: 'reorder', ...letter, when: { nth: 1 } }]);
      for (const n of [1, 2, 3]) mail(n);
      expect(got).toEqual(['2@0', '1@0', '3@0']);
    });
  });

  it('reordered with none behind them come when their time is up', async () => {
    await inWorld(async (world) => {
      const { got, mail } = await office(world);
      world.faults.plan([{ fault: 'reorder', ...letter, withinMs: 40, when: { nth: 1 } }]);
      mail(1);
      await world.clock.advanceByAsync(40);
      expect(got).toEqual(['1@40']);
    });
  });

  it('from a moment on: the first that matches then', async () => {
    await inWorld(async (world) => {
      const { got, mail } = await office(world);
      world.faults.plan([{ fault: 'drop', ...letter, when: { atMs: 10 } }]);
      mail(1);
      await world.clock.advanceByAsync(10);
      mail(2);
      mail(3);
      expect(got).toEqual(['1@0', '3@10']);
    });
  });

  it('of the runtime always arrive: a tree under loss of everything still stops in order', async () => {
    await inWorld(async (world) => {
      const { app, facts } = await workers(world, { traps: true });
      world.faults.plan([{ fault: 'drop', to: '**', when: { chance: 1 } }]);
      app.child('a')?.send({ type: 'crash' });
      expect(facts).toEqual([]);
      const stopping = app.stop();
      await world.clock.advanceByAsync(10);
      expect(await stopping).toMatchObject({ reason: 'normal', killed: [], children: [{ id: 'b' }, { id: 'a' }] });
    });
  });
});

describe('a partition', () => {
  it('loses what crosses it, both ways, until it is healed; the rest passes', async () => {
    await inWorld(async (world) => {
      const { app, got, mail } = await office(world);
      world.faults.plan([{ fault: 'partition', between: ['app/clerk', 'app/neighbour'], forMs: 50, when: { atMs: 10 } }]);
      mail(1);
      await world.clock.advanceByAsync(10);
      mail(2);
      app.child('neighbour')?.send({ type: 'letter', n: 3 });
      await world.clock.advanceByAsync(50);
      mail(4);
      expect(got).toEqual(['1@0', '3@10', '4@60']);
      expect(world.trace.lines.filter((line) => /^\d+ fault /u.test(line))).toEqual([
        '10 fault partition app/clerk | app/neighbour',
        '60 fault partition app/clerk | app/neighbour is over',
      ]);
    });
  });

  it('can cut off the outside', async () => {
    await inWorld(async (world) => {
      const { got, mail, app } = await office(world);
      world.faults.strike({ fault: 'partition', between: ['outside', 'app/clerk'], when: 'anytime' });
      mail(1);
      app.child('neighbour')?.send({ type: 'letter', n: 2 });
      expect(got).toEqual(['2@0']);
    });
  });
});

describe('a clock jump', () => {
  it('makes what came due late, and all of it comes, in its order', async () => {
    await inWorld(async (world) => {
      const log: string[] = [];
      for (const ms of [300, 100, 2_000]) world.clock.setTimeout(() => log.push(`${ms}@${world.clock.now()}`), ms);
      world.faults.plan([{ fault: 'clockJump', byMs: 1_000, when: { atMs: 50 } }]);
      await world.clock.advanceByAsync(60);
      expect([log, world.clock.now()]).toEqual([['100@1050', '300@1050'], 1_050]);
      await world.clock.advanceToAsync(2_000);
      expect(log.at(-1)).toBe('2000@2000');
    });
  });

  it('lets a supervisor forget restarts: its window is over', async () => {
    await inWorld(async (world) => {
      const { app, facts } = await workers(world);
      for (let count = 0; count < 3; count++) app.child('a')?.send({ type: 'crash' });
      world.faults.strike({ fault: 'clockJump', byMs: 6_000, when: 'anytime' });
      app.child('a')?.send({ type: 'crash' });
      expect(facts.filter((fact) => fact === 'child.restarted a')).toHaveLength(4);
      expect(facts).not.toContain('supervisor.gaveUp a');
    });
  });

  it('in a step leaves the order of what is late to the scheduler', async () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 12; seed++) {
      await inWorld(async (world) => {
        const log: string[] = [];
        for (const ms of [100, 300]) world.clock.setTimeout(() => log.push(`${ms}`), ms);
        world.faults.plan([{ fault: 'clockJump', byMs: 1_000, when: { atMs: 50 } }]);
        await world.runUntilIdle();
        orders.add(log.join());
      }, seed);
    }
    expect(orders).toEqual(new Set(['100,300', '300,100']));
  });
});
