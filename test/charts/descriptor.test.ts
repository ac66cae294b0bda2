/** A descriptor takes what XState says that it takes. */
import { createActor, createMachine } from 'xstate';
import { expect, it } from 'vitest';
import { takes } from '../../src/charts/descriptor.js';

const types = ['call', 'call.made', 'call.made.twice', 'callback', 'cal', 'other'];

it.each(['call', 'call.*', 'call.made.*', 'call.made', '*'])('%s', (descriptor) => {
  const actor = createActor(createMachine({ on: { [descriptor]: { actions: () => undefined } } })).start();
  const snapshot = actor.getSnapshot();
  actor.stop();
  expect(types.filter((type) => takes(descriptor, type))).toEqual(types.filter((type) => snapshot.can({ type })));
});
