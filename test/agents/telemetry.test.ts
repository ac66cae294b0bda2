import { expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { instrument } from '../../src/instrumentation/instrument.js';
import { overflowLabel } from '../../src/telemetry/series.js';
import { agentsWorld } from './agents-world.js';

it('counts each fact of an agent once, though its room says it again', async () => {
  const { agents, run, tell } = agentsWorld();
  const telemetry = instrument();
  const { metrics } = telemetry;
  telemetry.attach(agents.ref as AnyActorRef);
  await run('ann');
  tell('ann', 'crash');
  const of = (fact: string): number | undefined => metrics.valueOf('espalier.facts', { fact });
  expect(['agent.registered', 'agent.started', 'agent.crashed', 'agent.restarted', overflowLabel].map(of)).toEqual([1, 1, 1, 1, 0]);
});
