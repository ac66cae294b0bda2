/** The guide to markets is true: its program runs against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, guide, printedBy } = guidePrograms('market', '.');

describe('the program of the guide to markets', { timeout: 60_000 }, () => {
  it('trades what meets, and has the rest stand', async () => {
    const printed = await printedBy('block0.js');
    expect(printed).toEqual(['eve buys 2 of bob at 450', 'eve buys 3 of ann at 500', '5 for 2400, 1 stand']);
    for (const line of printed) expect(guide).toContain(`\`${line}\``);
  });

  it('is the only one', () => {
    expect(blocks).toHaveLength(1);
  });
});
