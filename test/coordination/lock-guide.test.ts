/** The guide to locks is true: its programs run against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, printedBy } = guidePrograms('lock', '.');

describe('the programs of the guide to locks', { timeout: 60_000 }, () => {
  it.each([
    ['two who exclude each other', 0, 'ann begins, ann ends, bob begins, bob ends'],
    ['a late write under a token', 1, 'fenced'],
  ])('have %s', async (_, index, printed) => {
    expect(await printedBy(`block${index}.js`)).toEqual([printed]);
  });

  it('are all run', () => {
    expect(blocks).toHaveLength(2);
  });
});
