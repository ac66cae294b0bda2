import type { AnyActorRef } from 'xstate';
import { describe, expect, it } from 'vitest';
import { orchestrator } from '../../../src/index.js';
import { startSupervised } from '../../../src/testing/world/create-world.js';
import { worker } from '../../supervision/stage.js';
import { inWorld } from './scenes.js';

describe('a supervised tree of one test', () => {
  it('may be described by options or by an orchestrator', async () => {
    const options = { actors: { worker: worker() }, children: [{ id: 'a', src: 'worker' as const }] };
    for (const spec of [options, orchestrator(options)]) {
      await inWorld(async (world) => {
        const app = await world.startSupervised(spec);
        expect(await app.countChildren()).toMatchObject({ active: 1 });
      });
    }
  });

  it('ends with its test: its children are stopped in order, in whatever time they take', async () => {
    const log: string[] = [];
    const ends: (() => Promise<void>)[] = [];
    const test = { onTestFinished: (end: () => Promise<void>) => void ends.push(end) };
    const app = await startSupervised(
      {
        actors: { worker: worker(log) },
        children: ['a', 'b'].map((id) => ({ id, src: 'worker' as const, input: { name: id } })),
      },
      { test, seed: 3 },
    );
    expect([app.world.seed, log]).toEqual([3, ['+a', '+b']]);
    for (const end of ends) await end();
    expect(log).toEqual(['+a', '+b', '-b', '-a']);
  });

  it('ends with a test of node:test just so', async () => {
    const ends: (() => Promise<void>)[] = [];
    const app = await startSupervised({}, { test: { after: (end: () => Promise<void>) => void ends.push(end) } });
    for (const end of ends) await end();
    expect(app.ref.getSnapshot().status).toBe('done');
  });

  it('ends at the end of its block', async () => {
    const log: string[] = [];
    {
      await using _app = await startSupervised({ actors: { worker: worker(log) }, children: [{ id: 'a', src: 'worker' }] });
    }
    expect(log).toEqual(['+worker', '-worker']);
  });

  let former: AnyActorRef | undefined;
  it('joins the test that vitest runs…', async () => {
    former = (await startSupervised({})).ref;
    expect(former.getSnapshot().status).toBe('active');
  });
  it('…and has ended with it', () => {
    expect(former?.getSnapshot().status).toBe('done');
  });
});
