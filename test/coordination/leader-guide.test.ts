/** The guide to leaders is true: its program runs against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, printedBy } = guidePrograms('leader', '.');

describe('the program of the guide to leaders', { timeout: 60_000 }, () => {
  it('has two agents, of which one leads, and then the other', async () => {
    const [first, stops, second, ...rest] = await printedBy('block0.js');
    const [one, other] = first?.startsWith('ann') === true ? ['ann', 'bob'] : ['bob', 'ann'];
    expect([first, stops, second]).toEqual([`${one} plans, term 1`, `${one} stops`, `${other} plans, term 2`]);
    expect(rest).toEqual(['false true true', `${other} stops`]);
  });

  it('is the only one', () => {
    expect(blocks).toHaveLength(1);
  });
});
