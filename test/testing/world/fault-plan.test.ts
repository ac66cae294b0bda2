/** Plans of faults: what is refused, what must have struck, and when they end. */
import { describe, expect, it } from 'vitest';
import { EspalierError } from '../../../src/errors.js';
import { createWorld } from '../../../src/testing/world/create-world.js';
import type { Fault } from '../../../src/testing/world/fault-plan.js';
import { WorldFailure } from '../../../src/testing/world/leftovers.js';
import { inWorld, office, workers } from './scenes.js';

describe('a plan', () => {
  it('whose fault never struck fails at the end, by name', async () => {
    const world = createWorld({ seed: 2 });
    await workers(world);
    world.faults.plan([{ fault: 'kill', actor: 'app/wroker', when: { atMs: 0 } }]);
    await world.clock.advanceByAsync(1);
    const end = world.end();
    await expect(end).rejects.toThrow(WorldFailure);
    await expect(end).rejects.toThrow(/seed 2\) had planned faults that never struck.*\n.*app\/wroker/u);
  });

  it('may miss where it says so, or leaves it to chance', async () => {
    await inWorld(async (world) => {
      world.faults.plan([
        { fault: 'kill', actor: 'app/x', when: { nth: 1 }, mayMiss: true },
        { fault: 'drop', to: 'app/x', when: { chance: 0.5 } },
      ]);
      await world.runUntilIdle();
    });
  });

  it('is lifted by the end: what hung hears the order to end', async () => {
    const world = createWorld();
    const { app } = await workers(world, { traps: true, lingerMs: 5, shutdownMs: 1_000 });
    world.faults.strike({ fault: 'hang', actor: 'app/*', when: 'anytime' });
    await world.end();
    expect((app.ref.getSnapshot() as { output?: { children: unknown } }).output?.children).toMatchObject([
      { id: 'b', killed: false },
      { id: 'a', killed: false },
    ]);
  });

  it('that is lifted delivers what it held', async () => {
    const world = createWorld();
    const { got, mail } = await office(world);
    world.faults.strike({ fault: 'hang', actor: 'app/neighbour', when: 'anytime' });
    mail(1);
    await world.end();
    expect(got).toEqual(['1@0']);
  });

  it.each<[string, unknown, RegExp]>([
    ['that is no list', {}, /a plan of faults; at its root/u],
    ['with a fault that nobody knows', [{ fault: 'explode', when: 'anytime' }], /at \[0\]\.fault: .*crash.*, got: "explode"/u],
    ['with a key that nobody knows', [{ fault: 'kill', actor: 'a', when: 'anytime', soon: 1 }], /at \[0\].*soon/u],
    ['without a time', [{ fault: 'kill', actor: 'a' }], /at \[0\]\.when: one of 'anytime', \{ atMs \}, \{ nth \}, \{ chance \}, got: undefined/u],
    ['with a time of the wrong kind', [{ fault: 'drop', to: 'a', when: 'anytime' }], /at \[0\]\.when: one of \{ atMs \}/u],
    ['with a chance above 1', [{ fault: 'drop', to: 'a', when: { chance: 2 } }], /at \[0\]\.when/u],
    [
      'that would lose a word of the runtime',
      [{ fault: 'drop', to: 'a', event: 'supervisor.shutdown', when: { nth: 1 } }],
      /hang or kill the actor/u,
    ],
    ['that turns the clock back', [{ fault: 'clockJump', byMs: -5, when: 'anytime' }], /at \[0\]\.byMs.*got: -5/u],
    ['with a partition of one side', [{ fault: 'partition', between: ['a'], when: 'anytime' }], /at \[0\]\.between/u],
    ['with an actor without a name', [{ fault: 'kill', actor: '', when: 'anytime' }], /at \[0\]\.actor/u],
  ])('%s is refused, and none of it is added', async (_, plan, says) => {
    await using world = createWorld();
    const act = (): void => world.faults.plan(plan as Fault[]);
    expect(act).toThrow(EspalierError);
    expect(act).toThrow(says);
    expect(world.faults.missed()).toEqual([]);
  });
});
