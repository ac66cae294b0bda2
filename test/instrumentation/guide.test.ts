/** The guide to telemetry is true: its programs run against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, printedBy } = guidePrograms('telemetry', '.');

describe('the programs of the guide to telemetry', { timeout: 60_000 }, () => {
  it('begin with a tree that gives up, which is logged and counted', async () => {
    expect(await printedBy('block0.js')).toEqual(['child.restarted', 'supervisor.gaveUp', '1']);
  });

  it('go on with metrics of an app', async () => {
    expect(await printedBy('block1.js')).toEqual(['a pear 3 true']);
  });

  it('end with a handler', async () => {
    expect(await printedBy('block2.js')).toEqual(['town.flooded town 1', 'true']);
  });

  it('are all run', () => {
    expect(blocks).toHaveLength(3);
  });
});
