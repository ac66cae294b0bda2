/** Tests that run side by side: the same names, the same seeds, and none sees anything of another's. */
import { createServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { createActor, fromCallback, setup } from 'xstate';
import { afterAll, describe, expect, it, type TestContext } from 'vitest';
import { systemClock } from '../../../src/supervision/clock.js';
import { createWorld, leftovers, startSupervised } from '../../../src/testing/world/create-world.js';
import type { World } from '../../../src/testing/world/world.js';
import { worker } from '../../supervision/stage.js';

/** As many as vitest lets run at once, unless it is told otherwise. */
const side = Array.from({ length: 5 }, (_, index) => index);
/** How many tests of this file have begun a part: those who wait for all prove that they overlap. */
const begun = new Map<string, { count: number; readonly all: Promise<void>; readonly open: () => void }>();

async function together(part: string): Promise<void> {
  let gate = begun.get(part);
  if (gate === undefined) {
    let open = (): void => {};
    const all = new Promise<void>((resolve) => {
      open = resolve;
    });
    gate = { count: 0, all, open };
    begun.set(part, gate);
  }
  if (++gate.count === side.length) gate.open();
  await gate.all;
}

const traces: string[] = [];

async function scene(world: World, meet: () => Promise<void>): Promise<void> {
  const app = await world.startSupervised({
    actors: { worker: worker() },
    children: ['a', 'b'].map((id) => ({ id, src: 'worker' as const, input: { name: id } })),
  });
  await meet();
  world.faults.plan([{ fault: 'kill', actor: 'app/*', when: 'anytime' }]);
  for (const name of ['x', 'y', 'z']) {
    const target = app.child(world.random() < 0.5 ? 'a' : 'b');
    if (target !== undefined) world.post(target, { type: 'hello', id: world.id(name), where: world.namespace });
    await turn();
  }
  await world.runUntilIdle();
  await meet();
  await world.end();
}

describe.concurrent('worlds side by side', () => {
  it.each(side)('go through one and the same scene to the byte (%i)', async (index) => {
    const world = createWorld({ seed: 11, name: 'same' });
    let meeting = 0;
    await scene(world, () => together(`scene ${meeting++}`));
    traces[index] = world.trace.text();
  });

  it.each(side)('find their own leftovers, and those only (%i)', async (index) => {
    const timers: unknown[] = [];
    const own = await leftovers(
      async (world) => {
        await together('leak');
        await turn();
        createActor(setup({}).createMachine({}), { id: `mine-${index}` }).start();
        const beside = fromCallback(() => {
          timers.push(systemClock.setTimeout(() => {}, 1e9));
        });
        await world.startSupervised({ actors: { beside }, children: [{ id: `child-${index}`, src: 'beside' }] });
        world.clock.setTimeout(() => {}, 1_000 + index);
        await turn();
        await together('leaked');
      },
      { graceMs: 0 },
    );
    for (const timer of timers) systemClock.clearTimeout(timer);
    expect(own.map(({ kind, what }) => `${kind} ${what}`)).toEqual([
      `actor mine-${index}`,
      `timer due at ${1_000 + index} ms of the world's clock`,
      'timer a timer of the runtime',
    ]);
  });

  it.each(side)('leave nothing, while others hold sockets open (%i)', async (index) => {
    const server = createServer();
    const mine = leftovers(
      async () => {
        await together('sockets');
        if (index % 2 === 0) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        await together('listening');
      },
      { graceMs: 0 },
    );
    const found = await mine;
    await together('looked');
    if (server.listening) await new Promise((resolve) => server.close(resolve));
    expect(found.map(({ what }) => what)).toEqual(index % 2 === 0 ? ['a TCP server'] : []);
  });

  it.each(side)('must be given the test that they end with (%i)', async () => {
    await together('ends');
    await expect(startSupervised({})).rejects.toThrow(/expected `test`, the test's context: vitest does not tell/u);
  });
});

describe.concurrent('supervised trees side by side', () => {
  const ended: string[] = [];
  for (const index of side) {
    it(`end with the test whose context they are given (${index})`, async (test: TestContext) => {
      const log: string[] = [];
      const app = await startSupervised(
        { actors: { worker: worker(log) }, children: [{ id: 'a', src: 'worker', input: { name: `${index}` } }] },
        { test },
      );
      test.onTestFinished(() => {
        expect(log).toEqual([`+${index}`]);
        ended.push(`${index}`);
      });
      await together('trees');
      expect(app.ref.getSnapshot().status).toBe('active');
    });
  }
  afterAll(() => {
    expect(ended.sort()).toEqual(side.map(String));
  });
});

describe('after them all', () => {
  it('their traces are one', () => {
    expect(traces).toHaveLength(side.length);
    expect(new Set(traces).size).toBe(1);
    expect(traces[0]).toContain('<namespace>');
  });
});
