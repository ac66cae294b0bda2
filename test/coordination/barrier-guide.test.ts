/** The guide to barriers is true: its programs run against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, printedBy } = guidePrograms('barrier', '.');

describe('the programs of the guide to barriers', { timeout: 60_000 }, () => {
  it.each([
    ['two who wait for each other', 0, 'read, read, write, write'],
    ['one who gives up', 1, 'late generation 1'],
  ])('have %s', async (_, index, printed) => {
    expect(await printedBy(`block${index}.js`)).toEqual([printed]);
  });

  it('are all run', () => {
    expect(blocks).toHaveLength(2);
  });
});
