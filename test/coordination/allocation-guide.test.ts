/** The guide to allocations is true: its program runs against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, guide, printedBy } = guidePrograms('allocation', '.');

describe('the program of the guide to allocations', { timeout: 60_000 }, () => {
  it('shares by max-min fairness, and names who cannot have its least', async () => {
    const printed = await printedBy('block0.js');
    expect(printed).toEqual(['ann granted 2', 'bob granted 8', 'eve leastNotMet 0']);
    for (const line of printed) expect(guide).toContain(`\`${line}\``);
  });

  it('is the only one', () => {
    expect(blocks).toHaveLength(1);
  });
});
