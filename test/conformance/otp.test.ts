/** Every line of the copied sets, as a test of its own. The rule that a hand-written line pins is in its title. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { detailOf, repositoryRoot } from './otp/command.js';
import type { Line } from './otp/line.js';
import { playLine, readExclusions, readLine, skipReason } from './otp/play.js';

const home = join(repositoryRoot(), 'test', 'conformance', 'otp');
const exclusions = readExclusions(readFileSync(join(home, 'excluded.json'), 'utf8'));

/** Lines of a set, and how many of them are there to be played. */
const sets = { hand: [168, 165], public: [200, 200], 'proc-hand': [34, 34], 'proc-public': [60, 60], elixir: [46, 46], own: [8, 8] } as const;

function linesOf(set: string): Line[] {
  const rows = readFileSync(join(home, 'sets', `${set}.jsonl`), 'utf8')
    .split('\n')
    .filter((row) => row !== '');
  return rows.map((row) => readLine(row) as Line);
}

for (const [set, [total, played]] of Object.entries(sets)) {
  describe(`real Erlang/OTP agrees with us on the set ${set}`, () => {
    const lines = linesOf(set);

    test(`it has ${total} lines, of which ${played} are played`, () => {
      expect(lines).toHaveLength(total);
      expect(lines.filter((line) => skipReason(line, []) === null)).toHaveLength(played);
    });

    for (const line of lines) {
      const title = line.scenario.rule === undefined ? line.name : `${line.name}: ${line.scenario.rule}`;
      test(title, async ({ skip }) => {
        const outcome = await playLine(line, exclusions);
        if (outcome.status === 'skipped') skip(outcome.reason);
        else expect(outcome.status === 'passed' ? '' : `\n${detailOf(outcome)}`).toBe('');
      });
    }
  });
}
