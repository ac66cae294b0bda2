/** The guide to counters is true: its programs run against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, printedBy } = guidePrograms('counter', '.');

describe('the programs of the guide to counters', { timeout: 60_000 }, () => {
  it.each([
    ['two who count together', 0, '10'],
    ['a key that counts once', 1, 'ok, true, 5'],
  ])('have %s', async (_, index, printed) => {
    expect(await printedBy(`block${index}.js`)).toEqual([printed]);
  });

  it('are all run', () => {
    expect(blocks).toHaveLength(2);
  });
});
