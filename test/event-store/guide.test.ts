/** The guide to the event store is true: its programs run against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, printedBy } = guidePrograms('events', '.');

describe('the programs of the guide to the event store', { timeout: 60_000 }, () => {
  it.each([
    ['an append, one that comes too late, and a question', 0, '1 conflict 1'],
    ['a subscription', 1, 'job.began, job.ended unsubscribed'],
    ['a tree and its snapshot', 2, 'null true'],
    ['the contract', 3, 'true'],
  ])('have %s', async (_, index, printed) => {
    expect(await printedBy(`block${index}.js`)).toEqual([printed]);
  });

  it('are all run', () => {
    expect(blocks).toHaveLength(4);
  });
});
