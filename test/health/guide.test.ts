/** The guide to health is true: its programs run against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, printedBy } = guidePrograms('health', '.');

describe('the programs of the guide to health', { timeout: 60_000 }, () => {
  it('begin with a tree that is watched, and a wait for a service', async () => {
    expect(await printedBy('block0.js')).toEqual(['true healthy']);
  });

  it('end with an endpoint that says that it is ready', async () => {
    expect(await printedBy('block1.js')).toEqual(['200 ok']);
  });

  it('are all run', () => {
    expect(blocks).toHaveLength(2);
  });
});
