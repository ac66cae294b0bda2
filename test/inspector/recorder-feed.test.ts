/** The recorder, as the server asks it. */
import { createActor, createMachine, type AnyActorRef } from 'xstate';
import { expect, it, onTestFinished } from 'vitest';
import { planInspector } from '../../src/inspector/plan.js';
import { recorderFeed } from '../../src/inspector/recorder-feed.js';
import { sceneAt } from '../../src/recording/scene.js';
import { parseRecording } from '../../src/wire/recording/parse.js';

it('gives a recording that opens, however often somebody has looked and gone', () => {
  const lamp = createMachine({ id: 'lamp', initial: 'off', states: { off: { on: { TURN: 'on' } }, on: { on: { TURN: 'off' } } } });
  const actor = createActor(lamp, { id: 'lamp' }) as AnyActorRef;
  const feed = recorderFeed(actor, planInspector());
  actor.start();
  onTestFinished(() => {
    feed.dispose();
    actor.stop();
  });
  parseRecording(feed.recording());
  for (let turn = 0; turn < 3; turn++) {
    const unfollow = feed.follow('', 'full', () => undefined);
    actor.send({ type: 'TURN' });
    const { lines } = parseRecording(feed.recording());
    expect(lines[0]?.type).toBe('@espalier.keyframe');
    expect(sceneAt(lines).actors.get('lamp')).toMatchObject({ value: turn % 2 === 0 ? 'on' : 'off' });
    unfollow();
    actor.send({ type: 'TURN' });
    actor.send({ type: 'TURN' });
  }
  parseRecording(feed.recording());
});
