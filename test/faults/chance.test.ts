/**
 * Two or three blows on one tower, anywhere, at any step: each worker tells one end, every permit is back, nothing goes on. A failing run prints its blows
 * and its seed; `FAULT_RUNS=5000 FAULT_SEED=7 npx vitest run test/faults/chance.test.ts` plays others.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hearFaults, seed } from './matrix.js';
import { together } from './stories.js';
import { strikes } from './strikes.js';
import { moments, type Play, Tower } from './tower.js';

/** A blow at the nth step that is taken. */
interface Blow {
  readonly step: number;
  readonly kind: string;
  /** Which of those that there are, modulo their number. */
  readonly which: number;
  readonly moment: (typeof moments)[number];
}

const blow: fc.Arbitrary<Blow> = fc.record({
  step: fc.integer({ min: 1, max: 60 }),
  kind: fc.constantFrom(...Object.keys(strikes)),
  which: fc.nat(30),
  moment: fc.constantFrom(...moments),
});

function playOf({ kind, moment, step, which }: Blow): Play {
  return {
    at: (_, count) => count === step,
    moment,
    act: (tower, taken) => {
      const all = strikes[kind]?.(taken.living) ?? [];
      all[which % all.length]?.strike(tower);
    },
  };
}

const heard = hearFaults();
const runs = Number(process.env['FAULT_RUNS'] ?? 150);

describe('a tower that is struck two or three times', () => {
  it('tells one end of each worker, has every permit back, and leaves nothing', { timeout: 60_000 + 500 * runs }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(blow, { minLength: 2, maxLength: 3 }), async (blows) => {
        const problems = await new Tower(together, blows.map(playOf)).end();
        expect([...problems, ...heard()]).toEqual([]);
      }),
      { numRuns: runs, seed },
    );
  });
});
