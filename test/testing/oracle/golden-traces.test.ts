/** Recorded traces of real Erlang/OTP and Elixir, played on the oracle alone: no library code runs here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { detailOf, repositoryRoot } from '../../conformance/otp/command.js';
import { differenceOfIntervals } from '../../conformance/otp/compare.js';
import type { Line } from '../../conformance/otp/line.js';
import { playOnOracle } from './scenario-on-oracle.js';

const sets = join(repositoryRoot(), 'test', 'conformance', 'otp', 'sets');

/** Lines of kind `supervisor` of each set, and how many of them OTP's successors answer as OTP 25 does. */
const expected = { hand: [168, 165], public: [200, 200] } as const;

function linesOf(set: string): Line[] {
  const rows = readFileSync(join(sets, `${set}.jsonl`), 'utf8').split('\n');
  const lines = rows.filter((row) => row !== '').map((row) => JSON.parse(row) as Line);
  return lines.filter(({ scenario }) => scenario.kind === 'supervisor');
}

for (const [set, [total, played]] of Object.entries(expected)) {
  describe(`the oracle answers as real Erlang/OTP did on the set ${set}`, () => {
    const lines = linesOf(set);

    test(`it has ${total} supervisors, of which ${played} are played`, () => {
      expect(lines).toHaveLength(total);
      expect(lines.filter(({ scenario }) => scenario.quirk === undefined)).toHaveLength(played);
    });

    for (const { name, scenario, golden } of lines) {
      test(scenario.rule === undefined ? name : `${name}: ${scenario.rule}`, ({ skip }) => {
        if (scenario.quirk !== undefined) skip(`newer OTP differs: ${scenario.quirk}`);
        const difference = differenceOfIntervals(golden['intervals'] ?? null, playOnOracle(scenario));
        expect(difference === null ? '' : `\n${detailOf({ status: 'failed', difference })}`).toBe('');
      });
    }
  });
}
