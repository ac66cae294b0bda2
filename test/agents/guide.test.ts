/** The guide to agents is true: its programs run against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, printedBy } = guidePrograms('agents', '.');

describe('the programs of the guide to agents', { timeout: 60_000 }, () => {
  it('have one who crashes once too often', async () => {
    expect(await printedBy('block0.js')).toEqual(['running ann', 'failed 0 false']);
  });

  it('have three models vote', async () => {
    expect(await printedBy('block1.js')).toEqual(['tea']);
  });

  it('are all run', () => {
    expect(blocks).toHaveLength(2);
  });
});
