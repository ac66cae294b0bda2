/**
 * The comparisons can fail: each rule of OTP's, changed a little, is found out by recorded traces of real OTP, and by the real tree in random sequences.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, test, vi } from 'vitest';

import { EspalierError } from '../../../src/errors.js';
import { otpRules, type OracleRules } from '../../../src/testing/oracle/rules.js';
import { repositoryRoot } from '../../conformance/otp/command.js';
import { differenceOfIntervals, textOf } from '../../conformance/otp/compare.js';
import type { Line } from '../../conformance/otp/line.js';
import { playLine, readLine } from '../../conformance/otp/play.js';
import { complaintOf, lineOf, requireAgreement } from './against-oracle.js';
import { scenarios } from './random-scenarios.js';
import { playOnOracle } from './scenario-on-oracle.js';

const { addRestart, groupOf, isExpectedEnd, isReported, isRestarted } = otpRules;

/** A rule that is wrong, in words. `unrecorded`: why no recorded trace can tell. */
interface Mutant {
  readonly rules: Partial<OracleRules>;
  readonly unrecorded?: string;
}

const mutants: Readonly<Record<string, Mutant>> = {
  'a restart exactly one period ago does not count': {
    rules: {
      addRestart(restarts, at, { intensity, periodMs }) {
        const counted = [at, ...restarts].filter((then) => at - then < periodMs);
        return { restarts: counted, exceeded: counted.length > intensity };
      },
    },
    unrecorded: 'OTP counts whole seconds, so the corpus keeps clear of the edge of the window',
  },
  'one restart more is allowed': { rules: { addRestart: (restarts, at, it) => addRestart(restarts, at, { ...it, intensity: it.intensity + 1 }) } },
  'no restart is ever forgotten': { rules: { addRestart: (restarts, at, it) => addRestart(restarts, at, { ...it, periodMs: Infinity }) } },
  'attempts of one moment count once': {
    rules: { addRestart: (restarts, at, it) => addRestart(restarts[0] === at ? restarts.slice(1) : restarts, at, it) },
  },
  'a transient child is restarted after any end': { rules: { isRestarted: (restart) => restart !== 'temporary' } },
  'a kill is a clean end': { rules: { isRestarted: (restart, reason) => isRestarted(restart, reason === 'killed' ? 'normal' : reason) } },
  'a temporary child is restarted after a crash': {
    rules: { isRestarted: (restart, reason) => isRestarted(restart === 'temporary' ? 'transient' : restart, reason) },
  },
  'one_for_all leaves the elder alone': {
    rules: { groupOf: (strategy, ids, id) => groupOf(strategy === 'oneForAll' ? 'restForOne' : strategy, ids, id) },
  },
  'rest_for_one takes the elder too': {
    rules: { groupOf: (strategy, ids, id) => groupOf(strategy === 'restForOne' ? 'oneForAll' : strategy, ids, id) },
  },
  'a retry concerns the whole group': { rules: { groupOf: (_strategy, ids) => ids } },
  'the eldest is stopped first': { rules: { stopOrder: (ids) => ids } },
  'the spec of a temporary child is kept': { rules: { isKept: () => true } },
  'the spec of a transient child is not kept': { rules: { isKept: (restart) => restart === 'permanent' } },
  'any end ends the supervisor, significant or not': { rules: { endsSupervisor: (autoShutdown) => autoShutdown !== 'never' } },
  'one significant child is as good as all': { rules: { endsSupervisor: (autoShutdown, ended) => autoShutdown !== 'never' && ended.significant } },
  'a significant child never ends its supervisor': { rules: { endsSupervisor: () => false } },
  'only abnormal ends are reported': { rules: { isReported: (_restart, reason) => isReported('transient', reason) } },
  'a clean end of a permanent child that was asked to end is in order': {
    rules: { isExpectedEnd: (child, reason, kind) => isExpectedEnd({ ...child, restart: 'transient' }, reason, kind) },
  },
  'a child that had to be killed ended well': {
    rules: { isExpectedEnd: (child, reason, kind) => reason === 'killed' || isExpectedEnd(child, reason, kind) },
  },
  'Elixir reports as OTP does': { rules: { isExpectedEnd: (child, reason) => isExpectedEnd(child, reason, 'otp') } },
};

const recorded = ['hand', 'public'].flatMap((set) => {
  const text = readFileSync(join(repositoryRoot(), 'test', 'conformance', 'otp', 'sets', `${set}.jsonl`), 'utf8');
  const lines = text
    .split('\n')
    .filter((row) => row !== '')
    .map((row) => readLine(row) as Line); // prettier-ignore
  return lines.filter(({ scenario }) => scenario.quirk === undefined);
});

function refutedBy(line: Line, rules: OracleRules): boolean {
  try {
    return differenceOfIntervals(line.golden['intervals'] ?? null, playOnOracle(line.scenario, rules)) !== null;
  } catch (error) {
    // Real OTP came to rest.
    if (error instanceof EspalierError && error.code === 'supervision/invalid-intensity') return true;
    throw error;
  }
}

/** What these rules foretell, where OTP's rules foretell something else; null where they agree, or where these never come to rest. */
function lineBy(rules: OracleRules, line: Line): Line | null {
  try {
    const wrong = lineOf(line.scenario, rules);
    return textOf(wrong.golden) === textOf(line.golden) ? null : wrong;
  } catch (error) {
    if (error instanceof EspalierError && error.code === 'supervision/invalid-intensity') return null;
    throw error;
  }
}

const seed = 2025;
const random = fc.sample(scenarios, { seed, numRuns: 1_000 }).map((scenario) => lineOf(scenario));

/** How many of the random sequences it takes until the real tree refutes these rules; Infinity when none does. */
async function sequencesUntilRefuted(rules: OracleRules): Promise<number> {
  for (const [index, line] of random.entries()) {
    const wrong = lineBy(rules, line);
    if (wrong !== null && (await complaintOf(wrong)) !== '') return index + 1;
  }
  return Infinity;
}

// XState's development build warns of an orphan that ends after its supervisor. @see docs/decisions/004-orphans-have-an-owner.md
beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => undefined));

for (const [what, { rules: changed, unrecorded }] of Object.entries(mutants)) {
  const rules = { ...otpRules, ...changed };

  describe(`that ${what}`, () => {
    test(unrecorded === undefined ? 'is refuted by recorded traces of real OTP' : `cannot be told from recorded traces: ${unrecorded}`, () => {
      expect(recorded.some((line) => refutedBy(line, rules))).toBe(unrecorded === undefined);
    });

    test('is refuted by the real tree in random sequences', async () => {
      expect(await sequencesUntilRefuted(rules)).toBeLessThan(Infinity);
    }, 60_000);
  });
}

describe('a sequence on which the real tree and an oracle differ', () => {
  test('is shrunk to a few steps, and printed as a line that can be played again', async () => {
    const rules = { ...otpRules, ...mutants['a restart exactly one period ago does not count']?.rules };
    const agrees = fc.asyncProperty(scenarios, async (scenario) => {
      const line = lineOf(scenario);
      const wrong = lineBy(rules, line);
      if (wrong !== null) await requireAgreement(wrong);
    });
    const failure = await fc.check(agrees, { seed, numRuns: 1_000 });
    const [printed] = /\{"name".*\}/u.exec((failure.errorInstance as Error).message) ?? [''];
    const line = readLine(printed) as Line;
    // The start, and one crash more than the window allows.
    expect(line.scenario.steps.length).toBeLessThanOrEqual(6);
    expect(line.scenario.top?.sup?.children).toHaveLength(1);
    expect(await playLine(line)).toMatchObject({ status: 'failed' });
    expect(await complaintOf(lineOf(line.scenario))).toBe('');
  }, 120_000);
});
