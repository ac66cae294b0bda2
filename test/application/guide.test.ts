/** The guide to applications is true: its programs run against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, printedBy } = guidePrograms('application', '.');

describe('the programs of the guide to applications', { timeout: 60_000 }, () => {
  it('begin with services in order, and a restart of one of them', async () => {
    expect(await printedBy('block0.js')).toEqual([
      ...['db begins', 'api begins', 'web begins', '{ ok: true }', 'db running, api running, web running, cache off'],
      ...['web ends', 'api writes', 'api ends', 'api begins', 'web begins', 'web ends', 'api writes', 'api ends', 'db ends'],
    ]);
  });

  it('end with what the app did before', async () => {
    expect(await printedBy('block1.js')).toEqual(['the old loop', 'the old loop ends']);
  });

  it('are all run', () => {
    expect(blocks).toHaveLength(2);
  });
});
