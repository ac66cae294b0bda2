/** The guide to the backend of coordination is true: its programs run against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, printedBy } = guidePrograms('coordination-backend', '.');

describe('the programs of the guide to the backend of coordination', { timeout: 60_000 }, () => {
  it.each([
    ['two writes that name one revision', 0, 'ok ok conflict'],
    ['a write whose answer was lost', 1, 'unknown conflict agent-7'],
    ['a lease, a token and a fence', 2, 'true fenced'],
    ['a watch from behind a list', 3, '1 set jobs/2 2'],
    ['the contract', 4, 'true'],
  ])('have %s', async (_, index, printed) => {
    expect(await printedBy(`block${index}.js`)).toEqual([printed]);
  });

  it('are all run', () => {
    expect(blocks).toHaveLength(5);
  });
});
