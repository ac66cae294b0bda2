/** The guide to comms is true: its programs run against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, printedBy } = guidePrograms('comms', '.');

describe('the programs of the guide to comms', { timeout: 60_000 }, () => {
  it.each([
    ['one who asks and one who does not answer', 0, ['14 is twice 7', 'late']],
    ['a machine that answers', 1, ['1, 2, 3']],
  ])('have %s', async (_, index, printed) => {
    expect(await printedBy(`block${index}.js`)).toEqual(printed);
  });

  it('are all run', () => {
    expect(blocks).toHaveLength(2);
  });
});
