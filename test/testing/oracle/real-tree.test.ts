/** Our supervisors, on the virtual clock, held against the oracle in sequences that nobody thought of. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test, vi } from 'vitest';

import type { Child, Json, Line, Scenario, Step, Sup } from '../../conformance/otp/line.js';
import { lineOf, requireAgreement } from './against-oracle.js';
import { scenarios } from './random-scenarios.js';

const seed = 2025;
const sequences = 600;

// XState's development build warns of an orphan that ends after its supervisor. @see docs/decisions/004-orphans-have-an-owner.md
beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => undefined));

describe('the real tree does what the oracle says', () => {
  test(`in ${sequences} random sequences of crashes, kills, exits, calls and time`, async () => {
    const agrees = fc.asyncProperty(scenarios, async (scenario) => {
      const line = lineOf(scenario);
      await requireAgreement(line);
    });
    await fc.assert(agrees, { seed, numRuns: sequences });
  }, 120_000);

  test('when a supervisor is told to end with its group as soon as it has started', async () => {
    const slow = ['ok', { do: 'ok', delay: 1_271 }] as const;
    const dynamic: Child = { id: 's2', type: 'supervisor', start: slow, sup: { strategy: 'dynamic', intensity: 0, period: 1 } };
    const crash = { op: 'crash', id: 'top/w1', reason: 'boom' };
    const line = lineOf(scenarioOf({ strategy: 'rest_for_one', intensity: 3, period: 1, children: [{ id: 'w1' }, dynamic] }, crash, crash));
    expect(JSON.stringify(line)).toContain('["start","top/s2"],["exit","top/s2","shutdown"]');
    await requireAgreement(line);
  });

  test('when one above the supervisor of somebody is killed', async () => {
    const below: Child = { id: 's2', type: 'supervisor', sup: { children: [{ id: 'w3', stop: { reason: 'late', delay: 1_271 } }, { id: 'w4' }] } };
    const killed: Child = { id: 's1', type: 'supervisor', shutdown: 'brutal_kill', sup: { children: [below] } };
    await requireAgreement(lineOf(scenarioOf({ children: [killed] }, { op: 'terminate_child', sup: 'top', id: 's1' })));
  });

  test('in sequences that see all of its life', () => {
    const seen = new Set(fc.sample(scenarios, { seed, numRuns: sequences }).flatMap((scenario) => sightsOf(lineOf(scenario))));
    expect(sights.filter((sight) => !seen.has(sight))).toEqual([]);
  });
});

/** Something done to a tree every half a second. */
function scenarioOf(sup: Sup, ...done: readonly Step[]): Scenario {
  const steps = [{ op: 'start' }, ...done].map((step, index): Step => ({ ...step, at: 500 * index }));
  return { kind: 'supervisor', top: { id: 'top', type: 'supervisor', sup }, steps, tail: 4_000 };
}

/** What the sequences must have met, or the first test would prove little. */
const sights = [
  ...['start', 'start_error', 'ignore', 'exit'].map((event) => `event ${event}`),
  ...['child_terminated', 'start_error', 'shutdown', 'shutdown_error'].map((context) => `report ${context}`),
  ...['running', 'restarting', 'not_found', 'already_present', 'already_started', 'simple_one_for_one', 'max_children', 'noproc'].map(
    (why) => `no ${why}`,
  ),
  ...['one_for_one', 'one_for_all', 'rest_for_one', 'simple_one_for_one', 'dynamic'].map((strategy) => `strategy ${strategy}`),
  'a busy supervisor',
  'a child that is down',
];

function sightsOf({ scenario, golden }: Line): string[] {
  const intervals = golden['intervals'] as readonly Record<string, readonly (readonly Json[])[]>[];
  const all = (field: string): readonly (readonly Json[])[] => intervals.flatMap((interval) => interval[field] ?? []);
  const refusals = all('replies').map(([, reply]) => (Array.isArray(reply) ? (reply as readonly Json[])[1] : null));
  const states = JSON.stringify(intervals.map((interval) => interval['sups']));
  return [
    ...all('events').map(([event]) => `event ${event as string}`),
    ...all('reports').map(([, context]) => `report ${context as string}`),
    ...refusals.map((why) => `no ${(Array.isArray(why) ? why[0] : why) as string}`),
    ...Array.from(JSON.stringify(scenario.top).matchAll(/"strategy":"(\w+)"/gu), ([, strategy]) => `strategy ${strategy}`),
    ...(states.includes('"busy"') ? ['a busy supervisor'] : []),
    ...(states.includes(',null,') ? ['a child that is down'] : []),
  ];
}
