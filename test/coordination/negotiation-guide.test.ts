/** The guide to negotiations is true: its program runs against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, guide, printedBy } = guidePrograms('negotiation', '.');

describe('the program of the guide to negotiations', { timeout: 60_000 }, () => {
  it('has two who offer in turn until one accepts', async () => {
    const [printed, ...rest] = await printedBy('block0.js');
    expect([printed, rest]).toEqual(['bob has 4 of 8, after 6 offers', []]);
    expect(guide).toContain(`\`${printed}\``);
  });

  it('is the only one', () => {
    expect(blocks).toHaveLength(1);
  });
});
