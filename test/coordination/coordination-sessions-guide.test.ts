/** The guide to coordination sessions is true: its programs run against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, printedBy } = guidePrograms('coordination-sessions', '.');

describe('the programs of the guide to coordination sessions', { timeout: 60_000 }, () => {
  it.each([
    ['two agents voting', 0, ['they drink tea']],
    ['three agents agreeing', 1, ['at 9, in round 2']],
  ])('have %s', async (_, index, printed) => {
    expect(await printedBy(`block${index}.js`)).toEqual(printed);
  });

  it('are all run', () => {
    expect(blocks).toHaveLength(2);
  });
});
