/** A text that an app calls secret is in nothing that a viewer is told: neither in charts, nor in summaries, nor in what the app is called. */
import { createActor, createMachine, type AnyActorRef } from 'xstate';
import { expect, it, onTestFinished } from 'vitest';
import { recorder } from '../../src/inspector/recorder.js';
import { inspect } from '../../src/inspector/inspector.js';
import { Look } from './look.js';

const secret = 't0psecret99';

it('a secret is not told by the name of a state, a description, a title', async () => {
  const machine = createMachine({
    id: 'm',
    description: `signs in with ${secret}`,
    initial: secret,
    states: { [secret]: { on: { GO: 'other' } }, other: {} },
  });
  const actor = createActor(machine, { id: `app-${secret}` }) as AnyActorRef;
  const live = recorder({ secrets: [secret] });
  live.attach(actor);
  actor.start();
  const eye = inspect(actor, { recorder: live });
  onTestFinished(async () => {
    await eye.close();
    await live.dispose();
    actor.stop();
  });
  const ready = await eye.ready();
  if (!ready.ok) throw new Error('it does not listen');
  const looks = [await Look.at(ready.port, ready.token), await Look.at(ready.port, ready.token)] as const;
  await looks[0].watch('', 'summary');
  await looks[0].first('summary');
  const shown = await looks[1].watch('', 'full');
  expect(JSON.stringify(shown)).toContain('signs in with [hidden]');
  for (const look of looks) expect(JSON.stringify(look.told)).not.toContain(secret);
});
