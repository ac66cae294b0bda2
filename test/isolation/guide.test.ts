/** The guide to isolated work is true: its programs run against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, printedBy } = guidePrograms('isolated-work', '.');

describe('the programs of the guide to isolated work', { timeout: 60_000 }, () => {
  it('begin with a job that is done, one that is late, and one that is out of memory', async () => {
    expect(await printedBy('block0.js')).toEqual(['6 timeout outOfMemory']);
  });

  it('end with a coordinator and its workers', async () => {
    expect(await printedBy('block1.js')).toEqual(['2 0']);
  });

  it('are all run', () => {
    expect(blocks).toHaveLength(2);
  });
});
