/** The guide to consensus is true: its program runs against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, printedBy } = guidePrograms('consensus', '.');

describe('the program of the guide to consensus', { timeout: 60_000 }, () => {
  it('decides what a quorum accepts, and nothing else', async () => {
    expect(await printedBy('block0.js')).toEqual(['eve hears: 1 is 40, of ann', 'decided at 1 rejected']);
    expect(blocks).toHaveLength(1);
  });
});
