/** The guide to auctions is true: its program runs against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, guide, printedBy } = guidePrograms('auction', '.');

describe('the program of the guide to auctions', { timeout: 60_000 }, () => {
  it('sells to the highest bidder at the second price', async () => {
    const [printed, ...rest] = await printedBy('block0.js');
    expect([printed, rest]).toEqual(['bob pays 1500', []]);
    expect(guide).toContain(`\`${printed}\``);
  });

  it('is the only one', () => {
    expect(blocks).toHaveLength(1);
  });
});
