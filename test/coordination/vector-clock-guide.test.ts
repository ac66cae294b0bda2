/** The guide to vector clocks is true: its program runs against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, printedBy } = guidePrograms('vector-clocks', '.');

describe('the program of the guide to vector clocks', { timeout: 60_000 }, () => {
  it('tells what could have been known', async () => {
    expect(await printedBy('block0.js')).toEqual(['before concurrent {"ann":1,"bob":1,"eve":1}']);
    expect(blocks).toHaveLength(1);
  });
});
