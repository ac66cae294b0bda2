/** Many agents, each with a keeper and a budget of its own: what one costs does not depend on how many the others are. */
import { expect, it } from 'vitest';
import { fromCallback } from 'xstate';
import { createAgents } from '../../src/agents/agents-handle.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

it('holds three thousand that run, of whom one flaps and is alone in that', { timeout: 120_000 }, async () => {
  const logics = {
    idle: fromCallback(({ receive }) => {
      receive(() => {
        throw new Error('no more');
      });
    }),
  };
  const agents = createAgents({ logics, maxAgents: 3_000 }, { clock: new VirtualClock() });
  for (let index = 0; index < 3_000; index++) {
    await agents.register({ id: `agent${index}`, src: 'idle', capabilities: [index % 30 === 0 ? 'rare' : 'common'] });
    await agents.start(`agent${index}`);
  }
  expect(await agents.register({ id: 'more', src: 'idle' })).toEqual({ ok: false, reason: 'full' });
  const facts: string[] = [];
  agents.on('agent.crashed', ({ id }) => void facts.push(id));
  for (let count = 0; count < 5; count++) agents.whereis('agent7')?.send({ type: 'any' });
  expect([new Set(facts).size, agents.counts(), agents.withCapability('rare').length]).toMatchObject([1, { running: 2_999, failed: 1 }, 100]);
  await agents.close();
});
