/** Our supervisors, on the virtual clock, held against the oracle in sequences that nobody thought of. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test, vi } from 'vitest';

import type { Json, Line } from '../../conformance/otp/line.js';
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

  test('in sequences that see all of its life', () => {
    const seen = new Set(fc.sample(scenarios, { seed, numRuns: sequences }).flatMap((scenario) => sightsOf(lineOf(scenario))));
    expect(sights.filter((sight) => !seen.has(sight))).toEqual([]);
  });
});

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
