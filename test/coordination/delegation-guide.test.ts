/** The guide to delegations is true: its program runs against the built package. */
import { describe, expect, it } from 'vitest';
import { guidePrograms } from '../browser/guide-programs.js';

const { blocks, guide, printedBy } = guidePrograms('delegation', '.');

describe('the program of the guide to delegations', { timeout: 60_000 }, () => {
  it('adds up what the members of both clusters count, with bob in the place of ann', async () => {
    const printed = (await printedBy('block0.js')).map((line) => line.trim());
    expect(printed).toEqual(['9 birds', 'north bob 7 ann crashed', 'south joe 2']);
    for (const line of printed) expect(guide).toContain(`\`${line}\``);
  });

  it('is the only one', () => {
    expect(blocks).toHaveLength(1);
  });
});
