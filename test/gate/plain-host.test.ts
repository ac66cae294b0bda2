/** A gate below a host that has XState's own clock, of which a timer of more than 2³¹ − 1 ms fires at once. */
import { expect, it } from 'vitest';
import { createActor, setup, type AnyActorRef } from 'xstate';
import { gate, gateHandle } from '../../src/index.js';
import { NotingClock } from '../noting-clock.js';
import { actor, permitOf } from './gate-world.js';

it('drains without a deadline for as long as it takes, and asks for no timer that there is not', async () => {
  const clock = new NotingClock();
  const host = setup({ actors: { gate: gate({ permits: 1 }) } }).createMachine({ invoke: { id: 'gate', src: 'gate' } });
  const root = createActor(host, { clock }).start();
  const ref = (root.getSnapshot() as { children: { gate: AnyActorRef } }).children.gate;
  const held = gateHandle(ref);
  const permit = permitOf(await held.acquire({ key: 'a', holder: actor() }));
  const drained = held.drain();
  expect([clock.tooLong(), clock.delays.length > 0]).toEqual([[], true]);
  // As long as a timer takes is over, and nothing has come back.
  clock.fireAll();
  expect(ref.getSnapshot().status).toBe('active');
  permit.release();
  await drained;
  expect(ref.getSnapshot().status).toBe('done');
  root.stop();
});
