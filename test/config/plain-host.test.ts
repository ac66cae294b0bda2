/** A configuration below a host that has XState's own clock, of which a timer of more than 2³¹ − 1 ms fires at once. */
import { expect, it } from 'vitest';
import { createActor, setup } from 'xstate';
import { config, configHandle } from '../../src/index.js';
import { NotingClock } from '../noting-clock.js';
import { Hand, schema, settle } from './config-world.js';

it('that is degraded while no source fails asks for no timer that there is not, and reads nothing again by itself', async () => {
  const clock = new NotingClock();
  const hand = new Hand('hand', { port: 1 });
  const logic = config({ schema, sources: [hand] });
  const root = createActor(setup({ actors: { settings: logic } }).createMachine({ invoke: { id: 'settings', src: 'settings' } }), { clock }).start();
  const settings = configHandle(logic);
  await settings.ready();
  hand.now({ port: -1 });
  clock.fireAll();
  await settle();
  expect(settings.status()).toMatchObject({ status: 'degraded', failing: {}, isRefused: true });
  expect([clock.tooLong(), hand.reads]).toEqual([[], 2]);
  // When even that is over, it reads what is there once, and goes on as before.
  clock.fireAll();
  await settle();
  expect([settings.status().status, settings.get('port'), hand.reads]).toEqual(['degraded', 1, 3]);
  root.stop();
});
